//! Sections that the linker script gives no place: what a loader or a C library would see to.

use std::collections::BTreeSet;

use crate::image::link::SCRIPT;

/// Explains sections without a place, if the linker reports any.
pub fn explain(messages: &[String]) -> Option<String> {
    let found: BTreeSet<&str> =
        messages.iter().flat_map(|message| message.lines()).filter_map(unplaced).collect();
    let explanations: Vec<String> = found.into_iter().map(describe).collect();
    if explanations.is_empty() { None } else { Some(format!(": {}", explanations.join("; "))) }
}

/// The section of a line such as `rust-lld: error: f.o:(.init_array) is being placed in
/// '.init_array'`.
fn unplaced(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(") is being placed in '")?;
    rest.split_once('\'').map(|(section, _)| section)
}

fn describe(section: &str) -> String {
    let is = |kind: &str| section == kind || section.starts_with(&format!("{kind}."));
    if is(".tdata") || is(".tbss") {
        return format!(
            "section `{section}` holds thread-local variables, which an image cannot have; a \
             function has one thread: use a static"
        );
    }
    if is(".init_array") || is(".fini_array") || is(".ctors") || is(".dtors") {
        return format!(
            "section `{section}` holds functions to be called around `main`, which nothing calls \
             in an image; call them yourself, or replace the crate that has them"
        );
    }
    format!(
        "section `{section}` has no place in an image; remove the #[link_section] that names it, \
         replace the crate that has it, or give it a place in the runtime's {SCRIPT}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_without_a_place_are_explained_once_each() {
        let report = "rust-lld: error: /t/f.1.rcgu.o:(.odd) is being placed in '.odd'\n\
            rust-lld: error: /t/f.2.rcgu.o:(.odd) is being placed in '.odd'\n\
            rust-lld: error: /t/libc_sys-0a.rlib(a.o):(.tbss.x) is being placed in '.tbss.x'\n\
            rust-lld: error: /t/f.1.rcgu.o:(.init_array) is being placed in '.init_array'\n";
        let explanation = explain(&[report.to_owned()]).expect("explained");
        assert_eq!(explanation.matches("`.odd` has no place").count(), 1, "{explanation}");
        assert!(explanation.contains("src/guest/arch/x86_64/link.ld"), "{explanation}");
        assert!(explanation.contains("`.tbss.x` holds thread-local"), "{explanation}");
        assert!(explanation.contains("`.init_array` holds functions"), "{explanation}");
    }

    #[test]
    fn other_reports_are_left_to_others() {
        assert_eq!(explain(&["rust-lld: error: undefined symbol: malloc".to_owned()]), None);
    }
}
