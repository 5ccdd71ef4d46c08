"""Grants to test with: fixed keys and policies, and a chain kept in plain values."""

import itertools
from dataclasses import dataclass, field, replace
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import Ending, Grant, IssuedAccessToken, next_state
from actor_oauth.oauth.issue_code import Approval, IssuedCode, decide_code
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring, new_keyring
from actor_oauth.oauth.pkce import challenge_of
from actor_oauth.oauth.policy import Lifetimes, Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest, Redemption, decide_redemption
from actor_oauth.oauth.refresh import decide_refresh
from actor_oauth.oauth.refresh_chain import (
    Accepted,
    Chain,
    RefreshRequest,
    Rejection,
    Renewal,
    Retry,
    ReuseDue,
    Rotation,
    StoredRefreshToken,
)
from actor_oauth.oauth.refresh_reuse import (
    RefreshRules,
    ReuseVerdict,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, parse_token, token_hash

START: Final = 1_800_000_000
GRACE: Final = 120
ACTOR_KEY: Final = "ab" * 16
RESOURCE: Final = "https://api.example/mcp"
REDIRECT_URI: Final = "https://app.example/callback"
SCOPE: Final = Scope(("read", "write", "admin"))
VERIFIER: Final = "v" * 43
KEYRING: Final = new_keyring(secret=b"s" * 32, address_key=b"a" * 32, kid="k1")
CLIENT: Final = Client(client_id="app", redirect_uris=(REDIRECT_URI,))
OTHER_CLIENT: Final = replace(CLIENT, client_id="other")
NO_REFRESH_CLIENT: Final = replace(CLIENT, grant_types=("authorization_code",))

RULES: Final = RefreshRules()

_counter = itertools.count(1)


def fresh() -> bytes:
    """Give 64 bytes that no other call gives."""
    return next(_counter).to_bytes(64)


def a_policy(
    *,
    grace: int = GRACE,
    access_token: int = 3600,
    code: int = 60,
    refresh_idle: int = 30 * 86_400,
    refresh_absolute: int = 90 * 86_400,
    rules: RefreshRules = RULES,
) -> Policy:
    return Policy(
        issuer="https://as.example",
        resources=(ResourcePolicy(identifier=RESOURCE, scopes=SCOPE.names),),
        lifetimes=Lifetimes(
            code=code,
            access_token=access_token,
            refresh_idle=refresh_idle,
            refresh_absolute=refresh_absolute,
        ),
        refresh=replace(rules, grace=grace),
    )


POLICY: Final = a_policy()


def a_request(
    *,
    client_id: str = "app",
    redirect_uri: str = REDIRECT_URI,
    resource: str = RESOURCE,
    scope: Scope = SCOPE,
) -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri,
        redirect_uri_sent=redirect_uri,
        state="xyz",
        scope=scope,
        resource=resource,
        code_challenge=challenge_of(VERIFIER),
    )


def an_approval(
    *, scope: Scope = SCOPE, props: Json = None, client_epoch: int = 1
) -> Approval:
    return Approval(scope=scope, props=props, client_epoch=client_epoch)


def an_issued_code(
    *, props: Json = None, policy: Policy = POLICY, now: int = START
) -> IssuedCode:
    issued = decide_code(
        a_request(),
        an_approval(props=props),
        actor_key=ACTOR_KEY,
        number=7,
        ended_epoch=0,
        policy=policy,
        fresh=fresh(),
        now=now,
    )
    assert isinstance(issued, IssuedCode)
    return issued


def a_code_request(
    code: Token,
    *,
    client: Client = CLIENT,
    redirect_uri: str | None = REDIRECT_URI,
    code_verifier: str | None = VERIFIER,
    resources: tuple[str, ...] = (),
) -> CodeRequest:
    return CodeRequest(code, client, redirect_uri, code_verifier, resources)


def parsed(text: str | None) -> Token:
    """Read a token that must be one."""
    token = parse_token(text or "")
    assert token is not None
    return token


Outcome = Rotation | Renewal | Retry | Rejection | ReuseDue | Ending | Refused


