"""Clients that register themselves, and manage what they registered."""

from dataclasses import replace
from typing import Final

from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.client.management import Managed
from actor_oauth.actors.clients import Clients, NewClient
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.registrar import REGISTRAR_KEY, InitialToken, RegistrarActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import (
    MAX_REGISTRATION_BYTES,
    Registered,
    decide_registration,
)
from actor_oauth.oauth.registration_management import (
    decide_replacement,
    managed_response,
)
from actor_oauth.oauth.software_statement import (
    PresentedStatement,
    Statement,
    decide_statement,
    read_statement,
)
from actor_oauth.oauth.tokens import (
    NO_RECORD,
    SECRET_LENGTH,
    Token,
    TokenKind,
    parse_token,
    token_hash,
)

_NOBODY: Final = "0" * 32


class Registrations:
    """Dynamic registration (RFC 7591) and its management (RFC 7592)."""

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        refusals: Refusals,
        issuers: Issuers,
        callbacks: CallbackRunner | None,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._refusals = refusals
        self._issuers = issuers
        self._callbacks = callbacks

    async def register(
        self, body: bytes, authorization: str | None = None
    ) -> dict[str, Json] | Refused:
        """Register a client that asks for it itself.

        Args:
            body: As it came.
            authorization: The header's value; with an initial access token if the
                policy wants one.
        """
        answer = await self._register(body, authorization)
        if isinstance(answer, Refused):
            self._refusals.note(answer, "register")
        return answer

    async def read(
        self, client_id: str, authorization: str | None
    ) -> dict[str, Json] | Refused:
        """Give a client its own registration (RFC 7592 §2.1)."""
        answer = await self._read(client_id, authorization)
        if isinstance(answer, Refused):
            self._note_managed(answer, client_id)
        return answer

    async def replace(
        self, client_id: str, authorization: str | None, body: bytes
    ) -> dict[str, Json] | Refused:
        """Replace a client's registration at its own request (RFC 7592 §2.2)."""
        answer = await self._replace(client_id, authorization, body)
        if isinstance(answer, Refused):
            self._note_managed(answer, client_id)
        return answer

    async def delete(self, client_id: str, authorization: str | None) -> Refused | None:
        """Delete a client at its own request, with all its grants (RFC 7592 §2.3)."""
        refused = await self._delete(client_id, authorization)
        if refused is not None:
            self._note_managed(refused, client_id)
        return refused

    async def issue_initial_token(
        self, label: str, *, lifetime: int | None = None, uses: int | None = None
    ) -> str | None:
        """Make an initial access token; it is shown this once.

        Args:
            label: The operator's name for it.
            lifetime: Seconds for which it is valid; None for ever.
            uses: How many clients it may register; None for any number.

        Returns:
            None if there are too many already.
        """
        effects = self._effects
        token = Token(
            TokenKind.INITIAL_ACCESS,
            _NOBODY,
            NO_RECORD,
            effects.entropy.token_bytes(SECRET_LENGTH),
        )
        now = effects.now()
        issued = await self._registrar().issue(
            token_hash(token),
            label=label,
            now=now,
            expires_at=None if lifetime is None else now + lifetime,
            uses=uses,
        )
        return token.render() if issued else None

    async def list_initial_tokens(self) -> list[InitialToken]:
        """The initial access tokens that are good, without the tokens."""
        return await self._registrar().listed(now=self._effects.now())

    async def revoke_initial_tokens(self, label: str) -> int:
        """Revoke the initial access tokens of a label; gives how many there were."""
        return await self._registrar().revoke(label)

    async def _register(
        self, body: bytes, authorization: str | None
    ) -> dict[str, Json] | Refused:
        effects = self._effects
        initial = await self._initial_token(authorization)
        if isinstance(initial, Refused):
            return initial
        statement = await self._statement(body)
        if isinstance(statement, Refused):
            return statement
        decision = decide_registration(
            body,
            effects.policy,
            client_id=self._clients.new_id(),
            now=effects.now(),
            statement=statement,
        )
        if isinstance(decision, Refused):
            return decision
        client = await self._approve(decision.client)
        if isinstance(client, Refused):
            return client
        if initial is not None and not await self._registrar().use(
            token_hash(initial), now=effects.now()
        ):
            # Another request has used it for the last time.
            return Refused(Reason.INITIAL_TOKEN_INVALID)
        return await self._store(replace(decision, client=client))

    async def _read(
        self, client_id: str, authorization: str | None
    ) -> dict[str, Json] | Refused:
        token = _registration_token(client_id, authorization)
        if isinstance(token, Refused):
            return token
        managed = await self._clients.actor(client_id).read_managed(token)
        return self._response(managed)

    async def _replace(
        self, client_id: str, authorization: str | None, body: bytes
    ) -> dict[str, Json] | Refused:
        token = _registration_token(client_id, authorization)
        if isinstance(token, Refused):
            return token
        effects, actor = self._effects, self._clients.actor(client_id)
        known = await actor.read_managed(token)
        if isinstance(known, Refused):
            return known
        statement = await self._statement(body)
        if isinstance(statement, Refused):
            return statement
        decision = decide_replacement(body, known.client, effects.policy, statement)
        if isinstance(decision, Refused):
            return decision
        client = await self._approve(decision.client)
        if isinstance(client, Refused):
            return client
        managed = await actor.replace_managed(
            token,
            replace(decision, client=client),
            fresh=effects.entropy.token_bytes(SECRET_LENGTH),
            now=effects.now(),
            unused_lifetime=effects.policy.lifetimes.unused_client,
        )
        return self._response(managed)

    async def _delete(
        self, client_id: str, authorization: str | None
    ) -> Refused | None:
        token = _registration_token(client_id, authorization)
        if isinstance(token, Refused):
            return token
        refused = await self._clients.actor(client_id).delete_managed(
            token, now=self._effects.now()
        )
        if refused is not None:
            return refused
        await self._clients.revoke_all(client_id)
        return None

    def _note_managed(self, refused: Refused, client_id: str) -> None:
        self._refusals.note(refused, "register/client", client_id=client_id)

    def _registrar(self) -> RegistrarActor:
        return self._effects.system.get(RegistrarActor, REGISTRAR_KEY)

    async def _initial_token(self, authorization: str | None) -> Token | Refused | None:
        """Read the initial access token; None if none is wanted."""
        if not self._effects.policy.registration_token_required:
            return None
        token = _bearer(authorization, TokenKind.INITIAL_ACCESS)
        if token is None or not await self._registrar().is_good(
            token_hash(token), now=self._effects.now()
        ):
            return Refused(Reason.INITIAL_TOKEN_INVALID)
        return token

    async def _statement(self, body: bytes) -> Statement | Refused | None:
        """Verify the software statement of a request; None if none counts (B-28)."""
        policy = self._effects.policy
        if not policy.registration_enabled or len(body) > MAX_REGISTRATION_BYTES:
            return None
        presented = read_statement(body, policy)
        if not isinstance(presented, PresentedStatement):
            return presented
        return await self._issuers.decide(
            presented.issuer,
            lambda keys: decide_statement(
                presented, keys, policy, now=self._effects.now()
            ),
            unknown=Reason.STATEMENT_KEY_UNKNOWN,
        )

    async def _approve(self, client: Client) -> Client | Refused:
        """Ask the application, which may refuse a client or take something from it."""
        if self._callbacks is None:
            return client
        return await self._callbacks.approve_registration(client)

    async def _store(self, decision: Registered) -> dict[str, Json]:
        policy = self._effects.policy
        access: Token | None = None
        if policy.registration_management_enabled:
            access = Token(
                TokenKind.REGISTRATION,
                client_key(decision.client.client_id),
                NO_RECORD,
                self._effects.entropy.token_bytes(SECRET_LENGTH),
            )
        made: NewClient = await self._clients.store(
            decision,
            unused_lifetime=policy.lifetimes.unused_client,
            access_hash=None if access is None else token_hash(access),
        )
        if access is None:
            return made.to_json()
        return self._managed(made.client, access, made.secret)

    def _response(self, managed: Managed | Refused) -> dict[str, Json] | Refused:
        if isinstance(managed, Refused):
            return managed
        secret = None if managed.secret is None else managed.secret.render()
        return self._managed(managed.client, managed.access, secret)

    def _managed(
        self, client: Client, access: Token, secret: str | None
    ) -> dict[str, Json]:
        endpoint = endpoints_of(self._effects.policy).registration_management
        assert endpoint is not None
        return managed_response(
            client,
            management_endpoint=endpoint,
            access_token=access.render(),
            client_secret=secret,
        )


def _registration_token(client_id: str, authorization: str | None) -> Token | Refused:
    """Parse a registration access token, which is valid for its own client only (B-32)."""
    token = _bearer(authorization, TokenKind.REGISTRATION)
    if token is None or token.actor_key != client_key(client_id):
        return Refused(Reason.REGISTRATION_TOKEN_INVALID)
    return token


def _bearer(authorization: str | None, kind: TokenKind) -> Token | None:
    scheme, _, text = (authorization or "").strip().partition(" ")
    token = parse_token(text.strip()) if scheme.lower() == "bearer" else None
    return token if token is not None and token.kind is kind else None
