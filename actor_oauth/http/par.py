"""The pushed authorization request endpoint (RFC 9126)."""

from collections.abc import Sequence

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.client_requests import ProvingAnswer
from actor_oauth.http.messages import Response
from actor_oauth.http.render import JSON_TYPE, NO_SNIFF, json_bytes
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.wire import WireError

# RFC 9126 §2.2 spells it so.
_CACHE = (b"cache-control", b"no-cache, no-store")


def pushed_request_endpoint(server: AuthorizationServer) -> ProvingAnswer:
    """`POST /par`: a client sends its authorization request ahead of the browser."""

    async def answer(
        form: Parameters, authorization: str | None, proofs: Sequence[str]
    ) -> Response | WireError:
        pushed = await server.push_authorization_request(
            form, authorization, proofs=proofs
        )
        if isinstance(pushed, WireError):
            return pushed
        return Response(
            status=201,
            headers=(JSON_TYPE, _CACHE, NO_SNIFF),
            body=json_bytes(pushed.to_json()),
        )

    return answer
