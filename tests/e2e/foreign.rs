//! Launchers that know nothing of the contract (SPEC C9): QEMU's machine for PCs, started as others
//! start it.
//!
//! The arguments are those of urunc, a container runtime for unikernels: `pkg/unikontainers` in its
//! source, `hypervisors/qemu.go` and what `unikernels/linux.go` and `unikernels/unikraft.go` add. Where
//! KVM is nested, `-cpu host` alone ends this QEMU; without KVM there is none of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::data::Random;
use crate::harness::Suite;
use crate::matrix::Backend;
use crate::process::{Invocation, Running};
use crate::{procfs, tools};

pub fn add(suite: &mut Suite) {
    suite.each_qemu("foreign::urunc_boots_an_image_that_answers_line_by_line", urunc);
    suite.each_qemu("foreign::a_console_on_the_pci_bus_answers_line_by_line", on_pci);
    suite.each_qemu("foreign::a_console_over_memory_answers_line_by_line", over_memory);
    suite.each_qemu("foreign::arguments_do_not_say_where_the_console_is", lookalikes);
    suite.each_qemu("foreign::every_byte_comes_back", every_byte);
    suite.each_qemu("foreign::arguments_and_environment_are_on_the_command_line", context);
    suite.each_qemu("foreign::a_hostile_command_line_is_refused_or_left_alone", hostile);
    suite.each_qemu("foreign::the_machine_ends_with_the_function", endings);
    suite.each_qemu("foreign::waiting_takes_no_processor_time", waiting);
    suite.each_qemu("foreign::the_last_byte_waits_for_its_reader", draining);
}

/// What starts a machine, and where its console is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Launcher {
    /// urunc, told that the image is Linux.
    UruncLinux,
    /// urunc, told that the image is Unikraft.
    UruncUnikraft,
    /// A virtio-console on the PCI bus of this machine.
    Pci(&'static str),
    /// A virtio-console at an address that QEMU adds to the command line, after these devices.
    Memory(&'static str),
}

/// What a PC's firmware says last on a serial line, before the image is booted.
const FIRMWARE_ENDS: &str = "Booting from ROM..";

/// All of them; where KVM is nested without the processor's support, a PC's firmware takes seconds, and
/// so there two have to do for what is the image's own matter.
fn launchers(backend: Backend) -> &'static [Launcher] {
    const ALL: [Launcher; 4] = [Launcher::UruncUnikraft, PCI, Launcher::UruncLinux, MEMORY];
    if backend == Backend::QemuTcg { &ALL } else { &ALL[..2] }
}

const SERIAL: [Launcher; 2] = [Launcher::UruncLinux, Launcher::UruncUnikraft];
const PCI: Launcher = Launcher::Pci("pc");
const MEMORY: Launcher = Launcher::Memory("");

