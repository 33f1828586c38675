"""Secrets: references in parameters become values just before an activity is called, and never leave it.

A property that its schema marks `writeOnly` holds a reference: `env:NAME`, `file:PATH` or `command:WORDS`
(no shell; the words are split as a shell would), resolved here (decision ACT-2). Every value that was resolved is
taken out of whatever the activity says: exceptions, poll messages, log lines.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from embank.errors import EmbankError, ExitCode
from embank.model import Json, Parameters
from embank.plugins.secrets import secret_places

LARGEST = 64 << 10  # bytes of a secret
COMMAND_TIMEOUT = 60.0  # s
SCHEMES = ("env:", "file:", "command:")


class SecretUnavailable(EmbankError):
    """A reference to a secret leads nowhere. The message names the reference, never a value."""

    exit_code = ExitCode.FAILED


class Scrubber:
    """Takes secret values out of texts, also in the forms that repr, JSON, URLs and base64 give them; `first`
    does what else is to be done with a text.
    """

    def __init__(self, values: Iterable[str] = (), first: Callable[[str], str] = str) -> None:
        self._first = first
        forms = {form for value in values for form in _forms(value) if form.strip()}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def clean(self, text: str) -> str:
        """The text with `***` for every secret."""
        text = self._first(text)
        for form in self._forms:
            text = text.replace(form, "***")
        return text


class Revealed(NamedTuple):
    """Parameters with the values of their secrets, and these values. Not to be kept or shown."""

    parameters: dict[str, Json]
    values: tuple[str, ...]


def reveal(parameters: Parameters, schema: Mapping[str, Json]) -> Revealed:
    """A copy of the parameters in which references stand for nothing any more. Raises SecretUnavailable."""
    copy: dict[str, Json] = deepcopy(dict(parameters))
    values = []
    for place in secret_places(copy, schema):
        value = _resolve(place.container[place.key])
        place.container[place.key] = value
        values.append(value)
    return Revealed(copy, tuple(values))


def _resolve(reference: Json) -> str:
    if not isinstance(reference, str) or not reference.startswith(SCHEMES):
        raise SecretUnavailable("a secret parameter is not a reference: write env:NAME, file:PATH or command:…")
    scheme, _, rest = reference.partition(":")
    value = {"env": _from_environment, "file": _from_file, "command": _from_command}[scheme](rest)
    if len(value.encode(errors="replace")) > LARGEST:
        raise SecretUnavailable(f"the secret {reference!r:.200} is larger than {LARGEST} bytes")
    return value


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise SecretUnavailable(f"the secret 'env:{name:.200}' is not there: the environment has no such variable")
    return os.environ[name]


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            return _text(stream.read(LARGEST + 1), f"file:{path}")
    except OSError as error:
        raise SecretUnavailable(f"the secret 'file:{path:.200}' cannot be read: {error.strerror}") from None


def _from_command(line: str) -> str:
    try:
        done = subprocess.run(  # a list of words, not a shell
            shlex.split(line), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_TIMEOUT, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SecretUnavailable(f"the secret 'command:{line:.200}' cannot be had: {reason}") from None
    if done.returncode:
        raise SecretUnavailable(f"the secret 'command:{line:.200}' cannot be had: it exits with {done.returncode}")
    return _text(done.stdout, f"command:{line}")


def _text(data: bytes, reference: str) -> str:
    """Without the newline that editors and `echo` put at the end."""
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretUnavailable(f"the secret {reference!r:.200} is not text in UTF-8") from None


def _forms(value: str) -> Iterator[str]:
    yield value
    yield repr(value)[1:-1]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")
    yield base64.b64encode(value.encode(errors="replace")).decode()
    # a key over several lines may be quoted line by line
    yield from (line for line in value.splitlines() if len(line) >= 8)
