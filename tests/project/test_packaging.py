"""What is built: the version says which commit, and both distributions have all they need and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

import pytest

from embank.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PRETEND = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_EMBANK"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEXT = PROJECT["tool"]["setuptools_scm"]["fallback_version"].removesuffix(".dev0")


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program prints, as if it were called outside `make`."""
    settings = {key: value for key, value in os.environ.items() if key not in (PRETEND, "PYTHONPATH")}
    done = subprocess.run(command, cwd=cwd, env=settings | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(repository: Path, *arguments: str) -> str:
    person = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    return call("git", *person, *arguments, cwd=repository).strip()


def version(source: Path) -> str:
    return call(sys.executable, "-W", "ignore", "-m", "setuptools_scm", cwd=source).strip()


# --- what pyproject.toml says -----------------------------------------------------------------------------


def test_every_package_is_listed() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    found = {"embank_templates"}
    for root in (ROOT / "compiler", ROOT / "plugins"):
        found |= {".".join(path.parent.relative_to(root).parts) for path in root.rglob("__init__.py")}
    assert listed == found


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    dependencies = lines[start + 1 : lines.index("]", start)]
    assert dependencies
    assert all("  # " in line for line in dependencies)


def test_the_openstack_client_has_every_command() -> None:
    entries = {
        name.replace("_", " "): target
        for name, target in PROJECT["project"]["entry-points"]["openstack.embank.v1"].items()
    }
    assert entries == {
        f"embank {name}": entry.target for name, entry in COMMANDS.items() if name not in ("complete", "help")
    }


# --- the version ------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A history of two commits of a project that is configured as this one, without a tag."""
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "--quiet", "--initial-branch", "main")
    shutil.copy(ROOT / "pyproject.toml", source)
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "One")
    git(source, "commit", "--quiet", "--message", "Two", "--allow-empty")
    return source


def test_two_commits_have_two_versions(repository: Path) -> None:
    second = version(repository)
    git(repository, "checkout", "--quiet", "HEAD~1")
    first = version(repository)
    assert re.fullmatch(rf"{re.escape(NEXT)}\.dev1\+g[0-9a-f]{{7,}}", first)
    assert re.fullmatch(rf"{re.escape(NEXT)}\.dev2\+g[0-9a-f]{{7,}}", second)


def test_a_change_that_is_not_committed_shows(repository: Path) -> None:
    clean = version(repository)
    (repository / "pyproject.toml").open("a").write("\n# changed\n")
    assert version(repository).startswith(f"{clean}.d")


