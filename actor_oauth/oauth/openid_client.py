"""What a client registered about signing in (OpenID Connect Registration §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.json_values import Json, get_integer, get_text, get_texts
from actor_oauth.oauth.signing_keys import (
    SIGNING_ALGORITHMS,
    SigningAlgorithm,
    parse_algorithm,
)

DEFAULT_ALGORITHM: Final[SigningAlgorithm] = "RS256"
"""What clients expect that say nothing (OpenID Connect Registration §2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdClient:
    """A client's registered OpenID Connect metadata.

    Attributes:
        id_token_algorithm: What its ID tokens are signed with.
        default_max_age: Seconds after a sign-in in which it need not be repeated, if a
            request says nothing else; None for no limit.
        require_auth_time: Whether ID tokens must say when the user signed in.
        post_logout_redirect_uris: Where it may have people sent that sign out.
    """

    id_token_algorithm: SigningAlgorithm = DEFAULT_ALGORITHM
    default_max_age: int | None = None
    require_auth_time: bool = False
    post_logout_redirect_uris: tuple[str, ...] = ()

    def to_members(self) -> dict[str, Json]:
        """Give it by the names of client metadata: to be stored, and to be shown."""
        members: dict[str, Json] = {
            "id_token_signed_response_alg": self.id_token_algorithm,
            "subject_type": "public",
            "default_max_age": self.default_max_age,
            "require_auth_time": self.require_auth_time or None,
            "post_logout_redirect_uris": list(self.post_logout_redirect_uris) or None,
        }
        return {name: value for name, value in members.items() if value is not None}

    @classmethod
    def from_members(cls, members: Mapping[str, Json]) -> "OpenIdClient":
        """Read back what was stored."""
        name = get_text(members, "id_token_signed_response_alg")
        max_age = None
        if "default_max_age" in members:
            max_age = get_integer(members, "default_max_age")
        return cls(
            id_token_algorithm=(
                parse_algorithm(name)
                if name in SIGNING_ALGORITHMS
                else DEFAULT_ALGORITHM
            ),
            default_max_age=max_age,
            require_auth_time=members.get("require_auth_time") is True,
            post_logout_redirect_uris=get_texts(members, "post_logout_redirect_uris"),
        )


def check_auth_time(openid: OpenIdClient | None, auth_time: int | None) -> None:
    """Check that a client which requires it learns when its user signed in.

    Raises:
        ValueError: Nobody says.
    """
    if openid is not None and openid.require_auth_time and auth_time is None:
        raise ValueError("this client must be told auth_time: when the user signed in")
