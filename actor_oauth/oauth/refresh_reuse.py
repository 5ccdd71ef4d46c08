"""Late reuse: a superseded refresh token that comes after its window.

Two parties hold the chain, and the token alone cannot say which of them is honest: a
process that kept an old token in memory, a copied home directory and a thief look the
same. The evidence has to come from outside the token, and there are three kinds:

1. Possession. A client that proves a key, or authenticates with a credential that is kept
   apart from the tokens, is the one that got the grant. A stolen token alone is no proof.
2. An unused successor. If the token is the head's own predecessor and the head was never
   presented, the response that carried the head may have been lost. A thief can cause
   this too, so it only counts if the operator says so, for some hours, and not twice in
   that time.
3. The user. An honest client that is refused makes its user sign in again; a thief
   cannot. So a grant can be *contested*: its chain stays valid, and it ends when the user
   signs in again with that client, or some days later.

Network addresses are none of them: hosted clients refresh from several, laptops travel,
and a thief may share one with its victim.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

RefreshRotation: TypeAlias = Literal["always", "unless_bound"]


class ReusePolicy(StrEnum):
    """What the operator wants done if there is no evidence for a late presenter.

    Attributes:
        REVOKE: End the grant (RFC 9700 §4.14.2).
        REJECT: Refuse the request; the chain stays valid, but contested.
    """

    REVOKE = "revoke"
    REJECT = "reject"


class ReuseVerdict(StrEnum):
    """What to do about one late reuse.

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
        reuse: What happens later than that, without evidence for the presenter.
        same_instance: Whether possession of a key or credential is evidence.
        recovery: Seconds from a token's first use in which it can still be answered,
            given possession or the application's consent.
        lost_answer: The same, given an unused successor; 0 if that is no evidence.
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
    """The evidence for a late presenter, beside the token.

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
    """A late reuse, as reported to the application. It never contains a secret.

    Attributes:
        grant_id: The grant's name among those of its user.
        client_id: Who authenticated, or at least said its name.
        resource: What the grant is for.
        generation: Of the presented token.
        age: Seconds since that token was first used; None if that is not known.
        signals: The evidence for the presenter.
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
    """Decide about a late reuse by an operator's rules.

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
