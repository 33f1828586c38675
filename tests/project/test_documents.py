"""The documents hold together: links lead somewhere, decisions are numbered, and what is cited exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("benchmarks", "compiler", "docs", "examples", "plugins", "providers.d", "templates", "tests")
SUFFIXES = {".md", ".py", ".j2", ".sh", ".conf", ".toml", ".yaml"}
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
DECISION = re.compile(r"^## ([A-Z]+-\d+): (.+)\n\n\*(\d{4}-\d\d-\d\d)\.\* \S", re.MULTILINE)


class Decision(NamedTuple):
    """A decision, and the file of its room."""

    number: str
    title: str
    date: str
    file: str

    @property
    def row(self) -> str:
        """Its line in the index."""
        link = f"decisions/{self.file}#{anchor(f'{self.number}: {self.title}')}"
        return f"| [{self.number}]({link}) | {self.title} | {self.date} |"


def anchor(heading: str) -> str:
    """What a heading is called in links, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(FENCE.sub("", path.read_text()))}


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


def decisions() -> list[Decision]:
    return [
        Decision(*found.groups(), path.name)
        for path in sorted((DOCS / "decisions").glob("*.md"))
        for found in DECISION.finditer(path.read_text())
    ]


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """Everything that may cite something."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)
    beside = (ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml")
    return tuple((path, path.read_text(errors="replace")) for path in (*beside, *files))


def cited(pattern: str) -> list[tuple[str, str]]:
    """Everything that fits the pattern, and where it stands."""
    return [
        (str(path.relative_to(ROOT)), found.group(1))
        for path, text in texts()
        for found in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", path.read_text())):
        file, _, place = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if "://" in link:
            continue
        if not target.exists() or (place and place not in anchors(target)):
            broken.append(link)
    assert not broken


def test_the_readme_names_every_document() -> None:
    named = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{path.name}" for path in DOCS.glob("*.md")} <= named


def test_every_heading_of_a_room_is_a_decision_with_a_number_and_a_date() -> None:
    headings = sum(path.read_text().count("\n## ") for path in (DOCS / "decisions").glob("*.md"))
    assert headings == len(decisions()) > 0


def test_each_room_counts_from_one() -> None:
    """With a prefix that no other room has: so every number is there once."""
    rooms: dict[str, list[str]] = {}
    for decision in decisions():
        rooms.setdefault(decision.file, []).append(decision.number)
    prefixes = [numbers[0].split("-")[0] for numbers in rooms.values()]
    assert len(set(prefixes)) == len(prefixes)
    for prefix, numbers in zip(prefixes, rooms.values(), strict=True):
        assert numbers == [f"{prefix}-{count}" for count in range(1, len(numbers) + 1)]


def test_the_index_has_every_decision_and_no_other() -> None:
    """Room by room, in the rooms' own order."""
    rows = [line for line in (DOCS / "decisions.md").read_text().splitlines() if line.startswith("| [")]
    files = dict.fromkeys(row.split("(decisions/")[1].split("#")[0] for row in rows)
    assert set(files) == {path.name for path in (DOCS / "decisions").glob("*.md")}
    assert rows == [decision.row for file in files for decision in decisions() if decision.file == file]


def test_what_documents_name_of_the_tree_is_there() -> None:
    """Rooms, test programs, benchmarks: people move them."""
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in documents()
        for name in re.findall(r"`((?:benchmarks|compiler|plugins|tests)/[^` ]+)`", path.read_text())
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name[1]).exists()] == []


def test_the_walk_through_the_house_names_what_is_there() -> None:
    """Files and folders below compiler/embank, and functions in the file that was named before."""
    sources, file = ROOT / "compiler" / "embank", ROOT
    functions = []
    for name in re.findall(r"`([a-z][\w./]*(?:\.py|/)|_[a-z]\w+)`", (DOCS / "house.md").read_text()):
        if name.startswith("_"):
            functions.append(name)
            assert f"def {name}(" in file.read_text(), f"{name} is not in {file}"
        else:
            file = next((base / name for base in (sources, ROOT) if (base / name).exists()), ROOT / name)
            assert file.exists(), f"there is no {name}"
    assert functions


def test_every_decision_that_is_cited_exists() -> None:
    known = {decision.number for decision in decisions()}
    prefixes = "|".join(sorted({number.split("-")[0] for number in known}))
    citations = cited(rf"\b((?:{prefixes})-\d+)\b") + cited(r"\bdecisions? ([A-Z]+-\d+)")
    assert citations
    assert [citation for citation in citations if citation[1] not in known] == []


@pytest.mark.parametrize("document", ["design", "field-notes"])
def test_every_section_that_is_cited_exists(document: str) -> None:
    sections = set(re.findall(r"^## (\d+)\. ", (DOCS / f"{document}.md").read_text(), re.MULTILINE))
    citations = cited(rf"\b{document}\.md\)?, (\d+)")
    assert citations
    assert [citation for citation in citations if citation[1] not in sections] == []
