"""`openstack embank …`, in the real client: the same commands, and no log-in that nobody needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.cli.commands import COMMANDS

BIN = Path(sys.executable).parent
CLIENTS = {name for name in COMMANDS if name not in ("complete", "help")}
PROTECT = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml")
Called = subprocess.CompletedProcess[str]
Call = Callable[..., Called]
CLOUDS = "clouds: {mine: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p}}}"

# What the client would do with each command's options, told as JSON: it parses its own out of any place.
TELL = """
import json, sys
from openstackclient.shell import OpenStackShell
shell = OpenStackShell()
taken = {}
for option in json.load(sys.stdin):
    try:
        taken[option] = option not in shell.parser.parse_known_args([option])[1]
    except SystemExit:
        taken[option] = True
json.dump(taken, sys.stdout)
"""


def call(program: str, work: Path, *arguments: str, **environment: str) -> Called:
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
    settings |= {"HOME": str(work), "COLUMNS": "80"} | environment
    return subprocess.run(
        [BIN / program, *arguments], cwd=work, env=settings, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def openstack(shop: Path) -> Call:
    """`openstack("embank", "run", …)` beside the quickstart's files, without any cloud in the environment."""
    return lambda *arguments, **environment: call("openstack", shop, *arguments, **environment)


@pytest.fixture
def embank(shop: Path) -> Call:
    """`embank("run", …)`, in the same place."""
    return lambda *arguments, **environment: call("embank", shop, *arguments, **environment)


def outcome(done: Called) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("provider", "list", "-f", "json"), 0),
        ((*PROTECT, "-o", "shop.protect.yaml", "--check"), 2),
        (("execution", "show", "nonsense"), 64),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else str(value),
)
def test_exit_code_and_output_are_those_of_embank(
    line: tuple[str, ...], code: int, shop: Path, openstack: Call, embank: Call
) -> None:
    (shop / "shop.protect.yaml").write_text("# not what is compiled\n")
    there = openstack("embank", *line)
    assert there.returncode == code
    assert outcome(there) == outcome(embank(*line))


def test_a_shop_is_protected_and_its_checkpoint_listed(shop: Path, openstack: Call, embank: Call) -> None:
    """With a cloud that is chosen where a command of Embank has its options: the client takes it from there."""
    (shop / "clouds.yaml").write_text(CLOUDS)
    assert embank(*PROTECT, "-o", "shop.protect.yaml").returncode == 0
    ran = openstack("embank", "run", "--os-cloud", "mine", "shop.protect.yaml")
    assert ran.returncode == 0, ran.stderr
    assert heading(shop)["cloud"] == "mine"
    listed = openstack("embank", "checkpoint", "list", "--provider", "quickstart", "-f", "json")
    assert [each["status"] for each in json.loads(listed.stdout)] == ["available"]
    assert outcome(listed) == outcome(embank("checkpoint", "list", "--provider", "quickstart", "-f", "json"))


def test_a_cloud_of_the_environment_is_not_chosen(shop: Path, openstack: Call, embank: Call) -> None:
    """OS_* variables never override what a provider's file says."""
    (shop / "clouds.yaml").write_text(CLOUDS)
    assert embank(*PROTECT, "-o", "shop.protect.yaml").returncode == 0
    assert openstack("embank", "run", "shop.protect.yaml", OS_CLOUD="mine").returncode == 0
    assert heading(shop)["cloud"] == ""


def test_help_is_the_same_but_for_the_name(openstack: Call, embank: Call) -> None:
    there, here = openstack("embank", "lint", "--help"), embank("lint", "--help")
    assert there.returncode == 0
    assert there.stdout.startswith("usage: openstack embank lint [-h]")
    assert there.stdout.split("\n\n")[1:] == here.stdout.split("\n\n")[1:]
    listed = openstack("embank", "--help").stdout.splitlines()
    assert {line.strip() for line in listed[1:]} == {f"embank {name}" for name in CLIENTS}


def test_a_wrong_option_is_not_taken_for_a_difference(openstack: Call) -> None:
    done = openstack("embank", "lint", "--nonsense", "plan.yaml")
    assert (done.returncode, done.stdout) == (64, "")
    assert "openstack embank lint: error: unrecognized arguments: --nonsense" in done.stderr


def heading(shop: Path) -> dict[str, str]:
    (journal,) = (shop / ".embank").glob("**/journal*")
    first: dict[str, str] = json.loads(journal.read_text().splitlines()[0])
    return first


def test_the_client_takes_no_option_of_a_command_for_its_own(embank: Call) -> None:
    options = set(" ".join(re.findall(r"options='(.*?)'", embank("complete").stdout)).split())
    options -= {"--debug", "--version"}  # of the program `embank`, which the client is in place of
    assert len(options) > 40
    told = subprocess.run(
        [sys.executable, "-c", TELL], input=json.dumps(sorted(options)), capture_output=True, text=True, check=True
    )
    taken = {option for option, by_client in json.loads(told.stdout).items() if by_client}
    assert taken == {"-h", "--help", "--os-cloud"}, "these the client hands on, or `adapt` does"
