"""All that a plugin author imports."""

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

__all__ = [
    "NO_PARAMETERS",
    "Bank",
    "BankError",
    "BankSection",
    "Checkpoint",
    "Context",
    "DataInfo",
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
    "check_key",
    "closes",
]
