"""`AuthorizationServer`: the role that issues tokens, and the helper API for applications.

Each method asks the one actor that owns the answer. The server's own endpoints and pages
are built on the same methods that an application with pages of its own uses.

Every method may raise `ActorError` (see `actor_oauth.runtime`) when the answer cannot be
had at the moment: nothing is wrong with what was asked, and nothing is half-done.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from actor_oauth.actors.accounts import Accounts, LoginRefused, Session
from actor_oauth.actors.authorizations import (
    Authorizations,
    ConsentScope,
    ConsentView,
    Gone,
    Redirect,
)
from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.clients import Clients, NewClient
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.directory import DirectoryActor, DirectoryPage
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.passwords import Passwords
from actor_oauth.actors.publications import Publications
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.registrar import RegistrarActor
from actor_oauth.actors.registrations import Registrations
from actor_oauth.actors.sealing import Sealing
from actor_oauth.actors.token_endpoint import TokenEndpoint
from actor_oauth.actors.token_methods import TokenMethods
from actor_oauth.actors.user import GrantPage, GrantSummary, UserActor
from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.pushed_requests import PushedResponse
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.signing_keys import key_set
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse
from actor_oauth.oauth.wire import WireError, to_wire
from actor_oauth.runtime import Actor, ActorSystem, Clock, Entropy

__all__ = [
    "ACTOR_KINDS",
    "AuthorizationServer",
    "ConsentScope",
    "ConsentView",
    "Gone",
    "GrantPage",
    "GrantSummary",
    "LoginRefused",
    "NewClient",
    "Redirect",
    "Session",
]

ACTOR_KINDS: Final[tuple[type[Actor], ...]] = (
    UserActor,
    ClientActor,
    DeviceActor,
    DirectoryActor,
    RegistrarActor,
)
"""What the actor system of an authorization server has to know."""


class AuthorizationServer(TokenMethods, Sealing):
    """One issuer, with its clients, users and resources.

    Args:
        system: Serves `ACTOR_KINDS`.
        policy: What the operator decided.
        keyring: The server's keys.
        clock: Wall time.
        entropy: Randomness.
        publications: Finds out what clients publish; without it only registered
            clients are known.
        callbacks: Runs the application's callbacks, from `open_callbacks`.

    Raises:
        ValueError: The policy wants metadata documents, and nobody can fetch them.
    """

    def __init__(
        self,
        *,
        system: ActorSystem,
        policy: Policy,
        keyring: Keyring,
        clock: Clock,
        entropy: Entropy,
        publications: Publications | None = None,
        callbacks: CallbackRunner | None = None,
    ) -> None:
        if policy.metadata_documents_enabled and publications is None:
            raise ValueError("metadata documents are on, and cannot be fetched")
        self.policy = policy
        self._effects = Effects(
            system=system, policy=policy, keyring=keyring, clock=clock, entropy=entropy
        )
        passwords = Passwords()
        self._clients = Clients(self._effects, passwords, publications)
        self.registrations = Registrations(self._effects, self._clients, callbacks)
        self._accounts = Accounts(self._effects, passwords)
        self._pushed = PushedAuthorizations(self._effects, self._clients)
        self._authorizations = Authorizations(
            self._effects, self._clients, self._accounts, self._pushed
        )
        self._token_endpoint = TokenEndpoint(self._effects, self._clients, callbacks)

    @property
    def clock(self) -> Clock:
        """Wall time, the same for everything that this server does."""
        return self._effects.clock

    @property
    def entropy(self) -> Entropy:
        """Randomness."""
        return self._effects.entropy

    def use_keyring(self, keyring: Keyring) -> None:
        """Go on with another keyring: the same one, after keys were added or removed.

        Raises:
            ValueError: It is another server's: its users would be in other actors.
        """
        if keyring.address_key != self._effects.keyring.address_key:
            raise ValueError("this is the keyring of another server")
        self._effects.keyring = keyring

    def jwks(self) -> Mapping[str, Json]:
        """The public keys of JWT access tokens (RFC 7517)."""
        return key_set(self._effects.keyring.signing_keys)

    # Clients

    async def lookup_client(self, client_id: str) -> Client | None:
        """The client, or None if there is none that may ask for anything."""
        return await self._clients.lookup(client_id)

    async def create_client(
        self,
        *,
        client_name: str,
        redirect_uris: Sequence[str],
        confidential: bool = False,
        scope: Scope | None = None,
    ) -> NewClient | Refused:
        """Register a client on the operator's behalf. Its secret is shown this once.

        Args:
            client_name: Shown on consent pages.
            redirect_uris: Exact, but for the port of loopback ones.
            confidential: Whether it gets a secret.
            scope: The most that it may be granted; None for no such limit.
        """
        return await self._clients.create(
            client_name=client_name,
            redirect_uris=redirect_uris,
            confidential=confidential,
            scope=scope,
        )

    async def create_service_client(
        self, *, client_name: str, scope: Scope, resources: Sequence[str] = ()
    ) -> NewClient | Refused:
        """Register a client that gets tokens for itself, never for a user.

        Args:
            client_name: For listings.
            scope: The most that it may ask for.
            resources: Those that it may ask for; none means all of this server.
        """
        return await self._clients.create_service(
            client_name=client_name, scope=scope, resources=resources
        )

    async def delete_client(self, client_id: str) -> bool:
        """Delete a client. Every grant of it, over all users, is dead when this returns.

        Returns:
            False if there was none.

        Raises:
            OverloadedError: If the revocations take longer than the call deadline. The
                client is dead, they go on, and calling again waits for them again.
        """
        return await self._clients.delete(client_id)

    async def list_clients(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Client], str | None]:
        """Clients, oldest first, with the cursor of the next page or None."""
        return await self._clients.listed(cursor=cursor, limit=limit)

    async def register(
        self, body: bytes, authorization: str | None = None
    ) -> Mapping[str, Json] | WireError:
        """Answer a registration request (RFC 7591); a mapping is the 201's JSON.

        Args:
            body: As it came.
            authorization: The header's value, for servers that want an initial access
                token.
        """
        answer = await self.registrations.register(body, authorization)
        return to_wire(answer.reason) if isinstance(answer, Refused) else answer

    # Authorization

    async def push_authorization_request(
        self,
        form: Parameters,
        authorization: str | None,
        *,
        proofs: Sequence[str] = (),
    ) -> PushedResponse | WireError:
        """Answer a client that pushes its authorization request (RFC 9126)."""
        return await self._pushed.push(form, authorization, proofs)

    async def parse_auth_request(
        self, parameters: Parameters | str, *, presented_at: int | None = None
    ) -> AuthorizationRequest | LocalRefusal | RedirectRefusal:
        """Read an authorization request and decide whether it may be put to a user.

        Args:
            parameters: Parsed, or the query string as it came.
            presented_at: When the browser first came with it, in Unix seconds; None for
                now. A pushed request lives for seconds, in which nobody signs in.

        Returns:
            What to ask the user; or a refusal to show on a page of one's own; or one to
            tell the client by redirect.
        """
        if isinstance(parameters, str):
            parsed = parse_form(parameters.encode())
            if not isinstance(parsed, Parameters):
                return LocalRefusal(Reason.FORM_MALFORMED)
            parameters = parsed
        return await self._authorizations.parse(parameters, presented_at=presented_at)

    async def complete_authorization(
        self,
        request: AuthorizationRequest,
        *,
        user_id: str,
        scope: Scope | None = None,
        metadata: Json = None,
        props: Json = None,
    ) -> str:
        """Grant a request on behalf of a user who was asked on a page of one's own.

        Args:
            request: From `parse_auth_request`.
            user_id: Who said yes, in the application's own words; becomes `sub`.
            scope: What was granted, at most what was asked; None for all of it.
            metadata: For listing the user's grants. Not encrypted.
            props: For the protected application, which gets them with every request.
                Encrypted; readable only with a live token of the grant. At most 64 KiB.

        Returns:
            Where to redirect the browser.

        Raises:
            ValueError: If the user's name, the metadata or the props are not acceptable.
        """
        return await self._authorizations.complete(
            request, user_id=user_id, scope=scope, metadata=metadata, props=props
        )

    async def begin_consent(
        self, session: Session, request: AuthorizationRequest, client: Client
    ) -> str:
        """Keep a request for a signed-in user to answer; returns its handle."""
        return await self._authorizations.begin_consent(session, request, client)

    async def describe_consent(
        self, session: Session, handle: str
    ) -> ConsentView | None:
        """What to ask; None if the handle leads to nothing open to this session."""
        return await self._authorizations.describe_consent(session, handle)

    async def approve_consent(
        self, session: Session, handle: str, *, scope: Scope
    ) -> Redirect | Gone | LocalRefusal:
        """Answer yes, to a part or the whole. Of several answers the first counts."""
        return await self._authorizations.approve_consent(session, handle, scope=scope)

    async def deny_consent(self, session: Session, handle: str) -> Redirect | Gone:
        """Answer no. Of several answers the first counts."""
        return await self._authorizations.deny_consent(session, handle)

    # Tokens

    async def token(
        self,
        form: Parameters,
        authorization: str | None,
        *,
        proofs: Sequence[str] = (),
    ) -> TokenResponse | WireError:
        """Answer a token request.

        Args:
            form: Parsed.
            authorization: The `Authorization` header.
            proofs: The values of all `DPoP` header lines.
        """
        return await self._token_endpoint.token(form, authorization, proofs)

    async def revoke(
        self, form: Parameters, authorization: str | None
    ) -> WireError | None:
        """Answer a revocation request (RFC 7009); None is success."""
        return await self._token_endpoint.revoke(form, authorization)

    async def introspect(
        self, form: Parameters, authorization: str | None
    ) -> Mapping[str, Json] | WireError:
        """Answer an introspection request (RFC 7662); a mapping is the 200's JSON."""
        return await self._token_endpoint.introspect(form, authorization)

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """What an access token is good for at a resource; None if for nothing.

        This joins the authorization server to a resource server. It reads the owner's
        committed state every time, so a revocation holds at once (G12).
        """
        return await self._token_endpoint.validate(resource, token)

    # People

    async def create_user(self, user_id: str, password: str) -> bool:
        """Make an account that can sign in; False if there is one.

        Raises:
            ValueError: If the name or the password is not acceptable; says why.
        """
        return await self._accounts.create(user_id, password)

    async def set_password(self, user_id: str, password: str) -> bool:
        """Change a password, ending every session and grant; False without account.

        Raises:
            ValueError: If the password is not acceptable; says why.
        """
        return await self._accounts.set_password(user_id, password)

    async def user_exists(self, user_id: str) -> bool:
        """Whether there is such a user."""
        return await self._accounts.exists(user_id)

    async def list_users(
        self, *, cursor: str | None = None, limit: int = 100
    ) -> DirectoryPage:
        """User names with the time of their creation, oldest first."""
        return await self._accounts.listed(cursor=cursor, limit=limit)

    async def log_in(self, user_id: str, password: str) -> str | LoginRefused:
        """Check a password and open a session; returns what its cookie holds."""
        return await self._accounts.log_in(user_id, password)

    async def session(self, cookie: str) -> Session | None:
        """The session that a cookie proves, or None, whatever the text is."""
        return await self._accounts.session(cookie)

    async def log_out(self, cookie: str) -> None:
        """End the session that a cookie proves, if it does prove one."""
        await self._accounts.log_out(cookie)

    async def log_out_everywhere(self, session: Session) -> None:
        """End every session and every grant of the signed-in user (H-08)."""
        await self._accounts.log_out_everywhere(session.user_id)

    async def list_user_grants(
        self, user_id: str, cursor: str | None = None, limit: int = 50
    ) -> GrantPage:
        """A user's grants in force, newest first."""
        user = self._accounts.actor(user_id)
        return await user.list_grants(
            cursor=cursor, limit=limit, now=self._effects.now()
        )

    async def revoke_grant(self, user_id: str, grant_id: str) -> bool:
        """End a grant with all of its tokens; False if there is none in force."""
        user = self._accounts.actor(user_id)
        return await user.revoke_grant(grant_id, now=self._effects.now())
