//! Images that are not to be run (SPEC C7): each is refused before any machine starts.
//!
//! All files of a case are checked by what the launcher checks them with; the first of a case, by the
//! launcher. That is given a monitor that does not exist: a call that got as far as starting one
//! would give 125.

mod cases;
mod file;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use ampoule_abi::seal::{self, Checksums};

use crate::data::Random;
use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::Done;
use crate::{hints, tools};
use cases::{Case, GOOD};
use file::File;
pub use file::{NOTE_HEADER_BYTES, entry_note_at, machine_note_at};

/// The cases of a rule.
type Group = (&'static str, fn() -> Vec<Case>);

const GROUPS: [Group; 9] = [
    ("image::what_is_no_image_gives_126", cases::no_image),
    ("image::a_file_cut_short_gives_126_wherever_it_is_cut", cases::cut_short),
    ("image::a_header_of_another_kind_gives_126", cases::headers),
    ("image::a_segment_that_breaks_a_rule_gives_126", cases::segments),
    ("image::an_image_without_a_note_gives_126", cases::notes),
    ("image::an_unknown_abi_gives_126_and_names_both_versions", cases::abi),
    ("image::memory_that_no_machine_can_have_gives_126", cases::memory),
    ("image::a_machine_note_that_lies_gives_126", cases::machine_note),
    ("image::an_entry_note_that_lies_gives_126", cases::entry_note),
];

pub fn add(suite: &mut Suite) {
    for (name, cases) in GROUPS {
        suite.once(name, move || cases().iter().for_each(refused));
    }
    suite.once("image::what_does_not_exist_gives_127", missing);
    suite.once("image::what_is_no_file_gives_126", folder);
    suite.once("image::no_flipped_byte_is_a_bug_of_the_launcher", flipped);
    suite.once("image::a_flipped_bit_of_a_sealed_image_gives_126_and_both_checksums", altered);
    suite.each("image::what_nobody_reads_does_not_matter", unread);
    suite.each("image::its_path_and_name_do_not_matter", moved);
    suite.each("image::too_little_memory_for_the_image_is_refused", too_little);
}

/// The documentation's rows of all cases.
pub fn table() -> String {
    let mut table = String::from("| image file | status | what the message is about |\n");
    table += "| --- | --- | --- |\n";
    for case in GROUPS.iter().flat_map(|(_, cases)| cases()) {
        let mut words = case.about;
        let is_good = words.pop_if(|word| *word == GOOD).is_some();
        let status = match (is_good, words.is_empty()) {
            (false, _) => "126",
            (true, false) => "126, or the function's",
            (true, true) => "the function's",
        };
        table += &format!("| {} | {status} | {} |\n", case.what, words.join(" or "));
    }
    table
}

fn sealed() -> File {
    File(fs::read(tools::get().image("echo")).expect("the image of echo"))
}

/// The same without its seal, which would hide what else is wrong with it.
fn good() -> File {
    sealed().with(seal::FIRST - seal::BYTES, &[0; seal::BYTES])
}

/// Runs a file that whoever made it has sealed.
fn run_sealed(bytes: &[u8]) -> Done {
    let mut bytes = bytes.to_vec();
    seal::seal(&mut bytes);
    run(&bytes)
}

fn run(bytes: &[u8]) -> Done {
    let scratch = Scratch::new();
    let path = scratch.path("function.elf");
    // Zeros at the end take neither time nor room.
    let content = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let file = fs::File::create(&path).expect("a file");
    (&file).write_all(&bytes[..content]).expect("written");
    file.set_len(bytes.len() as u64).expect("as long");
    let call = launcher(&["run", &path.display().to_string(), "--accel", "tcg"]);
    call.env("AMPOULE_QEMU", "/nowhere/qemu").run()
}

/// Checks that all files of a case are refused, or cannot be told from a good one.
fn refused(case: &Case) {
    let what = &case.what;
    let mut words = BTreeSet::new();
    for (index, file) in (case.files)(&good()).enumerate() {
        let message = match ampoule_boot::image::check(&file.0[..]) {
            Ok(_) => GOOD.to_owned(),
            Err(error) => error.to_string(),
        };
        let word = case.about.iter().find(|&&word| message.contains(word));
        let word = word.unwrap_or_else(|| panic!("file {index} of {what:?}: {message}"));
        words.insert(*word);
        if index == 0 && *word != GOOD {
            let done = run_sealed(&file.0).expect(126).says(&["function.elf cannot be run", word]);
            hints::check(&done.stderr);
            assert!(done.stdout.is_empty(), "{what:?}: {done:?}");
        }
    }
    assert_eq!(words, case.about.iter().copied().collect(), "{what:?}");
}

fn missing() {
    let done = launcher(&["run", "/nowhere/x.elf"]).run().expect(127);
    done.says(&["/nowhere/x.elf", "cargo xtask build-fn"]);
}

fn folder() {
    let folder = launcher(&["run", "/tmp"]).run().expect(126);
    folder.says(&["/tmp is not a regular file"]);
}

fn flipped() {
    let (good, mut random) = (good(), Random::new(7));
    for _ in 0..100 {
        let mut bytes = good.0.clone();
        let at = random.next() as usize % 512;
        bytes[at] ^= 1 << (random.next() % 8);
        let done = run_sealed(&bytes);
        assert!(matches!(done.status, 125 | 126), "byte {at}: {done:?}");
        assert!(!done.stderr.contains("a bug of"), "byte {at}: {done:?}");
    }
}

fn altered() {
    let (sealed, mut random) = (sealed(), Random::new(11));
    let found = |image: &[u8]| seal::compare(image).expect("a seal");
    let whole = found(&sealed.0);
    assert!(whole.agree());
    // All of the first page's, where every header lies, and some of each other page.
    let bits =
        (0..8 * seal::FIRST).chain((1..64).map(|_| random.next() as usize % (8 * sealed.0.len())));
    for (index, bit) in bits.enumerate() {
        let mut file = sealed.clone();
        file.0[bit / 8] ^= 1 << (bit % 8);
        let Checksums { claimed, found } = found(&file.0);
        assert_ne!(claimed, found, "bit {bit}");
        let [claimed, found] = [claimed, found].map(|sum| format!("xxh64:{sum:016x}"));
        if index % 256 == 0 || index >= 8 * seal::FIRST {
            let done = run(&file.0).expect(126);
            done.says(&["function.elf cannot be run", "altered", &claimed, &found]);
        }
    }
    run(&good().0).expect(126).says(&["function.elf cannot be run", "its seal is gone"]);
    for length in [seal::FIRST, seal::FIRST + 1, sealed.0.len() / 2, sealed.0.len() - 1] {
        let done = run(&sealed.0[..length]).expect(126);
        let claimed = format!("xxh64:{:016x}", whole.claimed);
        done.says(&["function.elf cannot be run", "altered", &claimed]);
    }
}

fn unread(backend: Backend) {
    for case in cases::headers().into_iter().filter(|case| case.about == [GOOD]) {
        for file in (case.files)(&good()) {
            runs(backend, &file, "function.elf");
        }
    }
}

fn runs(backend: Backend, file: &File, name: &str) {
    let scratch = Scratch::new();
    let path = scratch.path(name);
    let mut bytes = file.0.clone();
    assert!(seal::seal(&mut bytes));
    fs::write(&path, bytes).expect("written");
    let done = backend.call_image(path).bare().feed(b"x").expect(0).silent();
    assert_eq!(done.stdout, b"x");
}

fn moved(backend: Backend) {
    runs(backend, &good(), "any name, -even this");
}

fn too_little(backend: Backend) {
    let done = backend.call("echo").options(&["--memory", "2MiB"]).bare().run().expect(125);
    assert!(done.stderr.contains("4MiB"), "{done:?}");
}
