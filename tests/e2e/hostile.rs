//! Guests that break one rule each: of virtio, of the stream, of the machine (SPEC C3, C6, C8). The
//! call ends with the status that is due, says so in one message, in bounded time and memory, and
//! leaves nothing.
//!
//! The launcher's own monitor names what a guest broke. What QEMU does about it is QEMU's matter,
//! here version 7.2's: mostly it gives the device up without a word, and the guest hangs.

use std::collections::BTreeSet;
use std::fs;
use std::io::{PipeWriter, Read, Write};
use std::process::ChildStdout;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::Suite;
use crate::matrix::Backend;
use crate::process::{Done, Running};
use crate::tools::root;
use crate::{assembly, procfs};

/// How a call may end: a status, and words of which one is in its message; none if it is silent.
#[derive(Debug)]
struct Ending(i32, &'static [&'static str]);

const SURVIVED: Ending = Ending(0, &[]);
const REFUTED: Ending = Ending(1, &[]);
const SEVEN: Ending = Ending(7, &[]);
const HANGS: Ending = Ending(124, &["--timeout"]);
const BROKEN: Ending = Ending(125, &["virtqueue", "virtio"]);
const PROTOCOL: Ending = Ending(125, &["protocol"]);
const STUCK: Ending = Ending(125, &["could not go on"]);
const RESET: Ending = Ending(134, &["triple fault"]);
const QUIET: Ending = Ending(141, &[]);