impl Launcher {
    /// The machine of a function, whose command line has these words too.
    fn command(self, backend: Backend, function: &str, words: &str) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        let mut add = |arguments: &str| {
            command.args(arguments.split_whitespace());
        };
        let accelerator = match backend {
            Backend::QemuTcg => "-accel tcg",
            Backend::Kvm | Backend::QemuKvm => "-cpu host,-arch-capabilities -enable-kvm",
        };
        let image = format!("-kernel {}", tools::get().image(function).display());
        match self {
            Self::UruncLinux | Self::UruncUnikraft => {
                add("-m 256M -L /usr/share/qemu");
                add(accelerator);
                add("-nographic -vga none");
                add(
                    "--sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
                );
                add(&image);
                add("-nic none");
            }
            Self::Pci(machine) => {
                add(&format!("-M {machine} -m 256M -nodefaults -display none -no-reboot"));
                add(accelerator);
                add(&image);
                add("-device virtio-serial-pci -chardev stdio,id=console,signal=off");
                add("-device virtconsole,chardev=console");
            }
            Self::Memory(others) => {
                add("-M microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=off,x-option-roms=off");
                add("-m 16M -nodefaults -display none -no-reboot");
                add(accelerator);
                add(&image);
                add(others);
                add("-global virtio-mmio.force-legacy=false -device virtio-serial-device");
                add("-chardev stdio,id=console,signal=off -device virtconsole,chardev=console");
            }
        }
        if self == Self::UruncLinux {
            add("-no-reboot -serial stdio -nodefaults");
        }
        command.arg("-append").arg(self.command_line(function, words));
        command
    }

    fn command_line(self, function: &str, words: &str) -> String {
        let (before, after) = words.split_once("-- ").unwrap_or((words, ""));
        let before = before.trim();
        match self {
            Self::UruncLinux => {
                format!("panic=-1 console=ttyS0 {before} init=/{function} -- {after}")
            }
            Self::UruncUnikraft => {
                format!("{function} env.vars=[ {before} ] netdev.ip=/24::8.8.8.8  -- {after}")
            }
            Self::Pci(_) | Self::Memory(_) => format!("console=hvc0 {words}"),
        }
    }

    fn start(self, backend: Backend, function: &str, words: &str) -> Conversation {
        let mut command = self.command(backend, function, words);
        command.stdin(Stdio::piped());
        let mut running = Invocation::new(command).spawn();
        let (stdin, stdout) = (running.stdin(), BufReader::new(running.stdout()));
        let mut conversation = Conversation { running, stdin: Some(stdin), stdout };
        if SERIAL.contains(&self) {
            conversation.skip_firmware();
        }
        conversation
    }
}

