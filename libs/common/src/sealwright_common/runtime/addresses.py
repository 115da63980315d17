"""Listen addresses as ``host:port``."""

from __future__ import annotations

import ipaddress


def split(address: str) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` in two; port 0 lets the system choose. Raises ValueError with what is wrong."""
    host, colon, port = address.rpartition(":")
    if not colon or not host:
        raise ValueError(f"{address!r} is not host:port")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{address!r}: write an IPv6 host in brackets, [::1]:7101")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"{address!r}: the port must be a number from 0 to 65535")
    return host, int(port)


def join(host: str, port: int) -> str:
    """The opposite of :func:`split`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address: ``localhost`` or a loopback IP literal, nothing else."""
    host, _ = split(address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