/// An image, and how its call ends with the launcher's own monitor and with QEMU.
type Case = (&'static str, &'static [Ending], &'static [Ending]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("well_behaved", &[SURVIVED], &[SURVIVED]),

    // Addresses, ports and instructions.
    ("wild_mmio", &[SURVIVED], &[SURVIVED]),
    ("every_port", &[SURVIVED], &[SURVIVED]),
    ("port_strings", &[SURVIVED], &[SURVIVED]),
    ("write_to_a_hole", &[SURVIVED], &[SURVIVED]),
    ("reset_by_keyboard_controller", &[SURVIVED], &[SURVIVED]),
    ("reset_by_port_cf9", &[SURVIVED], &[SURVIVED]),
    ("triple_fault", &[RESET], &[RESET]),
    // TCG finds instructions in the zeros of nowhere, for ever, and crashes on those of a device.
    ("jump_to_nowhere", &[STUCK], &[STUCK, HANGS]),
    ("jump_to_the_device", &[STUCK], &[STUCK, RESET]),
    ("exit_storm", &[HANGS], &[HANGS]),

    // Chains in the transmit queue. Where there is no memory, QEMU reads zeros.
    ("zero_length_descriptors", &[SURVIVED], &[HANGS]),
    ("descriptor_loop", &[BROKEN], &[HANGS]),
    ("loop_of_two", &[BROKEN], &[HANGS]),
    ("next_outside_of_the_table", &[BROKEN], &[HANGS]),
    ("huge_length", &[BROKEN], &[HANGS]),
    ("wrapping_address", &[BROKEN], &[PROTOCOL]),
    ("address_outside_of_memory", &[BROKEN], &[PROTOCOL]),
    ("address_above_4_gib", &[BROKEN], &[PROTOCOL]),
    ("address_across_the_end_of_memory", &[BROKEN], &[PROTOCOL]),
    ("address_in_the_device", &[BROKEN], &[PROTOCOL]),
    ("writable_descriptor_in_the_transmit_queue", &[BROKEN], &[SURVIVED]),
    ("indirect_descriptor_not_offered", &[BROKEN], &[SURVIVED]),
    ("indirect_descriptor_in_an_indirect_table", &[BROKEN], &[PROTOCOL]),

    // The available ring.
    ("available_index_jump", &[BROKEN], &[SURVIVED]),
    ("available_index_back", &[BROKEN], &[HANGS]),
    ("available_head_outside_of_the_table", &[BROKEN], &[HANGS]),
    ("available_head_65535", &[BROKEN], &[HANGS]),

    // The receive queue.
    ("readable_descriptor_in_the_receive_queue", &[BROKEN], &[HANGS]),
    ("receive_loop", &[SURVIVED], &[HANGS]),
    ("receive_address_outside_of_memory", &[BROKEN], &[SURVIVED]),
    ("receive_address_in_the_device", &[BROKEN], &[SURVIVED]),
    ("receive_huge_length", &[BROKEN], &[HANGS]),
    ("receive_zero_length", &[SURVIVED, BROKEN], &[HANGS]),
    ("input_over_the_rings", &[SURVIVED, BROKEN], &[SURVIVED]),

    // Where queues are, and how large.
    ("descriptor_table_outside_of_memory", &[BROKEN], &[HANGS]),
    ("available_ring_outside_of_memory", &[BROKEN], &[HANGS]),
    ("used_ring_outside_of_memory", &[BROKEN], &[SURVIVED]),
    ("receive_used_ring_outside_of_memory", &[BROKEN], &[HANGS]),
    ("descriptor_table_wraps", &[BROKEN], &[HANGS]),
    ("available_ring_wraps", &[BROKEN], &[HANGS]),
    ("used_ring_wraps", &[BROKEN], &[HANGS]),
    ("descriptor_table_not_aligned", &[BROKEN], &[SURVIVED]),
    ("available_ring_not_aligned", &[BROKEN], &[SURVIVED]),
    ("used_ring_not_aligned", &[BROKEN], &[SURVIVED]),
    ("rings_on_one_place", &[SURVIVED, BROKEN], &[SURVIVED]),
    ("queue_size_zero", &[BROKEN], &[SURVIVED]),
    ("queue_size_not_a_power_of_two", &[BROKEN], &[SURVIVED]),
    ("queue_size_too_large", &[BROKEN], &[SURVIVED]),
    ("queue_size_of_17_bits", &[BROKEN], &[SURVIVED]),
    ("queue_ready_twice", &[SURVIVED], &[SURVIVED]),
    ("queue_moved_while_ready", &[SURVIVED, BROKEN], &[SURVIVED]),

    // The device's states. QEMU uses buffers too early and too late, and agrees to any feature.
    ("reset_and_reuse", &[SURVIVED], &[SURVIVED]),
    ("reset_without_end", &[SURVIVED], &[SURVIVED]),
    ("every_status", &[SURVIVED], &[SURVIVED]),
    ("notify_of_no_queue", &[SURVIVED], &[SURVIVED]),
    ("select_no_queue", &[SURVIVED], &[SURVIVED]),
    ("features_not_offered", &[SURVIVED], &[SURVIVED, REFUTED]),
    ("driver_ok_without_queues", &[SURVIVED], &[SURVIVED]),
    ("driver_ok_without_features", &[SURVIVED], &[SURVIVED]),
    ("notify_before_driver_ok", &[SURVIVED], &[SURVIVED, REFUTED]),
    ("notify_of_a_queue_not_ready", &[SURVIVED], &[SURVIVED, REFUTED]),

    // The stream.
    ("garbage_frames", &[PROTOCOL], &[PROTOCOL]),
    ("frame_too_long", &[PROTOCOL], &[PROTOCOL]),
    ("exit_without_ready", &[PROTOCOL], &[PROTOCOL]),
    ("exit_then_more", &[SEVEN], &[SEVEN]),
    ("double_exit", &[SEVEN], &[SEVEN]),
];

/// What else is tested, with an eye on more than the ending.
const OTHERS: [Case; 4] = [
    ("halt_for_ever", &[HANGS], &[HANGS]),
    ("longest_chain", &[SURVIVED], &[SURVIVED]),
    ("one_notification", &[HANGS], &[HANGS]),
    ("output_flood", &[HANGS, QUIET], &[HANGS, QUIET]),
];

/// What a guest has written before it acts.
const ACTING: &str = "acting\n";

/// The time that a guest has that is expected to use it all.
const SHORT: &str = "2s";
/// The time that a guest has that is expected to end by itself.
const LONG: &str = "30s";

/// How long a call with a deadline of [`SHORT`] may last on a busy machine.
const LONGEST: Duration = Duration::from_secs(15);

