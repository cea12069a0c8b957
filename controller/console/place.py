"""Where the console is served, and what that needs: this machine only, unless somebody says otherwise twice."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass


class BadPlace(ValueError):
    """An address that the console is not served at; the text says what is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the console is served. `remote` says that other machines can reach it."""

    host: str = "127.0.0.1"
    port: int = 8765
    tls: bool = False

    @property
    def remote(self) -> bool:
        """True for an address that is not this machine's loopback."""
        return not is_loopback(self.host)

    @property
    def url(self) -> str:
        """What to open."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{name}:{self.port}/"


def place_of(text: str, *, remote: bool, tls: bool) -> Place:
    """HOST:PORT. Raises BadPlace; another address than loopback needs both TLS and the explicit option."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not _is_port(port):
        raise BadPlace(f"--console {text!r}; allowed: HOST:PORT, e.g. 127.0.0.1:8765")
    if _is_wildcard(host):
        raise BadPlace(
            f"--console {text}: every address of this machine; allowed: the one that people open in a browser"
        )
    if not is_loopback(host) and not (remote and tls):
        raise BadPlace(
            f"--console {text}: reachable from other machines; that needs --console-remote, "
            "--console-certificate and --console-key"
        )
    if remote and is_loopback(host):
        raise BadPlace(f"--console-remote: {host} is reached from this machine only; allowed: another HOST with it")
    return Place(host=host, port=int(port), tls=tls)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def _is_wildcard(host: str) -> bool:
    """Served at no address in particular, the page's own hosts and origins could not be told from others."""
    if ":" not in host:
        try:
            return socket.inet_aton(host) == bytes(4)  # as the kernel reads it: 0 and 0.0 too
        except OSError:
            return False
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return address.is_unspecified or (address.ipv4_mapped is not None and address.ipv4_mapped.is_unspecified)


def is_loopback(host: str) -> bool:
    """True for an address of this machine's loopback; a name is not one, except localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_hosts(host: str, port: int) -> frozenset[str]:
    """Values of the Host header under which this console is served."""
    names = {"127.0.0.1", "localhost", "[::1]"} | ({f"[{host}]"} if ":" in host else {host})
    return frozenset(f"{name}:{port}" for name in names)
