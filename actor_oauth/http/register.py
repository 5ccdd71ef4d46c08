"""The registration endpoint (RFC 7591)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.messages import Endpoint, Request, Response
from actor_oauth.http.options import HttpOptions
from actor_oauth.http.peer import caller_address
from actor_oauth.http.render import private_json, refusal, throttled, wire_error
from actor_oauth.http.throttle import TokenBuckets
from actor_oauth.oauth.wire import Reason, WireError


def registration_endpoint(
    server: AuthorizationServer, options: HttpOptions
) -> Endpoint:
    """`POST /register`: a client registers itself, as often as its address may."""
    attempts = TokenBuckets(options.registration_rate)

    async def serve(request: Request) -> Response:
        if not server.policy.registration_enabled:
            return refusal(Reason.REGISTRATION_DISABLED)
        forwarded = request.header_lines(b"x-forwarded-for")
        hops = options.trusted_proxy_hops
        address = caller_address(request.connection, forwarded, hops=hops)
        seconds = attempts.take(address, now=server.clock.now())
        if seconds:
            return throttled(seconds)
        registered = await server.register(request.body)
        if isinstance(registered, WireError):
            return wire_error(registered)
        return private_json(registered, status=201)

    return serve
