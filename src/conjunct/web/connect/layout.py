"""The frame of every page: its head, its style, its headers. No script runs here, and none may."""

from __future__ import annotations

import secrets
from html import escape

from fastapi.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #4d5661; --page: #f4f5f7; --card: #fff; --line: #6b7480;
  --link: #0b57d0; --on-link: #fff; --bad: #b3261e; --good: #146c2e; font: 1rem/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaed; --soft: #b4bcc6; --page: #16181b; --card: #202327;
  --line: #8b949e; --link: #a8c7fa; --on-link: #062e6f; --bad: #f2b8b5; --good: #8fdba5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
main { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
a { color: var(--link); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.25rem; }
.faults { border-color: var(--bad); border-width: 2px; margin-bottom: 1.25rem; }
.faults ul { margin: 0; padding-left: 1.25rem; }
.faults p { margin: .25rem 0; }
.field { margin-bottom: 1.25rem; }
label { display: block; font-weight: 600; }
.hint, .soft { color: var(--soft); }
.hint, .fault { margin: .125rem 0 .25rem; }
.fault { color: var(--bad); font-weight: 600; }
input, select, textarea { font: inherit; width: 100%; padding: .5rem .625rem; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: .25rem; }
[aria-invalid=true] { border: 2px solid var(--bad); }
textarea { min-height: 8rem; font-family: ui-monospace, monospace; }
button, .button { display: inline-block; font: inherit; font-weight: 600; padding: .625rem 1.25rem; border: 0;
  border-radius: .25rem; background: var(--link); color: var(--on-link); text-decoration: none; cursor: pointer; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.choices { list-style: none; margin: 0; padding: 0; }
.choices a { display: block; padding: .75rem 0; font-weight: 600; }
.choices li + li { border-top: 1px solid var(--line); }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
{forward}<title>{title}</title>
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""


def page(title: str, content: str, status: int = 200, *, forward: str | None = None) -> HTMLResponse:
    """A whole page. `content` is HTML that is escaped already, `title` a text.

    With `forward` the browser goes on to that URL at once. That is no redirect, as the policy of this page would not
    let a form's answer lead to another origin.
    """
    nonce = secrets.token_urlsafe(16)
    html = _PAGE.format(
        title=escape(title),
        nonce=nonce,
        style=_STYLE,
        content=content,
        forward="" if forward is None else f'<meta http-equiv="refresh" content="0; url={escape(forward)}">\n',
    )
    return HTMLResponse(html, status, headers=_headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        **PRIVATE,
    }


PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers of all that is answered here: it is kept nowhere, and its address is told to nobody."""
