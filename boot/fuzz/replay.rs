//! A fuzz target as an ordinary test: its corpus, then mutations of it that are the same each time.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest input that is made, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// What parsers compare with, and what lies beside it.
const TELLING: [u64; 12] =
    [0, 1, 4, 8, 0x7f, 0xff, 0x1000, 0xffff, 0x10_0000, 0x7fff_ffff, u32::MAX as u64, u64::MAX];

/// Calls `body` with every file of the corpus of `target`, then with so many mutations.
pub fn replay(target: &str, body: fn(&[u8]), mutations: usize) {
    let mut files: Vec<PathBuf> = entries(&folder("corpus").join(target));
    files.sort();
    assert!(!files.is_empty(), "there is no corpus for {target}");
    let mut corpus = Vec::new();
    for file in files {
        let bytes = fs::read(&file).expect("a file of the corpus");
        run(&file.display().to_string(), &bytes, body);
        corpus.push(bytes);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..mutations {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &corpus, &mut random);
        }
        bytes.truncate(MAX_BYTES);
        run(&format!("mutation {number} of {target}"), &bytes, body);
    }
}

/// The names of all targets, in order.
#[allow(dead_code, reason = "asked for once, included more often")]
pub fn targets() -> Vec<String> {
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut names: Vec<_> = entries(&folder("fuzz_targets")).into_iter().filter_map(stem).collect();
    names.sort();
    names
}

fn folder(name: &str) -> PathBuf {
    // Crates that are not `boot` include this file too; all lie beside it.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../boot/fuzz").join(name)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of `boot/fuzz`");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn run(name: &str, bytes: &[u8], body: fn(&[u8])) {
    /// Names the input of a test that fails.
    struct Telling<'a>(&'a str, &'a [u8]);
    impl Drop for Telling<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{}: b\"{}\"", self.0, self.1.escape_ascii());
            }
        }
    }
    let _telling = Telling(name, bytes);
    body(bytes);
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    match random.below(7) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.next() as u8),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        4 => {
            let number = TELLING[random.below(TELLING.len())].wrapping_add(random.next() % 3);
            let width = 1 << random.below(4);
            let end = bytes.len().min(at + width);
            bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
        5 => {
            let length = random.below(16).min(bytes.len() - at);
            bytes.extend_from_within(at..at + length);
        }
        _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        _ => {}
    }
}

/// Numbers that follow each other as if by chance (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
