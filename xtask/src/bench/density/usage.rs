//! What a process and those that it has started occupy, as `/proc` tells it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// `/proc` does not tell what is asked.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read: {why}", path.display())]
pub struct UsageError {
    path: PathBuf,
    why: io::Error,
}

/// What one call occupies: its process and those that it has started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory that nobody else maps.
    pub private_bytes: u64,
    /// That, and its share of what others map too.
    pub pss_bytes: u64,
    /// All that it maps and that is in memory.
    pub rss_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Processes.
    pub processes: u64,
}

impl Usage {
    /// That of the process `pid`.
    pub fn of(pid: u32) -> Result<Self, UsageError> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let tasks = tasks(&folder.join("task"))?;
        let mut all = of_rollup(&read(&folder.join("smaps_rollup"))?);
        all.threads = tasks.len() as u64;
        all.processes = 1;
        for task in tasks {
            let children = read(&task.join("children"))?;
            for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
                all.add(Self::of(child)?);
            }
        }
        Ok(all)
    }

    fn add(&mut self, other: Self) {
        self.private_bytes += other.private_bytes;
        self.pss_bytes += other.pss_bytes;
        self.rss_bytes += other.rss_bytes;
        self.threads += other.threads;
        self.processes += other.processes;
    }
}

fn read(path: &Path) -> Result<String, UsageError> {
    fs::read_to_string(path).map_err(|why| UsageError { path: path.into(), why })
}

fn tasks(folder: &Path) -> Result<Vec<PathBuf>, UsageError> {
    let failed = |why| UsageError { path: folder.into(), why };
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

/// Memory that the machine could still give out.
pub fn available_bytes() -> Result<i64, UsageError> {
    let text = read("/proc/meminfo".as_ref())?;
    Ok(of_line(&text, "MemAvailable") as i64)
}

/// The memory that `/proc/PID/smaps_rollup` tells of.
fn of_rollup(text: &str) -> Usage {
    Usage {
        private_bytes: of_line(text, "Private_Clean") + of_line(text, "Private_Dirty"),
        pss_bytes: of_line(text, "Pss"),
        rss_bytes: of_line(text, "Rss"),
        ..Usage::default()
    }
}

/// The amount on a line like `Rss:  2000 kB`, in bytes; 0 if there is none.
fn of_line(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_rollup_are_those_of_whole_lines() {
        let text = "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:     2000 kB\nPss:      900 kB\n\
             Pss_Anon:   1 kB\nPrivate_Clean:    300 kB\nPrivate_Dirty:    500 kB\n";
        let usage = of_rollup(text);
        assert_eq!(usage.private_bytes, 800 << 10);
        assert_eq!((usage.pss_bytes, usage.rss_bytes), (900 << 10, 2000 << 10));
        assert_eq!(of_rollup(""), Usage::default());
    }
}
