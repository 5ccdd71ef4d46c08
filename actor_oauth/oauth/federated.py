"""Local names of users and workloads of other issuers.

An account is identified by issuer, tenant and subject, never by an address: taking over
a mailbox, or entering somebody else's address, must not give access to their account
(D-48).
"""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Final

from actor_oauth.oauth.keyring import Keyring

FEDERATED_PREFIX: Final = "fed_"
"""Prefix of federated users' names, which no other user's name may have."""


def federated_user_id(
    keyring: Keyring, *, issuer: str, subject: str, tenant: str | None = None
) -> str:
    """Give the local name of a federated account: always the same one.

    It becomes `sub` of tokens, so it tells nobody who it is without the address key.

    Args:
        keyring: The server's.
        issuer: Who knows them.
        subject: As the issuer names them.
        tenant: The issuer's tenant, if it has several.
    """
    # As JSON: whatever the three are, no two people share a text.
    name = json.dumps([issuer, subject, tenant]).encode()
    key = b"actor_oauth federated user\0"
    digest = hmac.digest(keyring.address_key, key + name, "sha256")[:24]
    return FEDERATED_PREFIX + urlsafe_b64encode(digest).decode()
