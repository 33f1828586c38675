"""Where the filesystem bank is: said by the provider file, checked before it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from oslo_config import cfg

from embank.inputs.provider.find import find_provider, load_providers
from embank.plugins import BankError
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank


def test_its_option_is_the_path_in_the_section_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "provider.conf").write_text(f"[filesystem_bank]\npath = {tmp_path}/bank\n")
    conf = cfg.ConfigOpts()
    for section, options in FilesystemBank.options().items():
        conf.register_opts(list(options), group=section)
    conf(["--config-file", str(tmp_path / "provider.conf")])
    assert FilesystemBank(conf).path == tmp_path / "bank"


@pytest.mark.parametrize(("path", "advice"), [("", "$here/bank"), ("a/b", "$here/a/b"), ("/a\tb", "$here/bank")])
def test_a_path_that_is_not_absolute_is_refused_with_advice(path: str, advice: str) -> None:
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("path", default=path), group="filesystem_bank")
    conf([], default_config_files=[])
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (what it says is checked)
        FilesystemBank(conf)
    assert advice in str(caught.value)


@pytest.mark.parametrize("line", ["path = bank", "path =", "", "pfad = /x"])
def test_a_provider_file_without_a_good_path_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "local.conf").write_text(
        "[provider]\nname = n\nid = i\nbank = karbor.protections.embank-filesystem-bank-plugin\n"
        f"plugin = karbor.protections.embank-sqlite-protection-plugin\n[filesystem_bank]\n{line}\n"
    )
    loaded = find_provider(load_providers(str(tmp_path)).value or (), "i")
    assert not loaded.ok
    assert any("path" in problem.message for problem in loaded.diagnostics)


def test_a_provider_file_may_put_it_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "local.conf").write_text(
        "[provider]\nname = n\nid = i\nbank = karbor.protections.embank-filesystem-bank-plugin\n"
        "plugin = karbor.protections.embank-sqlite-protection-plugin\n[filesystem_bank]\npath = $here/bank\n"
    )
    provider = find_provider(load_providers(str(tmp_path)).value or (), "i").value
    assert provider is not None
    bank = provider.open_bank()
    assert isinstance(bank, FilesystemBank)
    assert bank.path == tmp_path / "bank"


@pytest.mark.parametrize("path", ["file/bank", "file"])
def test_a_bank_cannot_be_inside_a_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BankError, match="file"):
        open_bank(tmp_path / path).check()
    with pytest.raises(BankError, match="file"):
        open_bank(tmp_path / path).put("a", [b"x"])


@pytest.mark.parametrize("writable", [True, False])
def test_check_knows_what_may_be_written(tmp_path_factory: pytest.TempPathFactory, writable: bool) -> None:
    """As a user who is not root, whoever runs the tests."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o777 if writable else 0o555)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                bank = open_bank(place / "bank")
                outcomes = []
                for attempt in (bank.check, lambda: bank.put("a", [b"x"])):
                    try:
                        attempt()
                        outcomes.append("fine")
                    except BankError as error:
                        outcomes.append(str(error))
                os.write(writing, "\n".join(outcomes).encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        with os.fdopen(reading) as pipe:
            check, put = pipe.read().split("\n")
        if writable:
            assert (check, put) == ("fine", "fine")
        else:
            assert "no permission to read and write in" in check
            assert "Permission denied" in put
