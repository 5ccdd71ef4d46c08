"""What a decision about a refresh token is made of, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import GrantState, IssuedAccessToken, IssuedRefreshToken
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.refresh_reuse import ReuseEvent
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, TokenResponse


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """A token request with grant type `refresh_token`.

    Attributes:
        token: What was presented.
        client_id: Who authenticated.
        scope: If it was sent.
        resources: The values of `resource`.
        proof: Of a key, if one was sent.
        binds: Whether a refresh token that is issued now is bound to that key: to be
            set for a client that authenticates by nothing else (F-09).
        proves_client: Whether the client authenticated by a credential that is kept
            apart from its tokens.
        rotates: Whether the token must be rotated whatever the rules say.
        details: The parameter `authorization_details`, or None.
    """

    token: Token
    client_id: str
    scope: Scope | None = None
    resources: tuple[str, ...] = ()
    proof: Proof | None = None
    binds: bool = False
    proves_client: bool = False
    rotates: bool = False
    details: str | None = None

    @classmethod
    def of(
        cls,
        client: Client,
        token: Token,
        scope: Scope | None,
        resources: tuple[str, ...],
        proof: Proof | None,
    ) -> "RefreshRequest":
        """Make the request of an authenticated client."""
        return cls(
            token,
            client.client_id,
            scope,
            resources,
            proof,
            binds=not client.is_confidential,
            proves_client=client.has_credential_apart,
        )

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key that an access token is bound to."""
        return None if self.proof is None else self.proof.jkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the successor of one generation is derived, and until when.

    Attributes:
        kid: The server's key.
        salt: Random, erased when nothing may be derived with it any more.
        window_ends_at: The last second in which anybody may use it.
        kept_until: The last second in which a presenter with further evidence may use
            it; None if there is no such period.
        while_unused: Whether it is kept beyond its window only until its successor is
            presented.
    """

    kid: str
    salt: bytes = field(repr=False)
    window_ends_at: int
    kept_until: int | None = None
    while_unused: bool = False

    def is_open(self, time: int) -> bool:
        """Tell whether anybody may use it now."""
        return time <= self.window_ends_at

    def is_kept(self, time: int) -> bool:
        """Tell whether any presenter may use it now."""
        return self.is_open(time) or time <= (self.kept_until or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRefreshToken:
    """What is known of one generation.

    Attributes:
        generation: Its place in the chain.
        hash: Kept until the grant is forgotten, so that a replay is noticed (D-30).
        data_key: The data key of the props, wrapped for it; only the head has one.
        link: Only while it may be used; never for a head.
        used_at: When it was presented first, in Unix seconds; None for a head.
        is_rejected: Whether a late presenter of it has been refused already.
    """

    generation: int
    hash: bytes
    data_key: bytes | None = field(repr=False)
    link: Link | None
    used_at: int | None = None
    is_rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a decision needs of a grant's chain.

    Attributes:
        presented: The generation that the presented token names.
        later: Every generation after it, in order, to the head; empty if it is the head.
            May be left out if the presented one has no link any more.
        issued: The expiry of every access token that came with the head, by hash; 0 for
            one that was revoked. May be left out if the head was presented.
    """

    presented: StoredRefreshToken
    later: Sequence[StoredRefreshToken] = ()
    issued: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The head was used for the first time, and there is a new head.

    Attributes:
        link: From the old head to the new one; None if nobody may ever use it.
        refresh: The new head.
        access: To be stored.
        state: Of the grant.
        time: Of the grant.
        deadline: Of the grant.
        response: For the client.
        proof: To be noted as used.
        refresh_jkt: The thumbprint of the key that must refresh from now on, or None.
    """

    link: Link | None
    refresh: IssuedRefreshToken
    access: IssuedAccessToken
    state: GrantState
    time: int
    deadline: int
    response: TokenResponse
    proof: Proof | None = None
    refresh_jkt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The head was used, and stays the head: only the access token is new.

    Attributes:
        access: To be stored.
        time: Of the grant.
        deadline: Of the grant.
        response: For the client.
        proof: To be noted as used.
    """

    access: IssuedAccessToken
    time: int
    deadline: int
    response: TokenResponse
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A late presenter is answered.

    Attributes:
        generation: Of what it presented.
        window_ends_at: Until when that generation leads to the head again for any
            presenter: others who share the presenter's store are not checked again.
        time: Of the grant.
    """

    generation: int
    window_ends_at: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An older token was used again: it leads to the head.

    Attributes:
        access: To be stored; None if these parameters had one already that lives.
        response: For the client.
        proof: To be noted as used.
        accepted: To be stored, if it came after its window.
    """

    access: IssuedAccessToken | None
    response: TokenResponse
    proof: Proof | None = None
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A late presenter is refused, and the chain lives: both are committed.

    Attributes:
        refused: The answer to the caller.
        generation: Of what was presented; to be marked as rejected.
        contests: Whether the grant is contested from now on.
        expires_at: Of the grant.
        time: Of the grant.
    """

    refused: Refused
    generation: int
    contests: bool
    expires_at: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseDue:
    """The application is to be asked about a late reuse before anything is decided.

    Attributes:
        event: What to tell it.
    """

    event: ReuseEvent
