"""The test kit for banks, part two: keys and listings."""

from __future__ import annotations

import pytest

from embank.conformance.bank.objects import MakeBank, content, keys
from embank.plugins import Bank, BankError

# in the order of their code points: "-" and "." come before "/", which comes before the letters
KEYS = (
    "%2E%2E/x",
    "+",
    ".hidden/.x",
    "..",
    "../b",
    "A",
    "a",
    "a b",
    "a-b",
    "a.object",
    "a.object/b",
    "a.object.object",
    "a/.",
    "a/b",
    "a/b+",
    "a/b.object/c",
    "a/b/c",
    "a0",
    "lost+found/x",
    "~",
    "ä/ß",
    "日本/語",
    "\U0001f9ca/emoji",
)


class KeyConformance:
    """Keys are kept apart and come back in order."""

    def test_keys_of_all_kinds(self, bank: Bank, make_bank: MakeBank) -> None:
        """Are kept apart, come back as they were, and are listed by code point."""
        for key in reversed(KEYS):
            bank.put(key, [key.encode()], if_absent=True)
        assert keys(make_bank()) == sorted(KEYS)
        for key in KEYS:
            assert content(bank, key) == key.encode()
        for key in KEYS:
            bank.delete(key)
        assert keys(bank) == []

    def test_long_keys(self, bank: Bank) -> None:
        """Up to 900 bytes, in one segment or in hundreds, and those that differ at the end only."""
        long = [
            "x" * 900,
            "x" * 899 + "y",
            "x" * 200,
            "x" * 200 + "/z",
            "x" * 201,
            "x" * 200 + "-",
            "/".join("s" * 450),
            "." * 300,
            "ü" * 450,
            "+" * 400 + "/x",
        ]
        for key in long:
            bank.put(key, [key.encode()], if_absent=True)
        assert keys(bank) == sorted(long)
        assert all(content(bank, key) == key.encode() for key in long)

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "a\nb", "a\x00b", "\x1b[31m", "\u202e", "x" * 901, "ü" * 451]
    )
    def test_what_is_no_key_is_refused(self, bank: Bank, key: str) -> None:
        """By every method that takes one (`embank.plugins.check_key` does it)."""
        with pytest.raises(BankError):
            bank.put(key, [b"x"])
        with pytest.raises(BankError):
            bank.stat(key)
        with pytest.raises(BankError):
            b"".join(bank.get(key))
        with pytest.raises(BankError):
            bank.delete(key)
        assert keys(bank) == []

    def test_list_pages(self, bank: Bank) -> None:
        """Prefix, marker and limit, whether or not there are objects of just these names."""
        names = sorted(f"{a}/{b}" for a in ("a", "ab", "b", "b-") for b in ("1", "10", "2", "x/1", "x/2"))
        for name in names:
            bank.put(name, [b"1"])
        for prefix in ("", "a", "a/", "ab", "b", "b/x", "b/x/", "b/x/1", "b/x/11", "c", "a/1"):
            expected = [name for name in names if name.startswith(prefix)]
            assert keys(bank, prefix) == expected
            for marker in ("0", "a", "a/", "a/10", "a/1/", "a/x0", "b/x", "b/x/1", "b0", "zzz"):
                for limit in (1, 2, 100):
                    found = [info.key for info in bank.list(prefix, marker=marker, limit=limit)]
                    assert found == [name for name in expected if name > marker][:limit]
