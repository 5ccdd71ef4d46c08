"""Binds the port once, before any worker starts."""

import os
import socket
from typing import Final

from actor_oauth.config import ConfigError, Settings

_BACKLOG: Final = 1024


def bind(settings: Settings) -> tuple[int, Settings]:
    """Bind host and port of the settings.

    Args:
        settings: Checked.

    Returns:
        The descriptor of a listening TCP socket, which the caller owns, and the
        settings with port and issuer filled in.

    Raises:
        ConfigError: The address cannot be had.
    """
    try:
        family, kind, protocol, _, address = _resolve(settings.host, settings.port)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(settings, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Connections queue from now on, also while a crashed worker is replaced.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from None
    port: int = listener.getsockname()[1]
    return listener.detach(), settings.bound_to(port)


def _resolve(host: str, port: int) -> tuple[int, int, int, str, tuple[str, int]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # `localhost` is both: clients that try only one of them try IPv4.
    found.sort(key=lambda info: info[0] != socket.AF_INET)
    family, kind, protocol, name, address = found[0]
    return family, kind, protocol, name, (str(address[0]), int(address[1]))


def _cannot_listen(settings: Settings, error: OSError) -> ConfigError:
    reason = error.strerror or os.strerror(error.errno or 0)
    problem = (
        f"cannot listen on {settings.host} port {settings.port}: {reason}; "
        "choose another with --host and --port (--port 0 picks a free one)"
    )
    return ConfigError([problem])
