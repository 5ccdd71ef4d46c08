"""A client's sign-in requirements, passed on to the login service.

A sign-in with another service is often silent: a user who is signed in there returns at
once. If a client requires a new or a recent sign-in, this server has to pass that
requirement on to the service.
"""

from dataclasses import dataclass
from typing import Final

from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.federation.providers import LoginProvider, ProviderKind
from actor_oauth.oauth.prompts import Prompt

_ABOUT_SIGNING_IN: Final = (Prompt.LOGIN, Prompt.SELECT_ACCOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is required of a sign-in.

    Attributes:
        prompts: What is to be shown.
        max_age: Seconds since the person last proved who it is, at most; None for any.
    """

    prompts: frozenset[Prompt] = frozenset()
    max_age: int | None = None


NO_WISHES: Final = Wishes()


def wishes_of(request: AuthorizationRequest) -> Wishes:
    """Give what a client's request requires of the sign-in."""
    return Wishes(
        prompts=request.prompts.intersection(_ABOUT_SIGNING_IN), max_age=request.max_age
    )


def parameters_for(provider: LoginProvider, wishes: Wishes) -> dict[str, str]:
    """Give the parameters of the authorization request, the operator's among them.

    GitHub has nothing but the choice of an account, which at least shows a page.

    Args:
        provider: Whom to ask.
        wishes: The client's.

    Source: OpenID Connect Core §3.1.2.1.
    """
    parameters = dict(provider.parameters)
    prompts = sorted(wishes.prompts)
    if provider.kind is ProviderKind.GITHUB:
        prompts = [Prompt.SELECT_ACCOUNT] if prompts or wishes.max_age == 0 else []
    elif wishes.max_age is not None:
        parameters["max_age"] = str(wishes.max_age)
    words = dict.fromkeys([*parameters.get("prompt", "").split(), *prompts])
    # `none` excludes all others; if the operator configured it, wishes for a page fail.
    if words and "none" not in words:
        parameters["prompt"] = " ".join(words)
    return parameters
