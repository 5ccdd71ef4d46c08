"""What an actor's views have answered, for as long as that stays true.

An answer that was remembered is given again while nothing has been committed to the
actor's database since, by whichever process. Nobody has to think of forgetting: the store
names what is committed now (`Store.version`), each look-up asks it, and a memory of
another version is empty. So a revocation needs to know nothing of this file.
"""

from collections.abc import Hashable
from typing import Final, Protocol, TypeAlias

ACTORS_AT_LEAST: Final = 32
"""So many actors share the budget, however much each would like to remember."""

Version: TypeAlias = Hashable
"""Names one committed state of one store."""


class Memorable(Protocol):
    """What a view that is remembered answers."""

    @property
    def weight(self) -> int:
        """How many bytes of memory it takes, roughly."""
        ...


class Budget:
    """The bytes that the memories of one process may take together (G5).

    Args:
        limit: Bytes.

    Attributes:
        share: Bytes that one actor may take, before it forgets everything.
        used: Bytes taken now.
        hits: Answers that were given again.
        misses: Answers that had to be found.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.share = limit // ACTORS_AT_LEAST
        self.used = 0
        self.hits = 0
        self.misses = 0

    def take(self, weight: int) -> bool:
        """Take some, if they are left."""
        if self.used + weight > self._limit:
            return False
        self.used += weight
        return True


class Memory:
    """What one activation remembers.

    Args:
        budget: Of the process.
    """

    __slots__ = ("_answers", "_budget", "_version", "_weight")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._version: Version = None
        self._answers: dict[Hashable, Memorable] = {}
        self._weight = 0

    def recall(self, version: Version, key: Hashable) -> Memorable | None:
        """Give what was answered at this version; None if it has to be asked."""
        if version != self._version:
            self.forget()
            self._version = version
        answer = self._answers.get(key)
        if answer is None:
            self._budget.misses += 1
        else:
            self._budget.hits += 1
        return answer

    def keep(self, key: Hashable, answer: Memorable) -> None:
        """Remember an answer that was found after `recall` gave none.

        If another process has committed between the two, it is newer than the version
        that it is kept under, which never comes back.
        """
        weight = answer.weight
        if weight > self._budget.share:
            return
        if self._weight + weight > self._budget.share:
            self.forget()
        if self._budget.take(weight):
            self._weight += weight
            self._answers[key] = answer

    def forget(self) -> None:
        """Forget everything."""
        self._budget.used -= self._weight
        self._weight = 0
        self._answers.clear()
