"""Threads that run one at a time, in the order of a virtual clock: the shipped loops as they are, without races.

A task runs until it sleeps; then whoever wakes first goes on, ties in the order of their making. So a run is the same
every time, whatever the machine does. Not responsible for what the tasks do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Over(BaseException):
    """Raised in a task's sleep to end it; nothing that catches Exception holds it up."""


class Task:
    """One thread of the lockstep. `frozen` tasks do not wake, as a stopped process does not."""

    def __init__(self, name: str, run: Callable[[], None], wake_s: float) -> None:
        self.name = name
        self.wake_s = wake_s
        self.frozen = False
        self.over = False
        self.failure: BaseException | None = None
        self._run = run
        self._mine = threading.Lock()  # locks used as gates: a semaphore costs ten times as much
        self._back = threading.Lock()
        self._mine.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let it run until it sleeps or ends. Raises what ended it."""
        self._mine.release()
        self._back.acquire()
        if self.failure is not None:
            raise self.failure

    def rest(self) -> None:
        """Called by the task itself: hand over, and wait."""
        self._back.release()
        self._mine.acquire()
        if self.over:
            raise Over

    def end(self) -> None:
        """Make it raise Over where it sleeps, and wait for its thread."""
        self.over = True
        self._mine.release()
        self._thread.join()

    def _live(self) -> None:
        self._mine.acquire()
        try:
            if not self.over:
                self._run()
        except Over:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.over = True
            self._back.release()


class Lockstep:
    """The clock of every task and the one that decides who is next. Has the shape of a driver's clock."""

    speed = 1.0  # of virtual seconds to those that are asked for

    def __init__(self, start_s: float) -> None:
        self._now_s = start_s
        self._tasks: list[Task] = []
        self._running: Task | None = None
        self._until_s = start_s

    def now(self) -> float:
        """Virtual seconds, the same for everybody."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Called by a task: nothing else of it happens for so long. Raises RuntimeError when no task called it."""
        task = self._running
        if task is None:
            raise RuntimeError("only a task of the lockstep can sleep")
        wake_s = self._now_s + max(seconds, 1e-6)
        if wake_s <= self._until_s and all(
            one.wake_s > wake_s for one in self._tasks if one is not task and not one.frozen and not one.over
        ):
            self._now_s = wake_s  # it would be the next one anyway
            return
        task.wake_s = wake_s
        task.rest()

    def wall_s(self, seconds: float) -> float:
        """Virtual seconds are asked for as they are."""
        return seconds

    def begin(self, name: str, run: Callable[[], None]) -> Task:
        """A new task, first run at once when time goes on."""
        task = Task(name, run, self._now_s)
        self._tasks.append(task)
        return task

    def end(self, task: Task) -> None:
        """Take a task out, wherever it is."""
        self._tasks.remove(task)
        task.end()

    def thaw(self, task: Task) -> None:
        """Let a frozen task go on; it did not get the time that has passed."""
        task.frozen = False
        task.wake_s = max(task.wake_s, self._now_s)

    def run_until(self, until_s: float) -> None:
        """Let everybody run whose time has come, up to `until_s`."""
        self._until_s = until_s
        while True:
            task = min(
                (task for task in self._tasks if not task.frozen and not task.over),
                key=lambda one: one.wake_s,
                default=None,
            )
            if task is None or task.wake_s > until_s:
                break
            self._now_s = max(self._now_s, task.wake_s)
            self._running = task
            try:
                task.go_on()
            finally:
                self._running = None
        self._now_s = until_s

    def close(self) -> None:
        """End everybody."""
        for task in list(self._tasks):
            self.end(task)
