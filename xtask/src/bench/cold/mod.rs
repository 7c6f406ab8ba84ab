//! Cold starts: subjects that are started afresh for each measurement.

pub mod bare_kernel;
pub mod peer;
pub mod plot;
pub mod report;
mod start;
pub mod subject;

use std::time::Duration;

use super::statistics::Percentiles;
use report::{LeftOut, Row};
use start::SubjectError;
use subject::Subject;

/// Starts each subject `runs` times, in turns, after once to fill the caches. Those that may be
/// left out are if that first start fails; the reasons are added to `left_out`.
pub fn measure(
    mut subjects: Vec<Subject>,
    runs: u32,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Row>, SubjectError> {
    for subject in std::mem::take(&mut subjects) {
        match subject.measure() {
            Ok(_) => subjects.push(subject),
            Err(why) if subject.is_optional => {
                left_out.push(LeftOut { name: subject.name, why: why.to_string() });
            }
            Err(why) => return Err(why),
        }
    }
    let mut first_bytes: Vec<Vec<Duration>> = vec![Vec::new(); subjects.len()];
    let mut exits = first_bytes.clone();
    for _ in 0..runs {
        for (index, subject) in subjects.iter().enumerate() {
            let times = subject.measure()?;
            first_bytes[index].extend(times.first_byte);
            exits[index].push(times.exit);
        }
    }
    let times = first_bytes.iter().zip(&exits);
    let rows = subjects.into_iter().zip(times).filter_map(|(subject, (first_bytes, exits))| {
        Some(Row {
            name: subject.name,
            baseline: subject.baseline,
            first_byte_us: Percentiles::of(first_bytes),
            exit_us: Percentiles::of(exits)?,
            ratios: report::Ratios::default(),
        })
    });
    Ok(report::compare(rows.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_and_the_rest_is_measured() {
        let broken = || Subject::peer("no-such-program-anywhere");
        let optional = Subject { is_optional: true, ..broken() };
        let mut left_out = Vec::new();
        let subjects = vec![Subject::peer("cat"), optional];
        let rows = measure(subjects, 2, &mut left_out).expect("measured");
        assert_eq!(rows.len(), 1);
        assert_eq!(left_out[0].name, "no-such-program-anywhere");
        assert!(left_out[0].why.contains("not found"), "{}", left_out[0].why);
        assert!(measure(vec![broken()], 1, &mut left_out).is_err());
    }
}
