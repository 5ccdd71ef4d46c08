"""The provider in your own program: `Provider`, its arguments and its results.

Inside, it is the composition root: it opens runtime, actors and HTTP in one nursery. It
is the only place that assembles the parts; everything else receives what it needs. A
new part of a running provider is opened in `authority.py`, or in `opening.py` if it
answers requests; a service beside the requests belongs in `background.py`, a path in
the table of `http/app.py`.
"""

from actor_oauth.actors.accounts import LoginRefused, Session
from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks, ExternalToken, ObservedError
from actor_oauth.actors.client import ClientStatus
from actor_oauth.actors.clients import NewClient
from actor_oauth.actors.device_questions import DeviceView, TooManyAttempts
from actor_oauth.actors.directory import DirectoryPage, Entry
from actor_oauth.actors.user import GrantPage, GrantSummary
from actor_oauth.actors.user.audit import AuditEvent
from actor_oauth.actors.user.identities import LinkedIdentity
from actor_oauth.http.own_identity import BrowserRequest, OwnIdentity
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_details import DetailView
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.client_lifecycle import ClientState
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent_view import ConsentScope, ConsentView
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.identity import Identity
from actor_oauth.oauth.federation.kept_tokens import KeptTokens
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.interaction import Interaction, SignIn
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.pictures import Picture
from actor_oauth.oauth.prompts import Prompt
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_reuse import ReuseEvent, ReuseSignals, ReuseVerdict
from actor_oauth.oauth.remembered_consent import RememberedConsent
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse
from actor_oauth.oauth.upstream.hooks import AuthSuccess, ConnectionEnded
from actor_oauth.provider.backups import Backup, make_backup
from actor_oauth.provider.facade import Provider
from actor_oauth.provider.parts import RunningProvider
from actor_oauth.upstream.federation import Federation, Outward
from actor_oauth.upstream.federation.own_pages import UpstreamQuestion, UpstreamSignIn

# The provider
__all__ = ["AuthorizationServer", "Provider", "RunningProvider"]

# Callbacks, and sessions of your own
__all__ += [
    "AuthSuccess",
    "BrowserRequest",
    "Callbacks",
    "ConnectionEnded",
    "ExternalToken",
    "ObservedError",
    "OwnIdentity",
    "ReuseEvent",
    "ReuseSignals",
    "ReuseVerdict",
    "TokenChanges",
    "TokenContext",
    "TokenRefusal",
]

# Pages of your own
__all__ += [
    "AuthorizationError",
    "AuthorizationRequest",
    "ConsentScope",
    "ConsentView",
    "DetailView",
    "DeviceView",
    "Interaction",
    "Picture",
    "Prompt",
    "Redirect",
    "RememberedConsent",
    "SignIn",
    "TooManyAttempts",
]

# Signing in with other services
__all__ += [
    "Federation",
    "Identity",
    "KeptTokens",
    "LinkedIdentity",
    "Outward",
    "SignInFault",
    "SignInRefused",
    "UpstreamQuestion",
    "UpstreamSignIn",
]

# Users, clients and grants
__all__ += [
    "AuditEvent",
    "Client",
    "ClientState",
    "ClientStatus",
    "DirectoryPage",
    "Entry",
    "GrantPage",
    "GrantSummary",
    "LoginRefused",
    "NewClient",
    "OpenIdClient",
    "Session",
]

# Backups
__all__ += ["Backup", "make_backup"]

# Values that many of these have
__all__ += [
    "AccessTokenInfo",
    "GrantOrigin",
    "Json",
    "Parameters",
    "Reason",
    "Refused",
    "Scope",
    "TokenResponse",
    "parse_scope",
]
