"""The revocation endpoint (RFC 7009)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import Answer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import NO_STORE
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError


def revocation_endpoint(server: AuthorizationServer) -> Answer:
    """`POST /revoke`: an empty 200, whatever the token was (H-03)."""

    async def answer(
        form: Parameters, authorization: str | None
    ) -> Response | WireError:
        error = await server.revoke(form, authorization)
        return Response(status=200, headers=NO_STORE) if error is None else error

    return answer
