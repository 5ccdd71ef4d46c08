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
    hint = "choose another host or port (--host, --port; --port 0 picks a free one)"
    fd, port = _listen(settings.host, settings.port, hint=hint)
    return fd, settings.bound_to(port)


def bind_metrics(settings: Settings) -> tuple[int | None, Settings]:
    """Bind where the metrics are asked for.

    Args:
        settings: Checked.

    Returns:
        As for `bind`, with `metrics_port` filled in; None and the same settings if
        metrics are off.

    Raises:
        ConfigError: The address cannot be had.
    """
    if settings.metrics_port is None:
        return None, settings
    hint = "choose another metrics_port or metrics_host (port 0 picks a free one)"
    fd, port = _listen(settings.metrics_host, settings.metrics_port, hint=hint)
    return fd, settings.model_copy(update={"metrics_port": port})


def _listen(host: str, port: int, *, hint: str) -> tuple[int, int]:
    """Give the descriptor of a listening socket, and its port."""
    try:
        family, kind, protocol, _, address = _resolve(host, port)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error, hint) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Connections queue from now on, also while a crashed worker is replaced.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error, hint) from None
    bound: int = listener.getsockname()[1]
    return listener.detach(), bound


def _resolve(host: str, port: int) -> tuple[int, int, int, str, tuple[str, int]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # `localhost` is both: clients that try only one of them try IPv4.
    found.sort(key=lambda info: info[0] != socket.AF_INET)
    family, kind, protocol, name, address = found[0]
    return family, kind, protocol, name, (str(address[0]), int(address[1]))


def _cannot_listen(host: str, port: int, error: OSError, hint: str) -> ConfigError:
    reason = error.strerror or os.strerror(error.errno or 0)
    return ConfigError([f"cannot listen on {host} port {port}: {reason}; {hint}"])
