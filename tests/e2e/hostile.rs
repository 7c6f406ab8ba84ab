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
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Scratch, Suite};
use crate::matrix::Backend;
use crate::process::{Done, Running};
use crate::tools::root;
use crate::{assembly, image, procfs};

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
const PANICKED: Ending = Ending(134, &["panicked"]);
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

    // The processor. A KVM that emulates ring 0 knows neither `int` nor `iret`.
    ("every_msr", &[SURVIVED], &[SURVIVED]),
    ("every_cpuid", &[SURVIVED], &[SURVIVED]),
    ("paravirtual_registers", &[SURVIVED], &[SURVIVED]),
    ("self_modifying_code", &[SURVIVED], &[SURVIVED]),
    ("write_to_read_only_memory", &[SURVIVED], &[SURVIVED]),
    ("exception_storm", &[HANGS], &[HANGS]),
    ("exception_in_its_own_handler", &[RESET], &[RESET]),
    ("interrupt_storm", &[HANGS], &[HANGS]),
    ("non_maskable_interrupts", &[STUCK, HANGS], &[STUCK, HANGS]),
    ("software_interrupts", &[STUCK, HANGS], &[STUCK, HANGS]),

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
    ("receive_wrapping_address", &[BROKEN], &[SURVIVED]),
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
    ("frame_length_of_64_bits", &[PROTOCOL], &[PROTOCOL]),
    ("length_without_end", &[PROTOCOL], &[PROTOCOL]),
    ("frame_of_no_bytes", &[PROTOCOL], &[PROTOCOL]),
    ("frames_of_no_data", &[SURVIVED], &[SURVIVED]),
    ("two_fields_in_a_frame", &[PROTOCOL], &[PROTOCOL]),
    ("unknown_frame", &[PROTOCOL], &[PROTOCOL]),
    ("truncated_frame", &[RESET], &[RESET]),
    ("truncated_exit", &[HANGS], &[HANGS]),
    ("frames_out_of_order", &[PROTOCOL], &[PROTOCOL]),
    ("output_before_ready", &[PROTOCOL], &[PROTOCOL]),
    ("exit_without_ready", &[PROTOCOL], &[PROTOCOL]),
    ("exit_then_more", &[SEVEN], &[SEVEN]),
    ("double_exit", &[SEVEN], &[SEVEN]),
    ("longest_exit_message", &[PANICKED], &[PANICKED]),
    ("longest_backtrace", &[PANICKED], &[PANICKED]),
    ("exit_message_too_long", &[PROTOCOL], &[PROTOCOL]),
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

/// How much more memory a launcher may ever have than that of [`BASE`]. All guests have taken all of
/// their memory before they act, so that the rest is the launcher's own.
const MOST_GROWTH_BYTES: u64 = (1 << 20) - 1;

/// The image of a guest that does nothing of note.
const BASE: &str = "well_behaved";

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
    suite.once("hostile::the_tables_are_of_what_is_tried", table);
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

/// The documentation's tables are made of what is tried: each guest's row of its own first words and
/// what is expected of its call.
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
    let has = |table: &str| readme.contains(&format!("\n\n{table}\n"));
    assert!(has(&table), "tests/hostile/README.md is to have\n\n{table}");
    let files = image::table();
    assert!(readme.ends_with(&format!("\n\n{files}")), "it is to end with\n\n{files}");
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
    backend: Backend,
    running: Running,
    _stdin: PipeWriter,
    stdout: ChildStdout,
    peak: Scratch,
    mark: String,
    began: Instant,
}

/// What came of it.
struct Aftermath {
    done: Done,
    /// The most memory that the launcher ever had.
    peak_bytes: u64,
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
        let peak = Scratch::new();
        let file = peak.path(PEAK).display().to_string();
        let call = backend.call_image(path).options(&["--timeout", timeout]).bare();
        let began = Instant::now();
        let (stdin, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(&[b'x'; 1000]).expect("a pipe holds that");
        let call = call.env("PATH", &places).under("peak.py", &[&file]);
        let mut running = call.spawn_on(stdin);
        let stdout = running.stdout();
        let mark = format!("PATH={places}");
        Self { backend, running, _stdin: writer, stdout, peak, mark, began }
    }

    /// Waits for the end and checks what holds for any.
    fn finish(self, reader: Reader) -> Aftermath {
        let backend = self.backend;
        let aftermath = self.end(reader);
        let growth = aftermath.peak_bytes.saturating_sub(base_bytes(backend));
        assert!(growth <= MOST_GROWTH_BYTES, "{growth} bytes of growth: {:?}", aftermath.done);
        aftermath
    }

    /// Waits for the end.
    fn end(self, reader: Reader) -> Aftermath {
        let Self { backend: _, running, _stdin, stdout, peak, mark, began } = self;
        let reader = thread::spawn(move || read(stdout, &reader));
        let done = running.finish();
        assert!(began.elapsed() < LONGEST || done.status != HANGS.0, "late: {done:?}");
        procfs::wait_until_none_has(&mark);
        let peak = fs::read_to_string(peak.path(PEAK));
        let peak = peak.unwrap_or_else(|error| panic!("it was killed ({error}): {done:?}"));
        let peak_bytes = peak.parse::<u64>().expect("a number") * 1024;
        let (first, bytes, _pipe) = reader.join().expect("the reader ends");
        Aftermath { done, peak_bytes, first, bytes }
    }
}

/// The file that tells the most memory that a launcher ever had.
const PEAK: &str = "peak";

/// The most memory that the launcher of [`BASE`] ever had.
fn base_bytes(backend: Backend) -> u64 {
    static BASES: [OnceLock<u64>; 3] = [const { OnceLock::new() }; 3];
    *BASES[backend as usize].get_or_init(|| {
        let base = Attack::start(backend, BASE, LONG).end(Reader::Reads);
        assert_eq!(base.done.status, 0, "{:?}", base.done);
        base.peak_bytes
    })
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
