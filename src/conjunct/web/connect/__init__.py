"""The pages of hosted links: plain HTML, no script, no cookie."""

from conjunct.web.connect.coming_back import back_to_link
from conjunct.web.connect.endpoints import router

__all__ = ["back_to_link", "router"]
