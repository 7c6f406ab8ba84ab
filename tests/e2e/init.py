"""The first process of a PID namespace, which collects orphans as an init does.

Makes calls one after the other (its arguments are one, of a function that copies), then waits for
what they left. Prints how many orphans it collected, and how many processes are left."""

import os
import signal
import subprocess
import sys

CALLS = 20

# Inits block the signal to wait for it; that is how a launcher knows one.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
for _ in range(CALLS):
    call = subprocess.run(sys.argv[1:], input=b"hello", capture_output=True)
    assert (call.stdout, call.stderr, call.returncode) == (b"hello", b"", 0), call
orphans = 0
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
    orphans += 1
left = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
print(orphans, len(left))
