"""Another service's tokens in the props of a grant, and their refreshing.

Rule 1: only a definite answer of the other service ends the grant. Anything that says
nothing about the tokens is retried, and costs the client nothing (D-32).
Rule 2: an access token of this server does not outlive the other service's token that
its holder works with: when the client comes for a new one, so does this server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_optional_integer,
    get_text,
)
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.token_changes import TokenRefusal
from actor_oauth.oauth.upstream.credentials import (
    Credential,
    CredentialState,
    Use,
    decide_use,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import UpstreamTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTokens:
    """The tokens a service issued to a user who signed in with it.

    Attributes:
        provider: The service's name in the settings.
        access_token: To be presented there.
        refresh_token: For the next one; None if none came.
        obtained_at: When the access token came, in Unix seconds.
        expires_at: When it ends; None if that is not known.
        scope: What it may be used for.
    """

    provider: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    obtained_at: int
    expires_at: int | None
    scope: Scope

    def to_props(self) -> dict[str, Json]:
        """Give the JSON value to store in the props. Like them, it is secret."""
        return {
            "provider": self.provider,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "obtained_at": self.obtained_at,
            "expires_at": self.expires_at,
            "scope": str(self.scope),
        }

    @classmethod
    def from_props(cls, props: Json) -> "KeptTokens | None":
        """Read what `to_props` gave; None if it is something else."""
        if not isinstance(props, dict):
            return None
        provider = get_text(props, "provider")
        access_token = get_text(props, "access_token")
        if provider is None or access_token is None:
            return None
        return cls(
            provider=provider,
            access_token=access_token,
            refresh_token=get_text(props, "refresh_token"),
            obtained_at=get_integer(props, "obtained_at"),
            expires_at=get_optional_integer(props, "expires_at"),
            scope=parse_scope(get_text(props, "scope") or "") or Scope(),
        )

    def renewed(self, tokens: UpstreamTokens) -> "KeptTokens":
        """Give them after a refresh; without a new refresh token the old one stays."""
        return KeptTokens(
            provider=self.provider,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or self.refresh_token,
            obtained_at=tokens.obtained_at,
            expires_at=tokens.expires_at,
            scope=tokens.scope,
        )


def kept_tokens(provider: str, tokens: UpstreamTokens) -> KeptTokens:
    """Convert a service's answer into the stored form.

    Args:
        provider: The service's name in the settings.
        tokens: Its answer.
    """
    return KeptTokens(
        provider=provider,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        obtained_at=tokens.obtained_at,
        expires_at=tokens.expires_at,
        scope=tokens.scope,
    )


def decide_upkeep(kept: KeptTokens, *, now: int) -> Use:
    """Decide what to do before new tokens are issued over these.

    Args:
        kept: As they are in the props.
        now: The time, in Unix seconds.

    Returns:
        `PRESENT` if they remain valid for a while, `REFRESH` if they should be
        refreshed, `AUTHORIZE` if they have ended and only the user can get new ones.
    """
    return decide_use(_credential(kept), now=now)


def access_lifetime(kept: KeptTokens, *, usual: int, now: int) -> int | None:
    """Give the seconds that an access token of this server may live over these tokens.

    Args:
        kept: Alive.
        usual: Seconds that one lives otherwise.
        now: The time, in Unix seconds.

    Returns:
        None if it may live as long as usual.
    """
    due_at = _credential(kept).due_at if kept.refresh_token else kept.expires_at
    life = usual if due_at is None else due_at - now
    return None if life >= usual else max(1, life)


def decide_refusal(failed: UpstreamFailed) -> TokenRefusal:
    """Decide what a refresh that failed means for the grant.

    Only the service's statement that the tokens have ended does. If the service is down
    or busy, or no longer accepts this server, that is not the user's fault.
    """
    over = failed.fault is UpstreamFault.GRANT_REJECTED
    return TokenRefusal.ENDED if over else TokenRefusal.BUSY


def with_kept(props: Mapping[str, Json], name: str, kept: KeptTokens) -> Json:
    """Give props with other tokens in them.

    Args:
        props: As they were.
        name: Of the member that holds the tokens.
        kept: The tokens.
    """
    return {**props, name: kept.to_props()}


def _credential(kept: KeptTokens) -> Credential:
    return Credential(
        state=CredentialState.CONNECTED,
        epoch=0,
        generation=0,
        obtained_at=kept.obtained_at,
        expires_at=kept.expires_at,
        can_refresh=kept.refresh_token is not None,
    )
