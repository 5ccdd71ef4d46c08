"""Authorization requests as clients push them."""

from actor_oauth.oauth.parameters import Parameters, parameters_of
from actor_oauth.oauth.pkce import challenge_of
from tests.support.grants import REDIRECT_URI, RESOURCE, VERIFIER


def a_form(**changes: str | None) -> Parameters:
    form: dict[str, str | None] = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "read",
        "resource": RESOURCE,
        "state": "xyz",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    return parameters_of((k, v) for k, v in form.items() if v is not None)
