"""What `serve` says once it is up: where it is, and what to do next."""

from importlib.metadata import version
from pathlib import Path

from actor_oauth.cli.terminal import command_line, say
from actor_oauth.config import LogFormat, Settings
from actor_oauth.config.hosts import http_url
from actor_oauth.config.settings.resources import usual_resource


def greet(settings: Settings, *, config: Path | None, has_users: bool) -> None:
    """Say it on standard error; the last line is for programs.

    Args:
        settings: Bound.
        config: The settings file, if there is one.
        has_users: Whether anybody can sign in yet.
    """
    # A log of JSON lines stays one, but for the line that programs wait for.
    if settings.log_format is LogFormat.CONSOLE:
        for line in _lines(settings, config=config, has_users=has_users):
            say(line)
    say(f"listening on {http_url(settings.host, settings.port)}")


def _lines(settings: Settings, *, config: Path | None, has_users: bool) -> list[str]:
    issuer = settings.issuer_at(settings.port)
    return [
        (f"actor-oauth {version('actor-oauth')}: {issuer}, data in {settings.data}"),
        (
            f"  Connect:  claude mcp add --transport http demo {usual_resource(issuer)}"
            if settings.demo_enabled
            else f"  Protects: {settings.policy(issuer).resources[0].identifier}"
        ),
        f"  Sign in:  {_sign_in(settings, config=config, has_users=has_users)}",
    ]


def _sign_in(settings: Settings, *, config: Path | None, has_users: bool) -> str:
    if settings.auto_approve is not None:
        return f"everyone is {settings.auto_approve} (auto-approve)"
    if has_users:
        return f"{settings.issuer_at(settings.port).removesuffix('/')}/account"
    add = command_line("users", "add", "NAME", settings=settings, config=config)
    return f"there is no user yet; in another terminal: {add}"
