"""Why something was refused, as the operator's log names it.

A `Reason` is rich and stable: it is logged and asserted by tests. Every reason carries
the `Category` that the client is told, so no reason can exist without an answer on the
wire. The names stand in `reason.py`, what they carry in one table for each area.

Rule 1: reasons that an attacker could tell apart to learn something (is there such a
client, was that code ever real) have no text of their own: they say what their
category says.
Rule 2: texts are constants. Nothing a client sent is ever repeated in one.
"""

from actor_oauth.oauth.reasons.reason import Reason, Refused

__all__ = ["Reason", "Refused"]
