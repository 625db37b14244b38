"""The page at the end of an OAuth flow: it tells the window that opened it how the flow ended, and closes itself.

It stands in a pop-up of the builder's own page, which listens for the message, or in a tab of its own, where a person
reads it.
"""

from __future__ import annotations

import json
import secrets
from html import escape
from typing import Any

from fastapi.responses import HTMLResponse

CLOSE_AFTER_MS = 500

# The message goes to any origin ('*'). The opener is a page of the builder's, whose origin is not known here; what is
# told is no secret (an id that opens nothing without a credential, or words that the person sees anyway). That the
# message is ours is for the opener to check, by its origin.
_SCRIPT = """
history.replaceState(null, "", location.pathname);
if (window.opener) {{
  window.opener.postMessage({message}, "*");
  setTimeout(function () {{ window.close(); }}, {delay});
}}
"""

_STYLE = """
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { max-width: 32rem; padding: 2rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 .5rem; }
p { margin: .5rem 0; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
<div role="{role}">
<h1>{title}</h1>
{paragraphs}
</div>
</main>
<script nonce="{nonce}">{script}</script>
</body>
</html>
"""


def succeeded(connection_id: str) -> HTMLResponse:
    """The page of a flow that made the connection."""
    message = {"eventType": "AUTHORIZATION_SUCCEEDED", "data": {"connection": connection_id}}
    return _page(200, "status", "You are connected", ("You can close this window now.",), message)


def failed(status: int, detail: str, remedy: str | None) -> HTMLResponse:
    """The page of a flow that made no connection."""
    # Clients differ in where they look for the words.
    message = {"eventType": "AUTHORIZATION_FAILED", "message": detail, "data": {"error": detail}}
    texts = (detail, remedy) if remedy else (detail,)
    return _page(status, "alert", "You are not connected", texts, message)


def _page(status: int, role: str, title: str, texts: tuple[str, ...], message: dict[str, Any]) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    content = _PAGE.format(
        title=escape(title),
        role=role,
        nonce=nonce,
        style=_STYLE,
        paragraphs="\n".join(f"<p>{escape(text)}</p>" for text in texts),
        script=_SCRIPT.format(message=_in_script(message), delay=CLOSE_AFTER_MS),
    )
    return HTMLResponse(content, status, headers=_headers(nonce))


def _in_script(value: Any) -> str:
    """JSON that cannot end the script that it stands in, whatever its texts hold."""
    text = json.dumps(value)  # ASCII only
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _headers(nonce: str) -> dict[str, str]:
    # No Cross-Origin-Opener-Policy: it would take window.opener away.
    allowed = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
    return {
        "Content-Security-Policy": f"{allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
