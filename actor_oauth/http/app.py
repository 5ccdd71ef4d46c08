"""The authorization server as one ASGI application: read the table top to bottom."""

from collections.abc import Mapping
from dataclasses import replace

from hypercorn.typing import ASGIFramework

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.throttle import TokenBuckets
from actor_oauth.http.addresses import addresses_of
from actor_oauth.http.asgi import BodyLimits, Route, RoutedApp
from actor_oauth.http.client_requests import ClientRequests
from actor_oauth.http.device_authorization import device_authorization_endpoint
from actor_oauth.http.federation import federation_pages
from actor_oauth.http.health import HEALTH_PATH, health_endpoint
from actor_oauth.http.introspect import introspection_endpoint
from actor_oauth.http.jwks import jwks_endpoint
from actor_oauth.http.messages import HeaderLine
from actor_oauth.http.metadata import metadata_routes, no_such_document
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.own_identity import OwnIdentity
from actor_oauth.http.pages import build_pages
from actor_oauth.http.par import pushed_request_endpoint
from actor_oauth.http.register import management_endpoint, registration_endpoint
from actor_oauth.http.revoke import revocation_endpoint
from actor_oauth.http.site import Site
from actor_oauth.http.static_files import load_static_files
from actor_oauth.http.token import token_endpoint
from actor_oauth.http.userinfo import userinfo_endpoint
from actor_oauth.http.vault import client_routes, key_routes, vault_pages
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.wire import Reason
from actor_oauth.upstream.federation import Federation
from actor_oauth.upstream.vault import Vault

_FORM = b"application/x-www-form-urlencoded"
_STRICT_TRANSPORT: HeaderLine = (b"strict-transport-security", b"max-age=31536000")


def build_app(
    server: AuthorizationServer,
    *,
    options: HttpOptions | None = None,
    pages: ASGIFramework | None = None,
    vault: Vault | None = None,
    federation: Federation | None = None,
    own_identity: OwnIdentity | None = None,
) -> ASGIFramework:
    """Build the whole authorization server: protocol endpoints, documents and pages.

    Args:
        server: Decides everything. Its policy's issuer says where the endpoints are.
        options: Limits and modes.
        pages: What answers `/authorize` and every other path that is no endpoint of the
            protocol; the server's own pages if not given.
        vault: Connections to other services, if that is on.
        federation: The services that people may sign in with, if there are any.
        own_identity: The application's own sessions, if it has some.
    """
    options = options or HttpOptions()
    addresses = addresses_of(server.policy.issuer)
    static = load_static_files(addresses.base)
    site = Site(
        server=server,
        options=options,
        addresses=addresses,
        clock=server.clock,
        entropy=server.entropy,
        logins=TokenBuckets(options.login_rate),
        device_codes=TokenBuckets(options.device_code_rate),
        strangers=TokenBuckets(options.authorize_rate),
        askers=TokenBuckets(options.authorize_user_rate),
        connects=TokenBuckets(options.connect_rate),
        vault=vault,
        federation=federation,
        own_identity=own_identity,
    )
    endpoints = endpoints_of(server.policy)
    if pages is not None:
        # Whether those pages sign anybody out is not known here.
        endpoints = replace(endpoints, end_session=None)
    protocol = _protocol_routes(server, options)
    routes = {addresses.base + path: route for path, route in protocol.items()}
    if vault is not None:
        routes |= key_routes(vault, server)
    if pages is None:
        # An application with pages of its own may have one of its own there.
        health = Route(endpoint=health_endpoint, method="GET", cors=False)
        routes[addresses.base + HEALTH_PATH] = health
    return RoutedApp(
        {**routes, **metadata_routes(server.policy, endpoints), **static.routes},
        build_pages(site, static, [*vault_pages(site), *federation_pages(site)])
        if pages is None
        else pages,
        below={} if vault is None else client_routes(vault),
        unknown_document=Route(endpoint=no_such_document, method="GET"),
        limits=BodyLimits(size=options.body_bytes, seconds=options.body_seconds),
        headers=(_STRICT_TRANSPORT,) if addresses.secure else (),
        refusals=server.refusals,
        faults=site.faults,
        base=addresses.base,
    )


def _protocol_routes(
    server: AuthorizationServer, options: HttpOptions
) -> Mapping[str, Route]:
    """The endpoints that clients call, by path below the issuer's."""
    clients = ClientRequests(options, server.clock, server.refusals)
    keys = Route(endpoint=jwks_endpoint(server), method="GET")
    userinfo = Route(
        endpoint=userinfo_endpoint(server), method="GET", further_methods=("POST",)
    )
    devices = Route(
        endpoint=clients.endpoint(
            device_authorization_endpoint(server), rate=options.device_rate
        ),
        method="POST",
        media_type=_FORM,
    )
    offers_devices = server.policy.device_authorization_enabled
    return {
        **({"/device_authorization": devices} if offers_devices else {}),
        **({"/jwks": keys} if server.policy.signing_algorithms else {}),
        **({"/userinfo": userinfo} if server.policy.openid_enabled else {}),
        "/token": Route(
            endpoint=clients.proving_endpoint(token_endpoint(server)),
            method="POST",
            media_type=_FORM,
        ),
        "/revoke": Route(
            endpoint=clients.endpoint(revocation_endpoint(server)),
            method="POST",
            media_type=_FORM,
        ),
        "/introspect": Route(
            endpoint=clients.endpoint(introspection_endpoint(server)),
            method="POST",
            media_type=_FORM,
            cors=False,
        ),
        "/par": Route(
            endpoint=clients.proving_endpoint(pushed_request_endpoint(server)),
            method="POST",
            media_type=_FORM,
        ),
        "/register": Route(
            endpoint=registration_endpoint(server, options),
            method="POST",
            media_type=b"application/json",
            wrong_media_type=Reason.REGISTRATION_MALFORMED,
        ),
        **_management_routes(server, options),
    }


def _management_routes(
    server: AuthorizationServer, options: HttpOptions
) -> Mapping[str, Route]:
    """The endpoint for clients that manage their registration, if that is on."""
    if endpoints_of(server.policy).registration_management is None:
        return {}
    route = Route(
        endpoint=management_endpoint(server, options),
        method="GET",
        further_methods=("PUT", "DELETE"),
        media_type=b"application/json",
        wrong_media_type=Reason.REGISTRATION_MALFORMED,
    )
    return {"/register/client": route}
