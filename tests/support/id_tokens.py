"""ID tokens, as a client that knows nothing of this server reads them."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet, KeySetSerialization

from actor_oauth.oauth.json_values import Json


@dataclass(frozen=True)
class ReadIdToken:
    """What an ID token says, its signature verified."""

    header: Mapping[str, Json]
    claims: Mapping[str, Json]


def read_id_token(text: str, jwks: KeySetSerialization) -> ReadIdToken:
    """Verify an ID token with the published keys."""
    with warnings.catch_warnings():
        # `EdDSA` has a newer name, `Ed25519`, that few clients know yet.
        warnings.simplefilter("ignore", SecurityWarning)
        token = jwt.decode(
            text, KeySet.import_key_set(jwks), algorithms=["RS256", "ES256", "EdDSA"]
        )
    return ReadIdToken(header=token.header, claims=token.claims)
