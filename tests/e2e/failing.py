"""Becomes another program, for which some system calls fail.

Its arguments are what fails, with commas between, and the command. What fails is written REQUEST=ERROR,
an ioctl's number in hexadecimal and the name of an error, such as ae01=EBUSY; or open=ERROR, to open
a file for reading and writing, as /dev/kvm is."""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, MASK, IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
OPEN, IOCTL, OPENAT = 2, 16, 257
# What a filter is given: the system call's number comes first, its arguments from here on.
ARGUMENTS, ARGUMENT_BYTES = 16, 8

steps = []


def fail(number, argument, mask, value, error):
    """Has a system call fail if the lower half of an argument, masked, has this value."""
    answer = FAIL | getattr(errno, error)
    steps.extend([(LOAD, 0, 0, 0), (IF_EQUAL, 0, 4, number)])
    steps.extend([(LOAD, 0, 0, ARGUMENTS + ARGUMENT_BYTES * argument), (MASK, 0, 0, mask)])
    steps.extend([(IF_EQUAL, 0, 1, value), (RETURN, 0, 0, answer)])


for word in sys.argv[1].split(","):
    what, error = word.split("=")
    if what == "open":
        fail(OPEN, 1, os.O_ACCMODE, os.O_RDWR, error)
        fail(OPENAT, 2, os.O_ACCMODE, os.O_RDWR, error)
    else:
        fail(IOCTL, 1, 0xFFFFFFFF, int(what, 16), error)
steps.append((RETURN, 0, 0, ALLOW))
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
filter = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
