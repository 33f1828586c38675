"""Providers: which there are, and the one that is asked for.

    directory ──► ProviderFile, every one ──► find_provider ──► load ──► Provider

A file that is broken, or whose plugins are not installed, is still listed and harms no other provider:
what is wrong with it is said when it is asked for, or when everything is checked (`check_providers`).
Decision INPUT-3.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from embank.diagnostics import Checked, Diagnostic, Place, did_you_mean
from embank.errors import InputUnreadable
from embank.inputs.provider.file import ProviderFile, read_provider_file, same_ids
from embank.inputs.provider.loading import Provider, load

__all__ = [
    "Provider",
    "ProviderFile",
    "check_providers",
    "find_provider",
    "load_providers",
    "provider_directory",
    "provider_paths",
]

VARIABLE = "EMBANK_PROVIDER_CONFIG_DIR"
DEFAULTS = ("providers.d", "/etc/karbor/providers.d")


def provider_directory(directory: str | None, environment: Mapping[str, str] | None = None) -> Path:
    """Where the provider files are: the argument, else EMBANK_PROVIDER_CONFIG_DIR, else ./providers.d, else
    /etc/karbor/providers.d. Raises InputUnreadable, naming where it looked.
    """
    given = (os.environ if environment is None else environment).get(VARIABLE)
    for named, source in ((directory, ""), (given, f" (from {VARIABLE})")):
        if named:
            if not Path(named).is_dir():
                problem = "is not a directory" if Path(named).exists() else "does not exist"
                raise InputUnreadable(f"the provider directory {named}{source} {problem}")
            return Path(named)
    for default in DEFAULTS:
        if Path(default).is_dir():
            return Path(default)
    raise InputUnreadable(
        f"there is no directory of provider files: looked for {' and '.join(DEFAULTS)}; "
        f"name one with --provider-config-dir or {VARIABLE}"
    )


def provider_paths(directory: str | None) -> list[Path]:
    """Every provider file of the directory, sorted by name. Raises InputUnreadable when there is no directory."""
    found = provider_directory(directory)
    try:
        return sorted(path for path in found.iterdir() if path.name.endswith(".conf"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputUnreadable(f"the provider directory {found} cannot be read: {reason}") from None


def load_providers(directory: str | None) -> Checked[tuple[ProviderFile, ...]]:
    """Every provider file of the directory, sorted by name, whether its provider can be used or not.

    The only problem reported here is a directory without any; `find_provider` and `check_providers` report
    the others. Raises InputUnreadable when there is no directory.
    """
    files = tuple(read_provider_file(path) for path in provider_paths(directory))
    if not files:
        hint = "a provider is described by a file whose name ends in .conf"
        place = Place(str(provider_directory(directory)))
        return Checked((), (Diagnostic("EMB222", "there are no provider files here", place, hint),))
    return Checked(files)


def find_provider(files: Sequence[ProviderFile], reference: str, place: Place | None = None) -> Checked[Provider]:
    """The provider with this id or, if there is none, this name, ready for use; else why it is not.

    `place` is where it was asked for.
    """
    found = [file for file in files if file.id == reference] or [file for file in files if file.name == reference]
    if not reference or not found:
        return Checked(None, _not_found(files, reference, place))
    shared = tuple(problem for problem in same_ids(files) if problem.code == "EMB217" and _concerns(problem, found))
    if shared:
        return Checked(None, shared)
    if len(found) > 1:
        message = f"{len(found)} providers are named {reference!r}"
        ids = ", ".join(f"{file.id} ({file.file})" for file in found)
        hint = f"ask by id: {ids}"
        return Checked(None, (Diagnostic("EMB220", message, place, hint),))
    (file,) = found
    if not file.enabled:
        message = f"the provider {reference!r} is switched off"
        hint = "its file says `enabled = false`"
        return Checked(None, (Diagnostic("EMB221", message, file.place_of("enabled"), hint),))
    return load(file)


def check_providers(files: Sequence[ProviderFile]) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with any of the files, in their order. Loads every plugin."""
    each = [problem for file in files for problem in load(file).diagnostics]
    return tuple(sorted([*each, *same_ids(files)], key=lambda problem: problem.place or Place("")))


def _concerns(problem: Diagnostic, files: Sequence[ProviderFile]) -> bool:
    places = {problem.place, *(related.place for related in problem.related)}
    return any(file.place_of("id") in places for file in files)


def _not_found(files: Sequence[ProviderFile], reference: str, place: Place | None) -> tuple[Diagnostic, ...]:
    known = [word for file in files for word in (file.name, file.id) if word]
    names = [file.name or file.id for file in files if file.name or file.id]
    hint = did_you_mean(reference, known) or (f"there are: {', '.join(names)}" if names else "")
    missing = Diagnostic("EMB220", f"there is no provider with the id or name {reference!r}", place, hint)
    # It may be one of those that could not be read far enough to know their names.
    nameless = [problem for file in files if not (file.id and file.name) for problem in file.problems]
    return (missing, *nameless)
