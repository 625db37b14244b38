"""The pages: choose a provider, the form, on the way to the provider, done, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse

from conjunct.connections import ConnectLink, way_of, with_result
from conjunct.connectors import Definition
from conjunct.core.problems import Problem
from conjunct.web.connect.faults import Faults, placed
from conjunct.web.connect.fields import Field
from conjunct.web.connect.layout import page


def choice(link: ConnectLink, definitions: Sequence[Definition]) -> HTMLResponse:
    """The page on which a customer chooses what to connect."""
    title = f"Connect your account to {link.app_name}"
    items = "\n".join(
        f'<li><a href="?{escape(urlencode({"provider": each.name}))}">{escape(each.display)}</a></li>'
        for each in sorted(definitions, key=lambda each: each.display.lower())
    )
    content = f"""{_heading(title, link)}
{_failure(link)}<h2 id="what">What do you want to connect?</h2>
<nav class="card" aria-labelledby="what"><ul class="choices">
{items}
</ul></nav>
{_way_out(link)}"""
    return page(title, content)


def form(
    link: ConnectLink,
    definition: Definition,
    fields: Sequence[Field],
    *,
    values: Mapping[str, str] | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    """The form of one provider; with what was typed and the faults of it, where it has been sent before."""
    title = f"Connect {definition.display} to {link.app_name}"
    faults = placed(fields, problem)
    rows = "\n".join(_row(each, values, faults.of(each)) for each in fields)
    is_browser = way_of(definition.auth) == "browser"
    what = f"Continue to {definition.display}" if is_browser else f"Connect {definition.display}"
    query = escape(urlencode({"provider": definition.name}))
    lead = f"<p>You go on to {escape(definition.display)}, and come back here when you have agreed.</p>\n"
    content = f"""{_heading(title, link)}
{_summary(fields, faults) or _failure(link)}<form method="post" action="?{query}" class="card" novalidate>
{lead if is_browser else ""}{rows}
<button type="submit">{escape(what)}</button>
</form>
{_others(link)}{_way_out(link)}"""
    return page(f"Error: {title}" if problem else title, content, problem.status if problem else 200)


def leaving(definition: Definition, url: str) -> HTMLResponse:
    """The page from which the browser goes on to the provider."""
    title = f"Going on to {definition.display}"
    content = f"""<h1>{escape(title)}</h1>
<p>You are on your way. If nothing happens:</p>
<p><a class="button" href="{escape(url)}">Continue to {escape(definition.display)}</a></p>"""
    return page(title, content, forward=url)


def done(link: ConnectLink, *, just_now: bool) -> HTMLResponse:
    """The page of a link that is used; the customer goes on to the builder's page, at once if they are just done."""
    title = f"You are connected to {link.app_name}"
    if link.return_url is None:
        return page(title, f"<h1>{escape(title)}</h1>\n<p>You can close this window now.</p>")
    onward = with_result(link.return_url, connectionId=link.connection_id)
    content = f"""<h1>{escape(title)}</h1>
<p><a class="button" href="{escape(onward)}">Continue to {escape(link.app_name)}</a></p>"""
    return page(title, content, forward=onward if just_now else None)


def refused(problem: Problem) -> HTMLResponse:
    """The page of a link that cannot be used, or of a form that is none."""
    title = problem.title
    remedy = f"\n<p>{escape(problem.remedy)}</p>" if problem.remedy else ""
    return page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(problem.detail)}</p>{remedy}", problem.status)


def _heading(title: str, link: ConnectLink) -> str:
    whose = f'<p class="soft">For {escape(link.group_name)}</p>\n' if link.group_name else ""
    return f"<h1>{escape(title)}</h1>\n{whose}"


def _failure(link: ConnectLink) -> str:
    """How the last attempt failed."""
    return "" if link.error is None else _faults("<p>" + escape(link.error) + "</p><p>You can try again.</p>")


def _summary(fields: Sequence[Field], faults: Faults) -> str:
    """All faults at the top: those of fields as links to them."""
    if not faults:
        return ""
    texts = "".join(f"<p>{escape(each)}</p>" for each in faults.elsewhere)
    links = [
        f'<li><a href="#{_id(each)}">{escape(each.label)}: {escape(faults.of(each) or "")}</a></li>'
        for each in fields
        if faults.of(each)
    ]
    return _faults(texts + (f"<ul>{''.join(links)}</ul>" if links else ""))


def _faults(content: str) -> str:
    return f"""<div class="card faults" role="alert" tabindex="-1" autofocus>
<h2>You are not connected yet</h2>
{content}
</div>
"""


def _row(field: Field, values: Mapping[str, str] | None, fault: str | None) -> str:
    identifier = _id(field)
    told = [
        f'<p class="hint" id="{identifier}-hint">{_hint(field)}</p>' if field.hint or _docs(field) else "",
        f'<p class="fault" id="{identifier}-fault">{escape(fault)}</p>' if fault else "",
    ]
    described = [f"{identifier}-{name}" for name, text in zip(("hint", "fault"), told, strict=True) if text]
    attributes = {
        "id": identifier,
        "name": field.name,
        "autocomplete": field.autocomplete,
        "aria-describedby": " ".join(described) or None,
        "aria-invalid": "true" if fault else None,
        "required": "" if field.required else None,
    }
    value = field.default if values is None else values.get(field.name, "")
    optional = "" if field.required else " (optional)"
    label = f'<label for="{identifier}">{escape(field.label)}{optional}</label>'
    parts = [label, *filter(None, told), _control(field, attributes, value)]
    return '<div class="field">\n' + "\n".join(parts) + "\n</div>"


def _control(field: Field, attributes: Mapping[str, str | None], value: str) -> str:
    if field.kind == "choice":
        options = "".join(_option(each, label, chosen=each == value) for each, label in field.choices)
        blank = "" if field.required and value else '<option value=""></option>'
        return f"<select{_attributes(attributes)}>{blank}{options}</select>"
    plain = {**attributes, "autocapitalize": "none", "spellcheck": "false"}
    if field.kind == "long secret":
        return f"<textarea{_attributes(plain)}></textarea>"
    if field.kind == "secret":
        return f"<input{_attributes({**plain, 'type': 'password'})}>"
    return f"<input{_attributes({**plain, 'type': 'text', 'value': value})}>"


def _option(value: str, label: str, *, chosen: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(label)}</option>'


def _attributes(values: Mapping[str, str | None]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items() if value is not None)


def _hint(field: Field) -> str:
    docs = _docs(field)
    more = (
        f'<a href="{escape(docs)}" target="_blank" rel="noopener noreferrer">'
        f"Where to find it: {escape(field.label)} (opens a new tab)</a>"
        if docs
        else ""
    )
    return " ".join(filter(None, (escape(field.hint or ""), more)))


def _docs(field: Field) -> str | None:
    return field.docs if field.docs and field.docs.startswith(("https://", "http://")) else None


def _id(field: Field) -> str:
    return "field-" + field.name.replace(".", "-")


def _others(link: ConnectLink) -> str:
    return '<p><a href="?">Connect something else</a></p>\n' if len(link.providers) > 1 else ""


def _way_out(link: ConnectLink) -> str:
    if link.return_url is None:
        return ""
    onward = with_result(link.return_url, error="connection_failed" if link.error else "canceled")
    return f'<p><a href="{escape(onward)}">Back to {escape(link.app_name)} without connecting</a></p>'
