//! What our launcher never does to a guest, so that QEMU is started here: a console of the other
//! shape, with port 0 alone as a device without `MULTIPORT` has it, and frames that break the rules.

use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ampoule_abi::exit::Reason;
use ampoule_abi::layout::{IMAGE_BASE, PAGE_BYTES};
use ampoule_abi::messages::{Empty, Exit, Start, ToGuest, ToHost, to_guest, to_host};
use ampoule_abi::{ABI_VERSION, seal, start};
use ampoule_boot::backend::qemu::machine;
use ampoule_boot::host::Accel;
use prost::Message;

use crate::data::Random;
use crate::harness::{Scratch, Suite};
use crate::image::{NOTE_HEADER_BYTES, entry_note_at, machine_note_at};
use crate::matrix::Backend;
use crate::process::Invocation;
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.each("ports::an_image_that_does_not_say_where_its_queues_are_drives_them", no_note);
    suite.each("ports::an_image_that_does_not_say_where_its_boot_ends_is_booted", no_entry_note);
    suite.each("ports::page_tables_that_map_nothing_end_the_call", no_page_tables);
    suite.each_qemu("ports::a_console_without_ports_carries_the_stream_on_port_0", port_0);
    suite.each_qemu(
        "ports::a_guest_ends_with_protocol_when_its_launcher_breaks_it",
        broken_protocol,
    );
}

/// Without its note no launcher can hand the console over driven: it is set up step by step.
fn no_note(backend: Backend) {
    let mut image = std::fs::read(tools::get().image("echo")).expect("an image");
    let kind = machine_note_at(&image) + 8;
    image[kind] = 0x7f;
    echoes(backend, image);
}

/// Without its note every launcher enters by PVH boot.
fn no_entry_note(backend: Backend) {
    let mut image = std::fs::read(tools::get().image("echo")).expect("an image");
    let kind = entry_note_at(&image) + 8;
    image[kind] = 0x7f;
    echoes(backend, image);
}

/// A launcher that sets the state finds nothing to execute; others never look at the note.
fn no_page_tables(backend: Backend) {
    let mut image = std::fs::read(tools::get().image("echo")).expect("an image");
    let root = entry_note_at(&image) + NOTE_HEADER_BYTES + 16;
    // The page above the guard page is the stack's, zero at first.
    image[root..][..8].copy_from_slice(&(IMAGE_BASE + PAGE_BYTES).to_le_bytes());
    if backend != Backend::Kvm {
        return echoes(backend, image);
    }
    let scratch = Scratch::new();
    let path = write(&scratch, image);
    backend.call_image(path).bare().feed(b"").expect(134).says(&["triple fault"]);
}

/// Whoever changes an image can seal it.
fn write(scratch: &Scratch, mut image: Vec<u8>) -> PathBuf {
    let path = scratch.path("echo.elf");
    assert!(seal::seal(&mut image));
    std::fs::write(&path, image).expect("written");
    path
}

fn echoes(backend: Backend, image: Vec<u8>) {
    let scratch = Scratch::new();
    let path = write(&scratch, image);
    let input = Random::new(9).bytes(1_000_000);
    let done = backend.call_image(path).bare().feed(&input).expect(0).silent();
    assert!(done.stdout == input, "{} bytes", done.stdout.len());
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
