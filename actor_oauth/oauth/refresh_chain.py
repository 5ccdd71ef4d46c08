"""What a decision about a refresh token is made of, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import GrantState, IssuedAccessToken, IssuedRefreshToken
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
    """

    token: Token
    client_id: str
    scope: Scope | None = None
    resources: tuple[str, ...] = ()
    proof: Proof | None = None
    binds: bool = False

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key that an access token is bound to."""
        return None if self.proof is None else self.proof.jkt


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the successor of one generation is derived, and until when.

    Attributes:
        kid: The server's key.
        salt: Random, erased when the window has ended.
        window_ends_at: The last second in which it may be used.
    """

    kid: str
    salt: bytes = field(repr=False)
    window_ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRefreshToken:
    """What is known of one generation.

    Attributes:
        generation: Its place in the chain.
        hash: Kept until the grant is forgotten, so that a replay is noticed (D-30).
        data_key: The data key of the props, wrapped for it; only the head has one.
        link: Only while its window is open; never for a head.
    """

    generation: int
    hash: bytes
    data_key: bytes | None = field(repr=False)
    link: Link | None


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
        link: From the old head to the new one; None if the policy gives no grace.
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
class Retry:
    """An older token was used again within its window: it leads to the head.

    Attributes:
        access: To be stored; None if these parameters had one already that lives.
        response: For the client.
        proof: To be noted as used.
    """

    access: IssuedAccessToken | None
    response: TokenResponse
    proof: Proof | None = None
