//! What a measurement found, as a table for people or an object for programs.

use ampoule_boot::units;
use serde::Serialize;

use super::machine::Machine;
use super::statistics::Percentiles;
use crate::console::short_size;

/// What was measured, and under which conditions.
#[derive(Serialize)]
pub struct Results {
    /// Name and version of this form.
    pub schema: &'static str,
    /// Where and when.
    #[serde(flatten)]
    pub machine: Machine,
    /// Starts of each subject.
    pub runs: u32,
    /// The image's size.
    pub image_bytes: u64,
    /// The guest's memory.
    pub memory_bytes: u64,
    /// What was measured, in the order of the table.
    pub subjects: Vec<Row>,
}

/// One subject.
#[derive(Serialize)]
pub struct Row {
    /// Its name in the table.
    pub name: String,
    /// Until the first byte of STDOUT, in microseconds; absent if it writes none.
    pub first_byte_us: Option<Percentiles>,
    /// Until the process was gone, in microseconds.
    pub exit_us: Percentiles,
    /// The median time to exit, divided by that of the subject it is compared with.
    pub exit_ratio: Option<f64>,
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        let machine = &self.machine;
        anstream::println!(
            "{}, {} processors, Linux {}, {}, load {:.2}, commit {}",
            machine.processor,
            machine.processors,
            machine.kernel,
            machine.qemu,
            machine.load_1min,
            machine.commit
        );
        anstream::println!("{}\n", conditions(self.image_bytes, self.memory_bytes, self.runs));
        let width = self.subjects.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        anstream::println!(
            "{:width$}  {:>26}  {:>26}  {:>6}",
            "",
            "first byte p50  p90  p99",
            "exit p50   p90   p99",
            "ratio"
        );
        for row in &self.subjects {
            let ratio = row.exit_ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            anstream::println!(
                "{:width$}  {:>26}  {:>26}  {ratio:>6}",
                row.name,
                row.first_byte_us.map_or_else(String::new, milliseconds),
                milliseconds(row.exit_us),
            );
        }
    }
}

/// What was measured, on one line.
fn conditions(image_bytes: u64, memory_bytes: u64, runs: u32) -> String {
    let (image, memory) = (short_size(image_bytes), units::bytes(memory_bytes));
    format!("image {image} ({image_bytes} bytes), memory {memory}, {runs} starts each; times in ms")
}

fn milliseconds(times: Percentiles) -> String {
    let ms = |us: u64| us as f64 / 1000.0;
    format!("{:.2}  {:.2}  {:.2}", ms(times.p50), ms(times.p90), ms(times.p99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_at_a_glance_and_exactly() {
        let line = conditions(61_440, 4 << 20, 50);
        let expected = "image 60.0 KiB (61440 bytes), memory 4MiB, 50 starts each; times in ms";
        assert_eq!(line, expected);
    }
}
