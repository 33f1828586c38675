"""Protectables and protection plugins for what lives in an OpenStack cloud.

They work as the user whose resources these are: see `cloud`. The bank has an account of its own.

cloud         which cloud, and as whom
login         logging in, and a session that repeats requests only if that does no harm
waiting       a service that has no time just now is waited for; things are made once in spite of it
refusals      what a service refuses, told to a tired person
protectables  what `embank discover` finds
plugin        what the protection plugins have in common
project       the protection plugin for projects
network/, image/, volume/, server/
              those for the rest
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
