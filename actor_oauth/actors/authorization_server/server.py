"""`AuthorizationServer`: the role that issues tokens, put together."""

from collections.abc import Mapping
from typing import Final

from actor_oauth.actors.access_tokens import AccessTokens
from actor_oauth.actors.accounts import Accounts
from actor_oauth.actors.authorization_answers import AuthorizationAnswers
from actor_oauth.actors.authorization_server.application_methods import (
    ApplicationMethods,
)
from actor_oauth.actors.authorization_server.authorization_methods import (
    AuthorizationMethods,
)
from actor_oauth.actors.authorization_server.client_methods import ClientMethods
from actor_oauth.actors.authorization_server.consent_methods import ConsentMethods
from actor_oauth.actors.authorization_server.device_methods import DeviceMethods
from actor_oauth.actors.authorization_server.grant_methods import GrantMethods
from actor_oauth.actors.authorization_server.openid_methods import OpenIdMethods
from actor_oauth.actors.authorization_server.people_methods import PeopleMethods
from actor_oauth.actors.authorization_server.purge_methods import PurgeMethods
from actor_oauth.actors.authorization_server.sealing import Sealing
from actor_oauth.actors.authorization_server.token_methods import TokenMethods
from actor_oauth.actors.authorizations import Authorizations
from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.logos import Logos
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.consents import Consents
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.device_questions import DeviceQuestions
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.federation import FEDERATION_KINDS
from actor_oauth.actors.issuer import IssuerActor
from actor_oauth.actors.issuers import Issuers
from actor_oauth.actors.passwords import Passwords
from actor_oauth.actors.publications import Publications
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.registrar import RegistrarActor
from actor_oauth.actors.registrations import Registrations
from actor_oauth.actors.remembered_consents import RememberedConsents
from actor_oauth.actors.renewals import RenewalsActor
from actor_oauth.actors.sender_proofs import SenderProofs
from actor_oauth.actors.token_endpoint import TokenEndpoint
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.actors.token_status import TokenStatus
from actor_oauth.actors.unknown_names import UnknownNamesActor
from actor_oauth.actors.upstream_client import UpstreamClientActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.userinfo import UserInfo
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.metadata import endpoints_of
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.signing_keys import key_set
from actor_oauth.runtime import Actor, ActorSystem, Clock, Entropy

ACTOR_KINDS: Final[tuple[type[Actor], ...]] = (
    UserActor,
    ClientActor,
    DeviceActor,
    DirectoryActor,
    RegistrarActor,
    IssuerActor,
    VaultActor,
    UpstreamClientActor,
    *FEDERATION_KINDS,
    RenewalsActor,
    UnknownNamesActor,
)
"""What the actor system of an authorization server has to know."""


class AuthorizationServer(
    ClientMethods,
    AuthorizationMethods,
    ConsentMethods,
    DeviceMethods,
    TokenMethods,
    PeopleMethods,
    GrantMethods,
    OpenIdMethods,
    ApplicationMethods,
    PurgeMethods,
    Sealing,
):
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
        logos: Finds the logos of clients; without it none are shown.

    Raises:
        ValueError: The policy wants metadata documents, and nobody can fetch them; or
            the implicit grant, which would pass by the application's callback.
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
        logos: Logos | None = None,
    ) -> None:
        if policy.metadata_documents_enabled and publications is None:
            raise ValueError("metadata documents are on, and cannot be fetched")
        asks = callbacks is not None and callbacks.callbacks.on_token_exchange
        if policy.implicit_enabled and asks:
            # Its tokens are made in the turn of the consent, where nobody can be asked.
            raise ValueError(
                "on_token_exchange would not be asked by the implicit grant"
            )
        self.policy = policy
        self._effects = Effects(
            system=system,
            policy=policy,
            keyring=keyring.as_of(clock.now()),
            clock=clock,
            entropy=entropy,
        )
        passwords = Passwords()
        issuers = Issuers(self._effects, publications)
        token_format = TokenFormat(self._effects)
        self._clients = Clients(self._effects, passwords, publications)
        self.refusals = Refusals(callbacks)
        self.registrations = Registrations(
            self._effects, self._clients, self.refusals, issuers, callbacks
        )
        self._accounts = Accounts(self._effects, passwords)
        self._pushed = PushedAuthorizations(self._effects, self._clients, self.refusals)
        self._answers = AuthorizationAnswers(
            self._effects, self._clients, token_format, self.refusals
        )
        self._remembered = RememberedConsents(
            self._effects,
            clients=self._clients,
            accounts=self._accounts,
            pushed=self._pushed,
            answers=self._answers,
        )
        self._authorizations = Authorizations(
            self._effects,
            clients=self._clients,
            accounts=self._accounts,
            pushed=self._pushed,
            remembered=self._remembered,
            answers=self._answers,
        )
        self._device_questions = DeviceQuestions(self._effects, self._clients)
        self._consents = Consents(
            self._effects,
            clients=self._clients,
            accounts=self._accounts,
            pushed=self._pushed,
            answers=self._answers,
            logos=logos,
        )
        proofs = SenderProofs(self._effects, endpoints_of(policy).token)
        self._token_endpoint = TokenEndpoint(
            self._effects,
            self._clients,
            token_format=token_format,
            proofs=proofs,
            refusals=self.refusals,
            issuers=issuers,
            callbacks=callbacks,
        )
        self._access_tokens = AccessTokens(
            self._effects, token_format, proofs, callbacks
        )
        self._userinfo = UserInfo(
            self._effects, self._access_tokens, self.refusals, callbacks
        )
        self._token_status = TokenStatus(
            self._effects,
            self._clients,
            token_format=token_format,
            access_tokens=self._access_tokens,
            refusals=self.refusals,
        )

    @property
    def clock(self) -> Clock:
        """Wall time, the same for everything that this server does."""
        return self._effects.clock

    @property
    def entropy(self) -> Entropy:
        """Randomness."""
        return self._effects.entropy

    @property
    def effects(self) -> Effects:
        """What everything acts through that shares keys, time and actors with it."""
        return self._effects

    def use_keyring(self, keyring: Keyring) -> None:
        """Continue with a changed keyring, after keys were added or removed.

        Raises:
            ValueError: It is another server's: its users would be in other actors.
        """
        if keyring.address_key != self._effects.keyring.address_key:
            raise ValueError("this is the keyring of another server")
        self._effects.keyring = keyring.as_of(self._effects.now())

    def jwks(self) -> Mapping[str, Json]:
        """The public keys of JWT access tokens and ID tokens (RFC 7517)."""
        return key_set(self._effects.keyring.signing_keys)
