"""What the services of a cloud refuse, told to a tired person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.waiting import BUSY, IN_ALL, UNAVAILABLE, wait_wanted

ADVICE = {
    401: "Keystone accepts the login no more: is the user disabled, is there a new password, or has the application "
    "credential or trust ended?",
    403: "the user of [openstack] has not got the role for it; docs/openstack.md says what each operation needs",
    BUSY: "the service takes no more requests, also after waiting: try again later, or with fewer in parallel",
    UNAVAILABLE: "the service is not there, also after several attempts: try again when it is up",
}


@contextmanager
def told(what: str) -> Iterator[None]:
    """Within this block, what a service refuses is an OpenStackError: "cannot list the servers: …"."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException
    from requests.exceptions import RequestException

    try:
        yield
    except (SDKException, ClientException, RequestException) as error:
        raise OpenStackError(f"cannot {what}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """The service's own words, and what can be done where they do not say it."""
    from requests.exceptions import InvalidJSONError

    if isinstance(error, InvalidJSONError):
        return f"an answer that is no JSON ({error}): is a proxy or a login page in between?"
    status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    words = " ".join(str(getattr(error, "details", None) or error).split())
    said = f"{words} (HTTP {status})" if status and f"HTTP {status}" not in words else words
    if status in (403, 413) and any(word in words.lower() for word in ("quota", "exceed")):
        return f"{said}; the quota of the project is used up: delete something, or have it raised"
    if status in (BUSY, UNAVAILABLE) and (wanted := wait_wanted(error)) > IN_ALL:
        return f"{said}; it wants to be asked again in {wanted:.0f} s, and is waited for {IN_ALL:.0f} s at most"
    return f"{said}; {ADVICE[status]}" if status in ADVICE else said
