"""The JWK set: the public keys of this server's access tokens (RFC 7517)."""

import hashlib

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.http.messages import Endpoint, HeaderLine, Request, Response
from actor_oauth.http.render import JSON_TYPE, NO_SNIFF, json_bytes

# Less than the time that a new key is published before it signs (K-11).
_CACHE: HeaderLine = (b"cache-control", b"public, max-age=900")


def jwks_endpoint(server: AuthorizationServer) -> Endpoint:
    """`GET /jwks`: the keys that will sign, sign, and have signed what still lives."""

    async def serve(request: Request) -> Response:
        body = json_bytes(server.jwks())
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
        headers: tuple[HeaderLine, ...] = (_CACHE, (b"etag", etag))
        if etag in request.header_lines(b"if-none-match"):
            return Response(status=304, headers=headers)
        return Response(status=200, headers=(JSON_TYPE, NO_SNIFF, *headers), body=body)

    return serve
