"""What the parts of `AuthorizationServer` share."""

from actor_oauth.actors.access_tokens import AccessTokens
from actor_oauth.actors.accounts import Accounts
from actor_oauth.actors.authorization_answers import AuthorizationAnswers
from actor_oauth.actors.authorizations import Authorizations
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.consents import Consents
from actor_oauth.actors.device_questions import DeviceQuestions
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.pushed_authorizations import PushedAuthorizations
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.registrations import Registrations
from actor_oauth.actors.remembered_consents import RememberedConsents
from actor_oauth.actors.token_endpoint import TokenEndpoint
from actor_oauth.actors.token_status import TokenStatus
from actor_oauth.actors.userinfo import UserInfo


class ServerParts:
    """Who answers what; `AuthorizationServer` sets these up.

    Attributes:
        registrations: Dynamic registration, and its management.
        refusals: Where refusals are reported.
    """

    registrations: Registrations
    refusals: Refusals
    _effects: Effects
    _clients: Clients
    _accounts: Accounts
    _pushed: PushedAuthorizations
    _answers: AuthorizationAnswers
    _authorizations: Authorizations
    _consents: Consents
    _device_questions: DeviceQuestions
    _remembered: RememberedConsents
    _token_endpoint: TokenEndpoint
    _token_status: TokenStatus
    _access_tokens: AccessTokens
    _userinfo: UserInfo
