"""Which of its many 409s Neutron means."""

from __future__ import annotations

from typing import Any

TAKEN = ("IpAddressAlreadyAllocated", "IpAddressInUse", "MacAddressInUse")
RULE_EXISTS = "SecurityGroupRuleExists"


def refusal(error: Any) -> str:
    """The type that Neutron gives its errors, such as `MacAddressInUse`; "" when it gives none."""
    try:
        return str(error.response.json()["NeutronError"]["type"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
