"""Who takes one file for another is told so, in one sentence, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from embank.diagnostics import Checked
from embank.inputs import yaml
from embank.inputs.kinds import Kind, kind_of, kind_of_file
from embank.inputs.plan.plan import read_plan
from embank.inputs.resources import read_resources
from embank.inputs.workflow import read_workflow

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
FILES = {
    Kind.PLAN: QUICKSTART / "plan.yaml",
    Kind.RESOURCES: QUICKSTART / "resources.yaml",
    Kind.WORKFLOW: QUICKSTART / "shop.protect.yaml",
}
READ = {Kind.PLAN: read_plan, Kind.RESOURCES: read_resources, Kind.WORKFLOW: read_workflow}


@pytest.mark.parametrize("given", Kind)
@pytest.mark.parametrize("wanted", Kind)
def test_a_file_of_another_kind_is_one_problem(given: Kind, wanted: Kind) -> None:
    checked: Checked[object] = READ[wanted](str(FILES[given]))
    if given is wanted:
        assert checked.ok
        return
    (problem,) = checked.diagnostics
    assert problem.message.startswith(f"this is no {str(wanted).removeprefix('a ')}")
    assert problem.hint.startswith(f"this looks like {given}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 1\nname: shop\nresources: [{type: T, id: a}]\n", "EMB302"),
        ("version: 1\nresources: [{under: {type: T, id: a}}]\n", "EMB302"),
        ("version: 1\nprovider: local\n", "EMB302"),
        ("version: 1\n", "EMB302"),
    ],
)
def test_a_plan_that_is_not_complete_is_still_a_plan(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    assert code in {each.code for each in read_plan(str(tmp_path / "plan.yaml")).diagnostics}


def test_a_resource_graph_with_a_name_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "resources.yaml").write_text("version: 1\nname: shop\nresources: []\n")
    (problem,) = read_resources(str(tmp_path / "resources.yaml")).diagnostics
    assert problem.message == "a resource graph has no key 'name'"


@pytest.mark.parametrize("given", Kind)
def test_a_cheap_look_sees_what_reading_sees(given: Kind) -> None:
    located = yaml.read(str(FILES[given]), deepest=200).value
    assert located is not None
    assert kind_of(located.value) is kind_of_file(FILES[given]) is given
