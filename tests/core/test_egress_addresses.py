"""Which addresses and URLs requests may go to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from conjunct.core.egress import AddressRefused, EgressPolicy
from conjunct.core.egress.addresses import parse_address, parse_url

PUBLIC_ONLY = EgressPolicy()


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert PUBLIC_ONLY.allows(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("0.0.0.0", id="this host"),
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.255.255.254", id="loopback's other end"),
        pytest.param("10.1.2.3", id="private 10/8"),
        pytest.param("172.16.0.1", id="private 172.16/12"),
        pytest.param("192.168.1.1", id="private 192.168/16"),
        pytest.param("169.254.169.254", id="link-local, cloud metadata"),
        pytest.param("100.64.0.1", id="carrier-grade NAT"),
        pytest.param("192.0.0.1", id="protocol assignments"),
        pytest.param("192.0.2.1", id="documentation"),
        pytest.param("192.88.99.1", id="6to4 relay"),
        pytest.param("198.18.0.1", id="benchmarks"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::", id="v6 unspecified"),
        pytest.param("::1", id="v6 loopback"),
        pytest.param("::127.0.0.1", id="v4-compatible"),
        pytest.param("::ffff:127.0.0.1", id="v4-mapped loopback"),
        pytest.param("::ffff:169.254.169.254", id="v4-mapped link-local"),
        pytest.param("64:ff9b::7f00:1", id="NAT64 of loopback"),
        pytest.param("64:ff9b:1::1", id="local NAT64"),
        pytest.param("2002:7f00:1::", id="6to4 of loopback"),
        pytest.param("2001:0:4136:e378::1", id="Teredo"),
        pytest.param("2001:db8::1", id="v6 documentation"),
        pytest.param("fc00::1", id="unique local"),
        pytest.param("fd12:3456::1", id="unique local, random"),
        pytest.param("fe80::1", id="v6 link-local"),
        pytest.param("fec0::1", id="site-local"),
        pytest.param("ff02::1", id="v6 multicast"),
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not PUBLIC_ONLY.allows(ip_address(address))


def test_an_allowed_network_opens_itself_and_nothing_else() -> None:
    policy = EgressPolicy(allowed_networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    allowed = ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "8.8.8.8"]
    refused = ["127.0.0.1", "192.168.1.1", "::1", "fc00::1"]
    assert [policy.allows(ip_address(each)) for each in allowed + refused] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    "spelling",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1."],
)
def test_every_spelling_of_an_address_is_read_as_that_address(spelling: str) -> None:
    assert parse_address(spelling) == ip_address("127.0.0.1")


@pytest.mark.parametrize("name", ["example.com", "localhost", "1.2.3.4.example.com", "a", "face.b00c"])
def test_names_are_not_addresses(name: str) -> None:
    assert parse_address(name) is None


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ftp://example.com/", id="another scheme"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//example.com/", id="no scheme"),
        pytest.param("example.com", id="no scheme or slashes"),
        pytest.param("", id="empty"),
        pytest.param("http://", id="no host"),
        pytest.param("http:///path", id="path alone"),
        pytest.param("https://user@example.com/", id="user"),
        pytest.param("https://user:password@example.com/", id="user and password"),
        pytest.param("https://:@example.com/", id="empty user"),
        pytest.param("http://example.com\\@127.0.0.1/", id="backslash"),
        pytest.param("http://example.com:99999/", id="port too large"),
        pytest.param("http://example.com:port/", id="port not a number"),
        pytest.param("http://127%2e0.0.1/", id="encoded host"),
        pytest.param("http://[::1/", id="bracket left open"),
        pytest.param("http://exa mple.com/", id="blank in host"),
        pytest.param("http://example.com\r\nHost: other/", id="line break in host"),
    ],
)
def test_urls_that_are_not_plain_http_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        parse_url(url)
    assert refused.value.status == 422
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("https://example.com/a%2Fb?c=%7E+%20", "https://example.com/a%2Fb?c=%7E+%20"),
        ("https://example.com/p#part", "https://example.com/p"),
        ("http://2130706433:8080/p?q=1", "http://127.0.0.1:8080/p?q=1"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
    ],
)
def test_a_url_keeps_its_encoding_and_has_one_spelling_of_its_host(url: str, parsed: str) -> None:
    assert str(parse_url(url)) == parsed
