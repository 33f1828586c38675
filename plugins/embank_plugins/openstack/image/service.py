"""What the image plugin asks of Glance. Images are as Glance's API shows them: flat, with properties of any name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from embank.plugins import Json
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.cloud import Cloud
from embank_plugins.openstack.image.data import differences
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
SAME = ("name", "disk_format", "container_format")
GONE, TAKEN = 404, 409


class Images:
    """The images that a login can see, and those of its project."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    @property
    def glance(self) -> Adapter:
        """The client."""
        return self._cloud.connection.image

    def find(self, id: str) -> dict[str, Json] | None:
        """An image; None when there is none, or the login cannot see it."""
        with told(f"look up the image {id}"):
            response = self.glance.get(f"/images/{id}")
            return None if response.status_code == GONE else _json(response)

    def get(self, id: str) -> dict[str, Json]:
        """An image. Raises OpenStackError when there is none."""
        image = self.find(id)
        if image is None:
            raise OpenStackError(
                f"there is no image {id} (any more), or the login cannot see it; a plan that goes on without it "
                "excludes it"
            )
        return image

    def same(self, id: str, saved: Mapping[str, Json]) -> str | None:
        """The id of an image that makes a copy superfluous: the original, or a copy of it in the project."""
        original = self.find(id)
        if original and self.complete(original, saved):
            return id
        copies = [image for image in self._like(saved) if self.complete(image, saved)]
        copies.sort(key=lambda image: (image["created_at"], image["id"]))
        return copies[0]["id"] if copies else None

    def create(self, request: Mapping[str, Json]) -> str:
        """Make an image without data, with the id in the request; it may be there already."""
        with told("make the image"):
            created(lambda: self._post(request), lambda: None)  # it has its id: a second one is refused
        return str(request["id"])

    def _post(self, request: Mapping[str, Json]) -> None:
        response = self.glance.post("/images", json=request)
        if response.status_code != TAKEN:
            _raise(response)

    def complete(self, image: Mapping[str, Json], saved: Mapping[str, Json]) -> bool:
        """Whether an image has the data that were saved, or none as it had then."""
        if saved["data"] is None:
            return bool(image["status"] == "queued")
        return image["status"] == "active" and not differences(image, saved["data"])

    def finish(self, image: Mapping[str, Json], saved: Mapping[str, Json]) -> None:
        """Protect an image from its deletion, if it was."""
        if saved["image"]["protected"] and not image["protected"]:
            self._set_protected(image["id"], True)

    def remove(self, id: str) -> None:
        """Delete an image, if it is there."""
        image = self.find(id)
        if image is None:
            return
        if image["protected"]:
            self._set_protected(id, False)
        with told(f"delete the image {id}"):
            response = self.glance.delete(f"/images/{id}")
            if response.status_code != GONE:
                _raise(response)

    def _set_protected(self, id: str, value: bool) -> None:
        change = [{"op": "replace", "path": "/protected", "value": value}]
        with told(f"change whether the image {id} is protected"):
            _json(self.glance.patch(f"/images/{id}", json=change, headers=PATCH))

    def _like(self, saved: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
        """The project's images with the same data, name and formats."""
        if saved["data"] is None:
            return
        digests = [value for name, value in saved["data"]["digests"].items() if name != "md5"]
        filters = {"os_hash_value": digests[0]} if digests else {"checksum": saved["data"]["digests"]["md5"]}
        for hidden in ("false", "true"):
            asked = {"owner": self._cloud.project_id, "os_hidden": hidden, "limit": "1000", **filters}
            with told("list images with the same data"):
                found = _json(self.glance.get("/images", params=asked))["images"]
            yield from (image for image in found if all(image.get(key) == saved["image"].get(key) for key in SAME))


def _json(response: Any) -> dict[str, Json]:
    _raise(response)
    answer: dict[str, Json] = response.json()
    return answer


def _raise(response: Any) -> None:
    from openstack.exceptions import raise_from_response

    raise_from_response(response)
