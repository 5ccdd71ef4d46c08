"""The error of a provider that cannot start as configured."""

from collections.abc import Iterable


class ConfigError(Exception):
    """The provider cannot start: lists everything that is wrong, and what to do.

    Attributes:
        problems: One sentence each, to be shown to an operator.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
