"""Pages that people see in their browsers."""

from conjunct.web.oauth_callback import router

__all__ = ["router"]
