"""What an authorization request may be answered with: a code, or legacy a token.

The implicit grant and PKCE's method `plain` are off by default, and then there is no
trace of them. An operator who needs them turns them on for old clients, and only clients
that are registered for them may use them: for all others the rules stay as they are, so
that nobody can talk a modern client's request down to a weaker one (RFC 9700 §2.1.1).
"""

from collections.abc import Mapping
from typing import Final

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.pkce import CHALLENGE_METHOD, challenge_of, check_challenge
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason

CODE: Final = "code"
TOKEN: Final = "token"  # noqa: S105 a response type
PLAIN: Final = "plain"

# One mode for each type: another would carry a code where scripts, or a token where
# servers and logs could read it.
RESPONSE_MODES: Final[Mapping[str, str]] = {CODE: "query", TOKEN: "fragment"}


def enabled_response_types(policy: Policy) -> tuple[str, ...]:
    """Give the response types that the authorization endpoint answers (A-04)."""
    return (CODE, TOKEN) if policy.implicit_enabled else (CODE,)


def enabled_challenge_methods(policy: Policy) -> tuple[str, ...]:
    """Give the PKCE methods that some client may use (A-04)."""
    if policy.plain_pkce_enabled:
        return (CHALLENGE_METHOD, PLAIN)
    return (CHALLENGE_METHOD,)


def check_response_type(
    params: Parameters, client: Client, policy: Policy
) -> Reason | None:
    """Decide whether a request may be answered as it asks (C-06).

    Returns:
        Why not, or None if it may.
    """
    response_type = params.get("response_type")
    if response_type is None:
        return Reason.RESPONSE_TYPE_MISSING
    if response_type not in enabled_response_types(policy):
        return Reason.RESPONSE_TYPE_UNSUPPORTED
    if response_type not in client.response_types:
        return Reason.RESPONSE_TYPE_UNREGISTERED
    mode = params.get("response_mode")
    if mode not in (None, RESPONSE_MODES[response_type]):
        return Reason.RESPONSE_MODE_UNSUPPORTED
    # Better no token than one that its client takes for bound to a key.
    wants_bound = client.dpop_bound_access_tokens or params.get("dpop_jkt") is not None
    if response_type == TOKEN and wants_bound:
        return Reason.DPOP_UNSUPPORTED
    return None


def wants_fragment(params: Parameters, policy: Policy) -> bool:
    """Tell whether errors belong in the fragment, where the client expects a token."""
    return policy.implicit_enabled and params.get("response_type") == TOKEN


def read_challenge(params: Parameters, client: Client, policy: Policy) -> str | Reason:
    """Give the S256 challenge of a request, or why it has none (C-07).

    A plain challenge is the verifier itself, so its S256 challenge can be computed
    here. From then on there is only one method, and no place where the two could be
    confused; and what is stored is not what must be presented.

    Returns:
        An empty text if the answer is a token: there is no code to protect.
    """
    if params.get("response_type") == TOKEN:
        return ""
    challenge = params.get("code_challenge")
    if challenge is None:
        return Reason.CHALLENGE_MISSING
    # Without a method the challenge is the verifier itself (RFC 7636 §4.3), and anyone
    # who sees the request can redeem the code.
    method = params.get("code_challenge_method") or PLAIN
    may_be_plain = policy.plain_pkce_enabled and client.may_use_plain_pkce
    if method != CHALLENGE_METHOD and not (method == PLAIN and may_be_plain):
        return Reason.CHALLENGE_METHOD_UNSUPPORTED
    if not check_challenge(challenge):
        return Reason.CHALLENGE_MALFORMED
    return challenge if method == CHALLENGE_METHOD else challenge_of(challenge)
