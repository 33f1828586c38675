"""Protectables and protection plugins for what lives in an OpenStack cloud.

They work as the user whose resources these are: see `cloud.py`. The bank has an account of its own.
"""

from embank.plugins import EmbankError, ExitCode


class OpenStackError(EmbankError):
    """A resource in the cloud could not be protected, restored, deleted or verified. The message says why."""

    exit_code = ExitCode.FAILED


PROJECT = "OS::Keystone::Project"
SERVER = "OS::Nova::Server"
VOLUME = "OS::Cinder::Volume"
IMAGE = "OS::Glance::Image"
NETWORK = "OS::Neutron::Network"
