//! `--timings`: the timeline of one call, a line for each phase; on a terminal with a bar. `-v`: its sum.

use std::fmt::Write;
use std::time::Duration;

use crate::Outcome;
use crate::outcome::{Exits, Phases};

/// Columns of the longest bar.
const WIDTH: usize = 48;

/// A phase, and when it ended; a phase that did not come about has no end.
type Phase = (&'static str, Option<Duration>);

/// The phases in their order, each beginning where the one before ended.
fn phases(phases: &Phases) -> [Phase; 8] {
    [
        ("monitor ready", phases.prepared),
        ("machine created", phases.launched),
        ("first instruction", phases.entered),
        ("function entered", phases.ready),
        ("first byte", phases.first_byte),
        ("last byte", phases.last_byte),
        ("exit status", phases.exit),
        ("machine gone", phases.gone),
    ]
}

/// The lines for a call; each phase with the time that it took and, from the start of the program
/// on, the time at which it ended, in milliseconds.
pub fn render(outcome: &Outcome, with_bars: bool) -> String {
    let before = outcome.phases.exec.unwrap_or_default();
    let mut ends = vec![("exec", outcome.phases.exec)];
    let later = |end: Option<Duration>| end.map(|end| before + end);
    ends.extend(phases(&outcome.phases).map(|(name, end)| (name, later(end))));
    let last = ends.iter().filter_map(|&(_, end)| end).max().unwrap_or_default();
    let (mut text, mut begin) = (String::new(), Duration::ZERO);
    for (name, end) in ends {
        let Some(end) = end else { continue };
        // A guest says when it was ready, so that an end may come before its beginning.
        let took = end.saturating_sub(begin);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let bar = if with_bars { bar(begin.min(end), end, last) } else { String::new() };
        let line = format!("{name:>17} {:8.3} ms  at {:8.3} ms  {bar}", ms(took), ms(end));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
        begin = begin.max(end);
    }
    if let Some(exits) = outcome.exits {
        let _ = writeln!(text, "{:>17} {}", "exits", exit_line(exits));
    }
    text
}

fn exit_line(exits: Exits) -> String {
    let Exits { mmio, port, halt, interrupted } = exits;
    let kinds = [("mmio", mmio), ("port", port), ("halt", halt), ("interrupted", interrupted)];
    let kinds = kinds.iter().filter(|&&(_, count)| count > 0);
    let kinds: Vec<_> = kinds.map(|(name, count)| format!("{count} {name}")).collect();
    match kinds.is_empty() {
        true => "0".to_owned(),
        false => format!("{} ({})", exits.total(), kinds.join(", ")),
    }
}

/// A bar from `begin` to `end` on a line that ends at `last`.
fn bar(begin: Duration, end: Duration, last: Duration) -> String {
    let column = |time: Duration| match last.is_zero() {
        true => 0,
        false => (time.as_secs_f64() / last.as_secs_f64() * WIDTH as f64).round() as usize,
    };
    let (begin, end) = (column(begin), column(end));
    match end - begin {
        0 => format!("{}▏", " ".repeat(begin)),
        length => format!("{}{}", " ".repeat(begin), "█".repeat(length)),
    }
}

/// Times and bytes of a call, for a person.
pub(super) fn summary(outcome: &Outcome) -> String {
    let phases = outcome.phases;
    let times = [
        ("launched", phases.launched),
        ("ready", phases.ready),
        ("first byte", phases.first_byte),
        ("last byte", phases.last_byte),
        ("exit", phases.exit),
    ];
    let shown = |(name, time): (&str, Option<Duration>)| {
        Some(format!("{name} {:.1}ms", time?.as_secs_f64() * 1e3))
    };
    let times: Vec<_> = times.into_iter().filter_map(shown).collect();
    format!(
        "+ {}, {}: {}; {} bytes in, {} out, {} to STDERR\n",
        outcome.backend,
        outcome.accel,
        times.join(", "),
        outcome.bytes_in,
        outcome.bytes_out,
        outcome.bytes_err
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_each_other_and_fit() {
        let ms = Duration::from_millis;
        assert_eq!(bar(ms(0), ms(50), ms(100)), "█".repeat(WIDTH / 2));
        assert_eq!(bar(ms(50), ms(100), ms(100)).chars().count(), WIDTH);
        assert_eq!(bar(ms(50), ms(50), ms(100)), format!("{}▏", " ".repeat(WIDTH / 2)));
        assert_eq!(bar(ms(0), ms(0), ms(0)), "▏");
    }

    #[test]
    fn exits_are_told_by_kind() {
        let exits = Exits { mmio: 3, halt: 1, ..Exits::default() };
        assert_eq!(exit_line(exits), "4 (3 mmio, 1 halt)");
        assert_eq!(exit_line(Exits::default()), "0");
    }
}
