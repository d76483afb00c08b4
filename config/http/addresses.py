"""IP addresses in one form, independent of how the socket or the proxy writes them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_address(text: str) -> Address | None:
    """Return the address, or None if the text is not one.

    A socket that listens on ``[::]`` reports an IPv4 client as ``::ffff:203.0.113.7``. That is
    returned as ``203.0.113.7``, so that rules and limits see one address of the client.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def parse_network(text: str) -> Network:
    """Return the network, IPv4-mapped ones as IPv4. Raise ValueError for other text."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = int(network.network_address) & 0xFFFF_FFFF
        return IPv4Network((first, network.prefixlen - 96))
    return network
