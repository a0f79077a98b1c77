# SPDX-License-Identifier: Apache-2.0
"""Become another program that cannot outlive its parent.

``python -I -S launch.py PARENT_PID DEATH_SIGNAL UID GID DIRECTORY -- PROGRAM ARGUMENTS…``

Run as its own tiny program, because ``preexec_fn`` is not safe in a process with threads. The order matters: Linux
clears PR_SET_PDEATHSIG whenever the user changes (prctl(2)), so it is set after setuid and before exec, which keeps it.
The signal comes when the parent's *thread* that started us ends: start children from the main thread only.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop rights, tie the life to the parent's, and exec; leaves with 127 and one line when that fails."""
    parent, death_signal, uid, gid = (int(text) for text in sys.argv[1:5])
    directory = sys.argv[5]
    argv = sys.argv[7:]
    try:
        if uid >= 0 and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            sys.exit(0)
        os.chdir(directory)
        os.umask(0o077)
        os.execv(argv[0], argv)  # noqa: S606 - starting the given program without a shell is what this file is for
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
