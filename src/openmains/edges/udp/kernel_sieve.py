# SPDX-License-Identifier: Apache-2.0
"""A sieve in the kernel for one UDP socket (Linux, classic BPF, no privilege needed): large datagrams come through by chance.

The chance is drawn for each datagram anew, so no meter is ever left out. Elsewhere nothing is dropped before it is read.
"""

import ctypes
import socket
import struct
import sys

_ATTACH, _DETACH, _MEMINFO = 26, 27, 55  # SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_MEMINFO of asm-generic/socket.h
_DROPS = 8  # SK_MEMINFO_DROPS of linux/sock_diag.h
_LENGTH, _RANDOM = 0x80, 0xFFFFF000 + 56  # BPF_LD|BPF_LEN; SKF_AD_OFF + SKF_AD_RANDOM of linux/filter.h
_LOAD, _GREATER, _RETURN = 0x20, 0x25, 0x06  # BPF_LD|BPF_ABS, BPF_JMP|BPF_JGT, BPF_RET
_UDP_HEADER = 8  # is part of what the filter counts
_STEP = struct.Struct("@HBBI")  # struct sock_filter: code, jump if true, jump if false, operand
_PROGRAM = struct.Struct("@HP")  # struct sock_fprog


class KernelSieve:
    """``sock`` stays the caller's. ``small``: bytes of the largest datagram that always comes through."""

    def __init__(self, sock: socket.socket, small: int) -> None:
        self._sock, self._small = sock, small
        self.works = sys.platform == "linux"

    def let_through(self, share: float) -> None:
        """A share of the large ones, over 0; 1: all."""
        if not self.works:
            return
        try:
            if share >= 1.0:
                self._sock.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
            else:
                self._attach(int(share * 0xFFFFFFFF))
        except OSError:
            self.works = False  # a kernel that has none: as elsewhere

    def _attach(self, most: int) -> None:
        steps = (
            (_LENGTH, 0, 0, 0),
            (_GREATER, 0, 2, self._small + _UDP_HEADER),  # small: to the first return
            (_LOAD, 0, 0, _RANDOM),
            (_GREATER, 1, 0, most),
            (_RETURN, 0, 0, 0xFFFFFFFF),
            (_RETURN, 0, 0, 0),
        )
        code = ctypes.create_string_buffer(b"".join(_STEP.pack(*step) for step in steps))
        self._sock.setsockopt(socket.SOL_SOCKET, _ATTACH, _PROGRAM.pack(len(steps), ctypes.addressof(code)))

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel dropped so far, by chance or because the socket was full; 0 where it does not tell."""
        if not self.works:
            return 0
        try:
            told = self._sock.getsockopt(socket.SOL_SOCKET, _MEMINFO, 4 * (_DROPS + 1))
        except OSError:
            return 0
        return int.from_bytes(told[4 * _DROPS : 4 * _DROPS + 4], sys.byteorder) if len(told) > 4 * _DROPS else 0
