"""One message on its way: what is asked, and who waits for the answer."""

from collections.abc import Mapping

import outcome
import trio

from actor_oauth.runtime.actor import Operation

Answer = outcome.Value[object] | outcome.Error


class UnstartedError(Exception):
    """The activation went away before the call was run; asking again is safe."""


class Call:
    """A call of one operation, answered once.

    The caller waits in its own task and may be cancelled at any time; the turn runs in
    the dispatcher's, and is never touched by that (G4).
    """

    __slots__ = ("_answer", "_waiter", "abandoned", "args", "kwargs", "operation")

    def __init__(
        self,
        operation: Operation,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs if kwargs is not None else {}
        self.abandoned = False
        self._answer: Answer | None = None
        self._waiter: trio.lowlevel.Task | None = None

    def answer(self, answer: Answer) -> None:
        """Give the answer and wake the caller, if it still waits."""
        self._answer = answer
        if self._waiter is not None:
            trio.lowlevel.reschedule(self._waiter)
            self._waiter = None

    @property
    def answered(self) -> bool:
        """Whether the answer is there."""
        return self._answer is not None

    def result(self) -> object:
        """The answer, once it is there; raises what the turn raised."""
        assert self._answer is not None
        return self._answer.unwrap()

    async def reply(self) -> object:
        """Wait for the answer.

        If cancelled, the call is abandoned: run if its turn had begun, dropped if not.
        """
        if self._answer is None:
            self._waiter = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._abandon)
        return self.result()

    def give_up(self, answer: Answer) -> None:
        """Answer a caller who has waited for too long; a turn that has not begun is dropped."""
        if not self.answered:
            self.abandoned = True
            self.answer(answer)

    def _abandon(self, _: object) -> trio.lowlevel.Abort:
        self._waiter = None
        self.abandoned = True
        return trio.lowlevel.Abort.SUCCEEDED
