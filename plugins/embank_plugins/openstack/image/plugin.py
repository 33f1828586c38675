"""OS::Glance::Image: metadata and data, in the bank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from embank.plugins import (
    NO_PARAMETERS,
    Checkpoint,
    Context,
    Json,
    Operation,
    Poll,
    Resource,
    closes,
)
from embank_plugins.openstack import IMAGE, OpenStackError
from embank_plugins.openstack.image.data import Digests, differences, download, unless_cancelled, upload
from embank_plugins.openstack.image.definition import BEING_MADE, SAVED, check_protectable, definition, request
from embank_plugins.openstack.image.service import Images
from embank_plugins.openstack.plugin import CloudPlugin
from embank_plugins.openstack.refusals import told

if TYPE_CHECKING:
    from oslo_config import cfg

DATA = "data"
COPY = "image"  # what `Context.once` starts
RESTORED = "restored"
ASK_AGAIN = 10  # s
MISSING = "missing"


class ImagePlugin(CloudPlugin):
    """Streams an image to the bank and back; its data are compared with what Glance says of them."""

    resource_types = (IMAGE,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._images = Images(self._cloud)

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a restore may be told."""
        return RESTORE_PARAMETERS if operation is Operation.RESTORE else NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """Metadata, properties, and what is known of the data."""
        return SAVED

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Copy the image to the bank."""
        while (image := self._images.get(resource.id))["status"] in BEING_MADE:
            yield Poll(after=ASK_AGAIN, message=f"the image is {image['status']}: somebody is making it")
        check_protectable(image)
        data = None
        if image["status"] == "active":
            data = self._copy(checkpoint, context, resource, image)
        else:
            context.log(f"{resource} has no data yet: its metadata are saved")
        checkpoint.section(resource).save(definition(image, data))

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Find the image, or make it again from the bank."""
        section = checkpoint.section(resource)
        saved = section.load()
        copy = self._finished(context, resource, saved)
        if copy is None and parameters.get("copy", MISSING) == MISSING:
            copy = self._images.same(resource.id, saved)
            if copy:
                where = "" if copy == resource.id else f", as {copy}"
                context.log(f"{resource} is there{where}: it is used as it is")  # decision CLOUD-11
        if copy is None:
            copy = self._make(checkpoint, context, resource, saved, parameters)
        context.record_restored(resource, {"image_id": copy})
        section.note(RESTORED, copy)

    @closes("parallel")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Remove the image again if it was not completely restored."""
        started = context.started(resource, COPY)
        if started and checkpoint.section(resource).noted(RESTORED) != copy_id(started.token):
            self._images.remove(copy_id(started.token))

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Read the copy back, and compare it with what Glance said of the image."""
        section = checkpoint.section(resource)
        saved = section.load()["data"]
        if saved is None:
            return
        found = Digests(saved["digests"])
        for _ in found.through(unless_cancelled(context, section.read(DATA))):
            pass
        if found.to_json() != saved:
            raise OpenStackError(f"the copy in the bank is not what was saved: {saved}, now {found.to_json()}")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the copy."""
        checkpoint.section(resource).clear()

    def _copy(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, image: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        """The image's data to the bank; their size and digests. Raises OpenStackError when they are not Glance's."""
        digests = Digests([image.get("os_hash_algo") or ""])

        def checked() -> Iterator[bytes]:
            yield from digests.through(unless_cancelled(context, download(self._images.glance, image)))
            if wrong := differences(image, digests.to_json()):
                raise OpenStackError(f"the data of the image are damaged, or did not all arrive: {wrong}")

        with told("read the data of the image"):
            checkpoint.section(resource).write(DATA, checked())
        return digests.to_json()

    def _finished(self, context: Context, resource: Resource, saved: Mapping[str, Json]) -> str | None:
        """The image that an earlier run of this activity has made completely; one that it has begun is removed."""
        started = context.started(resource, COPY)
        if started is None:
            return None
        image = self._images.find(copy_id(started.token))
        if image and self._images.complete(image, saved):
            self._images.finish(image, saved)
            return copy_id(started.token)
        self._images.remove(copy_id(started.token))
        context.forget(resource, COPY)
        return None

    def _make(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Resource,
        saved: Mapping[str, Json],
        parameters: Mapping[str, Json],
    ) -> str:
        def start(token: str) -> str:
            return self._images.create(request(saved, copy_id(token), parameters.get("visibility")))

        if saved["image"]["visibility"] == "public" and "visibility" not in parameters:
            context.log(f"{resource} was public: it is private now, unless `visibility: public` asks for more")
        copy: str = context.once(resource, COPY, start)
        if saved["data"] is not None:
            chunks = unless_cancelled(context, checkpoint.section(resource).read(DATA))
            with told("send the data of the image"):
                upload(self._images.glance, copy, chunks)
        image = self._images.get(copy)
        if not self._images.complete(image, saved):  # whoever tries again, or closes, removes it
            wrong = differences(image, saved["data"]) or f"the image is {image['status']}"
            raise OpenStackError(f"Glance has not got what was sent: {wrong}")
        self._images.finish(image, saved)
        return copy


def copy_id(token: str) -> str:
    """The id of the image that this token makes: made again, Glance refuses, and there is never a second one."""
    return str(UUID(token.removeprefix("embank-")))


RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "copy": {
            "enum": [MISSING, "always"],
            "default": MISSING,
            "description": "Make a new image only when it is missing (no image has the same data), or always.",
        },
        "visibility": {
            "enum": ["private", "shared", "community", "public"],
            "description": "Of a new image. Default: as it was, but private when it was public.",
        },
    },
    "additionalProperties": False,
}
