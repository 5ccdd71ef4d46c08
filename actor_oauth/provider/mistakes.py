"""Mistakes of a program that embeds a provider, told before anything is served."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

import trio

from actor_oauth.config import ConfigError, Settings
from actor_oauth.config.checks import find_problems
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.policy import Policy, ResourcePolicy


def check_settings(settings: Settings) -> None:
    """See that settings fit together, as far as the port does not matter.

    Raises:
        ConfigError: With every problem.
    """
    if problems := find_problems(settings, serving=False):
        raise ConfigError(problems)


def check_is_served(settings: Settings) -> None:
    """See that settings can be served at their port, and the issuer is known by it.

    Raises:
        ConfigError: With every problem.
    """
    if settings.issuer is None and settings.port == 0:
        problem = (
            "port: 0 leaves open what the issuer is, which clients are told; "
            "choose a port, or set issuer as well"
        )
        raise ConfigError([problem])
    if problems := find_problems(settings):
        raise ConfigError(problems)


def check_runs_on_trio() -> None:
    """See that Trio is what runs this.

    Raises:
        RuntimeError: It is asyncio, or nothing.
    """
    if not trio.lowlevel.in_trio_task():
        raise RuntimeError(
            "a provider runs on Trio: trio.run(provider.serve). An asyncio program is "
            "protected by a provider in another process: docs/separate-server.md"
        )


def check_path(path: str, taken: Collection[str], policy: Policy) -> str:
    """Give the path of an application as it is compared.

    Args:
        path: As the program gave it.
        taken: Those of other applications.
        policy: Says where the provider's own endpoints are.

    Raises:
        ValueError: No application can be there.
    """
    bare = path.rstrip("/")
    if not bare.startswith("/"):
        raise ValueError(f"the path {path!r} must be like '/api': a slash, and a name")
    if bare in taken:
        raise ValueError(f"there is an application at {bare} already")
    urls = [url for url in asdict(endpoints_of(policy)).values() if url is not None]
    hidden = [
        own
        for own in (urlsplit(url).path for url in urls)
        if f"{own}/".startswith(f"{bare}/")
    ]
    if hidden:
        raise ValueError(
            f"an application at {bare} would hide the provider's own {hidden[0]}; "
            "choose another path"
        )
    return bare


def check_scopes(scopes: Sequence[str] | None, resource: ResourcePolicy) -> None:
    """See that callers can have the scopes that an application asks of them.

    Raises:
        TypeError: They are one text.
        ValueError: The resource has no such scope.
    """
    if isinstance(scopes, str):
        raise TypeError(f"scopes must be a list of names: [{scopes!r}]")
    unknown = [scope for scope in scopes or () if scope not in resource.scopes]
    if unknown:
        raise ValueError(
            f"nobody could get the scope {unknown[0]!r}: add it to the scopes of the "
            f"resource {resource.identifier} in the settings"
        )
