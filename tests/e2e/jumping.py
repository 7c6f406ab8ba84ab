"""Runs a program whose wall clock jumps: each reading is a day ahead or a day behind, in turns.

Its arguments are a file and the command. The program has to ask the kernel for the time (see
clockless.py); where it asks for the wall clock, a filter of system calls stops it, and it is answered
here. The other clocks are as they are. Writes to the file how often it asked. Ends as clockless.py
does."""

import ctypes
import os
import signal
import struct
import sys
import time

# Nothing is left beside the script.
sys.dont_write_bytecode = True
from clockless import PTRACE_TRACEME, hide_clock, libc, status_of

PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SETOPTIONS = 7, 12, 13, 0x4200
TRACE_CLONES, TRACE_FILTER, KILL_AT_EXIT = 1 << 3, 1 << 7, 1 << 20
EVENT_FILTER = 7
ALL_THREADS = 0x40000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, TRACE = 0x7FFF0000, 0x7FF00000
GETTIMEOFDAY, TIME, CLOCK_GETTIME, WALL_CLOCK = 96, 201, 228, 0
FIRST_ARGUMENT = 16
# Of the registers, in the order of Linux's user_regs_struct.
REGISTERS, RAX, RSI, ORIG_RAX = 27, 10, 13, 15
DAY_S = 86_400


def filter_readings():
    """Has the tracer hear of each reading of the wall clock."""
    steps = [(LOAD, 0, 0, 0), (IF_EQUAL, 4, 0, GETTIMEOFDAY), (IF_EQUAL, 3, 0, TIME)]
    steps += [(IF_EQUAL, 0, 3, CLOCK_GETTIME), (LOAD, 0, 0, FIRST_ARGUMENT)]
    steps += [(IF_EQUAL, 0, 1, WALL_CLOCK), (RETURN, 0, 0, TRACE), (RETURN, 0, 0, ALLOW)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    filter = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) == 0, ctypes.get_errno()


def answer(thread, seconds):
    """Answers a reading, instead of the kernel."""
    registers = (ctypes.c_uint64 * REGISTERS)()
    assert libc.ptrace(PTRACE_GETREGS, thread, None, ctypes.addressof(registers)) == 0
    assert registers[ORIG_RAX] == CLOCK_GETTIME, "the other ways to ask are not used"
    with open(f"/proc/{thread}/mem", "r+b", buffering=0) as memory:
        memory.seek(registers[RSI])
        memory.write(struct.pack("qq", int(seconds), int(seconds % 1 * 1e9)))
    registers[ORIG_RAX], registers[RAX] = 2**64 - 1, 0
    assert libc.ptrace(PTRACE_SETREGS, thread, None, ctypes.addressof(registers)) == 0


child = os.fork()
if child == 0:
    libc.ptrace(PTRACE_TRACEME, 0, None, None)
    filter_readings()
    os.execv(sys.argv[2], sys.argv[2:])
os.waitpid(child, 0)
hide_clock(child)
options = TRACE_CLONES | TRACE_FILTER | KILL_AT_EXIT
assert libc.ptrace(PTRACE_SETOPTIONS, child, None, options) == 0
readings, threads, thread, deliver = 0, {child}, child, 0
while True:
    libc.ptrace(PTRACE_CONT, thread, None, deliver)
    thread, status = os.waitpid(-1, ALL_THREADS)
    deliver = 0
    if not os.WIFSTOPPED(status):
        if thread == child:
            break
    elif status >> 16 == EVENT_FILTER:
        answer(thread, time.time() + (DAY_S if readings % 2 == 0 else -DAY_S))
        readings += 1
    elif status >> 16 == 0 and (thread in threads or os.WSTOPSIG(status) != signal.SIGSTOP):
        deliver = os.WSTOPSIG(status)
    # A new thread begins by being stopped.
    threads.add(thread)
with open(sys.argv[1], "w") as file:
    file.write(str(readings))
sys.exit(status_of(status))
