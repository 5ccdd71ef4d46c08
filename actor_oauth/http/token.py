"""The token endpoint (OAuth 2.1 §3.2): the hottest path, so one call and one render."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import Answer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import private_json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError


def token_endpoint(server: AuthorizationServer) -> Answer:
    """`POST /token`: codes and refresh tokens become tokens."""

    async def answer(
        form: Parameters, authorization: str | None
    ) -> Response | WireError:
        issued = await server.token(form, authorization)
        return (
            issued if isinstance(issued, WireError) else private_json(issued.to_json())
        )

    return answer
