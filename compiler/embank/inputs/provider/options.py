"""The sections of a provider file against the options that its bank, plugins and protectables declare.

Each component gets a configuration of its own, with the options that it declares and nobody else's.
Values of options marked `secret` appear in no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from embank.diagnostics import Checked, Diagnostic, Related, did_you_mean
from embank.inputs.provider.conf import Assignment, Conf, normal_section
from embank.plugins.installed import summary
from embank.plugins.registry import Component

if TYPE_CHECKING:
    from oslo_config import cfg

HERE = "here"
PROVIDER = "provider"
DOLLAR = "a dollar sign is written $$ here, because oslo.config replaces $name"


class Declared:
    """All options that some components declare, by the (section, key) pairs under which a file may set them."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._by_key: dict[tuple[str, str], list[cfg.Opt]] = {}
        for component in components:
            for section, options in component.options.items():
                for option in options:
                    for key in _keys(section, option):
                        self._by_key.setdefault(key, []).append(option)

    def unknown(self, conf: Conf) -> Iterator[Diagnostic]:
        """Sections and keys that nobody declares."""
        known_sections = sorted({section for section, _ in self._by_key} | {PROVIDER})
        unknown_sections = set()
        for section, place in conf.sections:
            if section not in known_sections and section != "DEFAULT":
                unknown_sections.add(section)
                hint = did_you_mean(section, known_sections) or f"known here: {', '.join(known_sections)}"
                yield Diagnostic("EMB214", f"no plugin of this provider has a section [{section}]", place, hint)
        for given in conf.assignments:
            if given.section in unknown_sections or given.section == PROVIDER:
                continue
            if (given.section, given.key) not in self._by_key:
                known = sorted(key for section, key in self._by_key if section == given.section)
                hint = did_you_mean(given.key, known) or (f"known here: {', '.join(known)}" if known else "")
                yield Diagnostic("EMB214", f"[{given.section}] has no key {given.key}", given.place, hint)

    def repeated(self, conf: Conf) -> Iterator[Diagnostic]:
        """Keys with one value that are given several."""
        single = {key for key, options in self._by_key.items() if not any(option.multi for option in options)}
        yield from repeated(conf, single)

    def secrets(self, conf: Conf) -> tuple[str, ...]:
        """The values in the file that nobody may see, the longest first."""
        found = {given.value for given in conf.assignments if self._is_secret(given) and given.value}
        return tuple(sorted(found, key=lambda value: (-len(value), value)))

    def public(self, conf: Conf) -> list[list[str]]:
        """What the file says besides [provider] and secrets: sorted [section, key, value]."""
        given = [given for given in conf.assignments if given.section != PROVIDER and not self._is_secret(given)]
        # Stable: the values of a repeated key keep their order.
        return sorted(([each.section, each.key, each.value] for each in given), key=lambda each: each[:2])

    def may_be_secret(self, conf: Conf, line: int) -> bool:
        """The line belongs to an option that is secret, or that nobody knows: perhaps a misspelt one."""
        before = [given for given in conf.assignments if given.place.line <= line]
        if not before or before[-1].section == PROVIDER:
            return False
        given = before[-1]
        return self._is_secret(given) or (given.section, given.key) not in self._by_key

    def _is_secret(self, given: Assignment) -> bool:
        return any(option.secret for option in self._by_key.get((given.section, given.key), ()))


def repeated(conf: Conf, keys: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """A diagnostic for every one of these keys that the file gives more than once."""
    for section, key in sorted(keys):
        first, *others = conf.all(section, key) or (None,)
        for other in others:
            related = (Related(first.place, "first given here"),) if first else ()
            message = f"{key} in [{section}] is given twice, and has one value"
            yield Diagnostic("EMB215", message, other.place, "keep one of them", related)


def configure(component: Component, conf: Conf) -> Checked[cfg.ConfigOpts]:
    """The configuration of one component. Every value has been converted once, so that reading cannot fail."""
    from oslo_config import cfg

    file = Path(conf.file).absolute()
    values = cfg.ConfigOpts()
    try:
        values.register_opt(cfg.StrOpt(HERE, default=str(file.parent).replace("$", "$$")))
        for section, options in component.options.items():
            values.register_opts(options, group=None if section == "DEFAULT" else section)
        with suppress(cfg.RequiredOptError, cfg.ConfigFileValueError):  # _check says it better
            values(args=[], project="embank", default_config_files=[str(file)], default_config_dirs=[], use_env=False)
    except Exception as error:  # options that contradict each other: somebody else's code
        message = f"the options of the {component.kind} {component.path} cannot be used: {summary(error)}"
        return Checked(None, (Diagnostic("EMB202", message, component.place),))
    problems = tuple(
        problem
        for section, options in component.options.items()
        for option in options
        if (problem := _check(option, section, values, conf, component)) is not None
    )
    return Checked(None if problems else values, problems)


def without(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` for every secret."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _check(
    option: cfg.Opt, section: str, values: cfg.ConfigOpts, conf: Conf, component: Component
) -> Diagnostic | None:
    given = next((found for key in _keys(section, option) if (found := conf.last(*key))), None)
    try:
        value = values[option.dest] if section == "DEFAULT" else values[section][option.dest]
    except Exception as error:  # cfg.Error, ValueError, and what the option's own type raises
        text = given.value if given else ""
        place = given.place if given else component.place
        reason = "" if option.secret else f": {error.__context__ or error}"
        hint = DOLLAR if "$" in text else ""
        return Diagnostic("EMB216", f"{option.dest} in [{section}] is not valid{reason}", place, hint)
    if value is None and option.required:
        place = dict(conf.sections).get(normal_section(section), component.place)
        message = f"[{section}] has no {option.dest}, which {component.path} needs"
        return Diagnostic("EMB213", message, place, f"add `{option.dest} = …` to [{section}]")
    return None


def _keys(section: str, option: cfg.Opt) -> list[tuple[str, str]]:
    """Where a file may set an option: under its name, or under one that it had before."""
    old = [(name.group or section, name.name or option.dest) for name in option.deprecated_opts]
    return [(normal_section(group), key) for group, key in [(section, option.dest), *old]]
