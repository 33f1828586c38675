"""What all protection plugins for OpenStack have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from embank.plugins import BankError, Context, EmbankError, ProtectionPlugin, Resource
from embank_plugins.openstack.cloud import Cloud, cloud_options

if TYPE_CHECKING:
    from oslo_config import cfg


class CloudPlugin(ProtectionPlugin):
    """Works in a cloud, as the user whose resources these are."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._cloud = Cloud(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [openstack]."""
        return cloud_options()


def was_restored(context: Context, resource: Resource) -> bool:
    """Whether this execution has recorded what the resource was restored as. Raises BankError when nobody can say."""
    try:
        context.restored(resource)
    except BankError:
        raise
    except EmbankError:
        return False
    return True