/// A machine and both ends of its console.
struct Conversation {
    running: Running,
    stdin: Option<std::process::ChildStdin>,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Conversation {
    fn skip_firmware(&mut self) {
        let mut seen = Vec::new();
        while !seen.ends_with(FIRMWARE_ENDS.as_bytes()) {
            let mut byte = [0];
            let read = self.stdout.read(&mut byte).expect("QEMU writes");
            assert!(read == 1, "it ended after {:?}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }

    fn say(&mut self, words: &str) {
        self.stdin.as_mut().expect("it is open").write_all(words.as_bytes()).expect("QEMU reads");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("QEMU writes");
        line
    }

    /// What comes until the machine ends, which is the function's doing: STDIN stays open.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).expect("QEMU writes");
        self.running.finish().expect(0);
        drop(self.stdin);
        rest
    }

    fn rest_as_text(self) -> String {
        String::from_utf8(self.rest()).expect("text")
    }
}

/// Each line comes back before the next is sent; after as many bytes as were announced, STDIN ends.
fn converse(backend: Backend, launcher: Launcher) {
    let lines = ["one\n", "two words\n", "three\n", "\n"];
    let length: usize = lines.iter().map(|line| line.len()).sum();
    let words = format!("CONTENT_LENGTH={length}");
    let mut conversation = launcher.start(backend, "echo", &words);
    for line in lines {
        conversation.say(line);
        assert_eq!(conversation.hear(), line, "{launcher:?}");
    }
    assert_eq!(conversation.rest_as_text(), "", "{launcher:?}");
}

fn urunc(backend: Backend) {
    SERIAL.iter().for_each(|&launcher| converse(backend, launcher));
}

fn on_pci(backend: Backend) {
    for machine in ["pc", "q35"] {
        converse(backend, Launcher::Pci(machine));
    }
}

fn over_memory(backend: Backend) {
    converse(backend, MEMORY);
    converse(backend, Launcher::Memory("-device virtio-rng-device"));
}

/// What a function is given is not how its console is driven, and tabs are white space.
fn lookalikes(backend: Backend) {
    let words = "A=1\tquiet\tvirtio_mmio.device=512@0xfeb00000:5:0\t-- \
        ampoule.console=driven virtio_mmio.device=512@0xfeb00000:5 x";
    let said = MEMORY.start(backend, "context", words).rest_as_text();
    assert_eq!(told(&said, "argument"), ["ampoule.console=driven", "x"].map(hexadecimal));
    assert_eq!(told(&said, "variable")[0], format!("{}={}", hexadecimal("A"), hexadecimal("1")));
}

/// Longer than all buffers of the guest together. Each piece comes back before the next is sent, and a
/// pipe has room for one: QEMU drops what a console writes where nobody reads.
fn every_byte(backend: Backend) {
    const PIECE_BYTES: usize = 16 << 10;
    for (launcher, length) in [(Launcher::UruncLinux, 20_000), (PCI, 600_000)] {
        let bytes = Random::new(3).bytes(length);
        let words = format!("CONTENT_LENGTH={length}");
        let mut conversation = launcher.start(backend, "echo", &words);
        for piece in bytes.chunks(PIECE_BYTES) {
            let stdin = conversation.stdin.as_mut().expect("it is open");
            stdin.write_all(piece).expect("QEMU reads");
            let mut heard = vec![0; piece.len()];
            conversation.stdout.read_exact(&mut heard).expect("QEMU writes");
            assert!(heard == piece, "{launcher:?}");
        }
        assert_eq!(conversation.rest(), b"", "{launcher:?}");
    }
}

/// The lines of `context` with this first word.
fn told<'a>(said: &'a str, what: &str) -> Vec<&'a str> {
    said.lines().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' ')).collect()
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn context(backend: Backend) {
    let words = "A=1 GREETING=good%20day%21 PATH=/bin:/usr/bin root=/dev/ram0 rw ip=10.0.0.2::: \
        %68%6F%6d%65=/ EMPTY= -- -l %2d%2D two%20words A=3 %C3%A9%25";
    let mut seen = Vec::new();
    for &launcher in launchers(backend) {
        let said = launcher.start(backend, "context", words).rest_as_text();
        let arguments: Vec<_> =
            ["-l", "--", "two words", "A=3", "é%"].map(hexadecimal).into_iter().collect();
        assert_eq!(told(&said, "argument"), arguments, "{launcher:?}");
        assert_eq!(told(&said, "name"), ["context"], "{launcher:?}");
        let memory = if launcher == MEMORY { "16" } else { "255" };
        let variables = [
            ("A", "1"),
            ("GREETING", "good day!"),
            ("PATH", "/bin:/usr/bin"),
            ("home", "/"),
            ("EMPTY", ""),
            ("AMPOULE_ABI", "1"),
            ("FN_NAME", "context"),
            ("FN_MEMORY", memory),
        ];
        let variables =
            variables.map(|(name, value)| format!("{}={}", hexadecimal(name), hexadecimal(value)));
        assert_eq!(told(&said, "variable"), variables, "{launcher:?}");
        seen.extend(told(&said, "random").iter().map(|&random| random.to_owned()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), launchers(backend).len(), "randomness is fresh");
}

fn hostile(backend: Backend) {
    let refused = |words: &str, part: &str| {
        let said = PCI.start(backend, "context", words).rest_as_text();
        let expected = said.starts_with("ampoule: ") && said.contains(part);
        assert!(expected && said.lines().count() == 1, "{words:?} gave {said:?}");
    };
    refused("A=x%00y", "%00");
    if backend != Backend::QemuTcg {
        // The same code reads it, and booting takes seconds.
        return;
    }
    for words in ["A=%", "-- %2", "A=%g1", "-- x%%41y", "%3=1"] {
        refused(words, "hexadecimal");
    }
    for words in ["CONTENT_LENGTH=", "CONTENT_LENGTH=6%20", "CONTENT_LENGTH=1 %43ONTENT_LENGTH=x"] {
        refused(words, "CONTENT_LENGTH");
    }
    // It means what the function is told.
    let mut conversation = PCI.start(backend, "echo", "CONTENT_LENGTH=2 %43ONTENT_LENGTH=%34");
    conversation.say("one\n");
    assert_eq!(conversation.rest_as_text(), "one\n");
    let longest = 4095 - "console=hvc0 ".len();
    let words = format!("A={}", "x".repeat(longest - 2));
    let said = PCI.start(backend, "context", &words).rest_as_text();
    assert_eq!(told(&said, "variable")[0].len(), 2 * (longest - 2) + 3, "the longest line");
    refused(&format!("{words}y"), "4095");
    // What is far too long goes over what QEMU's firmware has written before it.
    let said = PCI.start(backend, "context", &"x".repeat(6000)).rest_as_text();
    assert!(told(&said, "variable").is_empty(), "{said:?}");
    // What kernels are told, broken as it may be, is nothing to a function.
    let said = PCI.start(backend, "context", "root=%zz %zz =1 -1=2 -").rest_as_text();
    assert_eq!(told(&said, "variable").len(), 3, "{said:?}");
}

fn endings(backend: Backend) {
    for &launcher in launchers(backend) {
        let said = |words: &str| launcher.start(backend, "fail", words).rest_as_text();
        assert_eq!(said("-- status 0"), "", "{launcher:?}");
        let panicked = said("-- panic");
        assert!(panicked.lines().all(|line| line.starts_with("ampoule: ")), "{panicked:?}");
        assert!(panicked.contains("examples/fail/src"), "{panicked:?}");
        if backend == Backend::QemuTcg {
            let faulted = said("-- null");
            assert!(
                faulted.contains("null pointer") && faulted.lines().count() == 1,
                "{faulted:?}"
            );
        }
    }
    // An error goes where STDOUT goes.
    let wrong = PCI.start(backend, "wc", "-- --no-such-option").rest_as_text();
    assert!(wrong.starts_with("wc: "), "{wrong:?}");
}

/// Of one second at rest, of which a busy wait would take all: 100 ticks.
const MOST_TICKS: u64 = 25;

fn waiting(backend: Backend) {
    for launcher in [Launcher::UruncLinux, PCI] {
        let mut conversation = launcher.start(backend, "echo", "CONTENT_LENGTH=8");
        conversation.say("one\n");
        assert_eq!(conversation.hear(), "one\n");
        let machine = conversation.running.pid();
        procfs::wait_until_idle(&[machine]);
        let before = procfs::processor_ticks(machine);
        let ended = procfs::wait_for_end(machine, Duration::from_secs(1));
        let after = procfs::processor_ticks(machine);
        assert!(!ended, "it waits for STDIN");
        assert!(after - before <= MOST_TICKS, "{launcher:?}: {} ticks", after - before);
        conversation.say("two\n");
        assert_eq!(conversation.hear(), "two\n");
        assert_eq!(conversation.rest_as_text(), "");
    }
}

/// A serial line tells nobody that its last byte has gone, and that one waits for a reader: the pipe
/// has room for all but that.
fn draining(backend: Backend) {
    const PIPE_BYTES: usize = 4096;
    let bytes = "x".repeat(PIPE_BYTES + 1);
    let words = format!("CONTENT_LENGTH={}", "one\n".len() + bytes.len());
    let mut conversation = Launcher::UruncLinux.start(backend, "echo", &words);
    conversation.say("one\n");
    assert_eq!(conversation.hear(), "one\n");
    let room = rustix::pipe::fcntl_setpipe_size(conversation.stdout.get_ref(), PIPE_BYTES);
    assert_eq!(room, Ok(PIPE_BYTES));
    conversation.say(&bytes);
    let machine = conversation.running.pid();
    let ticks_of_a_second = || {
        let before = procfs::processor_ticks(machine);
        let ended = procfs::wait_for_end(machine, Duration::from_secs(1));
        assert!(!ended, "it waits for the last byte to be read");
        procfs::processor_ticks(machine) - before
    };
    // Into the first seconds falls the sending.
    let mut seconds = (0..10).map(|_| ticks_of_a_second());
    assert!(seconds.any(|ticks| ticks <= MOST_TICKS), "it is never at rest");
    assert_eq!(conversation.rest_as_text(), bytes);
}
