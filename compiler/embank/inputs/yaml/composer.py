"""From libyaml's events to plain data. Iterative: nesting costs no stack, and is limited."""

from __future__ import annotations

from typing import Any

from yaml import MarkedYAMLError, events
from yaml._yaml import CParser
from yaml.reader import ReaderError

from embank.diagnostics import Checked, Diagnostic, Related
from embank.inputs.yaml import problems
from embank.inputs.yaml.findings import Findings, Stop
from embank.inputs.yaml.located import Located, Places, unpack
from embank.inputs.yaml.scalars import NotSupported, resolve
from embank.inputs.yaml.source import Refused, Source
from embank.model import Json

MOST_VALUES = 40_000_000  # several times what 100,000 resources need
BLOCKS = ("|", ">")

# What the next node of an open container is, when it is not the value of a key.
A_KEY = object()
A_VALUE_TO_DROP = object()
AN_ITEM = object()


class _Open:
    """A container that is still being read. `key`: of the next value, or one of the markers above."""

    __slots__ = ("container", "flow", "key", "packed")

    def __init__(self, container: Json, packed: int, flow: bool) -> None:
        self.container = container
        self.flow = flow  # between brackets or braces
        self.packed = [packed]
        self.key: object = A_KEY if type(container) is dict else AN_ITEM


