//! A measurement of cold starts as a picture: a lane for each subject, on a logarithmic axis.
//!
//! SVG, with text as text and colours that are readable on light and on dark.

use std::fmt::{self, Display, Write};

use super::report::{Results, Row};
use crate::bench::statistics::Percentiles;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 84.0;
const LANE: f64 = 40.0;
const BOTTOM: f64 = 62.0;

/// Greys with the same contrast to black as to white.
const TEXT: &str = "#767676";
const FIRST_BYTE: &str = "#2f81f7";
const EXIT: &str = "#d2691e";

/// Longer names are cut.
const NAME_CHARACTERS: usize = 36;

/// Milliseconds on a horizontal logarithmic axis.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis from a round number to a round number that holds all of `times_us`.
    fn around(times_us: impl Iterator<Item = u64> + Clone) -> Self {
        let ms = |us: u64| us.max(1) as f64 / 1000.0;
        let least = times_us.clone().min().map_or(0.1, ms);
        let most = times_us.max().map_or(1.0, ms);
        let from = round_numbers().rfind(|&round| round <= least).unwrap_or(least);
        let to = round_numbers().find(|&round| round >= most && round > from).unwrap_or(most);
        Self { from, to }
    }

    fn x(&self, ms: f64) -> f64 {
        let share = (ms / self.from).log10() / (self.to / self.from).log10();
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn x_of(&self, us: u64) -> f64 {
        self.x(us.max(1) as f64 / 1000.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        round_numbers().filter(|&round| round >= self.from && round <= self.to)
    }
}

/// 1, 2 and 5 times the powers of ten, from a microsecond to over two hours.
fn round_numbers() -> impl DoubleEndedIterator<Item = f64> {
    let powers = (-3..7).map(|power| 10f64.powi(power));
    powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power))
}

/// Draws `results`.
pub fn svg(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut text, results);
    text
}

fn write(svg: &mut String, results: &Results) -> fmt::Result {
    let rows = &results.subjects;
    let bottom = TOP + LANE * rows.len() as f64;
    let height = bottom + BOTTOM;
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">"#
    )?;
    writeln!(svg, "<title>Cold starts: time to first byte and to exit</title>")?;
    label(svg, 16.0, 26.0, "start", r#"font-size="17" font-weight="600""#, "Cold starts")?;
    legend(svg)?;
    let times = rows.iter().flat_map(|row| row.first_byte_us.into_iter().chain([row.exit_us]));
    let axis = Axis::around(times.flat_map(|times| [times.p50, times.p99]));
    grid(svg, &axis, bottom)?;
    for (index, row) in rows.iter().enumerate() {
        lane(svg, &axis, TOP + LANE * index as f64, row)?;
    }
    let small = r#"font-size="11""#;
    label(svg, 16.0, height - 26.0, "start", small, &results.machine)?;
    label(svg, 16.0, height - 10.0, "start", small, results.conditions())?;
    writeln!(svg, "</svg>")
}

/// A line from the median to p99 with a tick at p90, as in the lanes, and what the colours mean.
fn legend(svg: &mut String) -> fmt::Result {
    for (x, colour, name) in [(LEFT, FIRST_BYTE, "first byte"), (LEFT + 120.0, EXIT, "exit")] {
        writeln!(svg, r#"<circle cx="{x}" cy="22" r="5" fill="{colour}"/>"#)?;
        label(svg, x + 12.0, 26.0, "start", "", name)?;
    }
    let note = "dot: p50, tick: p90, end: p99; axis in ms, logarithmic";
    label(svg, LEFT + 200.0, 26.0, "start", "", note)?;
    label(svg, WIDTH - 12.0, TOP - 12.0, "end", "", "p50 of both, ms")
}

fn grid(svg: &mut String, axis: &Axis, bottom: f64) -> fmt::Result {
    for ms in axis.ticks() {
        let x = axis.x(ms);
        writeln!(
            svg,
            r#"<line x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}" stroke="{TEXT}" stroke-opacity="0.3"/>"#
        )?;
        label(svg, x, TOP - 12.0, "middle", "", ms)?;
    }
    Ok(())
}

fn lane(svg: &mut String, axis: &Axis, top: f64, row: &Row) -> fmt::Result {
    let middle = top + LANE / 2.0;
    let name: String = match row.name.char_indices().nth(NAME_CHARACTERS) {
        Some((end, _)) => format!("{}…", &row.name[..end]),
        None => row.name.clone(),
    };
    label(svg, LEFT - 14.0, middle + 4.0, "end", "", name)?;
    if let Some(times) = row.first_byte_us {
        mark(svg, axis, middle - 6.0, times, FIRST_BYTE)?;
    }
    mark(svg, axis, middle + 6.0, row.exit_us, EXIT)?;
    let ms = |times: Percentiles| format!("{:.2}", times.p50 as f64 / 1000.0);
    let first_byte = row.first_byte_us.map_or_else(|| "–".into(), ms);
    let medians = format!("{first_byte} / {}", ms(row.exit_us));
    label(svg, WIDTH - 12.0, middle + 4.0, "end", "", medians)
}

fn mark(svg: &mut String, axis: &Axis, y: f64, times: Percentiles, colour: &str) -> fmt::Result {
    let [p50, p90, p99] = [times.p50, times.p90, times.p99].map(|us| axis.x_of(us));
    let (above, below) = (y - 4.0, y + 4.0);
    writeln!(
        svg,
        r#"<path d="M{p50:.1} {y}H{p99:.1}M{p90:.1} {above}V{below}" stroke="{colour}" stroke-width="2" fill="none"/>"#
    )?;
    writeln!(svg, r#"<circle cx="{p50:.1}" cy="{y}" r="5" fill="{colour}"/>"#)
}

fn label(
    svg: &mut String,
    x: f64,
    y: f64,
    anchor: &str,
    attributes: &str,
    text: impl Display,
) -> fmt::Result {
    let text = escaped(&text.to_string());
    writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {attributes}>{text}</text>"#
    )
}

/// Text as XML has it: names may be commands.
fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cold::report::tests::row;
    use crate::bench::machine::Machine;

    #[test]
    fn the_axis_is_round_and_holds_everything() {
        let axis = Axis::around([450, 31_000].into_iter());
        assert_eq!((axis.from, axis.to), (0.2, 50.0));
        assert_eq!(axis.x(0.2), LEFT);
        assert_eq!(axis.x(50.0), WIDTH - RIGHT);
        assert_eq!(axis.ticks().count(), 8);
        let one = Axis::around([1000].into_iter());
        assert!(one.x(1.0).is_finite() && one.x(1.0) >= LEFT);
        assert!(Axis::around([].into_iter()).x_of(0).is_finite());
    }

    #[test]
    fn every_subject_has_a_lane_and_names_are_only_text() {
        let results = Results {
            schema: "x",
            machine: Machine::default(),
            runs: 1,
            image_bytes: 1,
            memory_bytes: 4 << 20,
            subjects: vec![
                row("static process", None, Some(500), 600),
                row("sh -c 'cat <&0 >&1'", None, None, 1500),
            ],
            left_out: Vec::new(),
            plot: "cold.svg".into(),
        };
        let text = svg(&results);
        assert!(text.contains("sh -c 'cat &lt;&amp;0 &gt;&amp;1'"), "{text}");
        assert!(text.contains("0.50 / 0.60") && text.contains("– / 1.50"), "{text}");
        // One circle for each time, two in the legend.
        assert_eq!(text.matches("<circle").count(), 3 + 2);
        assert!(text.ends_with("</svg>\n") && !text.contains("NaN"), "{text}");
    }
}
