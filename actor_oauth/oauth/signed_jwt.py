"""JSON Web Tokens that others have signed (RFC 7519, RFC 8725).

Reading and believing are two steps. `parse_jwt` says what a token claims, so that one
can find out whose keys to ask for; nothing of it is true until `verifies` says so. The
token never chooses its algorithm or its key: the caller brings both.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError

from actor_oauth.oauth.json_values import Json, get_text, parse_json_object
from actor_oauth.oauth.jwks import VerificationKey

MAX_JWT_LENGTH: Final = 8192

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
# Keys tried where none is named, so that nobody makes us try all of a large set.
_MAX_TRIED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """A token as it was presented. Nothing of it is verified.

    Attributes:
        text: The whole.
        algorithm: What it says that it was signed with.
        kid: The key that it names, or None.
        typ: What kind of token it says it is, in lower case, without `application/`.
        claims: What it says.
        header: All members of its header.
    """

    text: str = field(repr=False)
    algorithm: str
    kid: str | None
    typ: str | None
    claims: Mapping[str, Json] = field(repr=False)
    header: Mapping[str, Json] = field(repr=False)


def parse_jwt(text: str) -> Jwt | None:
    """Read a token in JWS compact form.

    Returns:
        None if it is not one, is too long, has a critical header that nobody here
        understands, or a claim or header twice.
    """
    parts = _COMPACT.fullmatch(text)
    if len(text) > MAX_JWT_LENGTH or parts is None:
        return None
    header, claims = map(_decode, parts.groups())
    if header is None or claims is None or "crit" in header or "b64" in header:
        return None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        return None
    typ = header.get("typ")
    if not isinstance(typ, str | None):
        return None
    return Jwt(
        text=text,
        algorithm=algorithm,
        kid=kid,
        typ=None if typ is None else typ.lower().removeprefix("application/"),
        claims=claims,
        header=header,
    )


def fitting_keys(
    jwt: Jwt, keys: Sequence[VerificationKey]
) -> tuple[VerificationKey, ...]:
    """Give the keys that may have signed a token: by name if it names one, by algorithm."""
    return tuple(
        key
        for key in keys
        if jwt.algorithm in key.algorithms and jwt.kid in (None, key.kid)
    )[:_MAX_TRIED]


def verifies(
    jwt: Jwt, keys: Sequence[VerificationKey], *, algorithms: Collection[str]
) -> bool:
    """Tell whether one of some keys has signed a token.

    Args:
        jwt: As presented.
        keys: From `fitting_keys`.
        algorithms: Those that are accepted.
    """
    if jwt.algorithm not in algorithms:
        return False
    return any(_is_signed_by(jwt, key) for key in keys)


def audiences(jwt: Jwt) -> tuple[str, ...] | None:
    """Give whom a token is for; None if it does not say it in a proper way."""
    return claimed_audiences(jwt.claims)


def claimed_audiences(claims: Mapping[str, Json]) -> tuple[str, ...] | None:
    """As `audiences`, of claims that came in another way than as a token."""
    value = claims.get("aud")
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return None
    texts = tuple(item for item in value if isinstance(item, str))
    return texts if len(texts) == len(value) else None


def moment(jwt: Jwt, name: str) -> int | None:
    """Give a claim that is a time, in whole Unix seconds; None if it is none.

    Raises:
        ValueError: There is such a claim, and it is no time.
    """
    return claimed_moment(jwt.claims, name)


def claimed_moment(claims: Mapping[str, Json], name: str) -> int | None:
    """As `moment`, of claims that came in another way than as a token.

    Raises:
        ValueError: There is such a claim, and it is no time.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(name + " is not a number")  # noqa: TRY004 - a stranger's value
    # A number too large for a float, such as 1e400, is infinite.
    if not -(2**53) < value < 2**53:
        raise ValueError(name + " is no time")
    return int(value)


def subject(jwt: Jwt) -> str | None:
    """Give whom a token says that it is about."""
    return get_text(jwt.claims, "sub")


def _is_signed_by(jwt: Jwt, key: VerificationKey) -> bool:
    if jwt.algorithm not in key.algorithms:
        return False
    signed, _, signature = jwt.text.rpartition(".")
    try:
        # The algorithm itself: everything around it has been checked by `parse_jwt`.
        algorithm = jws.JWSRegistry.algorithms[jwt.algorithm]
        return algorithm.verify(signed.encode(), _decode_part(signature), key.key)
    except (JoseError, ValueError):
        return False


def _decode(part: str) -> dict[str, Json] | None:
    try:
        return parse_json_object(_decode_part(part))
    except ValueError:
        return None


def _decode_part(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
