"""The page at the end of an OAuth flow: it tells the window that opened it how the flow ended, and closes itself."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from conjunct.web.popup_page import popup_page

# The message goes to any origin ('*'). The opener is a page of the builder's, whose origin is not known here; what is
# told is no secret (an id that opens nothing without a credential, or words that the person sees anyway). That the
# message is ours is for the opener to check, by its origin.


def succeeded(connection_id: str) -> HTMLResponse:
    """The page of a flow that made the connection."""
    message = {"eventType": "AUTHORIZATION_SUCCEEDED", "data": {"connection": connection_id}}
    return popup_page(200, "status", "You are connected", ("You can close this window now.",), message)


def failed(status: int, detail: str, remedy: str | None) -> HTMLResponse:
    """The page of a flow that made no connection."""
    # Clients differ in where they look for the words.
    message = {"eventType": "AUTHORIZATION_FAILED", "message": detail, "data": {"error": detail}}
    texts = (detail, remedy) if remedy else (detail,)
    return popup_page(status, "alert", "You are not connected", texts, message)
