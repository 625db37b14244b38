"""Email addresses and domains, as people write them."""

from __future__ import annotations

import pytest

from conjunct.tenants.addresses import domain_name, email_address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.L+x@Example.COM ", "ada.l+x@example.com"),
        ("owner@localhost", "owner@localhost"),
        ("o'brien@example.com", "o'brien@example.com"),
        (
            "j\N{LATIN SMALL LETTER O WITH DIAERESIS}rg@example.com",
            "j\N{LATIN SMALL LETTER O WITH DIAERESIS}rg@example.com",
        ),
    ],
)
def test_email_addresses(given: str, kept: str) -> None:
    assert email_address(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "a@b@example.com",
        "a b@example.com",
        "a\x00@example.com",
        "a\N{ZERO WIDTH SPACE}@example.com",
        "<ada@example.com>",
        "ada@example..com",
        "ada@-example.com",
        "ada@example.com.",
        "x" * 65 + "@example.com",
        "ada@" + "x" * 64 + ".com",
        "ada@" + "x." * 127 + "com",
    ],
)
def test_what_is_no_email_address(given: str) -> None:
    with pytest.raises(ValueError, match="not an email address"):
        email_address(given)


@pytest.mark.parametrize(
    ("given", "domain"),
    [
        ("xyz.com", "xyz.com"),
        ("XYZ.com.", "xyz.com"),
        ("www.xyz.com", "xyz.com"),
        ("www.com", "www.com"),
        ("user@example.com", "example.com"),
        ("user@www.example.com", "www.example.com"),
        ("https://www.example.com", "example.com"),
        ("http://user:secret@api.example.co.uk:8080/path?x=1", "api.example.co.uk"),
        ("example.com/path", "example.com"),
        ("example.com:443", "example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_domains(given: str, domain: str) -> None:
    assert domain_name(given) == domain


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "com",
        "localhost",
        "user@localhost",
        "1.2.3.4",
        "http://[::1]/",
        "http://[",
        "://",
        "x..y",
        "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
    ],
)
def test_what_holds_no_domain(given: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        domain_name(given)
