"""Which addresses of the network requests may go to: public ones, and those that the operator allows."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

from conjunct.core.problems import Unprocessable

Address = IPv4Address | IPv6Address

HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
PRINTABLE = re.compile(r"[!-~]+")
# Addresses that carry an IPv4 address, by which a translator on the way would go on: its last four bytes.
NAT64 = IPv6Network("64:ff9b::/96")
# Not public, though the standard library's `is_global` holds (or held, in older releases) that they are.
NEVER_PUBLIC = (
    IPv4Network("192.88.99.0/24"),  # the old 6to4 relays
    IPv6Network("64:ff9b:1::/48"),  # translation inside a network
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("fec0::/10"),  # the old site-local addresses
)


class AddressRefused(Unprocessable):
    """Requests do not go to this URL: it is not plain HTTP(S), or its host is in a private network."""

    slug = "address-refused"
    title = "Requests may not go to this address"


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Public addresses are allowed always, others only within `allowed_networks`."""

    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether a connection may be made to `address`, judged by the host that it really reaches."""
        real = _embedded_ipv4(address) or address
        return is_public(real) or any(each in network for network in self.allowed_networks for each in (address, real))

    def check(self, host: str, address: Address) -> None:
        """Raise `AddressRefused` unless `address`, which `host` stands for, is allowed."""
        if not self.allows(address):
            raise refusal(host)


def refusal(host: str) -> AddressRefused:
    """The refusal of a host. It does not tell the address: names inside a network are not the caller's to learn."""
    return AddressRefused(
        f"The host {host} is in a private, loopback, link-local or reserved network.",
        remedy="Use a host with a public address. An operator may allow a network in CONJUNCT_ALLOWED_NETWORKS.",
    )


def is_public(address: Address) -> bool:
    """Whether `address` is one host on the public internet."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NEVER_PUBLIC)
    )


@lru_cache(maxsize=4096)
def parse_address(host: str) -> Address | None:
    """The address that `host` spells, in any way that the operating system understands; None for a name.

    `127.1`, `2130706433`, `0x7f.1` and `0177.0.0.1` are all 127.0.0.1; a zone (`%eth0`) is left out.
    """
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return None


def parse_url(text: str) -> URL:
    """The URL, with a literal address in its usual spelling. Raises `AddressRefused` if it is not plain HTTP(S).

    What is percent-encoded stays just as it is; only a URL with blanks or letters beyond ASCII is encoded.
    """
    try:
        url = URL(text, encoded=PRINTABLE.fullmatch(text) is not None).with_fragment(None)
        host, port = url.raw_host, url.port
    except ValueError as error:
        raise _malformed(f"The URL cannot be read: {error}") from None
    if url.scheme not in {"http", "https"}:
        raise _malformed("The URL is not http:// or https://.")
    if url.raw_user is not None or url.raw_password is not None:
        raise _malformed("The URL has a user or password in it.")
    if not host or not port:
        raise _malformed("The URL names no host.")
    if (address := parse_address(host)) is not None:
        return url if host == str(address) else url.with_host(str(address))
    if not HOST_NAME.fullmatch(host):
        raise _malformed("The URL's host is not a name.")
    return url


def _malformed(detail: str) -> AddressRefused:
    return AddressRefused(detail, remedy="Give a URL such as https://example.com/path, without user or password.")


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
