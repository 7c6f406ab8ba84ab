//! The console's other shape: one port, port 0, as a device without `MULTIPORT` has it. Our launcher
//! never makes such a device, so QEMU is started here.

use std::io::{BufReader, Read, Write};
use std::process::{Command, Stdio};

use ampoule_abi::messages::{Empty, Start, ToGuest, ToHost, to_guest, to_host};
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
}

fn port_0(backend: Backend) {
    let accel = match backend {
        Backend::QemuKvm => Accel::Kvm,
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
    for kind in [
        to_guest::Kind::Start(start_message()),
        to_guest::Kind::Stdin(b"over port 0"[..].into()),
        to_guest::Kind::StdinEnd(Empty {}),
    ] {
        let frame = ToGuest { kind: Some(kind) }.encode_length_delimited_to_vec();
        stdin.write_all(&frame).expect("QEMU reads");
    }
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
    assert_eq!((exit.status, &echoed[..]), (0, &b"over port 0"[..]));
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
