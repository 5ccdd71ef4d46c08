"""Who may use a tool, prompt or resource: what its decorators demand, and what follows.

@mcp.tool()
@require_scope("notes:write")
def add_note(text: str) -> None: ...

@mcp.prompt()
@require(lambda caller: caller.props_as(Props).role == "admin")
def how_to_clean_up() -> str: ...

A demand is met or refused at three places: `gate.py` answers a call over HTTP with the
step-up challenge before the SDK sees it; `middleware.py` leaves out of listings what the
caller may not know of; and the decorated function itself refuses, however it was reached.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import wraps
from inspect import iscoroutinefunction
from typing import Final, ParamSpec, TypeVar, cast

from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from actor_oauth.mcp.caller import Caller, current_caller
from actor_oauth.oauth.scopes import Scope

P = ParamSpec("P")
R = TypeVar("R")

Predicate = Callable[[Caller], bool]
"""Tells whether a caller may know of what it guards. One that raises `LookupError` or pydantic's
`ValidationError`, as where props lack what it looks for, says no."""

NOT_PERMITTED: Final = -32010
"""The JSON-RPC error of a refused call: of the range that is left to implementations."""

_ATTRIBUTE: Final = "__actor_oauth_demand__"


class Verdict(Enum):
    """What follows for a caller."""

    ALLOWED = auto()
    LACKS_SCOPES = auto()
    """May be told which scopes to come back with."""
    HIDDEN = auto()
    """Is told what they would be told if there were no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a tool, prompt or resource demands of its callers.

    Attributes:
        scopes: All of them, in the order in which they were named.
        predicates: All must say yes.
        hides: Whether who lacks a scope is not to know of it either.
    """

    scopes: tuple[str, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    hides: bool = False

    def __and__(self, other: "Demand") -> "Demand":
        """Demand both."""
        return Demand(
            scopes=tuple(dict.fromkeys((*self.scopes, *other.scopes))),
            predicates=(*self.predicates, *other.predicates),
            hides=self.hides or other.hides,
        )

    @property
    def may_hide(self) -> bool:
        """Whether there may be callers who are not to know of it."""
        return self.hides or bool(self.predicates)

    def judge(self, caller: Caller) -> Verdict:
        """Say what follows for a caller."""
        if not all(_agrees(predicate, caller) for predicate in self.predicates):
            return Verdict.HIDDEN
        if caller.has_scopes(*self.scopes):
            return Verdict.ALLOWED
        return Verdict.HIDDEN if self.hides else Verdict.LACKS_SCOPES


class NotPermittedError(MCPError):
    """A call that its caller may not make reached the function."""

    def __init__(self, scopes: tuple[str, ...] = ()) -> None:
        wanted = f" It needs the scopes: {' '.join(scopes)}." if scopes else ""
        super().__init__(NOT_PERMITTED, f"This caller may not do that.{wanted}")


def require_scope(
    *names: str, hide: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Restrict a tool, prompt or resource to callers with all of these scopes.

    A caller without them is answered 403 with the step-up challenge, and the client asks
    its user for more. For that it has to know of the tool, so the tool stays listed.

    Args:
        *names: All scopes that the operation needs, beside those that the server demands
            of everybody.
        hide: Rather leave it out of their lists, and act as if it did not exist.

    Raises:
        ValueError: That is no scope, or there is none.
    """
    if not names:
        raise ValueError("which scope?")
    return _demanding(Demand(scopes=Scope(names).names, hides=hide))


def require(predicate: Predicate) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Restrict a tool, prompt or resource to callers who satisfy a predicate.

    Nobody else knows of it.

    Args:
        predicate: Asked at every listing and call, so keep it quick. See `Predicate`.
    """
    return _demanding(Demand(predicates=(predicate,)))


def demand_of(function: object) -> Demand | None:
    """What a function's decorators demand, or None."""
    return cast("Demand | None", getattr(function, _ATTRIBUTE, None))


def _demanding(demand: Demand) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        inner = demand_of(function)
        whole = demand if inner is None else demand & inner
        checked = _checked(function, whole)
        setattr(checked, _ATTRIBUTE, whole)
        return checked

    return decorate


def _checked(function: Callable[P, R], demand: Demand) -> Callable[P, R]:
    if iscoroutinefunction(function):
        # The SDK runs what is no coroutine function in a thread.
        awaiting = cast("Callable[P, Awaitable[object]]", function)

        @wraps(awaiting)
        async def check_and_await(*args: P.args, **kwargs: P.kwargs) -> object:
            _enforce(demand)
            return await awaiting(*args, **kwargs)

        return cast("Callable[P, R]", check_and_await)

    @wraps(function)
    def check_and_call(*args: P.args, **kwargs: P.kwargs) -> R:
        _enforce(demand)
        return function(*args, **kwargs)

    return check_and_call


def _enforce(demand: Demand) -> None:
    """Refuse the call that is running, unless its caller may make it.

    Raises:
        NotPermittedError: They may not, or nobody knows who calls.
    """
    try:
        caller = current_caller()
    except LookupError:
        raise NotPermittedError from None
    verdict = demand.judge(caller)
    if verdict is not Verdict.ALLOWED:
        lacks_scopes = verdict is Verdict.LACKS_SCOPES
        raise NotPermittedError(demand.scopes if lacks_scopes else ())


def _agrees(predicate: Predicate, caller: Caller) -> bool:
    try:
        return predicate(caller)
    except (LookupError, ValidationError):
        return False
