"""What an authorization request asks for, and whether it may be put to a user.

The order is the protection. Until the client and its redirect URI are known to belong
together, the browser may not be redirected anywhere: the answer is a page of our own.
From then on every error reaches the client by redirect, with its `state` and our `iss`
(C-02).
"""

from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.authorization_details import parse_details
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import is_thumbprint
from actor_oauth.oauth.json_values import (
    get_optional_integer,
    get_text,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.openid import MAX_NONCE_LENGTH, find_target, without_idle
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.prompts import (
    Prompt,
    known_prompts,
    parse_max_age,
    parse_prompts,
    render_prompts,
)
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.response_types import (
    CODE,
    TOKEN,
    check_response_type,
    read_challenge,
    wants_fragment,
)
from actor_oauth.oauth.scopes import OFFLINE_ACCESS, Scope, parse_scope
from actor_oauth.oauth.wire import Reason

MAX_STATE_LENGTH: Final = 8192
MAX_LOGIN_HINT_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that may be put to the user, or answered with a code.

    Attributes:
        client_id: The requesting client.
        redirect_uri: Where the answer goes: the one in the request, or the only one
            that is registered.
        redirect_uri_sent: As it stood in the request; None if it did not. The token
            request is compared with this (D-14).
        state: Returned as it came, or None.
        scope: What may be granted of what was asked, with `offline_access` if that
            was asked for.
        resource: The identifier of the resource, as configured.
        code_challenge: Of method S256. Never sent anywhere (C-20). Empty if there will
            be no code.
        response_type: What to answer with: `code` or `token`.
        nonce: For the ID token, or None.
        prompts: What the client wants shown; unknown values are left out.
        max_age: Seconds since the user last proved who it is, at most; None for any.
        login_hint: The user the client expects, or None. Only used to fill in a form,
            never trusted.
        dpop_jkt: The thumbprint of the key that must redeem the code, or None
            (RFC 9449 §10).
        details: The `authorization_details` that are asked for, as JSON text, or None.
        request_uri: The name under which the client pushed it; None if the browser
            brought the request itself.
    """

    client_id: str
    redirect_uri: str
    redirect_uri_sent: str | None
    state: str | None
    scope: Scope
    resource: str
    code_challenge: str
    response_type: str = CODE
    nonce: str | None = None
    prompts: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    dpop_jkt: str | None = None
    details: str | None = None
    request_uri: str | None = None

    @property
    def wants_token(self) -> bool:
        """Whether the answer is an access token, in the fragment."""
        return self.response_type == TOKEN

    def to_record(self) -> str:
        """Give the JSON text to store."""
        return render_record(
            {
                "client_id": self.client_id,
                "redirect_uri": self.redirect_uri,
                "redirect_uri_sent": self.redirect_uri_sent,
                "state": self.state,
                "scope": str(self.scope),
                "resource": self.resource,
                "code_challenge": self.code_challenge,
                "response_type": self.response_type,
                "nonce": self.nonce,
                "prompt": render_prompts(self.prompts),
                "max_age": self.max_age,
                "login_hint": self.login_hint,
                "dpop_jkt": self.dpop_jkt,
                "details": self.details,
                "request_uri": self.request_uri,
            }
        )

    @classmethod
    def from_record(cls, text: str) -> "AuthorizationRequest":
        """Read a request back.

        Raises:
            RecordError: The record is damaged.
        """
        record = parse_record(text)
        return cls(
            client_id=need_text(record, "client_id"),
            redirect_uri=need_text(record, "redirect_uri"),
            redirect_uri_sent=get_text(record, "redirect_uri_sent"),
            state=get_text(record, "state"),
            scope=parse_scope(need_text(record, "scope")) or Scope(),
            resource=need_text(record, "resource"),
            code_challenge=need_text(record, "code_challenge"),
            response_type=get_text(record, "response_type") or CODE,
            nonce=get_text(record, "nonce"),
            prompts=known_prompts(get_text(record, "prompt")),
            max_age=get_optional_integer(record, "max_age"),
            login_hint=get_text(record, "login_hint"),
            dpop_jkt=get_text(record, "dpop_jkt"),
            details=get_text(record, "details"),
            request_uri=get_text(record, "request_uri"),
        )


@dataclass(frozen=True, slots=True)
class LocalRefusal:
    """Refused on a page of our own: there is nobody to redirect to.

    Attributes:
        reason: Why.
    """

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRefusal:
    """A refusal that the client is informed of by redirect.

    Attributes:
        reason: Why.
        redirect_uri: Checked to be the client's.
        state: To be returned, or None.
        in_fragment: Whether the client expects the response in the fragment.
    """

    reason: Reason
    redirect_uri: str
    state: str | None
    in_fragment: bool = False


def decide_authorization_request(
    params: Parameters,
    client: Client | None,
    policy: Policy,
    *,
    pushed: bool = False,
) -> AuthorizationRequest | LocalRefusal | RedirectRefusal:
    """Decide whether an authorization request may be put to a user.

    Args:
        params: The query, or the form, of the request.
        client: The client named by `client_id`; None if there is none that may ask.
        policy: The server's.
        pushed: Whether the client itself sends it, and not a browser.

    Source: OAuth 2.1 §4.1.1, §4.1.2.1.
    """
    if params.get("client_id") is None:
        return LocalRefusal(Reason.AUTHORIZE_CLIENT_ID_MISSING)
    if client is None or client.client_id != params.get("client_id"):
        return LocalRefusal(Reason.AUTHORIZE_CLIENT_UNKNOWN)
    redirect_uri = _decide_redirect_uri(params, client)
    if isinstance(redirect_uri, Reason):
        return LocalRefusal(redirect_uri)
    decision: AuthorizationRequest | Reason = Reason.PUSH_REQUIRED
    if pushed or not policy.require_pushed_requests:
        decision = _decide_rest(params, client, policy, redirect_uri)
    if isinstance(decision, Reason):
        state = params.get("state")
        if state is not None and len(state) > MAX_STATE_LENGTH:
            state = None
        return RedirectRefusal(
            reason=decision,
            redirect_uri=redirect_uri,
            state=state,
            in_fragment=wants_fragment(params, policy),
        )
    return decision


def _decide_redirect_uri(params: Parameters, client: Client) -> str | Reason:
    requested = params.get("redirect_uri")
    if requested is None:
        # A repeated parameter is not an absent one: somebody added the second copy.
        if "redirect_uri" in params.repeated or len(client.redirect_uris) != 1:
            return Reason.REDIRECT_URI_MISSING
        return client.redirect_uris[0]
    if not any(matches(uri, requested) for uri in client.redirect_uris):
        return Reason.REDIRECT_URI_UNREGISTERED
    return requested


def _decide_rest(
    params: Parameters, client: Client, policy: Policy, redirect_uri: str
) -> AuthorizationRequest | Reason:
    refusal = _check_form(params, client, policy)
    if refusal is not None:
        return refusal
    challenge = read_challenge(params, client, policy)
    if isinstance(challenge, Reason):
        return challenge
    asked = params.get("scope")
    resource = find_target(params.getlist("resource"), asked, policy)
    if resource is None:
        return Reason.RESOURCE_UNKNOWN
    scope = decide_scope(asked, client, resource, policy)
    if isinstance(scope, Reason):
        return scope
    prompts = parse_prompts(params.get("prompt"))
    if isinstance(prompts, Reason):
        return prompts
    max_age = parse_max_age(params.get("max_age"))
    if isinstance(max_age, Reason):
        return max_age
    details = _decide_details(params, resource)
    if isinstance(details, Reason):
        return details
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        redirect_uri_sent=params.get("redirect_uri"),
        state=params.get("state"),
        scope=_without_refreshing(scope, params),
        resource=resource.identifier,
        code_challenge=challenge,
        response_type=params.get("response_type") or CODE,
        nonce=params.get("nonce") if policy.openid_enabled else None,
        prompts=prompts,
        max_age=_default_max_age(client) if max_age is None else max_age,
        login_hint=_bounded(params.get("login_hint"), MAX_LOGIN_HINT_LENGTH),
        dpop_jkt=params.get("dpop_jkt"),
        details=details,
    )


def _without_refreshing(scope: Scope, params: Parameters) -> Scope:
    if params.get("response_type") != TOKEN:
        return scope
    return scope.difference(Scope((OFFLINE_ACCESS,)))


def _decide_details(
    params: Parameters, resource: ResourcePolicy
) -> str | Reason | None:
    text = params.get("authorization_details")
    if text is None:
        return None
    details = parse_details(text, resource.detail_types, resource.identifier)
    return Reason.DETAILS_NOT_GRANTABLE if details is None else details


def _default_max_age(client: Client) -> int | None:
    return None if client.openid is None else client.openid.default_max_age


def _check_form(params: Parameters, client: Client, policy: Policy) -> Reason | None:
    if params.repeated:
        return Reason.PARAMETER_REPEATED
    if params.get("request") is not None:
        return Reason.REQUEST_OBJECT
    if params.get("request_uri") is not None:
        return Reason.REQUEST_URI
    if len(params.get("state") or "") > MAX_STATE_LENGTH:
        return Reason.STATE_TOO_LONG
    if len(params.get("nonce") or "") > MAX_NONCE_LENGTH:
        return Reason.NONCE_TOO_LONG
    jkt = params.get("dpop_jkt")
    if jkt is not None and not is_thumbprint(jkt):
        return Reason.DPOP_KEY_MALFORMED
    return check_response_type(params, client, policy)


def decide_scope(
    requested: str | None, client: Client, resource: ResourcePolicy, policy: Policy
) -> Scope | Reason:
    """Decide what may be granted of what is asked, or why nothing may (C-08)."""
    wanted = parse_scope(requested or "")
    if wanted is None:
        return Reason.SCOPE_MALFORMED
    allowed = Scope((*resource.scopes, *policy.identity_scopes))
    if client.scope_limit is not None:
        allowed = allowed.intersection(client.scope_limit)
    offline = Scope((OFFLINE_ACCESS,))
    named = wanted.difference(offline)
    if named:
        scope = without_idle(named.intersection(allowed), policy)
    else:
        # `offline_access` alone says how long, not what for: as if nothing were named.
        usual = Scope(resource.scopes).intersection(allowed)
        scope = Scope(resource.baseline).intersection(allowed) or usual
    if not scope:
        return Reason.SCOPE_UNKNOWN
    if "refresh_token" in client.grant_types:
        scope = scope.union(wanted.intersection(offline))
    return scope


def _bounded(text: str | None, limit: int) -> str | None:
    return text if text is not None and len(text) <= limit else None
