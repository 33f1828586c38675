"""Commands that an operator allows by name: a section's options such as `freeze = ID COMMAND [ARGUMENT …]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from embank_plugins.local.configuration import Section

Commands = dict[str, dict[str, list[str]]]


def read_commands(
    section: Section,
    pairs: Mapping[str, str],
    check: Callable[[str, str, str], None] = lambda option, text, key: None,
    *,
    key: str = "ID",
) -> Commands:
    """The commands by first word and option. `pairs` has the options: one that opens something needs the other.

    `check` is called with the option, the line and its first word. Mistakes are left with the section.
    """
    commands: Commands = {}
    first: dict[tuple[str, str], str] = {}
    for verb in (verb for pair in pairs.items() for verb in pair):
        for text, words in section.lines(verb, 2, None, f"{key} COMMAND [ARGUMENT …]"):
            check(verb, text, words[0])
            section.check_path(verb, text, words[1])
            if (words[0], verb) in first:
                section.wrong(verb, text, f"{words[0]!r} has two {verb} commands")
            first[words[0], verb] = text
            commands.setdefault(words[0], {})[verb] = words[1:]
    for opening, closing in pairs.items():
        for one, other in ((opening, closing), (closing, opening)):
            for name, verb in first:
                if verb == one and (name, other) not in first:
                    section.wrong(one, first[name, verb], f"{name!r} has no {other} command")
    return commands
