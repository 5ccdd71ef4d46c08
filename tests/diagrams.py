"""Draws the life cycles into ARCHITECTURE.md, from their tables: `python -m tests.diagrams`.

A test compares page and tables, so that a picture can never be out of date.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from actor_oauth.oauth import client_lifecycle, grants, question_lifecycle
from actor_oauth.oauth.upstream import credentials
from actor_oauth.runtime import lifecycle

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

PAGE: Final = Path(__file__).resolve().parent.parent / "ARCHITECTURE.md"
BEGIN: Final = "<!-- diagrams -->\n"
END: Final = "<!-- /diagrams -->"


def diagram(
    title: str, module: str, start: State, table: Mapping[State, Mapping[Event, State]]
) -> str:
    """One life cycle as a Mermaid state diagram; moves between two states share a line."""
    lines = [f"**{title}** (`{module}`)", "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {_name(start)}")
    for state, moves in table.items():
        by_target: dict[State, list[Event]] = {}
        for event, target in moves.items():
            by_target.setdefault(target, []).append(event)
        lines += [
            f"    {_name(state)} --> {_name(target)}: "
            + ", ".join(event.replace("_", " ") for event in events)
            for target, events in by_target.items()
        ]
        if not moves:
            lines.append(f"    {_name(state)} --> [*]")
    return "\n".join([*lines, "```", ""])


def diagrams() -> str:
    """Every life cycle, as it stands in ARCHITECTURE.md."""
    return "\n".join(
        (
            diagram(
                "An activation",
                "runtime/lifecycle.py",
                lifecycle.ActivationState.LOADING,
                lifecycle.TRANSITIONS,
            ),
            diagram(
                "A grant",
                "oauth/grants.py",
                grants.GrantState.AUTHORIZED,
                grants.TRANSITIONS,
            ),
            diagram(
                "A client's registration",
                "oauth/client_lifecycle.py",
                client_lifecycle.ClientState.ABSENT,
                client_lifecycle.TRANSITIONS,
            ),
            diagram(
                "A question to a user: a consent transaction, a device authorization",
                "oauth/question_lifecycle.py",
                question_lifecycle.QuestionState.PENDING,
                question_lifecycle.TRANSITIONS,
            ),
            diagram(
                "A connection to another service",
                "oauth/upstream/credentials.py",
                credentials.CredentialState.ABSENT,
                credentials.TRANSITIONS,
            ),
        )
    )


def with_diagrams(page: str) -> str:
    """The page with its diagrams drawn anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{diagrams()}\n{END}{after}"


def _name(state: StrEnum) -> str:
    return state.replace(" ", "_")


if __name__ == "__main__":
    PAGE.write_text(with_diagrams(PAGE.read_text()))
