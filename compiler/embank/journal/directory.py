"""The executions that are kept on this machine, each in a directory of its own under the state directory.

.embank/executions/<id>/workflow.yaml   the file as it was when the execution began
.embank/executions/<id>/journal         what has happened (file.py)
.embank/executions/<id>/lock            locked as long as a runner is at work
.embank/executions/<id>/cancel          somebody wants it to be cancelled
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embank.diagnostics import did_you_mean
from embank.errors import EmbankError, ExitCode, UsageError
from embank.journal.file import Contents, Journal, read_journal
from embank.reporting.command_lines import STATE, command_line

VARIABLE = "EMBANK_STATE_DIR"
TRIES, BETWEEN = 5, 0.05  # whoever only looks at a lock has it for a moment; s

_LOCKS: set[int] = set()  # held by this process


def _give_up_locks() -> None:
    """In a copy of this process, which a plugin may have made: it must not hold a lock when the runner is dead."""
    while _LOCKS:
        os.close(_LOCKS.pop())


os.register_at_fork(after_in_child=_give_up_locks)


class ExecutionMissing(UsageError):
    """There is no such execution here."""


class ExecutionLocked(EmbankError):
    """A runner is at work on it."""

    exit_code = ExitCode.LOCKED


class ExecutionDirectory:
    """The directory of one execution."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.workflow = path / "workflow.yaml"
        self.journal = path / "journal"
        self.cancel = path / "cancel"

    @property
    def state(self) -> Path:
        """The state directory that it is kept in."""
        return self.path.parent.parent

    def command(self, words: str) -> str:
        """A command about it, to be pasted; `words` such as "resume"."""
        return command_line(words, self.id, self.state)

    def read(self) -> Contents:
        """What its journal says. Raises ExecutionMissing when it has none that can be read."""
        try:
            contents = read_journal(self.journal)
        except OSError as error:
            raise ExecutionMissing(f"the execution {self.id} cannot be read: {error.strerror or error}") from error
        return contents

    def began(self) -> bool:
        """Whether there is a journal at all: without one nothing was done."""
        try:
            return self.journal.exists()
        except PermissionError:  # somebody else's
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runners out. The lock ends with this process, however it ends. Raises ExecutionLocked."""
        try:
            fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ExecutionMissing(f"{self.path} cannot be locked: {error.strerror or error}") from error
        try:
            if not _flock(fd):
                raise ExecutionLocked(
                    f"a runner is at work on the execution {self.id}: watch it end with "
                    f"`{self.command('execution show')}`, or stop it with `{self.command('cancel')}`"
                )
            _LOCKS.add(fd)
            yield
        finally:
            _LOCKS.discard(fd)
            os.close(fd)

    def is_locked(self) -> bool:
        """Whether a runner is at work on it, as far as one may see. Disturbs nobody, and changes nothing."""
        try:
            fd = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False


def _flock(fd: int) -> bool:
    for attempt in range(TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(BETWEEN if attempt < TRIES - 1 else 0)
        else:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Record:
    """Where an execution is kept, and its journal there, with the heading."""

    journal: Journal
    directory: ExecutionDirectory


class StateDirectory:
    """All executions that are kept. Nothing is created before the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, execution: str, workflow: bytes) -> ExecutionDirectory:
        """A directory for a new execution, with the workflow as it is now. Raises UsageError."""
        directory = self.directory(execution)
        try:
            self.make()
            directory.path.mkdir(mode=0o700)
            with directory.workflow.open("wb") as file:
                file.write(workflow)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(
                f"the execution cannot be kept in {self.path}: {error.strerror or error}; "
                f"name another directory with --state-dir or {VARIABLE}"
            ) from error
        return directory

    def make(self) -> None:
        """Create it, unless it is there. Raises OSError."""
        self._above.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")  # it belongs to this machine, not to the project that it lies in

    def directory(self, execution: str) -> ExecutionDirectory:
        """Where the execution with this id is kept, or would be."""
        return ExecutionDirectory(self._above / execution)

    def all(self) -> Iterator[ExecutionDirectory]:
        """Every execution that has begun, sorted by id."""
        try:
            paths = sorted(self._above.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise UsageError(f"{self._above} cannot be read: {error.strerror or error}") from error
        yield from (directory for directory in map(ExecutionDirectory, paths) if directory.began())

    def find(self, reference: str) -> ExecutionDirectory:
        """The execution with this id, or whose id alone begins so. Raises ExecutionMissing."""
        ids = [directory.id for directory in self.all()]
        matches = [id_ for id_ in ids if id_ == reference]
        matches = matches or [id_ for id_ in ids if reference and id_.startswith(reference)]
        if len(matches) == 1:
            return self.directory(matches[0])
        if matches:
            raise ExecutionMissing(f"several executions begin with {reference!r}: {', '.join(matches[:5])}")
        listing = command_line("execution list", state=self.path)
        hint = did_you_mean(reference, ids) or f"`{listing}` shows those that are kept there"
        raise ExecutionMissing(
            f"there is no execution {reference!r} in {self.path.absolute()}: {hint}. "
            f"--state-dir DIRECTORY (or {VARIABLE}) names the directory that it was started with"
        )

    @property
    def _above(self) -> Path:
        return self.path / "executions"


def state_directory(named: str | None, *, existing: bool = False) -> StateDirectory:
    """The one that is named, else that of EMBANK_STATE_DIR, else `.embank` here. `existing`: one that somebody
    names has to be there. Raises UsageError.
    """
    variable = os.environ.get(VARIABLE)
    path = Path(named or variable or STATE)
    if existing and (named or variable) and not path.is_dir():
        source = "" if named else f" (from {VARIABLE})"
        problem = "is not a directory" if path.exists() else "does not exist"
        raise UsageError(f"the state directory {path.absolute()}{source} {problem}")
    return StateDirectory(path)