class Composer:
    """Reads one document from `source`. What is wrong is collected; reading goes on where that makes sense."""

    def __init__(self, source: Source, file: str, deepest: int, portable: bool = False) -> None:
        self.refused_escape = False
        self._portable = portable
        self._deepest = deepest
        self._source = source
        self._file = file
        self._findings = Findings(file)
        self._problem = self._findings.add
        self._usable = True
        self._root: dict[str, Json] | None = None
        self._documents = 0
        self._values = 0
        self._stack: list[_Open] = []
        self._places = Places()
        self._strings: dict[str, str] = {}  # most texts come again and again: one object each

    def run(self) -> None:
        """Read to the end, or to where nothing can be made of the rest."""
        handlers = {
            events.StreamStartEvent: self._ignore,
            events.StreamEndEvent: self._end_of_stream,
            events.DocumentStartEvent: self._document,
            events.DocumentEndEvent: self._ignore,
            events.MappingStartEvent: self._open_mapping,
            events.SequenceStartEvent: self._open_sequence,
            events.MappingEndEvent: self._close,
            events.SequenceEndEvent: self._close,
            events.ScalarEvent: self._scalar,
            events.AliasEvent: self._alias,
        }
        progressed = self._source.progressed
        try:
            next_event = CParser(self._source).get_event
            while (event := next_event()) is not None:
                progressed()
                handlers[type(event)](event)
        except Stop:
            self._usable = False
        except Refused as refused:
            self._give_up(refused.diagnostic)
        except ReaderError as error:
            self._give_up(problems.of_reader(error, self._source))
        except MarkedYAMLError as error:
            self.refused_escape = error.problem == problems.BAD_ESCAPE
            self._give_up(problems.of_parser(error, self._file))

    def result(self, sha256: str) -> Checked[Located]:
        """The document, when there is one worth looking at, and what is wrong."""
        found = tuple(self._findings.diagnostics)
        if self._root is None or not self._usable:
            return Checked(None, found)
        return Checked(Located(self._root, self._file, sha256, self._places), found)

    # -- events --

    def _ignore(self, event: Any) -> None:
        pass

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._problem("EMB108", "a second document begins here", event, "keep one document per file")
            raise Stop

    def _end_of_stream(self, event: Any) -> None:
        if not self._documents:
            self._problem("EMB109", "the file is empty", event)

    def _open_mapping(self, event: Any) -> None:
        self._open({}, event)

    def _open_sequence(self, event: Any) -> None:
        self._open([], event)

    def _open(self, container: Json, event: Any) -> None:
        self._findings.refuse_extras(event)
        if len(self._stack) >= self._deepest:
            self._problem("EMB105", f"nested more than {self._deepest} levels deep", event)
            raise Stop
        if not self._stack:
            self._open_root(container, event)
        elif self._stack[-1].key is A_KEY:
            self._refuse_key("a list or a mapping cannot be a key", event)
        else:
            self._add(container, event)
        self._stack.append(_Open(container, _packed(event), event.flow_style))

    def _open_root(self, container: Json, event: Any) -> None:
        if not isinstance(container, dict):
            self._problem("EMB111", "the file holds a list where keys and values are expected", event)
            raise Stop
        self._root = container

    def _close(self, event: Any) -> None:
        finished = self._stack.pop()
        self._places.add(finished.container, finished.packed)

    def _alias(self, event: Any) -> None:
        hint = "write it out, or quote it if it is text"
        self._problem("EMB103", f"the alias *{event.anchor} is not supported", event, hint)
        self._usable = False
        if not self._stack:
            raise Stop
        if self._stack[-1].key is A_KEY:
            self._stack[-1].key = A_VALUE_TO_DROP
        else:
            self._add(None, event)

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._findings.refuse_extras(event)
        value: Json = event.value
        if self._portable:
            self._refuse_dialect(event)
        if event.implicit[0]:
            try:
                value = resolve(value, portable=self._portable)
            except NotSupported as error:
                self._problem("EMB110", str(error), event)
        if not self._stack:
            self._refuse_root(value, event)
        top = self._stack[-1]
        if top.key is A_KEY:
            self._key(value, event)
        else:
            self._add(value, event)

    # -- what they add up to --

    def _key(self, value: Json, event: Any) -> None:
        if type(value) is not str:
            self._refuse_key(f"the key {event.value or 'null'} is not text but {problems.named(value)}", event)
            return
        top = self._stack[-1]
        if value in top.container:
            first = unpack(self._file, top.packed[1 + 2 * list(top.container).index(value)])
            related = (Related(first, "first given here"),)
            message = f"the key {problems.shortened(value)!r} is given twice"
            self._problem("EMB102", message, event, "keep one of them", related)
            top.key = A_VALUE_TO_DROP
            return
        top.key = self._strings.setdefault(value, value)
        top.packed.append(_packed(event))

    def _add(self, value: Json, event: Any) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            self._problem("EMB112", f"the file holds more than {MOST_VALUES:,} values", event)
            raise Stop
        if type(value) is str:
            value = self._strings.setdefault(value, value)
        top = self._stack[-1]
        if top.key is AN_ITEM:
            top.container.append(value)
        else:
            key, top.key = top.key, A_KEY
            if key is A_VALUE_TO_DROP:
                return
            top.container[key] = value
        top.packed.append(_packed(event))

    def _refuse_root(self, value: Json, event: Any) -> None:
        if value is None:
            self._problem("EMB109", "the file is empty", event)
        else:
            message = f"the file holds {problems.named(value)} where keys and values are expected"
            self._problem("EMB111", message, event, "is this the right file, and is no colon missing?")
        raise Stop

    def _refuse_key(self, message: str, event: Any) -> None:
        self._problem("EMB106", message, event, "put it between quotes if it is meant as text")
        self._stack[-1].key = A_VALUE_TO_DROP

    def _refuse_dialect(self, event: Any) -> None:
        """What libyaml understands, and PyYAML's own parser does not."""
        if event.implicit[0] and "?" in event.value and self._stack and self._stack[-1].flow:
            message = "other YAML readers refuse a ? between brackets or braces"
            self._problem("EMB101", f"not valid YAML: {message}", event, "put the text between quotes")
        elif self._source.glued and event.style in BLOCKS and event.start_mark.line in self._source.glued:
            message = f"other YAML readers refuse a comment right behind {event.style}"
            self._problem("EMB101", f"not valid YAML: {message}", event, "put a space before the #")

    def _give_up(self, diagnostic: Diagnostic) -> None:
        self._usable = False
        self._findings.diagnostics.append(diagnostic)


def _packed(event: Any) -> int:
    """Where an event begins, both numbers from 1, as `unpack` takes them."""
    mark = event.start_mark
    packed: int = (mark.line + 1) << 32 | (mark.column + 1)
    return packed
