"""Which addresses are the app's own: what a browser calls an origin, scheme, host and port together."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from pydantic import HttpUrl

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port, as RFC 6454 compares them; an IPv6 address stands in brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As a browser puts it into the Host header: without the port that the scheme implies."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@lru_cache(maxsize=64)
def own_origins(scheme: str, server: tuple[str, int | None] | None, public_url: HttpUrl | None) -> dict[str, Origin]:
    """The origins that a request may be meant for, by its Host header.

    `server` is the socket that took the request. Its own number needs no name, so no page can be led to it by a
    name of its own (DNS rebinding); `localhost` means this machine to every browser. `public_url` is what a proxy
    in front is reached at.
    """
    origins = []
    if server is not None and server[1] is not None:
        origins = [Origin(scheme, host, server[1]) for host in _names(server[0])]
    if public_url is not None and public_url.host and public_url.port:
        origins.append(Origin(public_url.scheme, public_url.host, public_url.port))
    return {origin.authority: origin for origin in origins}


def _names(host: str) -> list[str]:
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    literal = f"[{address}]" if address.version == 6 else str(address)
    return [literal, "localhost"] if address.is_loopback else [literal]
