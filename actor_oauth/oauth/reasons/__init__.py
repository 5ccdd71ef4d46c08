"""Why something was refused, as the operator's log names it.

A `Reason` is detailed and stable: it is logged, and asserted by tests. Every reason has
the `Category` that the client is told, so no reason can exist without an answer on the
wire. The names are in `reason.py`, what they carry in one table for each area.

Rule 1: reasons whose difference would tell an attacker something (whether a client
exists, whether a code was ever real) have no text of their own: they use that of their
category.
Rule 2: texts are constants. Nothing that a client sent is ever repeated in one.
"""

from actor_oauth.oauth.reasons.reason import Reason, Refused

__all__ = ["Reason", "Refused"]
