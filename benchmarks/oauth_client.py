"""A small OAuth client for the benchmarks: it finds a server's endpoints by discovery.

For servers that approve at once (`--auto-approve`); it fills in no forms.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import trio

from benchmarks.http_connection import render_request

REDIRECT_URI = "http://127.0.0.1/callback"
_PATIENCE = 60.0


class OAuthClientError(Exception):
    """The server did not give what the benchmark needs; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a token endpoint answered."""

    access_token: str
    refresh_token: str
    resource: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEndpoints:
    """What discovery told.

    Attributes:
        issuer: As published.
        authorization: Where codes come from.
        token: Where tokens come from.
        registration: Where clients register.
    """

    issuer: str
    authorization: str
    token: str
    registration: str


async def discover(http: httpx2.AsyncClient, issuer: str) -> ServerEndpoints:
    """Read the authorization server's metadata (RFC 8414).

    Raises:
        OAuthClientError: There is none, or clients cannot register.
    """
    parts = urlsplit(issuer)
    path = "" if parts.path == "/" else parts.path
    url = f"{parts.scheme}://{parts.netloc}"
    answer = await http.get(f"{url}/.well-known/oauth-authorization-server{path}")
    if answer.status_code != 200:
        raise OAuthClientError(f"no metadata at {answer.url}: {answer.status_code}")
    try:
        document = answer.json()
        return ServerEndpoints(
            issuer=document["issuer"],
            authorization=document["authorization_endpoint"],
            token=document["token_endpoint"],
            registration=document["registration_endpoint"],
        )
    except (ValueError, KeyError) as error:
        raise OAuthClientError(f"the metadata at {answer.url}: {error!r}") from error


async def register(http: httpx2.AsyncClient, endpoints: ServerEndpoints) -> str:
    """Register a public client; waits while the server says that there were too many.

    Returns:
        Its `client_id`.

    Raises:
        OAuthClientError: Registration was refused.
    """
    metadata = {
        "client_name": "benchmark",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    }
    with trio.fail_after(_PATIENCE):
        while True:
            answer = await http.post(endpoints.registration, json=metadata)
            if answer.status_code != 429:
                break
            await trio.sleep(float(answer.headers.get("retry-after", "1")))
    if answer.status_code != 201:
        raise OAuthClientError(f"registration: {answer.status_code} {answer.text}")
    return str(answer.json()["client_id"])


async def authorize(
    http: httpx2.AsyncClient, endpoints: ServerEndpoints, client_id: str
) -> Tokens:
    """Get a new grant: authorization, code, tokens.

    Raises:
        OAuthClientError: The server did not approve at once, or refused.
    """
    verifier = secrets.token_urlsafe(48)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "state": secrets.token_urlsafe(8),
        "code_challenge": s256(verifier),
        "code_challenge_method": "S256",
    }
    answer = await http.get(f"{endpoints.authorization}?{urlencode(query)}")
    location = answer.headers.get("location", "")
    code = parse_qs(urlsplit(location).query).get("code")
    if not code:
        raise OAuthClientError(
            f"no code from the authorization endpoint ({answer.status_code}): is the"
            " server running with --auto-approve?"
        )
    return await redeem(http, endpoints, client_id, code[0], verifier)


async def redeem(
    http: httpx2.AsyncClient,
    endpoints: ServerEndpoints,
    client_id: str,
    code: str,
    verifier: str,
) -> Tokens:
    """Get the first tokens of a grant for its code.

    Raises:
        OAuthClientError: The code was refused.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": REDIRECT_URI,
    }
    answer = await http.post(endpoints.token, data=form)
    if answer.status_code != 200:
        raise OAuthClientError(f"redemption: {answer.status_code} {answer.text}")
    return read_tokens(answer.content)


def read_tokens(body: bytes) -> Tokens:
    """Read the body of a token endpoint's good answer."""
    members = json.loads(body)
    return Tokens(
        access_token=members["access_token"],
        refresh_token=members["refresh_token"],
        resource=members.get("resource"),
    )


def s256(verifier: str) -> str:
    """The code challenge of a verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def refresh_request(
    endpoints: ServerEndpoints, client_id: str, refresh_token: str
) -> bytes:
    """A refresh as bytes, ready to be sent by many connections at once."""
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "refresh_token": refresh_token,
    }
    parts = urlsplit(endpoints.token)
    return render_request(
        "POST",
        parts.path,
        parts.netloc,
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=urlencode(form).encode(),
    )
