"""Which handler answers which grant type: one table.

A new grant is a module beside this one, a row here, and its name with the switch for it
in `oauth/grant_types.py`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from actor_oauth.actors.token_endpoint.authorization_code import (
    authorization_code_grant,
)
from actor_oauth.actors.token_endpoint.client_credentials import (
    client_credentials_grant,
)
from actor_oauth.actors.token_endpoint.grant import GrantHandler, GrantParts
from actor_oauth.actors.token_endpoint.jwt_bearer import jwt_bearer_grant
from actor_oauth.actors.token_endpoint.refresh_token import refresh_token_grant
from actor_oauth.oauth.grant_types import (
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER,
    TOKEN_EXCHANGE,
    enabled_grant_types,
)

GRANTS: Final[Mapping[str, Callable[[GrantParts], GrantHandler]]] = {
    "authorization_code": authorization_code_grant,
    "refresh_token": refresh_token_grant,
    CLIENT_CREDENTIALS: client_credentials_grant,
    TOKEN_EXCHANGE: lambda parts: parts.exchange.answer,
    DEVICE_CODE: lambda parts: parts.devices.poll,
    JWT_BEARER: jwt_bearer_grant,
}


def enabled_grants(parts: GrantParts) -> dict[str, GrantHandler]:
    """Make the handlers of the grant types that the deployment offers."""
    return {
        grant_type: GRANTS[grant_type](parts)
        for grant_type in enabled_grant_types(parts.effects.policy)
    }
