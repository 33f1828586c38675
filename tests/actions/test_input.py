"""Inputs, parameters and secrets: revealed late, shown never, checked again."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from embank.conductor.execution import Job
from embank.model import Resource
from embank.reasons import ActionFailed

APP = Resource("Test::App", "a", "shop")
RESOURCE = {"type": APP.type, "id": APP.id, "name": APP.name}
Failure = Callable[[Callable[[], object]], ActionFailed]


def test_secrets_are_resolved_and_never_shown(failure: Failure, site: Any, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text('pa"ss\nwörd\n')
    secret = f"file:{file}"
    site.begin()
    site.activity("post", parameters={"password": secret, "deep": [{"key": secret}]})
    assert site.plugin.did[0][1] == {"password": 'pa"ss\nwörd', "deep": [{"key": 'pa"ss\nwörd'}]}

    for text in ["login with {password} failed", "s3cr3t-token was refused"]:
        error = failure(partial(site.activity, "pre", parameters={"password": secret, "fail": text}))
        assert "***" in str(error)
    polls = site.activity("parallel", parameters={"password": secret})
    shown = "\n".join([*site.said, *site.debug, *(poll.message for poll in polls)])
    assert "RuntimeError: login with ***" in shown  # the tracebacks
    for word in ('pa"ss', "wörd", "s3cr3t-token"):
        assert word not in shown


def test_secrets_from_files_and_commands(site: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret file"
    file.write_text("from a file\n")
    site.begin()
    for reference, value in [(f"file:{file}", "from a file"), (f"command:cat '{file}'", "from a file")]:
        site.activity("post", parameters={"password": reference})
        assert site.plugin.did.pop()[1] == {"password": value}


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("env:EMBANK_NOT_THERE", "'env:EMBANK_NOT_THERE' is not there"),
        ("file:/does/not/exist", "cannot be read: No such file"),
        ("command:false", "exits with 1"),
        ("command:/does/not/exist", "cannot be had: No such file"),
        ("command:'", "cannot be had: ValueError"),
        ("command:cat $HOME", "exits with 1"),  # no shell
        ("plain text", "is not a reference"),
        (5, "is not a reference"),
    ],
)
def test_secrets_that_cannot_be_had(failure: Failure, site: Any, reference: Any, complaint: str) -> None:
    site.begin()
    error = failure(lambda: site.activity("post", parameters={"password": reference}))
    assert complaint in str(error)
    assert "plain text" not in str(error)
    assert site.plugin.did == []


def test_parameters_are_checked_again(failure: Failure, site: Any) -> None:
    site.begin()
    error = failure(lambda: site.activity("pre", parameters={"fail": False}))
    assert "does not fit its schema" in str(error)
    assert site.plugin.did == []


def test_parameters_of_the_document_stay_as_they_are(site: Any) -> None:
    site.begin()
    given = {"deep": [{"key": "env:HOME"}]}
    site.activity("post", parameters=given)
    site.plugin.did[0][1]["deep"].append("changed")
    assert given == {"deep": [{"key": "env:HOME"}]}
    assert os.environ["HOME"] in str(site.plugin.did)


@pytest.mark.parametrize(
    ("action", "given", "complaint"),
    [
        ("nothing", {}, "there is no action 'embank.nothing'"),
        ("begin", {"x": 1}, "takes no input 'x'"),
        ("begin", {}, "`graph` must be a mapping"),
        ("complete", {"status": "restored"}, "protect does not end as 'restored'"),
        ("activity", {"activity": "post"}, "a resource must give"),
        ("activity", {"activity": "now", "resource": RESOURCE}, "'now' is no phase"),
        ("activity", {"activity": "post", "resources": []}, "at least one resource"),
        ("activity", {"activity": "post", "resource": RESOURCE, "poll_interval": 0}, "`poll_interval`"),
        ("activity", {"activity": "post", "resource": RESOURCE, "parameters": []}, "`parameters` must be a mapping"),
        ("activity", {"activity": "post", "resource": {**RESOURCE, "type": "X"}}, "no plugin for X"),
        ("cleanup", {"activity": "ready", "resource": RESOURCE}, "None is no phase"),
        ("begin", {"run": {"provider": "p-id"}}, "`run` must give"),
        ("begin", {"operation": "pretect"}, "unknown operation"),
    ],
)
def test_inputs_that_no_workflow_of_embank_has(
    failure: Failure, site: Any, action: str, given: dict[str, Any], complaint: str
) -> None:
    site.begin()
    run = {"provider": "p-id", "plan": "s", "operation": given.pop("operation", "protect"), "checkpoint": "c1"}
    job = Job(f"embank.{action}", {"run": {**run, "execution": "e1"}, **given})
    error = failure(lambda: list(site.actions.perform(job, site)))
    assert complaint in str(error)


def test_an_unknown_provider_is_named(failure: Failure, site: Any) -> None:
    run = {"provider": "p-ix", "plan": "s", "operation": "protect", "checkpoint": "c", "execution": "e"}
    error = failure(lambda: list(site.actions.perform(Job("embank.begin", {"run": run}), site)))
    assert str(error) == "there is no provider with the id 'p-ix' here: did you mean 'p-id'?"
