#!/usr/bin/env python3
"""A launcher for function images, with QEMU on Linux, written from SPEC.md (ABI version 1) alone.

    launcher.py [--accel kvm|tcg] [--timeout SECONDS] [--memory MiB] [-e NAME=VALUE]... IMAGE [ARGS...]
"""
import contextlib, ctypes, getopt, io, os, select, signal, socket, struct, subprocess, sys, threading, time

STARTED, LAUNCHER, LIBC = time.monotonic(), os.getpid(), ctypes.CDLL(None)
ABI, MIB, LONGEST, MEMORIES = 1, 1 << 20, 1 << 20, range(4 << 20, 2049 << 20, 2 << 20)
START, STDIN, STDIN_END, READY, STDOUT, STDERR, EXIT = 1, 2, 3, 1, 2, 3, 4  # frames to the guest, to the host
REASONS = {1: (1, "the function asked for a status over 123"), 2: (134, "the function panicked"),
           3: (134, "the function faulted"), 4: (137, "the function needs more than its --memory")}
ACCELERATORS = {"kvm": "-accel kvm -cpu host,-arch-capabilities", "tcg": "-accel tcg"}
QEMU = """qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
  -M microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=off,x-option-roms=off,auto-kernel-cmdline=off
  -global virtio-mmio.force-legacy=false -append virtio_mmio.device=512@0xfeb00e00:12
  -device virtio-serial-device,max_ports=2 -device virtserialport,chardev=call,nr=1
  -chardev socket,id=call,fd={} -chardev socket,id=monitor,fd={} -mon monitor,mode=control {} -m {} -kernel"""

class Failure(Exception):
    """A status, and its message for STDERR. Any other exception is a 125."""
def require(condition, problem):
    if not condition:
        raise ValueError(problem)

def fail_on(number, status, problem):
    def handler(*_):  # runs in the main thread, whatever that waits for
        signal.signal(number, signal.SIG_IGN)
        raise Failure(status, problem)
    signal.signal(number, handler)

def write(descriptor, data):
    try:
        while data:
            data = data[os.write(descriptor, data):]
    except BrokenPipeError:
        if descriptor == 1:
            raise Failure(141, "")

def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)
def sized(data):
    require(len(data) <= LONGEST, f"Start of more than {LONGEST} bytes: give fewer arguments and variables")
    return varint(len(data)) + data
def field(number, value):
    wire, body = (0, varint(value)) if isinstance(value, int) else (2, sized(os.fsencode(value)))
    return varint(number << 3 | wire) + body

def read_varint(read):
    [byte] = read(1)
    return byte if byte < 128 else byte - 128 + (read_varint(read) << 7)
def fields(message):
    source = io.BytesIO(message)
    while rest := len(message) - source.tell():
        number, wire = divmod(read_varint(source.read), 8)
        value = {1: 8, 5: 4}.get(wire) or read_varint(source.read)
        require(number and (wire == 0 or wire in (1, 2, 5) and value < rest), "a message has a bad field")
        yield (number, wire), source.read(value) if wire else value

def read_notes(data):
    while data:
        owner, size, kind = struct.unpack_from("<III", data)
        begin = 12 + (owner + 3 & ~3)
        yield (data[12:12 + owner], kind), data[begin:begin + size]
        data = data[begin + (size + 3 & ~3):]

def check_image(image):
    """Name, memory and timeout of an image; C7's places of segments and entry, and relocations, are left."""
    header = image[:7] + image[16:20] + image[48:52]
    require(header == b"\x7fELF\2\1\1\2\0\x3e\0\0\0\0\0", "it is no static ELF64 for x86-64")
    table, size, count, notes = *struct.unpack_from("<32xQ14xHH", image), {}
    for place in range(table, table + size * count, size):
        kind, flags, offset, _, _, length = struct.unpack_from("<IIQQQQ", image, place)
        require(offset + length <= len(image), f"it is cut off at {len(image)} bytes")
        require(kind not in (2, 3) and (kind != 1 or flags & 3 != 3), "it is dynamic, or writes to its code")
        notes |= read_notes(image[offset:offset + length]) if kind == 4 else {}
    require(notes.keys() >= {(b"Xen\0", 18), (b"Ampoule\0", 1)}, "it lacks the note for PVH or of a function")
    note = dict(fields(notes[b"Ampoule\0", 1]))
    abi, memory, timeout = (note.get((number, 0), 0) for number in (1, 4, 6))
    require(abi == ABI, f"it has ABI version {abi}, this launcher {ABI}")
    require((2, 2) in note and (7, 2) not in note, "its note has no name, or asks for a capability")
    require(memory in MEMORIES, f"it wants {memory} bytes of memory, not 4, 6 ... 2048 MiB")
    return os.fsdecode(note[2, 2]), memory, timeout / 1000

def make_start(arguments, variables):
    parts = [field(1, ABI), field(4, time.time_ns()), field(5, os.urandom(32))]
    parts += [field(2, argument) for argument in arguments]
    parts += [field(3, field(1, key) + field(2, str(value))) for key, value in variables.items()]
    return sized(field(START, b"".join(parts)))

