"""Becomes another program, for which the kernel lacks some system calls.

Its arguments are the numbers of the system calls, with commas between, and the command."""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.ENOSYS

numbers = [int(number) for number in sys.argv[1].split(",")]
# The number of the system call is the first word of what a filter is given.
steps = [(LOAD, 0, 0, 0)]
for number in numbers:
    steps += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL)]
steps.append((RETURN, 0, 0, ALLOW))
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
filter = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
