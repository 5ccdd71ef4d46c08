"""DPoP: a proof that the presenter of a token holds a key (RFC 9449).

Rule 1: a proof is for one request. It names method and URL, its time is near, and it is
accepted once: `Proof.key` is what the owner of the replay memory remembers (F-06).
Rule 2: a proof is compared with values from configuration and from our own parsing of
the request, never with what a client says about itself.
Rule 3: nonces are derived, not stored: a MAC of the current interval under a key of the
server. Every holder of the keyring knows them all, and nobody else can predict one.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote

from actor_oauth.oauth.json_values import get_text
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, VerificationKey, parse_jwks
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.signed_jwt import Jwt, moment, parse_jwt, verifies
from actor_oauth.oauth.uris import parse_web_url

Role: TypeAlias = Literal["authorization server", "resource server"]

TYPE: Final = "dpop+jwt"

WINDOW: Final = 300
"""Seconds by which a proof's time may differ from ours, before or after (F-04)."""

NONCE_INTERVAL: Final = 120
"""Seconds after which a new nonce is given out; the one before is still accepted."""

MAX_JTI_LENGTH: Final = 256
MAX_PROOF_LENGTH: Final = 4096

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that holds for one request, once.

    Attributes:
        jkt: The thumbprint of its key (RFC 7638), in base64url.
        key: A hash of key, URL and `jti`: two proofs that share it are one.
        issued_at: As it says, within `WINDOW` of our time, in Unix seconds.
    """

    jkt: str
    key: bytes = field(repr=False)
    issued_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTarget:
    """The request that a proof must be for.

    Attributes:
        method: Upper-case verb.
        url: As clients see it, from configuration; without query.
        access_token: What is presented along with it, at a protected resource.
        nonces: Those that are accepted; None if none is asked for.
    """

    method: str
    url: str
    access_token: str | None = field(default=None, repr=False)
    nonces: Collection[str] | None = None


def decide_proof(
    lines: Sequence[str], target: ProofTarget, *, now: int
) -> Proof | Refused:
    """Decide whether a proof holds for a request. Whether it is new is not decided here.

    Args:
        lines: The values of all `DPoP` header lines.
        target: The request.
        now: The time.

    Source: RFC 9449 §4.3 (F-01 to F-05).
    """
    if not lines:
        return Refused(Reason.DPOP_PROOF_MISSING)
    # A comma is not in any JWT: a proxy has joined two lines.
    if len(lines) != 1 or "," in lines[0]:
        return Refused(Reason.DPOP_PROOF_REPEATED)
    jwt = parse_jwt(lines[0].strip()) if len(lines[0]) <= MAX_PROOF_LENGTH else None
    if jwt is None or jwt.typ != TYPE:
        return Refused(Reason.DPOP_PROOF_MALFORMED)
    key = _key(jwt)
    if key is None or not verifies(jwt, (key,), algorithms=SIGNING_ALGORITHMS):
        return Refused(Reason.DPOP_PROOF_SIGNATURE)
    refused = _check_claims(jwt, target, now=now)
    if refused is not None:
        return refused
    jkt, jti = key.key.thumbprint(), get_text(jwt.claims, "jti") or ""
    seen = "\0".join((jkt, normal_url(target.url) or "", jti)).encode()
    return Proof(
        jkt=jkt,
        key=hashlib.sha256(b"actor_oauth proof\0" + seen).digest(),
        issued_at=moment(jwt, "iat") or 0,
    )


def nonces(keyring: Keyring, role: Role, *, now: int) -> tuple[str, ...]:
    """Give the nonces that are accepted at a time; the first is to be given out.

    The two roles have nonces of their own (RFC 9449 §9).
    """
    key = keyring.derive(keyring.current, f"dpop nonce of {role}")
    interval = now // NONCE_INTERVAL
    return tuple(_nonce(key, number) for number in (interval, interval - 1))


def normal_url(url: str) -> str | None:
    """Give the one spelling by which equal URLs of requests compare equal.

    Source: RFC 3986 §6.2.2, §6.2.3 (F-03).
    """
    uri = parse_web_url(url)
    if uri is None or uri.query is not None:
        return None
    port = "" if uri.port in (None, _DEFAULT_PORTS[uri.scheme]) else f":{uri.port}"
    segments: list[str] = []
    for segment in unquote(uri.path).split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    path = quote("/".join(segments))
    return f"{uri.scheme}://{(uri.host or '').lower()}{port}/{path}"


def is_thumbprint(text: str) -> bool:
    """Tell whether a text has the form of a thumbprint (`dpop_jkt`)."""
    return len(text) == 43 and all(
        c.isascii() and (c.isalnum() or c in "-_") for c in text
    )


def same_key(bound: str | None, proof: Proof | None) -> bool:
    """Tell whether what is bound to a key comes with a proof of it.

    Args:
        bound: The thumbprint; None if it is bound to none.
        proof: What came along, or None.
    """
    if bound is None:
        return True
    return proof is not None and hmac.compare_digest(bound, proof.jkt)


def _key(jwt: Jwt) -> VerificationKey | None:
    # Refuses private and symmetric keys, and what no algorithm of ours is made for.
    keys = parse_jwks({"keys": [jwt.header.get("jwk")]})
    return keys[0] if keys else None


def _check_claims(jwt: Jwt, target: ProofTarget, *, now: int) -> Refused | None:
    jti = get_text(jwt.claims, "jti")
    if not jti or len(jti) > MAX_JTI_LENGTH:
        return Refused(Reason.DPOP_PROOF_MALFORMED)
    url = normal_url(get_text(jwt.claims, "htu") or "")
    if get_text(jwt.claims, "htm") != target.method or url != normal_url(target.url):
        return Refused(Reason.DPOP_PROOF_FOR_ANOTHER)
    if target.access_token is not None and not _is_about(jwt, target.access_token):
        return Refused(Reason.DPOP_PROOF_FOR_ANOTHER)
    if target.nonces is not None:
        # Before the time: a client whose clock is wrong can go by the nonce alone, but
        # only once it knows it.
        nonce = get_text(jwt.claims, "nonce")
        if nonce not in target.nonces:
            return Refused(Reason.DPOP_NONCE_WANTED)
    return None if _is_near(jwt, now) else Refused(Reason.DPOP_PROOF_NOT_NOW)


def _is_about(jwt: Jwt, access_token: str) -> bool:
    digest = hashlib.sha256(access_token.encode()).digest()
    expected = urlsafe_b64encode(digest).decode().rstrip("=")
    said = get_text(jwt.claims, "ath") or ""
    return hmac.compare_digest(expected.encode(), said.encode())


def _is_near(jwt: Jwt, now: int) -> bool:
    try:
        issued_at = moment(jwt, "iat")
    except ValueError:
        return False
    return issued_at is not None and abs(now - issued_at) <= WINDOW


def _nonce(key: bytes, interval: int) -> str:
    mac = hmac.digest(key, interval.to_bytes(8, signed=True), "sha256")
    return urlsafe_b64encode(mac[:24]).decode()
