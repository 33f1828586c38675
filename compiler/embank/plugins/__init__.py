"""All that a plugin author imports.

    protectable   what the author of a protectable writes
    contract      what the author of a protection plugin writes, and what Embank hands to it
    bank          what the author of a bank writes
    stream        a stream, cut anew: for banks that store it in parts of their own

and what Embank makes of them:

    installed     the entry points that provider files name, and the classes behind them
    checks        what can be wrong with a protection plugin
    registry      from a path in a provider file to a plugin or bank that is known to be sound
    secrets       where parameters hold secrets, as a plugin's schema marks them

The built-in plugins import from here, too, and nothing else of Embank (decision PLUGIN-3).
"""

from embank.errors import EmbankError, ExitCode
from embank.model import Json, Operation, Phase, Resource
from embank.plugins.bank import Bank, BankError, ObjectExists, ObjectInfo, ObjectMissing, check_key
from embank.plugins.contract import (
    NO_PARAMETERS,
    BankSection,
    Checkpoint,
    Context,
    DataInfo,
    Poll,
    ProtectionPlugin,
    Started,
    closes,
)
from embank.plugins.protectable import Protectable
from embank.plugins.stream import Stream

__all__ = [
    "NO_PARAMETERS",
    "Bank",
    "BankError",
    "BankSection",
    "Checkpoint",
    "Context",
    "DataInfo",
    "EmbankError",
    "ExitCode",
    "Json",
    "ObjectExists",
    "ObjectInfo",
    "ObjectMissing",
    "Operation",
    "Phase",
    "Poll",
    "Protectable",
    "ProtectionPlugin",
    "Resource",
    "Started",
    "Stream",
    "check_key",
    "closes",
]
