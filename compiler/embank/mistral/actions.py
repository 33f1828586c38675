"""The actions of a workflow file for Mistral's executors: entry points of `mistral.actions`, over the runner's code.

Mistral makes an action in its API and engine to check the parameters, and rebuilds it in the executor from `vars()`
without `__init__`. So an action is one attribute, what it was given. Its repr lands in logs and in `state_info`: it
names no parameter.
"""

from __future__ import annotations

from typing import Any, ClassVar

from mistral_lib import actions

from embank.model import Json


class EmbankAction(actions.Action):
    """An action of Embank; `_name` is what workflow files call it."""

    _name: ClassVar[str]

    def __init__(self, **given: Json) -> None:
        self.given = {name: value for name, value in given.items() if value is not None}

    def run(self, context: Any) -> actions.Result:
        """Do it, polling as long as it takes. What went wrong is told in a line, with the exit code it asks for."""
        from embank.mistral.executor import perform

        ended = perform(self._name, self.given)
        if ended.reason:
            return actions.Result(error={"reason": ended.reason, "exit_code": ended.exit_code})
        return actions.Result(data={"messages": list(ended.messages)})

    def __repr__(self) -> str:
        return self._name


class Begin(EmbankAction):
    """Open the checkpoint, or say that it is worked on."""

    _name = "embank.begin"

    def __init__(self, run: Json, graph: Json = None, chunk: Json = None, chunks: Json = None) -> None:
        super().__init__(run=run, graph=graph, chunk=chunk, chunks=chunks)


class Activity(EmbankAction):
    """Run an activity of a protection plugin."""

    _name = "embank.activity"

    def __init__(
        self,
        run: Json,
        activity: Json,
        resource: Json = None,
        resources: Json = None,
        parameters: Json = None,
        poll_interval: Json = None,
    ) -> None:
        super().__init__(
            run=run,
            activity=activity,
            resource=resource,
            resources=resources,
            parameters=parameters,
            poll_interval=poll_interval,
        )


class Cleanup(EmbankAction):
    """Run a closer, if what it closes is open."""

    _name = "embank.cleanup"

    def __init__(
        self,
        run: Json,
        activity: Json,
        closes: Json,
        resource: Json = None,
        resources: Json = None,
        parameters: Json = None,
        poll_interval: Json = None,
    ) -> None:
        super().__init__(
            run=run,
            activity=activity,
            closes=closes,
            resource=resource,
            resources=resources,
            parameters=parameters,
            poll_interval=poll_interval,
        )


class Complete(EmbankAction):
    """Say how the execution ended."""

    _name = "embank.complete"

    def __init__(self, run: Json, status: Json) -> None:
        super().__init__(run=run, status=status)
