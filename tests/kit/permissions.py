"""Permissions of files that hold for root too."""

from __future__ import annotations

import ctypes
import os

PR_CAPBSET_DROP, VERSION_3 = 24, 0x20080522  # linux/prctl.h, linux/capability.h
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def without_override() -> None:
    """Give up the right to read and write whatever it likes, which root has: this process, and what it executes."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(VERSION_3, 0), (_Data * 2)()
    assert libc.capget(ctypes.byref(header), data) == 0
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
        data[0].effective &= ~(1 << capability)
        data[0].permitted &= ~(1 << capability)
    assert libc.capset(ctypes.byref(header), data) == 0
