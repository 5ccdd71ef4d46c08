"""Randomness that a seed repeats: a run that found something can be run again."""

import random


class Chance:
    """Draws what a run leaves to chance. Never used for secrets.

    Args:
        seed: The same seed, the same draws.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 - see the class

    def child(self, number: int) -> "Chance":
        """Derive another seed from this one and a number."""
        return Chance(hash((self.seed, number)))

    def between(self, low: float, high: float) -> float:
        """A number, all of the range alike."""
        return self._random.uniform(low, high)

    def below(self, end: int) -> int:
        """A whole number from 0 up to and without `end`."""
        return self._random.randrange(end)

    def happens(self, share: float) -> bool:
        """True with this probability."""
        return self._random.random() < share
