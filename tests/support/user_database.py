"""A user's database without the runtime: the plain functions that turns are made of."""

import sqlite3
import weakref
from contextlib import suppress
from typing import Final

from actor_oauth.actors.user import exchange
from actor_oauth.actors.user.account import insert_account
from actor_oauth.actors.user.authorization import Approved, Circumstances, authorize
from actor_oauth.actors.user.exchange import Redeemed
from actor_oauth.actors.user.housekeeping import sweep
from actor_oauth.actors.user.refreshing import RefreshOutcome, refresh
from actor_oauth.actors.user.schema import USER_MIGRATIONS
from actor_oauth.actors.user.tokens import find_access_token
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.introspect import decide_access
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.refresh_chain import RefreshRequest, ReuseDue
from actor_oauth.oauth.revoke import Revoked
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, Token
from actor_oauth.runtime import Database
from actor_oauth.runtime.schema import empty_image, open_image, steps
from tests.support.grants import (
    ACTOR_KEY,
    CLIENT,
    KEYRING,
    POLICY,
    START,
    VERIFIER,
    a_code_request,
    a_request,
    an_approval,
    fresh,
    parsed,
)

_IMAGE: Final = empty_image(USER_MIGRATIONS, steps(USER_MIGRATIONS))


def _close(db: Database) -> None:
    # Another thread may be the one that collects garbage.
    with suppress(sqlite3.ProgrammingError):
        db.close()


class UserDatabase:
    """One user's tables, with a clock that stands until it is moved."""

    def __init__(self, *, policy: Policy = POLICY) -> None:
        self.db: Database = open_image(_IMAGE)
        weakref.finalize(self, _close, self.db)
        self.policy = policy
        self.now = START
        insert_account(self.db, "ada", password_hash=None, now=START)

    def close(self) -> None:
        self.db.close()

    def authorize(
        self,
        request: AuthorizationRequest | None = None,
        approval: Approval | None = None,
    ) -> Approved | Refused:
        circumstances = Circumstances(ACTOR_KEY, self.policy, fresh(), self.now)
        return authorize(
            self.db, request or a_request(), approval or an_approval(), circumstances
        )

    def redeem(
        self, code: str, *, client: Client = CLIENT, code_verifier: str = VERIFIER
    ) -> Redeemed | Refused:
        request = a_code_request(
            parsed(code), client=client, redirect_uri=None, code_verifier=code_verifier
        )
        return exchange.redeem(
            self.db, request, policy=self.policy, fresh=fresh(), now=self.now
        )

    def refresh(
        self,
        token: str | Token,
        *,
        client_id: str = "app",
        scope: Scope | None = None,
        proves_client: bool = False,
    ) -> RefreshOutcome | Refused:
        token = parsed(token) if isinstance(token, str) else token
        outcome = refresh(
            self.db,
            RefreshRequest(token, client_id, scope, proves_client=proves_client),
            keyring=KEYRING,
            policy=self.policy,
            fresh=fresh(),
            now=self.now,
        )
        assert not isinstance(outcome, ReuseDue)
        return outcome

    def revoke(self, token: str, *, client_id: str = "app") -> Revoked:
        return exchange.revoke(
            self.db, parsed(token), client_id=client_id, now=self.now
        )

    def check(self, token: str) -> AccessTokenInfo | None:
        stored = find_access_token(self.db, parsed(token))
        return decide_access(parsed(token), stored, now=self.now)

    def sweep(self) -> int | None:
        return sweep(self.db, ACTOR_KEY, now=self.now)

    def count(self, table: str) -> int:
        (number,) = self.db.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert isinstance(number, int)
        return number
