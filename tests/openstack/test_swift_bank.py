"""The Swift bank with Keystone: as whom, and what is said when that does not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from embank.conformance.bank.objects import content, keys
from embank.plugins import BankError
from kit.swift_banks import OpenSwift, swift_bank

pytestmark = pytest.mark.openstack


@pytest.fixture
def open_swift() -> OpenSwift:
    """`open_swift(**account)`: a handle on a container of the test's own."""
    return swift_bank()


@pytest.fixture
def account(tenant: Any) -> dict[str, object]:
    """The options that log in as the tenant."""
    return {
        "auth_url": tenant.auth_url.removesuffix("/v3"),  # as in docs/reference.md
        "user": tenant.user_name,
        "key": tenant.password,
    }


def test_a_user_with_a_default_project_needs_no_more(
    open_swift: OpenSwift, account: dict[str, object], tenant: Any
) -> None:
    bank = open_swift(**account)
    bank.check()
    bank.put("a/b", [b"data"], if_absent=True)
    assert content(open_swift(**account, tenant_name=tenant.project_name), "a/b") == b"data"
    (container,) = tenant.connection.object_store.containers()
    assert container.name == bank._container.name


def test_a_token_that_has_expired_is_renewed(
    open_swift: OpenSwift, account: dict[str, object], openstack_services: Any
) -> None:
    """Swift keeps in mind for minutes that a token is good, so this one is revoked before Swift has seen it."""
    bank = open_swift(**account)
    session = bank._container.service._login().session
    token = session.get_token()
    openstack_services.admin.identity.delete("/auth/tokens", headers={"X-Subject-Token": token}).raise_for_status()
    bank.put("a", [b"data"], if_absent=True)
    assert session.get_token() != token
    assert content(bank, "a") == b"data"


def test_mistakes_are_said_in_words(
    open_swift: OpenSwift, account: dict[str, object], tenant: Any, openstack_services: Any
) -> None:
    def said(**options: object) -> str:
        with pytest.raises(BankError) as caught:
            open_swift(**{**account, **options}).check()
        assert tenant.password not in str(caught.value)
        return str(caught.value)

    assert f"refuses the user {tenant.user_name!r}: see bank_swift_user, bank_swift_key" in said(key="wrong")
    assert "refuses the user" in said(tenant_name="nonsense")
    assert "knows no object store in the region 'nowhere' with a public address" in said(region_name="nowhere")
    assert "(tried for" in said(auth_url="http://127.0.0.1:9", in_all=0.1)
    openstack_services.admin.identity.update_user(tenant.user_id, default_project_id=None)
    assert "has no default project: say which one keeps the bank, `bank_swift_tenant_name = …`" in said()


def test_a_role_that_does_not_suffice(open_swift: OpenSwift, make_tenant: Callable[..., Any]) -> None:
    reader = make_tenant(roles=("reader",))
    bank = open_swift(auth_url=reader.auth_url, user=reader.user_name, key=reader.password)
    with pytest.raises(BankError, match=r"may not: give it a role .*often `member`.* answers 403 Forbidden"):
        bank.put("a", [b"x"])


def test_a_quota_that_is_used_up(open_swift: OpenSwift, account: dict[str, object], tenant: Any) -> None:
    bank = open_swift(**account)
    bank.put("a", [b"x" * 1000])
    name = bank._container.name
    tenant.connection.object_store.put(
        f"/{name}", headers={"X-Container-Meta-Quota-Bytes": "2000"}
    ).raise_for_status()
    with pytest.raises(BankError, match="the quota is used up: make room, or have it raised"):
        bank.put("b", [b"x" * 5000])
    assert keys(bank) == ["a"]
