"""Applications behind the guard: where they are, and what their callers must bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.resource import BearerGuard, ResourceServer
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.resource.forward_auth import ForwardAuth


@dataclass(frozen=True, slots=True)
class Mount:
    """An application at a path, and the scopes that its guard requires."""

    path: str
    app: ASGIApp
    scopes: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class PublicMount:
    """An application at a path, for anybody."""

    path: str
    app: ASGIApp


@dataclass(frozen=True, slots=True)
class GuardedMount:
    """A mount's path, and the guard with its application behind it."""

    path: str
    guard: BearerGuard


def resource_at(policy: Policy, path: str) -> ResourcePolicy:
    """Find the resource that a path of the issuer's origin belongs to.

    Raises:
        ValueError: No configured resource covers the path.
    """
    origin = urlsplit(policy.issuer)
    url = canonical_resource(f"{origin.scheme}://{origin.netloc}{path}") or ""
    covering = [
        resource
        for resource in policy.resources
        if url == resource.identifier or url.startswith(resource.identifier + "/")
    ]
    if not covering:
        known = ", ".join(resource.identifier for resource in policy.resources)
        raise ValueError(
            f"no resource covers {url}; configured: {known}. Add one to the resources "
            "in the settings, with this identifier"
        )
    return max(covering, key=lambda resource: len(resource.identifier))


def guard_mounts(
    mounts: Sequence[Mount], server: AuthorizationServer
) -> list[GuardedMount]:
    """Put a guard in front of each application."""
    return [
        GuardedMount(
            mount.path,
            _resource_server(resource_at(server.policy, mount.path), server).guard(
                mount.app, required_scopes=mount.scopes
            ),
        )
        for mount in mounts
    ]


def forward_auth(server: AuthorizationServer) -> ForwardAuth:
    """Make the application that answers a reverse proxy about every resource."""
    return ForwardAuth(
        [_resource_server(resource, server) for resource in server.policy.resources]
    )


def _resource_server(
    resource: ResourcePolicy, server: AuthorizationServer
) -> ResourceServer:
    return ResourceServer(
        resource,
        issuer=server.policy.issuer,
        validate_token=server.validate_token,
        clock=server.clock,
        accept_proof=server.accept_proof,
        proof_nonces=server.proof_nonces,
        on_refusal=partial(_note, server),
    )


def _note(
    server: AuthorizationServer, refused: Refused, status: int, client_id: str | None
) -> None:
    server.refusals.note(refused, "guard", client_id=client_id, status=status)


def dispatch_to(
    applications: Mapping[str, ASGIApp],
    pages: ASGIApp,
    *,
    exact: Mapping[str, ASGIApp] | None = None,
) -> ASGIApp:
    """Make one application: others at their paths, and all else the authorization server.

    Args:
        applications: By path, with everything below.
        pages: The authorization server.
        exact: What else is at single paths.
    """
    single = exact or {}
    # The longest path first, so that one below another is found.
    below = sorted(applications.items(), key=lambda at: len(at[0]), reverse=True)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        app = pages
        if scope["type"] != "lifespan":
            path = str(scope["path"])
            app = single.get(path, pages)
            for prefix, application in below:
                if path == prefix or path.startswith(prefix + "/"):
                    app = application
                    break
        await app(scope, receive, send)

    return dispatch
