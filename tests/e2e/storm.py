"""Sends signals to processes again and again, until its STDIN ends.

Its arguments are the numbers of the processes. Each is sent what is ignored by default, and what it
has handlers for that mean nothing by themselves: SIGUSR1, with which QEMU interrupts its threads, and
real-time signals, with which the launcher interrupts itself. Writes a line after the first round, and
how many rounds there were at the end."""

import os
import select
import signal
import sys

IGNORED = [signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH]
HARMLESS = [signal.SIGUSR1, *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)]
PAUSE_S = 0.0005


def of(process):
    """The signals for a process."""
    with open(f"/proc/{process}/status") as status:
        line = next(line for line in status if line.startswith("SigCgt:"))
    caught = int(line.split()[1], 16)
    return IGNORED + [number for number in HARMLESS if caught >> (number - 1) & 1]


def round():
    for process in map(int, sys.argv[1:]):
        try:
            for number in of(process):
                os.kill(process, number)
        except (ProcessLookupError, FileNotFoundError, StopIteration):
            pass  # It has ended.


rounds = 0
while True:
    round()
    rounds += 1
    if rounds == 1:
        print("storm", flush=True)
    if select.select([sys.stdin], [], [], PAUSE_S)[0]:
        break
print(rounds)