/// The most memory of the launcher: its own, and the guest's.
const MOST_MEMORY_BYTES: u64 = (32 << 20) + (4 << 20);

pub fn add(suite: &mut Suite) {
    for &(image, own, qemu) in CASES {
        suite.each(&format!("hostile::{image}"), move |backend| {
            let expected = if backend == Backend::Kvm { own } else { qemu };
            let is_short = expected.iter().any(|ending| ending.0 == HANGS.0);
            let timeout = if is_short { SHORT } else { LONG };
            Attack::start(backend, image, timeout).finish(Reader::Reads).check(expected);
        });
    }
    suite.each("hostile::halt_for_ever", halt);
    suite.each("hostile::longest_chain", longest_chain);
    suite.each("hostile::one_notification", one_notification);
    suite.each("hostile::output_flood_into_a_closed_pipe", closed_pipe);
    suite.each("hostile::output_flood_into_a_full_pipe", full_pipe);
    suite.once("hostile::every_image_is_tried", every_image);
    suite.once("hostile::the_table_of_images_is_what_is_tried", table);
}

/// One second at rest, of which a busy wait would take all: 100 ticks.
fn halt(backend: Backend) {
    const MOST_TICKS: u64 = 25;
    let mut attack = Attack::start(backend, "halt_for_ever", "4s");
    attack.stdout.read_exact(&mut [0; ACTING.len()]).expect("it says that it acts");
    let launcher = attack.running.pid();
    let mut processes = procfs::children(launcher);
    processes.insert(0, launcher);
    let ticks = || processes.iter().map(|&pid| procfs::processor_ticks(pid)).sum::<u64>();
    let before = ticks();
    assert!(!procfs::wait_for_end(launcher, Duration::from_secs(1)), "its deadline is later");
    let used = ticks() - before;
    assert!(used <= MOST_TICKS, "{used} ticks in a second at rest");
    attack.finish(Reader::Holds).ends_as(&[HANGS]);
}

/// All of 128 MiB comes, and none of it is held.
fn longest_chain(backend: Backend) {
    const PAYLOAD_BYTES: u64 = (1 << 20) - 4;
    let result = Attack::start(backend, "longest_chain", LONG).finish(Reader::Reads);
    assert_eq!(result.bytes, ACTING.len() as u64 + 128 * PAYLOAD_BYTES, "{:?}", result.done);
    result.check(&[SURVIVED]);
}

fn one_notification(backend: Backend) {
    let result = Attack::start(backend, "one_notification", SHORT).finish(Reader::Reads);
    result.check(&[HANGS]);
}

fn closed_pipe(backend: Backend) {
    Attack::start(backend, "output_flood", LONG).finish(Reader::Leaves).ends_as(&[QUIET]);
}

fn full_pipe(backend: Backend) {
    Attack::start(backend, "output_flood", SHORT).finish(Reader::Holds).ends_as(&[HANGS]);
}

fn every_image() {
    let there: BTreeSet<_> = assembly::names().into_iter().collect();
    let tried = CASES.iter().chain(&OTHERS).map(|case| case.0.to_owned());
    assert_eq!(there, tried.collect());
}

/// The documentation's table is made here, of each image's own first words and what is expected of
/// its call.
fn table() {
    let folder = root().join("tests/hostile");
    let mut table = String::from("| image | what it does | built-in monitor | QEMU |\n");
    table += "| --- | --- | --- | --- |\n";
    for (image, own, qemu) in CASES.iter().chain(&OTHERS) {
        let source = fs::read_to_string(folder.join(format!("{image}.s"))).expect("its source");
        let comment = source.lines().map_while(|line| line.strip_prefix("# "));
        let words = comment.collect::<Vec<_>>().join(" ");
        let [own, qemu] = [own, qemu]
            .map(|endings| endings.iter().map(Ending::name).collect::<Vec<_>>().join(" or "));
        table += &format!("| `{image}` | {words} | {own} | {qemu} |\n");
    }
    let readme = fs::read_to_string(folder.join("README.md")).expect("the documentation");
    assert!(readme.ends_with(&table), "tests/hostile/README.md is to end with\n\n{table}");
}

