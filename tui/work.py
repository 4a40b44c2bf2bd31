"""Work beside the screen: what touches the store, a device or a paper runs in a thread; its answer is posted back.

A screen calls `run` with a job and what to do with its answer, or `act` where the job needs a session. Errors of ours
reach `failed`, which says them; a session that is over is renewed by the same operator, and the job is done then.
What a device driver raises is translated by the desk. Anything else is a fault of ours: the desk's report is told,
which names types and places and no values, and so is the operator. Nothing of what was typed is touched by any of this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.message import Message
from textual.screen import Screen

from appliance.access.session import Session, SessionOver
from appliance.journal.errors import BugError, SanadError

if TYPE_CHECKING:
    from tui.app import SanadConsole

R = TypeVar("R")
T = TypeVar("T")

FAULT = BugError("This is a fault in Sanad.", "Try again; if it comes back, tell central IT. What you typed is kept.")


class Answered(Message):
    """A job is done; `settle` is called on the screen's own thread."""

    def __init__(self, settle: Callable[[], None]) -> None:
        super().__init__()
        self.settle = settle


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    do: Callable[[], T]
    then: Callable[[T], None]
    otherwise: Callable[[SanadError], None] | None


class WorkingScreen(Screen[R]):
    """A screen that has work done beside it."""

    @property
    def desk_app(self) -> SanadConsole:
        """The console that this screen belongs to."""
        return cast("SanadConsole", self.app)

    def run(
        self,
        do: Callable[[], T],
        then: Callable[[T], None],
        otherwise: Callable[[SanadError], None] | None = None,
    ) -> None:
        """Do something in a thread; `then` gets its answer, `otherwise` (or `failed`) the error, on this thread."""
        job = _Job(do, then, otherwise)
        self.run_worker(lambda: self._in_thread(job), thread=True, exit_on_error=False)

    def act(
        self,
        do: Callable[[Session], T],
        then: Callable[[T], None],
        otherwise: Callable[[SanadError], None] | None = None,
    ) -> None:
        """Do something as the operator who is signed in; asks for the password again where the session is over."""

        def refused(error: SanadError) -> None:
            if isinstance(error, SessionOver):
                self.desk_app.sign_in_again(error, lambda: self.act(do, then, otherwise))
            else:
                (otherwise or self.failed)(error)

        session = self.desk_app.session
        if session is None:
            refused(SessionOver("Nobody is signed in."))
            return
        self.run(lambda: do(session), then, refused)

    def act_quietly(
        self, do: Callable[[Session], T], then: Callable[[T], None], otherwise: Callable[[SanadError], None]
    ) -> None:
        """The same without asking for the password: where the session is over, `otherwise` is told."""
        session = self.desk_app.session
        if session is None:
            otherwise(SessionOver("Nobody is signed in."))
        else:
            self.run(lambda: do(session), then, otherwise)

    def _in_thread(self, job: _Job[T]) -> None:
        try:
            answer = job.do()
        except SanadError as error:
            told = error
            self.post_message(Answered(lambda: (job.otherwise or self.failed)(told)))
        except Exception as error:  # noqa: BLE001  (a thread's last resort: the report names no values)
            desk = self.desk_app.desk
            ours = desk.translate(error)
            if ours is None:
                desk.report(error)
            self.post_message(Answered(lambda: (job.otherwise or self.failed)(ours or FAULT)))
        else:
            self.post_message(Answered(lambda: job.then(answer)))

    def on_answered(self, message: Answered) -> None:
        """An answer came."""
        message.stop()
        message.settle()

    def failed(self, error: SanadError) -> None:
        """Say what went wrong."""
        raise NotImplementedError
