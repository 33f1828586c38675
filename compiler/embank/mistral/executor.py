"""Runs actions in an engine's executor: many at once, in threads that are not ours, for as long as the process lives.

Which providers there are is read from the provider files of the executor's machine, and read again when they change.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embank.actions.actions import Actions
from embank.conductor.execution import Job
from embank.errors import EmbankError, ExitCode
from embank.inputs.provider.find import Provider, find_provider, load_providers, provider_directory
from embank.model import Json
from embank.reasons import code_of, reason_of
from embank.task_input import provider_of

MOST_MESSAGES = 20  # that are kept of one action; an engine limits what a result may hold


@dataclass(frozen=True, slots=True)
class Ended:
    """How an action ended: well when there is no reason. `exit_code` is what the failure asks for."""

    reason: str = ""
    exit_code: int = 0
    messages: tuple[str, ...] = ()


class ProviderUnusable(EmbankError):
    """The provider of a workflow cannot be used on this executor."""

    exit_code = ExitCode.FAILED


class _Control:
    """An action cannot be told anything by the engine: it is never cancelled."""

    cancelled = False

    def __init__(self) -> None:
        self.messages: list[str] = []

    def tell(self, text: str) -> None:
        """The last messages are kept."""
        self.messages = [*self.messages[1 - MOST_MESSAGES :], text]


class _Providers:
    """The actions of each provider, made anew when its file has changed. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[object, ...], Actions]] = {}

    def actions(self, reference: str) -> Actions:
        """The actions on this provider. Raises ProviderUnusable, InputUnreadable."""
        directory = provider_directory(None)
        stamp = _stamp(directory)
        with self._lock:
            found = self._known.get(reference)
            if found is None or found[0] != stamp:
                found = self._known[reference] = stamp, Actions([_load(directory, reference)])
            return found[1]


_providers = _Providers()


def perform(action: str, given: Mapping[str, Json]) -> Ended:
    """Do an action to its end. Blocks, and raises nothing that could name a secret."""
    control = _Control()
    try:
        reference = provider_of(given)
        if reference is None:
            raise ProviderUnusable("`run` does not name a provider")
        for poll in _providers.actions(reference).perform(Job(action, given), control):
            time.sleep(poll.after or 0.0)
    except EmbankError as error:
        return Ended(reason_of(error), int(code_of(error)), tuple(control.messages))
    return Ended(messages=tuple(control.messages))


def _stamp(directory: Path) -> tuple[object, ...]:
    """Changes when a provider file does."""
    paths: Iterable[Path] = sorted(path for path in directory.iterdir() if path.suffix == ".conf")
    stats = ((path.name, path.stat()) for path in paths)
    return (str(directory), *((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


def _load(directory: Path, reference: str) -> Provider:
    # from files of this host alone, logins and all (decision MISTRAL-4)
    files = load_providers(str(directory))
    found = find_provider(files.value or (), reference)
    if found.value is None:
        problems = "; ".join(problem.message for problem in (*files.diagnostics, *found.diagnostics))
        raise ProviderUnusable(f"{problems} (provider files of this executor: {directory})")
    return found.value
