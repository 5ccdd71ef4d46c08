"""Writes docs/api.md, the names for applications: `python -m tests.api`.

They are what the public packages list in `__all__`. The comment above each of its parts
is a heading of the page; the sentence beside a name is the first of its docstring.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "api.md"

PUBLIC: Final = (
    "actor_oauth.provider",
    "actor_oauth.config",
    "actor_oauth.mcp",
    "actor_oauth.mcp.fastmcp",
    "actor_oauth.resource",
    "actor_oauth.upstream",
    "actor_oauth.upstream.steps",
    "actor_oauth.runtime",
    "actor_oauth.provider.metrics",
)
"""The packages for applications, those first that most programs need."""

INNER_MEMBERS: Final = frozenset(
    {
        # The server's own endpoints and services have them.
        "AuthorizationServer.__init__",
        "AuthorizationServer.accept_proof",
        "AuthorizationServer.before_deletion",
        "AuthorizationServer.devices",
        "AuthorizationServer.effects",
        "AuthorizationServer.introspect",
        "AuthorizationServer.parse_logout_request",
        "AuthorizationServer.proof_nonces",
        "AuthorizationServer.purge_expired_data",
        "AuthorizationServer.push_authorization_request",
        "AuthorizationServer.register",
        "AuthorizationServer.revoke",
        "AuthorizationServer.token",
        "AuthorizationServer.use_keyring",
        "AuthorizationServer.userinfo",
        "AuthorizationServer.watch_tokens",
        "BearerGuard.__init__",
        "RunningProvider.endpoints",
        "Vault.__init__",
        # `Provider` has the same for applications.
        "Federation.__init__",
        "Federation.begin",
        "Federation.finish",
        "Federation.link",
        "Federation.refresh_kept",
        "Federation.sign_in",
        # Each layer's view of the settings.
        "ClientRefreshSettings.rules",
        "DetailTypeSettings.policy",
        "LoginProviderSettings.admits_somebody",
        "LoginProviderSettings.issuer_url",
        "LoginProviderSettings.policy",
        "ResourceSettings.policy",
        "Settings.bound_to",
        "Settings.demo_enabled",
        "Settings.federation_policy",
        "Settings.http_options",
        "Settings.kept_connections",
        "Settings.policy",
        "Settings.runtime_limits",
        "Settings.shape",
        "Settings.vault_policy",
        "TrustedIssuerSettings.trusted",
        "VaultClientSettings.policy",
        "VaultResourceSettings.policy",
        # What the parts of the runtime say to each other, and of the fetcher.
        "Actor.__init__",
        "Actor.context",
        "ActorSystem.__init__",
        "ActorSystem.call",
        "ActorSystem.close",
        "ActorSystem.remembered",
        "ActorSystem.run",
        "ActorSystem.stop",
        "Fetcher.send",
        "LocalEngine.close",
        "LocalEngine.discard",
        "LocalEngine.due_wakes",
        "LocalEngine.exists",
        "LocalEngine.forget_wakes",
        "LocalEngine.make_durable",
        "LocalEngine.max_activations",
        "LocalEngine.open",
        "LocalEngine.put_off_wakes",
        "LocalEngine.run",
        "RemoteKeys.named",
    }
)
"""Not meant for applications, for all that their names say."""

_BEGIN: Final = "<!-- names: made by python -m tests.api -->\n"
_END: Final = "<!-- /names -->"
_PART: Final = re.compile(r"^# (.+)\n__all__ \+?= \[([^\]]*)\]", re.MULTILINE)
_PUBLIC_MAGIC: Final = ("__init__", "__call__")
_WITH_METHODS: Final = 3
"""How many methods a class has that get a list of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Names of one package that belong together.

    Attributes:
        heading: What they are for.
        names: As in `__all__`.
    """

    heading: str
    names: tuple[str, ...]


def parts_of(package: str) -> list[Part]:
    """The parts of a package's `__all__`, in order."""
    return [
        Part(heading=heading, names=tuple(ast.literal_eval(f"[{names}]")))
        for heading, names in _PART.findall(_source(package).read_text())
    ]


def said_of(package: str, name: str) -> str:
    """The docstring of a public name; empty if there is none.

    An alias has one below it, in the module that makes it.
    """
    given = getattr(import_module(package), name)
    if not isinstance(given, type | FunctionType) or given.__name__ != name:
        return _said_below(package, name)
    text = given.__doc__ or ""
    # A dataclass makes itself one out of its fields.
    return "" if text.startswith(f"{name}(") else inspect.cleandoc(text)


def methods_of(given: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods and properties for applications, as the class and its bases order them."""
    ours = [base for base in given.__mro__ if is_ours(base)]
    # What a framework wants of its subclasses stands in the framework's documentation.
    seen = {name for base in given.__mro__ if base not in ours for name in vars(base)}
    for base in ours:
        for name, member in vars(base).items():
            function = _function(member)
            if function is None or name in seen:
                continue
            if name.startswith("_") and name not in _PUBLIC_MAGIC:
                continue
            seen.add(name)
            if f"{given.__name__}.{name}" not in INNER_MEMBERS:
                yield name, function


def is_ours(given: type) -> bool:
    """Tell whether a class is one of this project."""
    return given.__module__.startswith("actor_oauth.")


def with_names(text: str) -> str:
    """Give the page's text with the names as they are now."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return before + begin + "\n".join(_lines()) + "\n" + end + after


def _lines() -> Iterator[str]:
    for package in PUBLIC:
        yield f"## `{package}`\n"
        yield _first_line(import_module(package).__doc__ or "") + "\n"
        for part in parts_of(package):
            yield f"### {part.heading}\n"
            yield "| name | |\n|---|---|"
            for name in part.names:
                yield f"| `{name}` | {_first_line(said_of(package, name))} |"
            yield ""
            for name in part.names:
                yield from _methods(getattr(import_module(package), name))


def _methods(given: object) -> Iterator[str]:
    if not isinstance(given, type) or is_dataclass(given) or issubclass(given, Enum):
        return
    methods = [found for found in methods_of(given) if found[0] not in _PUBLIC_MAGIC]
    if len(methods) < _WITH_METHODS:
        return
    yield f"`{given.__name__}` has:\n"
    yield "| name | |\n|---|---|"
    for name, function in methods:
        yield f"| `{name}` | {_first_line(function.__doc__ or '')} |"
    yield ""


def _first_line(text: str) -> str:
    return text.partition("\n")[0].replace("|", r"\|")


def _function(member: object) -> FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, classmethod | staticmethod):
        member = member.__func__
    return member if isinstance(member, FunctionType) else None


def _source(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _said_below(module: str, name: str) -> str:
    body = ast.parse(_source(module).read_text()).body
    for node, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ImportFrom):
            if name in [alias.asname or alias.name for alias in node.names]:
                return _said_below(str(node.module), name)
        elif _assigned(node) == name and isinstance(below, ast.Expr):
            return str(ast.literal_eval(below.value))
    return ""


def _assigned(node: ast.stmt) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    return target.id if isinstance(target, ast.Name) else None


if __name__ == "__main__":
    PAGE.write_text(with_names(PAGE.read_text()))
