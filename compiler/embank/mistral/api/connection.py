"""Connections to Mistral: by a URL alone, or as the usual OpenStack options and clouds.yaml say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from embank.errors import UsageError
from embank.mistral.api.errors import EngineError, EngineUnreachable

VARIABLE = "OS_MISTRAL_URL"
CONNECT_WITHIN, ANSWER_WITHIN = 10, 90  # s; Mistral's own calls between its parts take up to 60
SERVICE = "workflowv2"


def connect(
    url: str | None, cloud: str | None, environment: Mapping[str, str] | None = None, *, otherwise: str = ""
) -> Any:
    """A client of python-mistralclient. Without anything to authenticate with, Mistral is asked without. The URL
    `otherwise` counts when nothing else says where Mistral is.

    Raises UsageError when nothing says where Mistral is, or the client is not installed; EngineError when
    authentication fails.
    """
    env = os.environ if environment is None else environment
    try:
        from mistralclient.api import client
    except ImportError as error:
        raise UsageError(f"Mistral needs python-mistralclient: pip install 'embank[mistral]' ({error})") from error
    url = url or env.get(VARIABLE) or ""
    if cloud or env.get("OS_CLOUD") or env.get("OS_AUTH_URL"):
        session, url = _authenticated(cloud, url)
    elif url:
        session = _plain()
    elif otherwise:
        session, url = _plain(), otherwise
    else:
        raise UsageError(
            f"nothing says where Mistral is: give --mistral-url (or {VARIABLE}), --os-cloud, or the OS_* variables"
        )
    return client.client(mistral_url=url.rstrip("/"), session=session, enforce_raw_definitions=True)


def _plain() -> Any:
    """A session without authentication, in which no request waits for ever."""
    import requests

    class Session(requests.Session):
        def request(self, *arguments: Any, **options: Any) -> Any:
            options.setdefault("timeout", (CONNECT_WITHIN, ANSWER_WITHIN))
            return super().request(*arguments, **options)

    return Session()


def _authenticated(cloud: str | None, url: str) -> tuple[Any, str]:
    """A session of keystoneauth, and Mistral's address from the catalogue unless it is given."""
    from keystoneauth1.exceptions import ClientException
    from openstack.config import OpenStackConfig
    from openstack.exceptions import SDKException

    try:
        region = OpenStackConfig().get_one(cloud=cloud or None, timeout=ANSWER_WITHIN)
        session = region.get_session()
        session.timeout = ANSWER_WITHIN
        if not url:
            url = session.get_endpoint(service_type=SERVICE, interface=region.get_interface(SERVICE)) or ""
        else:
            session.get_token()
    except (ClientException, SDKException) as error:
        raise EngineUnreachable(f"cannot log in: {error}") from error
    if not url:
        raise EngineError(f"the catalogue has no service of type {SERVICE}: give --mistral-url")
    return session, url
