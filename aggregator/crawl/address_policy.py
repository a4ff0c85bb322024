"""Decide which IP addresses may be connected to."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator.config import Network

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# `is_global` of Python is true for these networks although they lead to private addresses:
_INDIRECT_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",  # NAT64: contains an IPv4 address
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4
        "2001::/32",  # Teredo
        "::/96",  # IPv4-compatible
        "168.63.129.16/32",  # metadata server of a cloud
    )
)
_SERVICE_PORTS = frozenset(
    {1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 5900, 5984, 6000, 6023}
    | {6379, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 9042, 9200, 9300, 10080, 10250, 11211, 27017}
)


class BlockedAddress(Exception):
    """The request must not be sent; the message is the reason."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Permits public addresses, and those in `allowed_networks`."""

    allowed_networks: tuple[Network, ...] = ()

    def permits(self, address: IPAddress) -> bool:
        if any(address in network for network in self.allowed_networks):
            return True
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            return self.permits(address.ipv4_mapped)
        if any(address in network for network in _INDIRECT_NETWORKS):
            return False
        return address.is_global and not address.is_multicast and not address.is_reserved

    def check_url(self, url: str) -> None:
        """Raise BlockedAddress for a scheme, port or IP literal that is not permitted; host names pass."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise BlockedAddress("blocked: not a valid address") from None
        if parts.scheme not in ("http", "https"):
            raise BlockedAddress(f"blocked: scheme {parts.scheme[:20]!r} is not http or https")
        if not host:
            raise BlockedAddress("blocked: the address names no host")
        if port is not None and not permits_port(port):
            raise BlockedAddress(f"blocked: port {port} is not a web server's")
        address = parse_ip_literal(host)
        if address is not None and not self.permits(address):
            raise BlockedAddress(f"blocked_address: {address} is not public")


def permits_port(port: int) -> bool:
    """Return whether a port is used by web servers: 80, 443, or 1024 and above without well-known services."""
    return port in (80, 443) or (1024 <= port <= 65535 and port not in _SERVICE_PORTS)


def parse_ip_literal(host: str) -> IPAddress | None:
    """Return the IP address of a host in any notation (hexadecimal, octal, integer, full-width digits), or None."""
    text = unicodedata.normalize("NFKC", host).strip("[]").rstrip(".").replace("\u3002", ".")
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text)) if text and text[-1] in "0123456789abcdefABCDEFx" else None
    except (OSError, UnicodeError):
        return None
