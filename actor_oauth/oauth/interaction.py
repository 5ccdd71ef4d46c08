"""Which page an authorization request needs next: signing in, consent, or none.

With `prompt=none` a page that is needed becomes an error for the client.

Source: OpenID Connect Core §3.1.2.1, §3.1.2.3, §3.1.2.6.
"""

from dataclasses import dataclass
from enum import Enum, auto

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.prompts import Prompt
from actor_oauth.oauth.reasons import Reason, Refused


class Interaction(Enum):
    """What a request needs of its user next."""

    SIGN_IN = auto()
    CONSENT = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The signed-in user of a browser that brings a request.

    Attributes:
        user_id: Who.
        auth_time: When that was last proved, in Unix seconds: not when the session was
            last used. None if nobody knows, which counts as too long ago.
        entered_at: When they came in, where that is later: with another service, which
            had known them for a while.
    """

    user_id: str
    auth_time: int | None
    entered_at: int | None = None


def decide_interaction(
    request: AuthorizationRequest,
    sign_in: SignIn | None,
    *,
    presented_at: int | None,
    remembered: bool,
    now: int,
) -> Interaction | Refused:
    """Decide what a request needs next.

    Args:
        request: Validated.
        sign_in: Who is signed in, or None.
        presented_at: When the browser first arrived with this request, if it was sent
            to sign in since: a later sign-in was made for this request. None if it has
            just arrived.
        remembered: Whether the user has allowed the same before, and it is remembered.
        now: In Unix seconds.

    Returns:
        Refused if a page is needed that the client does not want.
    """
    silent = Prompt.NONE in request.prompts
    if silent and sign_in is not None and _names_another(request, sign_in):
        return Refused(Reason.ACCOUNT_SELECTION_REQUIRED)
    if sign_in is None or _is_too_old(request, sign_in, presented_at, now):
        return Refused(Reason.LOGIN_REQUIRED) if silent else Interaction.SIGN_IN
    # What is remembered is scopes: details are shown each time.
    if remembered and request.details is None and Prompt.CONSENT not in request.prompts:
        return Interaction.NOTHING
    return Refused(Reason.CONSENT_REQUIRED) if silent else Interaction.CONSENT


def _names_another(request: AuthorizationRequest, sign_in: SignIn) -> bool:
    return request.login_hint not in (None, sign_in.user_id)


def _is_too_old(
    request: AuthorizationRequest,
    sign_in: SignIn,
    presented_at: int | None,
    now: int,
) -> bool:
    """Tell whether the user must sign in again, or choose an account."""
    auth_time = sign_in.auth_time
    if _is_since(presented_at, auth_time):
        return False
    # Zero is another word for `login`, also within one second (OIDC Core §3.1.2.1).
    if Prompt.LOGIN in request.prompts or request.max_age == 0:
        return True
    chosen = _is_since(presented_at, sign_in.entered_at)
    if Prompt.SELECT_ACCOUNT in request.prompts and not chosen:
        return True
    if request.max_age is None:
        return False
    return auth_time is None or now - auth_time > request.max_age


def _is_since(presented_at: int | None, time: int | None) -> bool:
    return presented_at is not None and time is not None and time >= presented_at
