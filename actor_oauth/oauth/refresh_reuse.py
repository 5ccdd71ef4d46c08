"""Late reuse: a superseded refresh token that comes after its window.

Two parties hold the chain, and the token alone cannot say which of them is honest: a
process that kept an old token in memory, a copied home directory and a thief look the
same. What can tell them apart is outside of the token, and there are three such things:

1. Possession. Who proves a key, or authenticates by a credential that is kept apart from
   the tokens, is who the grant was given to. A stolen token alone does not get there.
2. A successor that nobody has used. If the token is the head's own predecessor and the
   head was never presented, the answer that carried the head may have been lost. A thief
   can bring this about too, so it counts only if an operator wants it, for some hours,
   and not twice in that time.
3. The user. Whoever is refused and is honest signs in again, and a thief cannot. So a
   grant can be *contested*: its chain lives on, and it ends when the user signs in again
   with that client, or some days later.

Network addresses are none of them: hosted clients refresh from several, laptops travel,
and a thief may share one with its victim.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

RefreshRotation: TypeAlias = Literal["always", "unless_bound"]


class ReusePolicy(StrEnum):
    """What an operator may want done if nothing speaks for a late presenter.

    Attributes:
        REVOKE: End the grant (RFC 9700 §4.14.2).
        REJECT: Refuse the presenter; the chain lives, contested.
    """

    REVOKE = "revoke"
    REJECT = "reject"


class ReuseVerdict(StrEnum):
    """What is done about one late reuse.

    Attributes:
        REVOKE: The grant ends.
        REJECT: The presenter is refused.
        ACCEPT: The presenter gets the chain's head, as within the window.
    """

    REVOKE = "revoke"
    REJECT = "reject"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRules:
    """What an operator decided about refreshing, for a server or for one client.

    Attributes:
        rotation: `always`, or `unless_bound` if a refresh token that is bound to a key
            or to a client's own credential stays the same.
        grace: Seconds from a token's first use in which it leads to the head.
        reuse: What is done later than that, if nothing speaks for the presenter.
        same_instance: Whether possession speaks for it.
        recovery: Seconds from a token's first use in which it can still be answered, if
            possession or the application speaks for it.
        lost_answer: The same, if an unused successor speaks for it; 0 if that does not.
        contest: Seconds that a contested grant lives at most; 0 for no contest.
        asks: Whether the application is asked about each late reuse.
    """

    rotation: RefreshRotation = "always"
    grace: int = 120
    reuse: ReusePolicy = ReusePolicy.REVOKE
    same_instance: bool = True
    recovery: int = 7 * 86_400
    lost_answer: int = 0
    contest: int = 7 * 86_400
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseSignals:
    """What is known of a late presenter beside the token.

    Attributes:
        proves_key: It proved the key that the grant's refresh tokens are bound to.
        proves_client: It authenticated by a credential that is kept apart from tokens.
        behind: Generations between the presented token and the head, from 1.
        derivable: Whether the head can still be given to it.
        recovered_ago: Seconds since a late presenter of this grant was last answered for
            an unused successor; None if that never happened.
    """

    proves_key: bool
    proves_client: bool
    behind: int
    derivable: bool
    recovered_ago: int | None

    @property
    def is_bound(self) -> bool:
        """Whether the presenter proved more than that it has the token."""
        return self.proves_key or self.proves_client

    @property
    def successor_unused(self) -> bool:
        """Whether what this token was traded for was never presented."""
        return self.behind == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseEvent:
    """A late reuse, as the application is told of it. It never holds a secret.

    Attributes:
        grant_id: The grant's name among those of its user.
        client_id: Who authenticated, or at least said its name.
        resource: What the grant is for.
        generation: Of the presented token.
        age: Seconds since that token was first used; None if that is not known.
        signals: What speaks for the presenter.
        verdict: What happens if the application does not say otherwise.
        user_id: Whose grant it is; empty until the user's actor has filled it in.
    """

    grant_id: str
    client_id: str
    resource: str
    generation: int
    age: int | None
    signals: ReuseSignals
    verdict: ReuseVerdict
    user_id: str = ""


def judge_reuse(signals: ReuseSignals, rules: RefreshRules) -> ReuseVerdict:
    """Judge a late reuse by an operator's rules.

    Args:
        signals: What is known of the presenter.
        rules: Those that hold for its client.

    Source: RFC 9700 §4.14.2 for `REVOKE`; the others are this server's own.
    """
    if rules.same_instance and signals.is_bound:
        # It came so late that nobody can answer it: that makes no thief of it either.
        return ReuseVerdict.ACCEPT if signals.derivable else ReuseVerdict.REJECT
    if _is_lost_answer(signals, rules):
        return ReuseVerdict.ACCEPT
    if rules.reuse is ReusePolicy.REJECT:
        return ReuseVerdict.REJECT
    return ReuseVerdict.REVOKE


def _is_lost_answer(signals: ReuseSignals, rules: RefreshRules) -> bool:
    if not rules.lost_answer or not signals.derivable or not signals.successor_unused:
        return False
    # Lost answers are rare, so two in a row are not believed: a thief who refreshes
    # first makes each refresh of the owner look like one.
    ago = signals.recovered_ago
    return ago is None or ago > rules.lost_answer
