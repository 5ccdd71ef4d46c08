"""Who sends a request to the token, revocation or introspection endpoint.

Parsing the credentials and checking them are two steps, since a secret is compared by
the actor that stores its hash. Every failure after parsing gets the same answer:
neither the body nor the work done may reveal whether the client is unknown or the
secret wrong.
"""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from actor_oauth.oauth.client_assertion import ASSERTION_TYPE
from actor_oauth.oauth.clients import AuthMethod, Client
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.signed_jwt import Jwt, parse_jwt, subject
from actor_oauth.oauth.wire import Reason, Refused

MAX_HEADER_LENGTH: Final = 8192
MAX_CLIENT_ID_LENGTH: Final = 2048
MAX_SECRET_LENGTH: Final = 1024

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client presented about itself. Nothing of it is verified.

    Attributes:
        client_id: Who it says it is.
        method: How it authenticates, `none` if it only says who it is.
        secret: What it presented; None if nothing, or nothing but an empty text.
        assertion: What it presented instead, unverified; only with `private_key_jwt`.
    """

    client_id: str
    method: AuthMethod
    secret: str | None = field(default=None, repr=False)
    assertion: Jwt | None = field(default=None, repr=False)


def parse_client_credentials(
    form: Parameters, authorization: str | None
) -> Credentials | Refused:
    """Read how a client authenticates.

    A form with a repeated parameter is refused here, before anything of it is used.

    Args:
        form: The body.
        authorization: The value of the `Authorization` header; None without one.

    Source: OAuth 2.1 §2.4.1, §3.2; RFC 6749 §2.3.1; RFC 7521 §4.2 (E-01 to E-04, E-09,
    E-10).
    """
    if form.repeated:
        return Refused(Reason.PARAMETER_REPEATED)
    authorization = (authorization or "").strip()
    asserted = form.get("client_assertion") or form.get("client_assertion_type")
    used = (authorization, form.get("client_secret"), asserted)
    if sum(map(bool, used)) > 1:
        return Refused(Reason.CLIENT_METHODS_MIXED)
    if authorization:
        return _parse_basic(authorization, form.get("client_id"))
    if asserted:
        return _parse_assertion(form)
    return _parse_body(form)


def named_client(form: Parameters, authorization: str | None) -> str | None:
    """Give the id that a request says is its sender's, wherever it stands.

    Args:
        form: The body.
        authorization: The value of the `Authorization` header; None without one.

    Returns:
        Nothing of it is verified. None if it cannot be read.
    """
    credentials = parse_client_credentials(form, authorization)
    return None if isinstance(credentials, Refused) else credentials.client_id


def decide_client_authentication(
    credentials: Credentials, client: Client | None, *, secret_matches: bool
) -> Client | Refused:
    """Decide whether a client is who it says it is, by its secret or as it has none.

    Args:
        credentials: What was presented.
        client: The client of that id, or None if there is none that may ask.
        secret_matches: Whether the presented secret is the client's. The caller
            compares in constant time, against a dummy if the client does not exist.

    Source: OAuth 2.1 §3.2.4 (E-03, E-07, E-08, B-29).
    """
    if client is None or client.client_id != credentials.client_id:
        return Refused(Reason.CLIENT_UNKNOWN)
    if credentials.method not in client.auth_methods_accepted:
        return Refused(_wrong_method(credentials, client))
    if credentials.method == "none":
        return client
    if credentials.secret is None:
        return Refused(Reason.CLIENT_SECRET_MISSING)
    return client if secret_matches else Refused(Reason.CLIENT_SECRET_WRONG)


def _wrong_method(credentials: Credentials, client: Client) -> Reason:
    if credentials.method == "none":
        return Reason.CLIENT_SECRET_MISSING
    if not client.is_confidential:
        return Reason.CLIENT_SECRET_UNEXPECTED
    return Reason.CLIENT_METHOD_WRONG


def _parse_body(form: Parameters) -> Credentials | Refused:
    client_id = form.get("client_id")
    if client_id is None:
        return Refused(Reason.CLIENT_ID_MISSING)
    secret = form.get("client_secret")
    return _bounded(
        Credentials(
            client_id=client_id,
            method="none" if secret is None else "client_secret_post",
            secret=secret,
        )
    )


def _parse_assertion(form: Parameters) -> Credentials | Refused:
    # RFC 7521 §4.2: the client_id may be left out, and must be the assertion's subject.
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return Refused(Reason.CLIENT_ASSERTION_TYPE)
    jwt = parse_jwt(form.get("client_assertion") or "")
    named = None if jwt is None else subject(jwt)
    if jwt is None or not named:
        return Refused(Reason.CLIENT_ASSERTION_MALFORMED)
    if form.get("client_id") not in (None, named):
        return Refused(Reason.CLIENT_ID_MISMATCH)
    return _bounded(
        Credentials(client_id=named, method="private_key_jwt", assertion=jwt)
    )


def _parse_basic(header: str, body_client_id: str | None) -> Credentials | Refused:
    scheme, _, encoded = header.partition(" ")
    pair = None
    if scheme.lower() == "basic" and len(encoded) <= MAX_HEADER_LENGTH:
        pair = _decode_pair(encoded.strip())
    if pair is None or not pair[0]:
        return Refused(Reason.CLIENT_CREDENTIALS_MALFORMED)
    client_id, secret = pair
    if body_client_id not in (None, client_id):
        return Refused(Reason.CLIENT_ID_MISMATCH)
    return _bounded(
        Credentials(
            client_id=client_id, method="client_secret_basic", secret=secret or None
        )
    )


def _decode_pair(encoded: str) -> tuple[str, str] | None:
    try:
        text = b64decode(encoded, validate=True).decode()
        client_id, colon, secret = text.partition(":")
        if not colon:
            return None
        return _decode_half(client_id), _decode_half(secret)
    except ValueError:
        return None


def _decode_half(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise ValueError("a percent sign starts no escape")
    return unquote_to_bytes(text.replace("+", " ")).decode()


def _bounded(credentials: Credentials) -> Credentials | Refused:
    # What is too long to be ours need not be hashed to know it.
    if len(credentials.client_id) > MAX_CLIENT_ID_LENGTH:
        return Refused(Reason.CLIENT_UNKNOWN)
    if len(credentials.secret or "") > MAX_SECRET_LENGTH:
        return Refused(Reason.CLIENT_SECRET_WRONG)
    return credentials
