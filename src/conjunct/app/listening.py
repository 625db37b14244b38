"""The socket that the API listens on."""

from __future__ import annotations

import socket

from conjunct.core.settings import SettingsError


def listen(host: str, port: int, *, setting: str = "CONJUNCT_PORT") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `SettingsError`, naming `setting`, where it cannot be had.

    `conjunct up` holds it for the API, so that a restart of that refuses no connection.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"{setting}: cannot listen on {host}:{port}: {error.strerror}") from None
    listener.listen(1024)
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address at which this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - a comparison: all addresses are reached by the loopback one
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
