"""The instrument's own way to a grant: register, authorize, redeem.

For servers that approve at once. Those that ask a person need another source of tokens.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from actor_oauth.bench.asking import BenchError, Talk, patiently
from actor_oauth.bench.http import Answer
from actor_oauth.bench.target import REDIRECT_URI, Code, Credentials, Grant, Target
from actor_oauth.oauth.json_values import Json
from actor_oauth.runtime import Entropy

CLIENT_METADATA: Final[Mapping[str, Json]] = {
    "client_name": "actor-oauth bench",
    "redirect_uris": [REDIRECT_URI],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
}


def read_client(answer: Answer) -> Credentials:
    """Read what a registration was answered (RFC 7591 §3.2.1, RFC 7592 §3).

    Raises:
        BenchError: It was refused.
    """
    client_id = answer.text("client_id")
    if not answer.is_good or not client_id:
        raise BenchError(f"registration was refused: {answer.told}")
    where = answer.text("registration_client_uri")
    token = answer.text("registration_access_token")
    method = answer.text("token_endpoint_auth_method")
    return Credentials(
        client_id=client_id,
        secret=answer.text("client_secret") or None,
        in_body=method == "client_secret_post",
        management=(where, token) if where and token else None,
    )


def read_grant(client: Credentials, answer: Answer) -> Grant:
    """Read what a token request was answered (RFC 6749 §5.1).

    Raises:
        BenchError: It was refused, or there is no refresh token.
    """
    refresh = answer.text("refresh_token")
    if not answer.is_good or not refresh:
        raise BenchError(f"no refresh token for a code: {answer.told}")
    access = answer.text("access_token") or None
    return Grant(client=client, refresh_token=refresh, access_token=access)


@dataclass(frozen=True, slots=True)
class Flow:
    """Registers clients and gets grants of a server that approves at once.

    Attributes:
        target: The server.
        entropy: For verifiers.
    """

    target: Target
    entropy: Entropy

    def client(self) -> Talk[Credentials]:
        """Register a public client."""
        answer = yield from patiently(self.target.register(CLIENT_METADATA))
        return read_client(answer)

    def code(self, client: Credentials, user: str | None = None) -> Talk[Code]:
        """Get a code.

        Args:
            client: For whom.
            user: Who allows it, if the server takes the instrument's word for it.

        Raises:
            BenchError: The server did not approve at once.
        """
        verifier = urlsafe_b64encode(self.entropy.token_bytes(36)).decode()
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        answer = yield from patiently(
            self.target.authorize(client, challenge, user=user)
        )
        query = parse_qs(urlsplit(answer.header("location")).query)
        code = query.get("code")
        if not code:
            raise BenchError(
                f"no code from the authorization endpoint ({answer.told}): does the"
                " server approve at once? Otherwise give --tokens or --token-command"
            )
        return Code(client=client, code=code[0], verifier=verifier)

    def grant(self, client: Credentials, user: str | None = None) -> Talk[Grant]:
        """Get a grant: a code, and the tokens for it."""
        code = yield from self.code(client, user)
        answer = yield from patiently(self.target.redeem(code))
        return read_grant(client, answer)