/// What becomes of a guest's output.
enum Reader {
    /// All is read.
    Reads,
    /// Nothing more is read once something has come, but might be.
    Holds,
    /// The pipe is closed once something has come.
    Leaves,
}

/// A call of a hostile image. Its STDIN, where something was from the start, stays open, and its
/// processes carry a mark.
struct Attack {
    running: Running,
    _stdin: PipeWriter,
    stdout: ChildStdout,
    peak_memory: JoinHandle<u64>,
    mark: String,
    began: Instant,
}

/// What came of it.
struct Aftermath {
    done: Done,
    /// The first bytes of STDOUT, and how many there were.
    first: Vec<u8>,
    bytes: u64,
}

impl Attack {
    fn start(backend: Backend, image: &str, timeout: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = assembly::image(image);
        // All that a monitor gets of an environment is where programs are.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let places = std::env::var("PATH").expect("there is a PATH");
        let places = format!("{places}:{}/{}-{number}", path.display(), std::process::id());
        let call = backend.call_image(path).options(&["--timeout", timeout]).bare();
        let began = Instant::now();
        let (stdin, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(&[b'x'; 1000]).expect("a pipe holds that");
        let mut running = call.env("PATH", &places).spawn_on(stdin);
        let (pid, stdout) = (running.pid(), running.stdout());
        let peak_memory = thread::spawn(move || procfs::last_peak_memory_bytes(pid));
        Self { running, _stdin: writer, stdout, peak_memory, mark: format!("PATH={places}"), began }
    }

    /// Waits for the end and checks what holds for any.
    fn finish(self, reader: Reader) -> Aftermath {
        let Self { running, _stdin, stdout, peak_memory, mark, began } = self;
        let reader = thread::spawn(move || read(stdout, &reader));
        let done = running.finish();
        assert!(began.elapsed() < LONGEST || done.status != HANGS.0, "late: {done:?}");
        let peak = peak_memory.join().expect("the watcher ends");
        assert!(peak <= MOST_MEMORY_BYTES, "{peak} bytes of memory: {done:?}");
        procfs::wait_until_none_has(&mark);
        let (first, bytes, _pipe) = reader.join().expect("the reader ends");
        Aftermath { done, first, bytes }
    }
}

/// The first bytes, the number of all, and what keeps the pipe open.
fn read(mut stdout: ChildStdout, reader: &Reader) -> (Vec<u8>, u64, Option<ChildStdout>) {
    let mut first = Vec::new();
    let start = stdout.by_ref().take(ACTING.len() as u64).read_to_end(&mut first);
    let mut bytes = start.expect("a pipe can be read") as u64;
    match reader {
        Reader::Leaves => (first, bytes, None),
        Reader::Holds => (first, bytes, Some(stdout)),
        Reader::Reads => {
            let rest = std::io::copy(&mut stdout, &mut std::io::sink());
            bytes += rest.expect("a pipe can be read");
            (first, bytes, None)
        }
    }
}

impl Aftermath {
    /// Checks that the guest came to its act, and how the call ended.
    fn check(self, expected: &[Ending]) {
        // Whoever was never ready never wrote.
        let is_mute = self.done.stderr.contains("before it was ready");
        assert!(is_mute || self.first == ACTING.as_bytes(), "it did not act: {:?}", self.done);
        self.ends_as(expected);
    }

    /// Checks how the call ended.
    fn ends_as(self, expected: &[Ending]) {
        let done = self.done;
        let due = |ending: &&Ending| ending.0 == done.status && ending.is_said(&done.stderr);
        assert!(expected.iter().any(|ending| due(&ending)), "not {expected:?}: {done:?}");
        match done.status {
            0..124 | 141 => done.silent(),
            _ => done.says(&[]),
        };
    }
}

impl Ending {
    /// The status, and what the message is about.
    fn name(&self) -> String {
        let Self(status, words) = self;
        match words.first() {
            Some(word) => format!("{status}, {}", word.trim_start_matches('-')),
            None => status.to_string(),
        }
    }

    fn is_said(&self, message: &str) -> bool {
        self.1.is_empty() || self.1.iter().any(|word| message.contains(word))
    }
}
