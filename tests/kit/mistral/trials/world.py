"""A provider that Mistral and we share, and a directory for each trial."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

from embank.journal.directory import StateDirectory
from kit.forked import Running
from kit.mistral.server import Server
from kit.mistral.trials.log import Log
from kit.mistral.trials.result import Both, Result, read_result
from kit.mistral.trials.site import NAMES
from kit.mistral.trials.trial import Trial

PROVIDER = """
[provider]
name = trial
id = {id}
description = What a third party has
bank = karbor.protections.embank-filesystem-bank-plugin
{plugins}
[filesystem_bank]
path = {bank}
[trial]
log = {log}
"""


class World:
    """`server` is a Mistral whose executors have the plugin, which is installed in `site`."""

    def __init__(self, home: Path, server: Server, site: Path) -> None:
        self.home = home
        self.server = server
        self._site = site
        self.log = Log(home / "log")
        self.log.directory.mkdir()
        plugins = "\n".join(f"plugin = karbor.protections.{name}" for name in NAMES.values())
        self.provider = PROVIDER.format(id=uuid.uuid4(), bank=home / "bank", log=self.log.directory, plugins=plugins)

    def prepare(self, trial: Trial) -> Path:
        """A directory with the file of a trial for each side."""
        place = self.home / trial.name
        place.mkdir()
        (place / "plan.yaml").write_text(trial.plan)
        (place / "resources.yaml").write_text(trial.resources)
        (place / "parameters.yaml").write_text(json.dumps({"version": 1, **trial.settings}))
        options = ("--lower", trial.lower, "--max-tasks", str(trial.max_tasks))
        protect = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml")
        if trial.operation == "protect":
            self.well(place, *protect, *options, "-o", "here.yaml")
            (place / "there.yaml").write_bytes((place / "here.yaml").read_bytes())
        else:
            self.well(place, *protect, "-o", "protect.yaml")
            for side in ("here", "there"):
                self.well(place, "run", "protect.yaml", "--state-dir", f"before-{side}")
                (before,) = StateDirectory(place / f"before-{side}").all()
                compiled = ("compile", trial.operation, "--provider", "trial", "--checkpoint", before.id)
                self.well(place, *compiled, "--parameters", "parameters.yaml", *options, "-o", f"{side}.yaml")
        return place

    def execute(self, trial: Trial) -> Both:
        """The file of a trial, here and there, at the same time."""
        place = self.prepare(trial)
        here = self.begin(place, "run", "here.yaml", "--state-dir", "here")
        there = self.begin(place, "submit", "there.yaml", "--watch", "--state-dir", "there")
        return Both(
            self.result(here.wait(), place / "here"), self.result(there.wait(), place / "there", self.server.url)
        )

    def begin(self, place: Path, *arguments: str, url: str = "") -> Running:
        """Embank, in a directory. `url`: of another way to Mistral."""
        return Running(
            place,
            arguments,
            {
                "PYTHONPATH": str(self._site),
                "OS_MISTRAL_URL": url or self.server.url,
                "EMBANK_PROVIDER_CONFIG_DIR": str(self.server.providers),
            },
        )

    def embank(
        self, place: Path, *arguments: str, url: str = "", patience: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return self.begin(place, *arguments, url=url).wait(patience)

    def well(self, place: Path, *arguments: str) -> None:
        done = self.embank(place, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def result(
        self, done: subprocess.CompletedProcess[str], state: Path, url: str = "", provider: str = "trial.conf"
    ) -> Result:
        """What came of the one execution in a state directory; `url`: of the Mistral that executed it."""
        return read_result(done, state, self.log, self.server.providers / provider, url)
