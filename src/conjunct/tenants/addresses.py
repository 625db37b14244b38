"""Email addresses, and the domains that they and URLs are at."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[^\s@\"<>(),:;\\\[\]]{1,64}")


def email_address(text: str) -> str:
    """The address in lower case, as it is kept and compared; ValueError when it is none."""
    address = text.strip().lower()
    local_part, _, host = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local_part) or not local_part.isprintable() or not _HOST.fullmatch(host):
        raise ValueError("this is not an email address such as ada@example.com")
    return address


def domain_name(text: str) -> str:
    """The domain of an email address, a URL, or a domain's own name; in lower case, without a leading `www.`.

    ValueError when there is none in it: names of one label and IP addresses are none. Names in other scripts are
    written as the DNS knows them (`xn--…`).
    """
    shown = text.strip().lower()
    domain = email_domain(email_address(shown)) if "@" in shown and "://" not in shown else _site(shown)
    if not _DOMAIN.fullmatch(domain):
        raise ValueError("there is no domain in this, such as example.com")
    return domain


def _site(address: str) -> str:
    """The host of a URL or of a bare name, without `www.` before a domain."""
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:  # brackets that are no IPv6 address
        return ""
    bare = host.rstrip(".").removeprefix("www.")
    return bare if _DOMAIN.fullmatch(bare) else host


def email_domain(address: str) -> str:
    """What stands after the `@` of an address that is good."""
    return address.rpartition("@")[2]


Email = Annotated[str, Field(max_length=254), AfterValidator(email_address)]
Domain = Annotated[str, Field(max_length=2000), AfterValidator(domain_name)]
