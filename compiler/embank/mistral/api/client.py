"""The client side of Mistral: putting workflow files there, starting, looking, cancelling.

Every call may be made again: an answer that was lost changes nothing. Executions are started under ids that the
client makes, and each version of a file lies in a namespace of its own, named after its digest.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from embank.mistral.api.errors import EngineError, EngineRefused, EngineUnreachable
from embank.mistral.api.rows import reason_of, task_of, time_of
from embank.mistral.api.seen import ERROR, OVER, Seen, SeenAttempt, SeenTask
from embank.mistral.api.transport import PAGE, Transport
from embank.model import Json

LATEST = 60.0  # s that Mistral may take to do what it did not answer to in time
NOT_FOUND = 404
VERSION = re.compile(r"^(['\"]?)version\1\s*:.*\n", re.MULTILINE)  # anywhere in a file of one workflow
DELAYED = frozenset(("DELAYED", "RUNNING_DELAYED"))  # before it begins, and before it is tried again
TEXT = {"content-type": "text/plain"}
CLOSING = re.compile(r"_closing_[0-9a-f]{32}$")  # how the names of workflows end that close for another execution
# What an owner sees of it; why timeouts are better: decision MISTRAL-5.
HIDDEN = (
    "Mistral goes on with {0} in no project, as it does with a Keystone when it has missed the heartbeats of an "
    "executor: its owner does not see the rest, and closers are not found. A user with the role admin in "
    "the same project can look (embank watch {0}) and run them (embank cancel {0}). Switch [action_heartbeat] off in "
    "Mistral, and give each type a timeout: docs/mistral.md"
)
FIELDS = ["id", "name", "type", "state", "state_info", "created_at", "updated_at", "started_at", "finished_at"]


def namespace_of(sha256: str) -> str:
    """The namespace of a workflow file with this digest."""
    return f"embank-{sha256[:16]}"


@dataclass(frozen=True, slots=True)
class Frame:
    """A running or ended workflow in an execution: the main one, or one that a task runs."""

    id: str
    workflow: str
    state: str
    task: str  # the id of the task that runs it; "" for the main one


class Mistral:
    """One Mistral, by a client of python-mistralclient. Raises EngineError of one kind or the other."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._at = Transport(client)
        self._over: dict[str, tuple[Mapping[str, Any], ...]] = {}  # the tasks of frames that are over

    @property
    def url(self) -> str:
        """Where it is."""
        return self._at.url

    def upload(self, source: bytes, namespace: str, workflow: str) -> None:
        """Put a workflow file there, if it is not there yet. It was checked: Mistral need not do so again."""
        query = urlencode({"scope": "private", "namespace": namespace, "skip_validation": ""})
        try:
            self._at.ask(lambda: self._at.http.post(f"/workflows?{query}", source, headers=dict(TEXT)))
        except EngineError as error:  # it is there already, or the answer was lost
            self._await(lambda: workflow in self.definition(namespace), error)

    def definition(self, namespace: str) -> dict[str, str]:
        """The workflows in a namespace, by name, as YAML."""
        found = self._at.pages(
            lambda marker: self._client.workflows.list(namespace=namespace, marker=marker, limit=PAGE)
        )
        return {flow["name"]: flow["definition"] for flow in found if flow["namespace"] == namespace}

    def start(self, execution: str, workflow: str, namespace: str, description: str) -> None:
        """Start an execution with this id, or find that it has been started. After an error that is not final
        nobody knows whether it will be.
        """
        body = {
            "id": execution,
            "workflow_name": workflow,
            "workflow_namespace": namespace,
            "description": description,
        }
        try:
            self._at.ask(lambda: self._at.http.post("/executions", json.dumps(body)))
        except EngineError as error:
            self._await(lambda: self._find(execution) is not None, error)

    def cancel(self, execution: str) -> None:
        """Start no more tasks of it. Actions that are running go on."""
        self._at.ask(lambda: self._at.http.put(f"/executions/{execution}", json.dumps({"state": "CANCELLED"})))

    def look(self, execution: str, wants: Callable[[str, str], bool] = lambda workflow, task: False) -> Seen:
        """Everything about an execution. `wants` says of which tasks every attempt is asked for, besides those that
        failed. Raises EngineRefused when there is no such execution.
        """
        main = self._get(execution)
        tasks: dict[str, SeenTask] = {}
        paths = {"": ""}  # of the tasks that run workflows, by id
        for frame in self._frames(execution):
            above = paths.get(frame.task, "")
            for row in self._tasks(frame):
                path = f"{above}/{row['name']}" if above else row["name"]
                paths[row["id"]] = path
                seen = task_of(path, row)
                acts = row["type"] == "ACTION"
                if acts and (row["state"] == ERROR or wants(frame.workflow, row["name"])):
                    seen = replace(seen, attempts=tuple(self._attempts(row["id"])))
                tasks[path] = seen
        over = main["state"] in OVER
        return Seen(
            execution,
            main["workflow_name"],
            main["state"],
            time_of(main["created_at"]),
            time_of(main["updated_at"]) if over else None,
            main.get("state_info") or "",
            tasks,
        )

    def namespace(self, execution: str) -> str:
        """The namespace of the workflow that an execution runs. Raises EngineRefused when there is none."""
        return str(self._get(execution)["workflow_namespace"])

    def source(self, execution: str) -> str:
        """The workflows of an execution, as one file: without comments, which Mistral does not keep."""
        flows = self.definition(self.namespace(execution))
        own = (text for name, text in sorted(flows.items()) if not CLOSING.search(name))
        return "version: '2.0'\n" + "".join(VERSION.sub("", text, count=1) for text in own)

    def acting(self, execution: str) -> list[str]:
        """The names of the tasks whose actions have not ended, or will begin after a delay: Mistral lets both go on,
        also after the execution was cancelled.
        """
        actions = self._client.action_executions
        names = []
        for frame in self._frames(execution):
            for row in self._tasks(frame):
                if row["type"] == "ACTION" and row["state"] in DELAYED:
                    names.append(row["name"])
                elif row["type"] == "ACTION" and row["state"] not in OVER:
                    attempts = self._at.call(lambda: actions.list(row["id"]))  # noqa: B023  # called at once
                    names += [row["name"] for each in attempts if each.to_dict()["state"] not in OVER]
        return names

    def schedule(self, name: str, workflow: str, namespace: str, pattern: str, count: int | None) -> str:
        """Make a cron trigger: when it starts the workflow first. Raises EngineRefused for a name that is taken."""
        found = self._at.call(lambda: self._client.workflows.get(workflow, namespace=namespace)).to_dict()
        triggers = self._client.cron_triggers
        made = self._at.call(lambda: triggers.create(name, found["id"], pattern=pattern, count=count)).to_dict()
        return str(made["next_execution_time"])

    def _await(self, is_done: Callable[[], bool], error: EngineError) -> None:
        """See whether something was done, or is done a little later, that Mistral has answered with an error or
        not at all. Raises the error when it was not, or Mistral is gone.
        """
        until = time.monotonic() + LATEST
        while True:
            try:
                if is_done():
                    return
            except EngineUnreachable:
                raise error from None
            except EngineRefused:
                pass
            if error.is_final or time.monotonic() >= until:
                raise error
            time.sleep(1)

    def _get(self, execution: str) -> Mapping[str, Any]:
        main = self._find(execution)
        if main is None:
            raise EngineRefused(f"Mistral at {self.url} has no execution {execution}", NOT_FOUND)
        return main

    def _find(self, execution: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._at.ask(lambda: self._at.http.get(f"/executions/{execution}")).json()
        except EngineRefused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def _frames(self, execution: str) -> Iterator[Frame]:
        """The main workflow first, and what runs a workflow before that workflow."""
        try:
            found = self._at.call(lambda: self._client.executions.get_ex_sub_executions(execution))
        except EngineRefused as error:
            if error.status == NOT_FOUND and self._find(execution) is not None:
                raise EngineRefused(HIDDEN.format(execution), NOT_FOUND) from error
            raise
        for each in found:
            row = each.to_dict()
            task = "" if row["id"] == execution else row["task_execution_id"]
            yield Frame(row["id"], row["workflow_name"], row["state"], task or "")

    def _tasks(self, frame: Frame) -> tuple[Mapping[str, Any], ...]:
        """The tasks of a workflow; one that is over, with all its tasks, is asked for once."""
        if frame.id in self._over:
            return self._over[frame.id]
        tasks = self._client.tasks
        rows = tuple(
            self._at.pages(lambda marker: tasks.list(frame.id, marker=marker, limit=PAGE, fields=list(FIELDS)))
        )
        if frame.state in OVER and all(row["state"] in OVER for row in rows):
            self._over[frame.id] = rows
        return rows

    def _attempts(self, task: str) -> Iterator[SeenAttempt]:
        for each in self._at.call(lambda: self._client.action_executions.list(task)):
            row = each.to_dict()
            ended = time_of(row["updated_at"]) if row["state"] in OVER else None
            reason, code = ("", 0) if row["state"] != ERROR else reason_of(self._output(row["id"]))
            yield SeenAttempt(row["state"], time_of(row["created_at"]), ended, reason, code)

    def _output(self, action_execution: str) -> Json:
        row = self._at.call(lambda: self._client.action_executions.get(action_execution)).to_dict()
        output: Json = row.get("output")
        return json.loads(output) if isinstance(output, str) else output
