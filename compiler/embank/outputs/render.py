"""The template environment: every text output is a Jinja2 template of `embank_templates`.

A template of the same name in `--template-dir` replaces the built-in one. Filters:

    {{ name | scalar }}      a data value on one line, quoted; what looks like an expression is escaped
    {{ words | text }}       a string on one line, quoted, where nothing is evaluated (keys, descriptions)
    key:{{ value | yaml(8) }}  any data value after its key; lines of its own are indented by 8
    {{ name | plain(60) }}   for comments: one line, invisible characters escaped, cut to 60 characters
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING

from embank.errors import InputUnreadable, UsageError
from embank.outputs.layout import after_key
from embank.outputs.quoting import scalar, text
from embank.plaintext import plain

if TYPE_CHECKING:
    from jinja2 import Environment


class TemplateBroken(UsageError):
    """A template of the user's has a mistake; the message says where."""


@lru_cache(maxsize=4)  # compiling the templates takes longer than writing a small workflow
def environment(template_dir: str | None = None) -> Environment:
    """The templates, those in `template_dir` before the built-in ones.

    Raises InputUnreadable when it is no directory.
    """
    from jinja2 import (
        BaseLoader,
        ChoiceLoader,
        Environment,
        FileSystemLoader,
        PackageLoader,
        StrictUndefined,
        select_autoescape,
    )

    loaders: list[BaseLoader] = [PackageLoader("embank_templates", "")]
    if template_dir is not None:
        if not Path(template_dir).is_dir():
            raise InputUnreadable(f"{plain(template_dir)} is not a directory of templates")
        loaders.insert(0, FileSystemLoader(template_dir))
    templates = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=select_autoescape(("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    templates.filters.update(scalar=scalar, text=text, yaml=after_key, plain=plain)
    return templates


@contextmanager
def template_errors() -> Iterator[None]:
    """Around loading and rendering: a mistake in a template becomes TemplateBroken, with its line."""
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

    try:
        yield
    except TemplateSyntaxError as error:
        raise TemplateBroken(f"{error.filename or error.name}:{error.lineno}: {error.message}") from error
    except TemplateError as error:
        # Jinja2 rewrites tracebacks so that frames of templates carry their own file and line.
        places = [f"{frame.f_code.co_filename}:{line}: " for frame, line in walk_tb(error.__traceback__)]
        place = next((place for place in reversed(places) if ".j2:" in place), "")
        missing = "there is no template " if isinstance(error, TemplateNotFound) else ""
        raise TemplateBroken(f"{place}{missing}{error.message}") from error
