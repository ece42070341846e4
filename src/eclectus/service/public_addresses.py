"""Which IP addresses belong to the public internet: one list, the same on every Python.

After the IANA special-purpose registries. What is not listed as public here is never connected to
for a client: this machine, its neighbours, a cloud's metadata.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of a machine in Azure
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
_EMBEDDING = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: IPv4 in the last 32 bits
    (IPv6Network("2002::/16"), 80),  # 6to4
)


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public internet.

    An IPv6 address that stands for one of IPv4 is judged by that.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    for network, shift in _EMBEDDING:
        if found in network:
            return is_public(str(IPv4Address((int(found) >> shift) & 0xFFFFFFFF)))
    return found in _PUBLIC_6 and not any(found in network for network in _NOT_PUBLIC_6)


def is_own(address: str) -> bool:
    """Tell whether an IP address is one of this machine's interfaces: only such can be bound."""
    found = ip_address(address.partition("%")[0])
    family = socket.AF_INET6 if isinstance(found, IPv6Address) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(found), 0))
        except OSError:
            return False
    return True


def is_elsewhere(address: str) -> bool:
    """Tell whether a client may have an address connected to: public, and not this machine's."""
    return is_public(address) and not is_own(address)
