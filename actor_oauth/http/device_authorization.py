"""The device authorization endpoint (RFC 8628 §3.1)."""

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import Answer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import private_json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError


def device_authorization_endpoint(server: AuthorizationServer) -> Answer:
    """`POST /device_authorization`: a device without a browser asks to be let in."""

    async def answer(
        form: Parameters, authorization: str | None
    ) -> Response | WireError:
        begun = await server.devices.begin(form, authorization)
        return begun if isinstance(begun, WireError) else private_json(begun.to_json())

    return answer
