"""The introspection endpoint (RFC 7662)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import Answer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import private_json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError


def introspection_endpoint(server: AuthorizationServer) -> Answer:
    """`POST /introspect`: what a token allows right now."""

    async def answer(
        form: Parameters, authorization: str | None
    ) -> Response | WireError:
        found = await server.introspect(form, authorization)
        return found if isinstance(found, WireError) else private_json(found)

    return answer
