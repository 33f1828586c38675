"""Protectables and protection plugins for what lives on this machine.

Resource ids are logical names. The provider's configuration, which the operator writes and nobody else, maps
them to paths, commands and addresses; a resource graph or a plan never carries one (decision LOCAL-1).

configuration  what the sections of the provider's file say of them
command_lines  commands in them, allowed by name
protectables   what `embank discover` finds
command        a command of the operator's, run as steps of an activity
stream         streams between files, commands and the bank
tree           directory trees, walked and removed by descriptors
place          where a restore goes, and how it takes the place of what was there
directory/, sqlite/, postgresql/, application/
               the protection plugins
"""

from embank.plugins import EmbankError, ExitCode


class LocalError(EmbankError):
    """A local resource could not be protected, restored, deleted or verified. The message says why."""

    exit_code = ExitCode.FAILED


def printable(text: str | bytes) -> str:
    """Text for a message or for JSON: bytes that are not UTF-8 and control characters as escapes."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    decoded = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in decoded)
