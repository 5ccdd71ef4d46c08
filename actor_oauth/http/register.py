"""The registration endpoint (RFC 7591), and the one to manage registrations (RFC 7592)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.throttle import TokenBuckets
from actor_oauth.http.messages import Endpoint, Request, Response
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.peer import caller_address
from actor_oauth.http.render import (
    NO_STORE,
    private_json,
    refusal,
    throttled,
    wire_error,
)
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.wire import Reason, Refused, WireError


def registration_endpoint(
    server: AuthorizationServer, options: HttpOptions
) -> Endpoint:
    """`POST /register`: a client registers itself, as often as its address may."""
    attempts = TokenBuckets(options.registration_rate)

    async def serve(request: Request) -> Response:
        if not server.policy.registration_enabled:
            refused = Refused(Reason.REGISTRATION_DISABLED)
            server.refusals.note(refused, request.endpoint)
            return refusal(refused.reason)
        caller = _caller(request, options)
        seconds = attempts.take(caller, now=server.clock.now())
        if seconds:
            return _throttle(server, request, seconds, caller)
        registered = await server.register(request.body, _authorization(request))
        if isinstance(registered, WireError):
            return wire_error(registered)
        return private_json(registered, status=201)

    return serve


def management_endpoint(server: AuthorizationServer, options: HttpOptions) -> Endpoint:
    """`GET`, `PUT`, `DELETE /register/client`: a client's own registration.

    Failures count for each address, as failed client authentications do (E-09).
    """
    failures = TokenBuckets(options.client_failure_rate)
    registrations = server.registrations

    async def serve(request: Request) -> Response:
        caller, now = _caller(request, options), server.clock.now()
        seconds = failures.wait(caller, now=now)
        if seconds:
            return _throttle(server, request, seconds, caller)
        client_id, token = _client_id(request), _authorization(request)
        if request.method == "PUT":
            answer = await registrations.replace(client_id, token, request.body)
        elif request.method == "DELETE":
            deleted = await registrations.delete(client_id, token)
            if deleted is None:
                return Response(status=204, headers=NO_STORE)
            answer = deleted
        else:
            answer = await registrations.read(client_id, token)
        if isinstance(answer, Refused):
            if answer.reason is Reason.REGISTRATION_TOKEN_INVALID:
                failures.take(caller, now=now)
            return refusal(answer.reason)
        return private_json(answer)

    return serve


def _throttle(
    server: AuthorizationServer, request: Request, seconds: int, caller: str
) -> Response:
    refused = Refused(Reason.RATE_LIMITED)
    server.refusals.note(refused, request.endpoint, caller=caller)
    return throttled(seconds)


def _caller(request: Request, options: HttpOptions) -> str:
    forwarded = request.header_lines(b"x-forwarded-for")
    hops = options.trusted_proxy_hops
    return caller_address(request.connection, forwarded, hops=hops)


def _authorization(request: Request) -> str | None:
    lines = request.header_lines(b"authorization")
    # Said twice, it is not said.
    return lines[0].decode("latin-1") if len(lines) == 1 else None


def _client_id(request: Request) -> str:
    query = parse_form(request.query_string)
    return (query.get("client_id") or "") if isinstance(query, Parameters) else ""
