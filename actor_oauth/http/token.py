"""The token endpoint (OAuth 2.1 §3.2): the hottest path, so one call and one render."""

from collections.abc import Sequence

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import ProvingAnswer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import private_json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError


def token_endpoint(server: AuthorizationServer) -> ProvingAnswer:
    """`POST /token`: codes and refresh tokens become tokens."""

    async def answer(
        form: Parameters, authorization: str | None, proofs: Sequence[str]
    ) -> Response | WireError:
        issued = await server.token(form, authorization, proofs=proofs)
        return (
            issued if isinstance(issued, WireError) else private_json(issued.to_json())
        )

    return answer
