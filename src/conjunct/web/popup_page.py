"""The frame of a page at the end of a flow: it tells the window that opened it something, and closes itself.

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
ANY_ORIGIN = "*"

_FORGET_ADDRESS = """
history.replaceState(null, "", location.pathname);
"""

_TELL = """if (window.opener) {{
  window.opener.postMessage({message}, {target});
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


def popup_page(
    status: int,
    role: str,
    title: str,
    texts: tuple[str, ...],
    message: dict[str, Any] | None,
    *,
    target: str = ANY_ORIGIN,
) -> HTMLResponse:
    """The page. `target` is the origin that the opener must have to hear the message; without one nothing is told."""
    nonce = secrets.token_urlsafe(16)
    script = _FORGET_ADDRESS
    if message is not None:
        script += _TELL.format(message=_in_script(message), target=_in_script(target), delay=CLOSE_AFTER_MS)
    content = _PAGE.format(
        title=escape(title),
        role=role,
        nonce=nonce,
        style=_STYLE,
        paragraphs="\n".join(f"<p>{escape(text)}</p>" for text in texts),
        script=script,
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
