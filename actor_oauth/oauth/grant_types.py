"""The grant types, and which of them a deployment offers.

Beyond codes and refresh tokens every grant is off until the operator wants it: what
nobody uses is only something to attack.
"""

from typing import Final

from actor_oauth.oauth.clients import GRANT_TYPES
from actor_oauth.oauth.policy import Policy

CLIENT_CREDENTIALS: Final = "client_credentials"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 a grant type
IMPLICIT: Final = "implicit"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def enabled_grant_types(policy: Policy) -> tuple[str, ...]:
    """Give every grant type that the token endpoint answers."""
    offered = (
        (CLIENT_CREDENTIALS, policy.client_credentials_enabled),
        (TOKEN_EXCHANGE, policy.token_exchange_enabled),
        (DEVICE_CODE, policy.device_authorization_enabled),
        (JWT_BEARER, policy.trust.has("id-jag") or policy.trust.has("workload")),
    )
    return (*GRANT_TYPES, *(name for name, enabled in offered if enabled))


def published_grant_types(policy: Policy) -> tuple[str, ...]:
    """Give every grant type that this server has, at whichever endpoint (A-04)."""
    implicit = (IMPLICIT,) if policy.implicit_enabled else ()
    return (*enabled_grant_types(policy), *implicit)


def registrable_grant_types(policy: Policy) -> tuple[str, ...]:
    """Give those that clients may register for themselves.

    Not client credentials: such a client acts on its own behalf, and only an operator
    can say what it may do (D-34).
    """
    return tuple(
        name for name in published_grant_types(policy) if name != CLIENT_CREDENTIALS
    )
