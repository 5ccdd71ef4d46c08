"""The command line. The only layer that prints, reads standard input or exits."""

import sys

from actor_oauth.cli.commands import COMMANDS, app_with

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process.

    What an operator can do something about is said in a sentence each, with exit status
    1; anything else is a fault and shows where it happened.
    """
    # Only `--help` may stand before a command, and asks for none.
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        app_with()()
        return
    # With the settings, which the list of commands and `version` do without.
    from actor_oauth.cli.problems import saying_problems  # noqa: PLC0415

    with saying_problems():
        app_with(name)()
