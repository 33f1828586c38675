"""What `embank discover` finds: the resources that the operator named in the provider's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from embank.plugins import Protectable, Resource
from embank_plugins.local.application import section as applications
from embank_plugins.local.configuration import read_storage
from embank_plugins.local.directory import plugin as directory
from embank_plugins.local.postgresql import section as databases
from embank_plugins.local.sqlite import plugin as sqlite

if TYPE_CHECKING:
    from oslo_config import cfg


class _Named(Protectable):
    """A type whose resources are the ids of a section. An application can contain some of them."""

    parent_types = (applications.TYPE,)
    section: ClassVar[str]

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._names = self.names()
        self._contained: dict[str, list[str]] = {}
        unknown = []
        for application in applications.read_applications(conf).values():
            members = [member for kind, member in application.contains if kind == self.resource_type]
            self._contained[application.id] = members
            unknown += [(application.id, member) for member in members if member not in self._names]
        if unknown:
            raise ValueError("\n".join(self._unknown(*pair) for pair in unknown))

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The type's own section, and the one that says which application contains what."""
        return {
            applications.SECTION: applications.application_options(),
            cls.section: cls.own_options(),
        }

    @classmethod
    def own_options(cls) -> Sequence[cfg.Opt]:
        """The options of the type's own section."""
        raise NotImplementedError

    def names(self) -> Mapping[str, str]:
        """The names of the resources by their ids. Raises ValueError for mistakes in the section."""
        raise NotImplementedError

    def list_resources(self) -> Iterable[Resource]:
        """Every resource of this type."""
        return [Resource(self.resource_type, key, name) for key, name in self._names.items()]

    def list_dependents(self, parent: Resource) -> Iterable[Resource]:
        """What the application contains of this type."""
        return [Resource(self.resource_type, key, self._names[key]) for key in self._contained.get(parent.id, ())]

    def _unknown(self, application: str, member: str) -> str:
        known = ", ".join(map(repr, self._names)) or "none"
        return (
            f"[{applications.SECTION}] contains = {application} … {self.resource_type}#{member}: "
            f"section [{self.section}] has no {member!r} (known: {known})"
        )


class ApplicationProtectable(_Named):
    """Applications; one can contain others."""

    resource_type = applications.TYPE
    section = applications.SECTION

    @classmethod
    def own_options(cls) -> Sequence[cfg.Opt]:
        """Those of [local_application]."""
        return applications.application_options()

    def names(self) -> Mapping[str, str]:
        """The applications."""
        return {key: found.name for key, found in applications.read_applications(self.conf).items()}


class DirectoryProtectable(_Named):
    """Directories."""

    resource_type = "Local::Directory"
    section = directory.SECTION

    @classmethod
    def own_options(cls) -> Sequence[cfg.Opt]:
        """Those of [local_directory]."""
        return directory.directory_options()

    def names(self) -> Mapping[str, str]:
        """The directories."""
        return {key: found.name for key, found in read_storage(self.conf, self.section, "directory").entries.items()}


class SQLiteProtectable(_Named):
    """SQLite databases."""

    resource_type = "Local::SQLite"
    section = sqlite.SECTION

    @classmethod
    def own_options(cls) -> Sequence[cfg.Opt]:
        """Those of [local_sqlite]."""
        return sqlite.sqlite_options()

    def names(self) -> Mapping[str, str]:
        """The database files."""
        return {key: found.name for key, found in read_storage(self.conf, self.section, "database").entries.items()}


class PostgreSQLProtectable(_Named):
    """PostgreSQL databases."""

    resource_type = "Local::PostgreSQL"
    section = databases.SECTION

    @classmethod
    def own_options(cls) -> Sequence[cfg.Opt]:
        """Those of [local_postgresql]."""
        return databases.postgresql_options()

    def names(self) -> Mapping[str, str]:
        """The databases."""
        return {key: found.name for key, found in databases.read_databases(self.conf).items()}
