//! What our launcher never does to a guest, so that QEMU is started here: a console of the other
//! shape, with port 0 alone as a device without `MULTIPORT` has it, and frames that break the rules.

use std::io::{BufReader, Read, Write};
use std::process::{Command, Stdio};

use ampoule_abi::exit::Reason;
use ampoule_abi::messages::{Empty, Exit, Start, ToGuest, ToHost, to_guest, to_host};
use ampoule_abi::{ABI_VERSION, start};
use ampoule_boot::backend::qemu::machine;
use ampoule_boot::host::Accel;
use prost::Message;

use crate::harness::Suite;
use crate::matrix::Backend;
use crate::process::Invocation;
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.each("ports::a_console_without_ports_carries_the_stream_on_port_0", port_0);
    suite.each("ports::a_guest_ends_with_protocol_when_its_launcher_breaks_it", broken_protocol);
}

fn port_0(backend: Backend) {
    let frames = [
        frame(to_guest::Kind::Start(start_message())),
        frame(to_guest::Kind::Stdin(b"over port 0"[..].into())),
        frame(to_guest::Kind::StdinEnd(Empty {})),
    ];
    let (echoed, exit) = converse(backend, &frames.concat());
    assert_eq!((exit.reason, exit.status), (Reason::Returned as i32, 0));
    assert_eq!(echoed, b"over port 0");
}

fn broken_protocol(backend: Backend) {
    let start = frame(to_guest::Kind::Start(start_message()));
    let early = frame(to_guest::Kind::Stdin(b"early"[..].into()));
    let malformed = frame(to_guest::Kind::Start(Start::default()));
    // A frame that claims 1 MiB and a byte; one of field 9; one that is no length-delimited field.
    let too_long = [&start[..], &[0x81, 0x80, 0x40]].concat();
    let unknown = [&start[..], &[2, 9 << 3 | 2, 0]].concat();
    let no_field = [&start[..], &[2, 2 << 3, 0]].concat();
    let twice = [&start[..], &start[..]].concat();
    for frames in [early, malformed, too_long, unknown, no_field, twice] {
        let (echoed, exit) = converse(backend, &frames);
        assert_eq!(exit.reason, Reason::Protocol as i32, "{frames:?} gave {exit:?}");
        assert!(echoed.is_empty() && !exit.message.is_empty(), "{frames:?} gave {exit:?}");
    }
}

/// Starts `echo` on a console of one port, sends it these bytes, and hears it out.
fn converse(backend: Backend, bytes: &[u8]) -> (Vec<u8>, Exit) {
    let accel = match backend {
        Backend::Kvm | Backend::QemuKvm => Accel::Kvm,
        Backend::QemuTcg => Accel::Tcg,
    };
    let mut command = Command::new("qemu-system-x86_64");
    command.args(machine(accel, 16 << 20));
    command.arg("-kernel").arg(tools::get().image("echo"));
    command.args(["-append", "virtio_mmio.device=512@0xfeb00e00:12"]);
    command.args(["-global", "virtio-mmio.force-legacy=false"]);
    command.args(["-device", "virtio-serial-device,max_ports=1"]);
    command.args(["-chardev", "stdio,id=call,signal=off", "-device", "virtconsole,chardev=call"]);
    command.stdin(Stdio::piped());
    let mut running = Invocation::new(command).spawn();
    let (mut stdin, mut stdout) = (running.stdin(), BufReader::new(running.stdout()));
    stdin.write_all(bytes).expect("QEMU reads");
    let mut echoed = Vec::new();
    let exit = loop {
        match receive(&mut stdout) {
            to_host::Kind::Ready(ready) => assert_eq!(ready.abi_version, ABI_VERSION),
            to_host::Kind::Stdout(bytes) => echoed.extend(bytes),
            to_host::Kind::Stderr(bytes) => panic!("it says {bytes:?}"),
            to_host::Kind::Exit(exit) => break exit,
        }
    };
    running.signal(rustix::process::Signal::KILL);
    running.finish();
    (echoed, exit)
}

fn frame(kind: to_guest::Kind) -> Vec<u8> {
    ToGuest { kind: Some(kind) }.encode_length_delimited_to_vec()
}

fn start_message() -> Start {
    Start {
        abi_version: ABI_VERSION,
        arguments: vec![b"echo"[..].into()],
        randomness: vec![7; start::RANDOMNESS_BYTES].into(),
        ..Start::default()
    }
}

fn receive(stream: &mut impl Read) -> to_host::Kind {
    let mut message = vec![0; length(stream)];
    stream.read_exact(&mut message).expect("a whole frame");
    ToHost::decode(&message[..]).expect("a message").kind.expect("of a known kind")
}

fn length(stream: &mut impl Read) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a frame");
        value |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            break;
        }
    }
    value
}
