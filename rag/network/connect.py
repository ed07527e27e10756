"""Open connections to checked addresses only, with a deadline and a limit on the bytes read."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpcore

from rag.errors import DocumentError

if TYPE_CHECKING:
    import ssl

_NAT64, _LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")  # IPv4-translated (RFC 2765)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TooMuchError(Exception):
    """The server sent more bytes than the budget allows."""


class Budget:
    """How many bytes may still be read, summed over all connections that share the budget."""

    def __init__(self, bytes_left: int) -> None:
        """Start with `bytes_left` bytes."""
        self._left = bytes_left

    def spend(self, count: int) -> None:
        """Subtract `count` bytes.

        Raises:
            TooMuchError: Fewer bytes were left.
        """
        self._left -= count
        if self._left < 0:
            raise TooMuchError


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, and limits every operation to the deadline and the budget.

    Args:
        allow_private: Also connect to addresses that are not on the public internet.
        deadline: The value of `time.monotonic` at which everything ends.
        budget: How many bytes may be read, including headers and framing; unlimited when left out.
    """

    def __init__(self, allow_private: bool, deadline: float, budget: Budget | None = None) -> None:
        self._allow_private = allow_private
        self._deadline = deadline
        self._budget = budget

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; all of them must be allowed."""
        found = _addresses(host, port)
        if not self._allow_private and not all(_is_public(address) for address in found):
            raise DocumentError(
                f"{host} is not on the public internet, so it is not fetched for the page; save the text and add that"
            )
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in found:
            try:
                stream = httpcore.SyncBackend().connect_tcp(
                    str(address), port, _left(self._deadline), local_address, socket_options
                )
                return _BoundedStream(stream, self._deadline, self._budget)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class _BoundedStream(httpcore.NetworkStream):
    """A connection with limits, so that a server cannot go on for ever by sending very slowly or very much."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float, budget: Budget | None) -> None:
        self._stream = stream
        self._deadline = deadline
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, _left(self._deadline))
        if self._budget:
            self._budget.spend(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _BoundedStream(inner, self._deadline, self._budget)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _addresses(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DocumentError(f"no server is known by the name {host}; check the address and the network") from error
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _is_public(address: _Address) -> bool:
    """Return whether an address is on the public internet, and so is any IPv4 address that an IPv6 one embeds."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if int(address) < 2**32 or address in _LOCAL_NAT64:
            return False
        if not inner and (address in _NAT64 or address in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner and not _is_public(inner):
            return False
        if address.ipv4_mapped:
            return True
    return address.is_global and not address.is_multicast
