//! What the compiler's and the linker's errors mean for a function, and what to do.
//!
//! Three kinds of crate cannot be part of a function: those that use `std`, which the compiler
//! reports as a second panic handler, those that call into a C library, which the linker reports
//! as an undefined symbol, and those that want something of a loader, which it reports as a section
//! without a place. The reports leave the reader to guess what that means.

mod sections;
mod symbols;

use cargo_metadata::diagnostic::Diagnostic;

use super::dependency;
use crate::project::{Function, Project};

/// Explains the errors that are understood; the text is to follow "does not compile".
pub fn explain(errors: &[Diagnostic], project: &Project, function: &Function) -> Option<String> {
    let messages: Vec<String> = errors.iter().flat_map(all_messages).collect();
    if let Some(name) = messages.iter().find_map(|message| user_of_std(message)) {
        return Some(explain_std(name, project, function));
    }
    symbols::explain(&messages, function).or_else(|| sections::explain(&messages))
}

fn all_messages(diagnostic: &Diagnostic) -> Vec<String> {
    let mut messages = vec![diagnostic.message.clone()];
    messages.extend(diagnostic.children.iter().flat_map(all_messages));
    messages
}

/// The crate through which `std` is reached, from a message such as "the lang item is first defined
/// in crate `std` (which `regex` depends on)".
fn user_of_std(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("crate `std` (which `")?;
    rest.split_once("` depends on)").map(|(name, _)| name)
}

fn explain_std(name: &str, project: &Project, function: &Function) -> String {
    if name == function.name.replace('-', "_") {
        return format!(
            ": its own code uses the standard library, which a function does not have; put \
             #![cfg_attr(ampoule_guest, no_std, no_main)] first in {}'s main.rs and take what you \
             need from `core`, `alloc` and `ampoule`",
            function.name
        );
    }
    let (package, through) = match dependency::path(project, function, name) {
        Some(path) => {
            let package = path.last().cloned().unwrap_or_else(|| name.into());
            (package, format!(" ({} -> {})", function.name, path.join(" -> ")))
        }
        None => (name.into(), String::new()),
    };
    format!(
        ": crate `{package}`{through} uses the standard library, which a function does not have; \
         ask for it with `default-features = false`, or replace it by one that is `no_std`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_that_uses_std_is_named_whichever_came_first() {
        for message in [
            "the lang item is first defined in crate `std` (which `uses_std` depends on)",
            "duplicate lang item in crate `std` (which `uses_std` depends on): `panic_impl`",
        ] {
            assert_eq!(user_of_std(message), Some("uses_std"));
        }
        let runtime =
            "duplicate lang item in crate `ampoule` (which `wc` depends on): `panic_impl`";
        assert_eq!(user_of_std(runtime), None);
    }
}
