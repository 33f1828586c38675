"""What the author of a protectable writes: how to find the resources of a type and their dependents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from embank.model import Resource

if TYPE_CHECKING:
    from oslo_config import cfg


class Protectable(ABC):
    """Base class of protectables. `embank discover` asks them, and writes the resource graph.

    A listing that fails must raise: a dependent that is silently missing is silently unprotected.
    """

    resource_type: ClassVar[str] = ""
    parent_types: ClassVar[tuple[str, ...]] = ()  # of which resources this type can be a dependent

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """`conf` has the values of the options that this class declares."""
        self.conf = conf

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The oslo.config options of this protectable, by section of the provider's configuration file."""
        return {}

    @abstractmethod
    def list_resources(self) -> Iterable[Resource]:
        """Every resource of this type."""

    def list_dependents(self, parent: Resource) -> Iterable[Resource]:
        """Every resource of this type that is a dependent of `parent` (whose type is in `parent_types`)."""
        return ()