@dataclass
class ChainInMemory:
    """A redeemed grant whose tokens are plain values; decisions are applied to it."""

    grant: Grant
    rows: dict[int, StoredRefreshToken]
    issued: dict[int, dict[bytes, int]]
    policy: Policy = POLICY
    keyring: Keyring = KEYRING
    now: int = START
    data_keys: dict[bytes, bytes | None] = field(default_factory=dict)

    def refresh(
        self,
        token: str | Token,
        *,
        client_id: str = "app",
        scope: Scope | None = None,
        resources: tuple[str, ...] = (),
        proof: Proof | None = None,
        binds: bool = False,
        proves_client: bool = False,
        verdict: ReuseVerdict | None = None,
    ) -> Outcome:
        """Present a refresh token, and apply what is decided."""
        token = parsed(token) if isinstance(token, str) else token
        decision = decide_refresh(
            RefreshRequest(
                token, client_id, scope, resources, proof, binds, proves_client
            ),
            self.grant,
            self._chain(token),
            keyring=self.keyring,
            policy=self.policy,
            fresh=fresh(),
            now=self.now,
            verdict=verdict,
        )
        self._apply(decision)
        return decision

    def _chain(self, token: Token) -> Chain | None:
        generation = int.from_bytes(token.record[4:])
        if generation not in self.rows:
            return None
        newest = self.grant.generation
        return Chain(
            presented=self.rows[generation],
            later=[self.rows[g] for g in range(generation + 1, newest + 1)],
            issued=self.issued[newest],
        )

    def _apply(self, decision: Outcome) -> None:
        grant = self.grant
        if isinstance(decision, Ending):
            state = next_state(grant.state, decision.event)
            self.grant = replace(grant, state=state, clock=grant.time(self.now))
        elif isinstance(decision, Rotation):
            self._rotate(decision)
        elif isinstance(decision, Renewal):
            self.grant = replace(grant, clock=decision.time, deadline=decision.deadline)
        elif isinstance(decision, Rejection):
            row = self.rows[decision.generation]
            self.rows[decision.generation] = replace(row, is_rejected=True)
            contested_at = decision.time if decision.contests else None
            self.grant = replace(
                grant,
                clock=decision.time,
                expires_at=decision.expires_at,
                contested_at=grant.contested_at or contested_at,
            )
        elif isinstance(decision, Retry) and decision.accepted is not None:
            self._accept(decision.accepted)
        if isinstance(decision, Rotation | Renewal | Retry):
            self._issue(decision.access)

    def _rotate(self, decision: Rotation) -> None:
        grant, new = self.grant, decision.refresh
        before = self.rows.get(grant.generation - 1)
        if before is not None and before.link is not None and before.link.while_unused:
            # What is kept for a lost answer is not kept once that was not lost.
            link = replace(before.link, kept_until=None)
            self.rows[before.generation] = replace(before, link=link)
        old = self.rows[grant.generation]
        self.rows[grant.generation] = replace(
            old, data_key=None, link=decision.link, used_at=decision.time
        )
        self.rows[new.generation] = StoredRefreshToken(
            generation=new.generation,
            hash=token_hash(new.token),
            data_key=new.data_key,
            link=None,
        )
        self.issued[new.generation] = {}
        self.grant = replace(
            grant,
            state=decision.state,
            clock=decision.time,
            generation=new.generation,
            deadline=decision.deadline,
            refresh_jkt=decision.refresh_jkt,
        )

    def _accept(self, accepted: Accepted) -> None:
        row = self.rows[accepted.generation]
        assert row.link is not None
        link = replace(row.link, window_ends_at=accepted.window_ends_at)
        self.rows[accepted.generation] = replace(row, link=link)
        self.grant = replace(
            self.grant, clock=accepted.time, recovered_at=accepted.time
        )

    def _issue(self, access: IssuedAccessToken | None) -> None:
        if access is not None:
            hashed = token_hash(access.token)
            self.issued[access.generation][hashed] = access.expires_at
            self.data_keys[hashed] = access.data_key


def a_chain(
    *, policy: Policy = POLICY, props: Json = None, now: int = START
) -> tuple[ChainInMemory, str]:
    """Give a redeemed grant and its first refresh token."""
    code = an_issued_code(policy=policy, props=props, now=now)
    redemption = decide_redemption(
        a_code_request(code.code), code.grant, policy=policy, fresh=fresh(), now=now
    )
    assert isinstance(redemption, Redemption)
    first = redemption.refresh
    assert first is not None
    row = StoredRefreshToken(
        generation=first.generation,
        hash=token_hash(first.token),
        data_key=first.data_key,
        link=None,
    )
    access = redemption.access
    chain = ChainInMemory(
        grant=redemption.grant,
        rows={first.generation: row},
        issued={access.generation: {token_hash(access.token): access.expires_at}},
        policy=policy,
    )
    return chain, first.token.render()
