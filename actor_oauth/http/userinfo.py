"""The userinfo endpoint (OpenID Connect Core §5.3)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.messages import Endpoint, HeaderLine, Request, Response
from actor_oauth.http.render import private_json, refusal
from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.userinfo import UserInfoRequest
from actor_oauth.oauth.wire import Refused


def userinfo_endpoint(server: AuthorizationServer) -> Endpoint:
    """`GET` or `POST /userinfo`: who the user is, for the bearer of a suitable token.

    The token counts in the `Authorization` header only, also for a POST: its body is
    not read.
    """

    async def serve(request: Request) -> Response:
        answer = await server.userinfo(
            UserInfoRequest(
                # Only these methods are routed here; a proof for HEAD names the method
                # it stands for.
                method=request.method,
                authorization=request.header_lines(b"authorization"),
                query_string=request.query_string,
                proofs=[
                    line.decode("latin-1") for line in request.header_lines(b"dpop")
                ],
            )
        )
        if isinstance(answer, Challenge):
            return _challenged(answer)
        if isinstance(answer, Refused):
            return refusal(answer.reason)
        return private_json(answer)

    return serve


def _challenged(challenge: Challenge) -> Response:
    """Refuse with a challenge: 400, 401 or 403 (RFC 6750 §3, RFC 9449 §7)."""
    members = {
        "error": challenge.error or "unauthorized",
        "error_description": challenge.description or "Send an access token.",
    }
    body = private_json(members, status=challenge.status)
    lines: list[HeaderLine] = [
        (b"www-authenticate", line.encode("ascii")) for line in challenge.lines()
    ]
    if challenge.nonce is not None:
        lines.append((b"dpop-nonce", challenge.nonce.encode("ascii")))
    return Response(status=body.status, headers=(*body.headers, *lines), body=body.body)
