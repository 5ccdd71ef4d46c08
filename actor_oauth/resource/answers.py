"""Whole answers of the guard, as values that are also ASGI applications."""

import json
from dataclasses import dataclass

from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.reasons import Reason
from actor_oauth.resource.asgi import HeaderLine, Receive, Scope, Send
from actor_oauth.resource.cors import CORS_HEADERS

_NO_STORE: HeaderLine = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One whole response. Frameworks may copy its parts, or call it as an ASGI app.

    Attributes:
        status: HTTP status.
        headers: All but `Content-Length`.
        body: Complete.
        reason: Why it refuses something, for the log; None if it does not.
    """

    status: int
    headers: tuple[HeaderLine, ...] = ()
    body: bytes = b""
    reason: Reason | None = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the response."""
        headers = list(self.headers)
        # RFC 9110 §8.6: a 204 or 304 has no body, and 204 forbids the header.
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body})


def challenge_answer(challenge: Challenge) -> Answer:
    """Refuse with a challenge: 401, 403, or 400 (G-03, G-04, G-07, G-08, G-17)."""
    if challenge.error is None:
        text = Reason.CREDENTIALS_MISSING.description
        body = _error_body("unauthorized", text)
    else:
        body = _error_body(challenge.error, challenge.description)
    nonce: tuple[HeaderLine, ...] = ()
    if challenge.nonce is not None:
        nonce = ((b"dpop-nonce", challenge.nonce.encode("ascii")),)
    return Answer(
        status=challenge.status,
        headers=(
            *(
                (b"www-authenticate", value.encode("ascii"))
                for value in challenge.lines()
            ),
            *nonce,
            *_JSON,
            *CORS_HEADERS,
        ),
        body=body,
        reason=challenge.reason,
    )


def forbidden_origin() -> Answer:
    """Refuse a page that rebinds a name or comes from elsewhere (G-16).

    No CORS headers: the page is not to read even this.
    """
    return Answer(
        status=403,
        headers=_JSON,
        body=_error_body("forbidden", Reason.ORIGIN_FOREIGN.description),
        reason=Reason.ORIGIN_FOREIGN,
    )


def unavailable(retry_after: int, reason: Reason) -> Answer:
    """Say that the token could not be checked now, which says nothing about the token.

    Several clients throw their tokens away on a 401; this one must not be one.

    Args:
        retry_after: Seconds.
        reason: Why, for the operator.
    """
    return Answer(
        status=503,
        headers=(
            (b"retry-after", str(retry_after).encode()),
            *_JSON,
            *CORS_HEADERS,
        ),
        body=_error_body(
            "temporarily_unavailable", "The token cannot be checked now; try again."
        ),
        reason=reason,
    )


_JSON: tuple[HeaderLine, ...] = ((b"content-type", b"application/json"), _NO_STORE)


def _error_body(error: str, description: str | None) -> bytes:
    members = {"error": error, "error_description": description}
    return json.dumps({k: v for k, v in members.items() if v is not None}).encode()
