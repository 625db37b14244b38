"""Pages that people see in their browsers."""

from conjunct.core.http import api_router
from conjunct.web import custom_auth_callback, oauth_callback
from conjunct.web.connect import router as connect_router

router = api_router()
router.include_router(oauth_callback.router)
router.include_router(custom_auth_callback.router)

__all__ = ["connect_router", "router"]
