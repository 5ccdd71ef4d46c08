"""Grants made in the provider's own process, by its helper API: no HTTP, no login."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.target import REDIRECT_URI
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.oauth.wire import Refused
from actor_oauth.runtime import Entropy


@dataclass(frozen=True, slots=True)
class HelperGrants:
    """Makes grants of any user for one client.

    Attributes:
        server: The authorization server.
        client_id: The client.
        entropy: For verifiers.
    """

    server: AuthorizationServer
    client_id: str
    entropy: Entropy

    async def grant(self, user: str, *, props: bool = True) -> TokenResponse:
        """Give a user's grant its first tokens.

        Args:
            user: Whose.
            props: Whether the application attaches something.

        Raises:
            BenchError: The server refused.
        """
        verifier = urlsafe_b64encode(self.entropy.token_bytes(36)).decode()
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        code = await self._code(user, challenge, props=props)
        return await self._token(
            {
                "grant_type": "authorization_code",
                "client_id": self.client_id,
                "code": code,
                "code_verifier": verifier,
            }
        )

    async def refresh(self, token: str) -> TokenResponse:
        """Refresh once.

        Raises:
            BenchError: The server refused.
        """
        return await self._token(
            {
                "grant_type": "refresh_token",
                "client_id": self.client_id,
                "refresh_token": token,
            }
        )

    async def _token(self, fields: dict[str, str]) -> TokenResponse:
        form = parse_form(urlencode(fields).encode())
        assert isinstance(form, Parameters)
        answer = await self.server.token(form, None)
        if not isinstance(answer, TokenResponse):
            raise BenchError(f"the provider refused: {answer.error}")
        return answer

    async def _code(self, user: str, challenge: str, *, props: bool) -> str:
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        request = await self.server.parse_auth_request(urlencode(query))
        if not isinstance(request, AuthorizationRequest):
            raise BenchError(f"the provider refused: {request.reason}")
        answer = await self.server.complete_authorization(
            request, user_id=user, props={"user": user} if props else None
        )
        if not isinstance(answer, Redirect):
            raise BenchError(f"the provider refused: {answer.reason}")
        return parse_qs(urlsplit(answer.url).query)["code"][0]


async def open_helper(server: AuthorizationServer, entropy: Entropy) -> HelperGrants:
    """Make a client, and what makes grants for it.

    Args:
        server: The authorization server.
        entropy: For verifiers.

    Raises:
        BenchError: The server refused.
    """
    made = await server.create_client(
        client_name="actor-oauth bench", redirect_uris=[REDIRECT_URI]
    )
    if isinstance(made, Refused):
        raise BenchError(f"the provider refused a client: {made.reason}")
    return HelperGrants(server, made.client.client_id, entropy)
