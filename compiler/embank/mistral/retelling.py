"""Leads a conductor through what an engine has done, as a runner would have led it, and writes down the events.

Whatever may happen next in the conductor lies in a heap under the time at which the engine says that it happened. The
conductor decides what may happen; so times that contradict each other (clocks that differ, whole seconds) only
change the order of what is independent. A workflow that ended otherwise than its tasks make it end, as Mistral says
when it timed out, failed by itself or is a false success, is ended by force. What Mistral never began stays so.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from embank.conductor import protocol, states
from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Begun, Due, Effect, Failed, Resumed, Succeeded, Timer
from embank.document import Document, Flow
from embank.errors import ExitCode
from embank.journal.entries import MESSAGE, values_of
from embank.mistral.api.seen import CANCELLED, ERROR, PAUSED, RUNNING, SUCCESS, Seen, SeenTask
from embank.mistral.attempted import ENDED, MADE_UP, SKIPPED, Attempted, attempted, has_begun, reason_of, timed_out
from embank.mistral.overview import begun_before_any_cancel, cancelled_at, insides
from embank.model import Json
from embank.reasons import short

RowEvent = Begun | Succeeded | Failed | Due | Resumed
Line = tuple[datetime, str, dict[str, Json]]  # of a journal: when, the name of the event, its values
BY = "the engine, where it was cancelled"  # as in the events of one that is watched
SLACK = timedelta(seconds=1)  # what happened as shortly before the cancellation may have happened after it
# The state of a task that an event fits; others need RUNNING.
NEEDS: Mapping[type[Any], states.TaskState] = {Begun: states.READY, Resumed: states.PAUSED}


class Retelling:
    """`run` leads the conductor as far as the engine has come; then `lines` tells it. `now` never goes back.

    Raises ValueError, at once, for a document that no runner can run.
    """

    def __init__(self, document: Document, seen: Seen) -> None:
        self.conductor = Conductor(document, seen.execution)
        self.lines: list[Line] = []
        self.now = seen.started
        self._document = document
        self._seen = seen
        self._heap: list[tuple[datetime, bool, int, RowEvent]] = []
        self._number = count()
        self._inside = insides(document, seen)
        self._attempts: dict[str, tuple[Attempted, ...]] = {}
        self._cancelled_at = cancelled_at(seen)
        self._to_begin = begun_before_any_cancel(document, seen) if self._cancelled_at else Counter()
        self._put_off: list[tuple[datetime, RowEvent]] = []  # ends that the cancellation has brought about
        self._take(self.conductor.start())

    def run(self) -> None:
        """Let everything happen that the engine says has happened."""
        while True:
            if self._is_time_to_cancel():
                self._cancel()
            elif self._heap:
                at, _, _, event = heapq.heappop(self._heap)
                if self._fits(event):
                    self._happen(at, event)
            elif (forced := self._next_forced()) is not None:
                self._happen(*forced)
            else:
                return

    def path(self, row: int) -> str:
        """The path of a row."""
        return self.conductor.execution.path(row)

    def say(self, row: int, texts: Sequence[str]) -> None:
        """Messages about a task, now."""
        self.lines += [(self.now, MESSAGE, {"row": row, "text": short(text)}) for text in texts]

    # What happens.

    def _happen(self, at: datetime, event: RowEvent) -> None:
        """Tell the conductor, and write it down with what is to be said before and after it."""
        self.now = max(self.now, at)
        name, values = values_of(event)
        row: int = values["row"]
        values["task"] = self.path(row)
        made = self._attempt(row) if isinstance(event, Succeeded | Failed) else None
        if made:
            self.say(row, made.before)
        if isinstance(event, Failed):
            values["code"] = (made.code if made else 0) or int(ExitCode.FAILED)
        self.lines.append((self.now, name, values))
        self._take(self.conductor.advance(event))
        if made:
            self.say(row, made.after)
        if isinstance(event, Begun):
            self._has_begun(row)
            self._schedule_end(row)

    def _fits(self, event: RowEvent) -> bool:
        """Whether it can still happen: meanwhile its task may have been withdrawn, or have ended by force."""
        if isinstance(event, Due):
            return self.conductor.heeds(event)
        state = self.conductor.state.task[event.row]
        return state is NEEDS.get(type(event), states.RUNNING)

    def _take(self, new: Sequence[Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Start):
                self._schedule_begin(effect.row)
            elif isinstance(effect, protocol.Pause):
                self._schedule_answer(effect.row)
            elif isinstance(effect, protocol.Wait):
                due = Due(effect.row, effect.attempt, effect.timer)
                self._schedule_due(due, self.now + timedelta(seconds=effect.seconds))
            elif isinstance(effect, protocol.Changed) and effect.state is states.RUNNING:
                self._has_begun(effect.row)
                self._schedule_early_end(effect.row)

    def _schedule(self, at: datetime, event: RowEvent) -> None:
        """Of whole seconds nobody knows what came first: what begins is taken to."""
        ends = isinstance(event, Succeeded | Failed) or (isinstance(event, Due) and event.timer is Timer.AFTER)
        heapq.heappush(self._heap, (at, ends, next(self._number), event))

    def _schedule_begin(self, row: int) -> None:
        """When the engine began this attempt, if it did."""
        if made := self._attempt(row):
            self._schedule(made.started, Begun(row))

    def _schedule_answer(self, row: int) -> None:
        """When the engine let a task go on; that is when it counts as started."""
        task = self._task(row)
        if task and has_begun(task):
            self._schedule(task.started, Resumed(row))

    def _schedule_end(self, row: int) -> None:
        task, made = self._task(row), self._attempt(row)
        if task is None or made is None:
            return
        if made.ended is None:
            self.say(row, made.before)
            return
        event = Failed(row, made.reason) if made.failed else Succeeded(row)
        if task.state == CANCELLED and self._cancelled_at:
            self._put_off.append((made.ended, event))
        else:
            self._schedule(made.ended, event)

    def _schedule_due(self, due: Due, at: datetime) -> None:
        """The end of a delay, when what comes after it has come; then at the latest."""
        task = self._task(due.row)
        if task is None or due.timer is Timer.TIMEOUT or (due.attempt > MADE_UP and self._runs_workflow(due.row)):
            return
        attempt = due.attempt + 1 if due.timer is Timer.AFTER else due.attempt
        if then := self._attempt(due.row, attempt):
            self._schedule(min(at, then.started), due)
        elif task.state in ENDED or (due.timer is Timer.BEFORE and task.state in (PAUSED, RUNNING)):
            at_end = due.timer is Timer.AFTER and task.ended
            self._schedule(at_end or min(at, task.ended or at), due)

    # Workflows that end otherwise than their tasks make them end.

    def _schedule_early_end(self, row: int) -> None:
        """The end of a workflow that the end of its last task would contradict comes before that."""
        task, inside = self._task(row), self._inside.get(self.path(row))
        if task is None or inside is None or task.state not in ENDED or not self._runs_workflow(row):
            return
        bad = inside.states & {SKIPPED, CANCELLED, ERROR}
        if task.state == SUCCESS:
            spec = self.conductor.execution.specs[row]
            handled = self._document.workflows[spec.workflow].flow is Flow.DIRECT and bad == {ERROR}
            contradicts = bool(bad) and not handled
        else:
            contradicts = (not bad or timed_out(task)) and not self._is_of_the_cancellation(row, task)
        if contradicts:
            self._schedule(min(task.ended or inside.last, inside.last), self._end_of(row, task))

    def _next_forced(self) -> tuple[datetime, RowEvent] | None:
        """The end of a workflow in which nothing more happens, although the engine says that it has ended: the
        innermost one.
        """
        found: tuple[int, int] | None = None
        for row, state in enumerate(self.conductor.state.task):
            task = self._task(row) if state is states.RUNNING and self._runs_workflow(row) else None
            if task and task.state in ENDED:
                found = max(found or (0, 0), (task.path.count("/"), row))
        if found is None:
            return None
        row = found[1]
        task = self._seen.tasks[self.path(row)]
        return task.ended or self.now, self._end_of(row, task)

    def _end_of(self, row: int, task: SeenTask) -> RowEvent:
        if task.state == SUCCESS:
            return Succeeded(row)
        return Failed(row, reason_of(task, self.conductor.execution.specs[row]))

    # Cancelling.

    def _is_time_to_cancel(self) -> bool:
        """Everything that is not called for by a failure must have begun before, also the retries that Mistral makes
        after it was cancelled.
        """
        if self._cancelled_at is None:
            return False
        return not self._heap or (not self._to_begin and self._heap[0][0] >= self._cancelled_at - SLACK)

    def _has_begun(self, row: int) -> None:
        if self._to_begin[path := self.path(row)] > 1:
            self._to_begin[path] -= 1
        else:
            self._to_begin.pop(path, None)

    def _cancel(self) -> None:
        self.now = max(self.now, self._cancelled_at or self.now)
        self._cancelled_at = None
        self.lines.append((self.now, "cancelled", {"by": BY, "grace": 0.0}))
        self._take(self.conductor.advance(protocol.Cancelled()))
        for at, event in self._put_off:
            self._schedule(at, event)

    def _is_of_the_cancellation(self, row: int, task: SeenTask) -> bool:
        """Whether the conductor will end it by itself for that reason."""
        return task.state == CANCELLED == self._seen.state and not self.conductor.state.rescue[row]

    # What the engine says.

    def _task(self, row: int) -> SeenTask | None:
        return self._seen.tasks.get(self.path(row))

    def _attempt(self, row: int, number: int = 0) -> Attempted | None:
        """The attempt that the conductor is at, or the one of a number."""
        spec, path = self.conductor.execution.specs[row], self.path(row)
        if spec.workflow or path not in self._seen.tasks:
            return None
        if path not in self._attempts:
            all_made = self._seen.state != CANCELLED
            self._attempts[path] = attempted(self._seen.tasks[path], spec, all_made=all_made)
        made = self._attempts[path]
        number = number or self.conductor.state.attempt[row]
        return made[number - 1] if number <= len(made) else None

    def _runs_workflow(self, row: int) -> bool:
        return bool(self.conductor.execution.specs[row].workflow)
