"""nova-compute with Nova's own fake driver, and what Cinder's NFS driver needs from a hypervisor besides.

For volumes in use Cinder has Nova take part in snapshots: a hypervisor would write to another file from then on, and
merge files of the chain when a snapshot is deleted. There is no guest, so qemu-img does it, in the directory
EMBANK_VOLUMES, in which the share's directory is the only one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from nova import monkey_patch

monkey_patch.patch(backend="threading")

from nova.cmd import compute  # noqa: E402  # nothing of Nova may be imported unpatched
from nova.virt import fake  # noqa: E402
from nova.volume import cinder  # noqa: E402


def image(*arguments, where):
    return subprocess.run(["qemu-img", *arguments], cwd=where, check=True, capture_output=True, text=True).stdout


def chain(file, where):
    """A file and all that is below it, as qemu-img describes them."""
    return json.loads(image("info", "--backing-chain", "--output=json", file, where=where))


def rebase(file, base, where, *how):
    """Let `base`, or nothing, be what is below `file`."""
    below = ["-b", base, "-F", chain(base, where)[0]["format"]] if base else ["-b", ""]
    image("rebase", *how, *below, file, where=where)


def merge(where, active, merged, into):
    """As libvirt does it: the files between `active` and `merged` into `active`, or `merged` into the one below."""
    if into is None:
        rebase(active, merged, where)
        return
    above = [each["filename"] for each in chain(active, where) if each.get("backing-filename") == merged]
    image("commit", "-b", into, merged, where=where)
    for file in above:
        rebase(file, into, where, "-u")


class Driver(fake.FakeDriverWithoutFakeNodes):
    def volume_snapshot_create(self, context, instance, volume_id, create_info):
        # Cinder has made the new file, and nothing writes to the old one.
        cinder.API().update_snapshot_status(context, create_info["snapshot_id"], "creating")

    def volume_snapshot_delete(self, context, instance, volume_id, snapshot_id, delete_info):
        status = "error_deleting"
        try:
            (information,) = Path(os.environ["EMBANK_VOLUMES"]).glob(f"*/volume-{volume_id}.info")
            active = json.loads(information.read_text())["active"]
            merge(information.parent, active, delete_info["file_to_merge"], delete_info["merge_target_file"])
            status = "deleting"
        finally:
            cinder.API().update_snapshot_status(context, snapshot_id, status)


fake.Driver = Driver  # Nova looks for its driver below nova.virt
sys.argv[0] = "nova-compute"
sys.exit(compute.main())