def feed(stream, start):
    """The thread of STDIN: it blocks while the guest does not read."""
    with contextlib.suppress(OSError):  # the main thread sees the end of QEMU too
        stream.sendall(start)
        while data := os.read(0, 1 << 16):
            stream.sendall(sized(field(STDIN, data)))
        stream.sendall(sized(field(STDIN_END, b"")))

def frames(stream, monitor):
    def read(count):
        while stream not in select.select([stream, monitor], [], [])[0]:
            require(b'"STOP"' not in monitor.recv(4096), "the machine cannot go on; try another --accel")
        data = stream.recv(count, socket.MSG_WAITALL)
        if len(data) < count:
            raise EOFError
        return data
    while size := read_varint(read):
        require(size <= LONGEST, f"protocol broken by a message of {size} bytes, over {LONGEST}")
        [((number, wire), data)] = fields(read(size))
        require(wire == 2, f"protocol broken by a field of wire type {wire}")
        yield number, data

def converse(stream, monitor):
    """Carries the frames of a call (C6) and returns the function's status (C3)."""
    incoming = frames(stream, monitor)
    number, data = next(incoming)
    require(number == READY and dict(fields(data)).get((1, 0)) == ABI, "no Ready of the image's ABI version")
    for number, data in incoming:
        if number not in (STDOUT, STDERR):
            break
        write(number - 1, data)
    require(number == EXIT and len(data) <= LONGEST >> 5, f"protocol broken by frame {number}, out of order or length")
    end = dict(fields(data))
    status, reason, message = end.get((1, 0), 0), end.get((2, 0), 0), end.get((3, 2), b"")
    if reason == 1 and status <= 123:
        return status
    final, problem = REASONS.get(reason, (125, f"the function broke off for reason {reason}"))
    raise Failure(final, f"{problem}: {message.decode(errors='replace') or status}")

def call(path, memory, accelerator, start):
    """Boots the image in QEMU (C8), with a stream and a monitor, and destroys the machine."""
    (stream, its_stream), (monitor, its_monitor) = socket.socketpair(), socket.socketpair()
    monitor.sendall(b'{"execute": "qmp_capabilities"}')  # makes it tell events
    with its_stream, its_monitor:
        ends = its_stream.fileno(), its_monitor.fileno()
        process = subprocess.Popen(  # with PR_SET_PDEATHSIG, unless the launcher is dead already
            QEMU.format(*ends, ACCELERATORS[accelerator], memory // MIB).split() + [path], process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=ends,
            preexec_fn=lambda: LIBC.prctl(1, signal.SIGKILL) or os.getppid() == LAUNCHER or os._exit(1))
    try:
        threading.Thread(target=feed, args=(stream, start), daemon=True).start()
        return converse(stream, monitor)
    except (EOFError, ConnectionError):
        require(process.wait() == 0, f"QEMU failed: {process.stderr.read().decode()}")
        raise Failure(134, "the virtual machine shut itself down without Exit (a triple fault)")
    finally:
        process.kill()
        process.wait()

def run(arguments):
    fail_on(signal.SIGINT, 130, "interrupted, the virtual machine is destroyed; call again")
    fail_on(signal.SIGTERM, 143, "terminated, the virtual machine is destroyed; call again")
    options, [path, *arguments] = getopt.getopt(arguments, "e:", ["accel=", "timeout=", "memory="])
    variables, named = dict(value.split("=", 1) for option, value in options if option == "-e"), dict(options)
    require(not any(key in ("", "AMPOULE_ABI") or key[:3] == "FN_" for key in variables), "reserved -e name")
    try:
        name, memory, timeout = check_image(io.FileIO(path).read())
    except (FileNotFoundError, NotADirectoryError):
        raise Failure(127, f"there is no image {path}: check the path")
    except (OSError, ValueError, ArithmeticError, RecursionError, struct.error) as error:
        raise Failure(126, f"the image {path} cannot be run: {error}; build it again")
    memory, timeout = int(named.get("--memory", memory // MIB)) * MIB, float(named.get("--timeout", timeout))
    accelerator = named.get("--accel") or ("kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg")
    require(memory in MEMORIES and accelerator in ACCELERATORS, "--memory: 4, 6 ... 2048; --accel: kvm, tcg")
    left = timeout - (time.monotonic() - STARTED)
    variables.update(AMPOULE_ABI=ABI, FN_NAME=name, FN_CALL_ID=os.urandom(16).hex(), FN_MEMORY=memory // MIB)
    if timeout:
        fail_on(signal.SIGALRM, 124, f"the deadline of {timeout} s is exceeded; allow more with --timeout")
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, left))
        variables["FN_TIMEOUT_MS"] = int(left * 1000)
        variables["FN_DEADLINE"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + left))
    return call(path, memory, accelerator, make_start([name, *arguments], variables))

if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except Exception as error:
        status, problem = error.args if isinstance(error, Failure) else (125, f"the launcher failed: {error}")
        harmless = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in problem)
        write(2, f"launcher: {harmless}\n".encode() if problem else b"")
        sys.exit(status)