def test_a_shallow_clone_has_a_version(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    commit = git(repository, "rev-parse", "HEAD")
    found = version(tmp_path / "shallow")
    assert found.startswith(f"{NEXT}.dev1+g")
    assert commit.startswith(found.split("+g")[1])


def test_a_tag_is_a_release(repository: Path) -> None:
    git(repository, "tag", "--annotate", f"v{NEXT}", "--message", "Release")
    assert version(repository) == NEXT
    git(repository, "commit", "--quiet", "--message", "Three", "--allow-empty")
    major, minor, patch = NEXT.split(".")
    assert version(repository).startswith(f"{major}.{minor}.{int(patch) + 1}.dev1+g")


def test_an_archive_without_git_has_the_fallback(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert version(tmp_path) == f"{NEXT}.dev0"


def test_the_version_is_that_of_what_is_installed(release: None) -> None:
    here = [sys.executable, "-c", "import embank; print(embank.__version__)"]
    assert subprocess.run(here, capture_output=True, text=True, check=True).stdout == "0.1.0\n"
    told = subprocess.run([Path(sys.executable).parent / "embank", "--version"], capture_output=True, text=True)
    assert told.stdout == "embank 0.1.0\n"


def test_a_tree_that_is_not_installed_says_so(tmp_path: Path) -> None:
    (tmp_path / "embank").mkdir()
    shutil.copy(ROOT / "compiler" / "embank" / "__init__.py", tmp_path / "embank")
    assert call(sys.executable, "-S", "-c", "import embank; print(embank.__version__)", cwd=tmp_path) == "0+unknown\n"


def test_the_tree_names_no_commit_when_make_has_set_it_up(tmp_path: Path) -> None:
    said = call("make", "--no-print-directory", "--eval", f"told: ; @echo $${PRETEND}", "told", cwd=ROOT)
    assert said.strip() == f"{NEXT}.dev0+checkout"


# --- the distributions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory with both, built of the files that are under version control, as they are now."""
    work = tmp_path_factory.mktemp("build")
    source = work / "source"
    for name in call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0"):
        if name and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    git(source, "init", "--quiet")
    git(source, "add", "--force", ".")
    git(source, "commit", "--quiet", "--message", "All")
    (source / "examples" / "quickstart" / "bank").mkdir()
    (source / "examples" / "quickstart" / "bank" / "leftover").touch()
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", work / "dist", source, cwd=work)
    yield work / "dist"
    shutil.rmtree(work)


def files_of_wheel(dist: Path) -> set[str]:
    (wheel,) = dist.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_source_distribution_is_whole(dist: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {
            str(PurePosixPath(*PurePosixPath(each.name).parts[1:])) for each in tar.getmembers() if each.isfile()
        }
    tracked = set(call("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines())
    for folder in ("docs", "examples", "providers.d", "templates", "compiler", "plugins"):
        assert {name for name in tracked if name.startswith(f"{folder}/")} <= names
    assert {"LICENSE", "README.md", "Makefile", "constraints.txt", "pyproject.toml"} <= names
    made = {name for name in names - tracked if not name.startswith("compiler/embank.egg-info/")}
    assert made == {"PKG-INFO", "setup.cfg"}
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", ".")) or "/test_" in name]


def test_the_wheel_has_the_packages_the_license_and_the_man_page(dist: Path) -> None:
    names = files_of_wheel(dist)
    tops = {name.split("/")[0] for name in names if ".d" not in name.split("/")[0]}
    assert tops == {"embank", "embank_plugins", "embank_templates"}
    assert {Path(name).suffix for name in names if name.split("/")[0] in tops} == {".py", ".typed", ".j2"}
    assert [name for name in names if name.endswith(".data/data/share/man/man1/embank.1")]
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_wheel_says_its_license_and_its_commit(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    (metadata,) = (name for name in files_of_wheel(dist) if name.endswith(".dist-info/METADATA"))
    said = HeaderParser().parsestr(zipfile.ZipFile(wheel).read(metadata).decode())
    assert said["License-Expression"] == "Apache-2.0"
    assert said["License-File"] == "LICENSE"
    assert re.fullmatch(rf"{re.escape(NEXT)}\.dev1\+g[0-9a-f]{{7,}}", said["Version"])


@pytest.mark.nightly
@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13"])
def test_the_wheel_passes_the_quickstart_in_an_environment_of_its_own(
    python: str, dist: Path, tmp_path: Path
) -> None:
    """Without the checkout: what a user has who installed it with pip."""
    interpreter = interpreter_of(python)
    (wheel,) = dist.glob("*.whl")
    call(interpreter, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    bin_ = tmp_path / "venv" / "bin"
    call(bin_ / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "quickstart")
    said = call(bin_ / "python", tmp_path / "quickstart" / "demo.py", cwd=tmp_path)
    assert "All of it held" in said
    assert call(bin_ / "embank", "--version", cwd=tmp_path).strip() == f"embank {wheel.name.split('-')[1]}"
    assert (tmp_path / "venv" / "share" / "man" / "man1" / "embank.1").read_bytes() == (
        ROOT / "docs" / "embank.1"
    ).read_bytes()


def interpreter_of(name: str) -> str:
    """Where that Python is. Skips the test where it is not, or is only the name of one."""
    path = shutil.which(name)
    if not path or subprocess.run([path, "--version"], capture_output=True).returncode:
        pytest.skip(f"there is no {name} here")
    return path
