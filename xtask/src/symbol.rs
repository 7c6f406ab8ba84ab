//! Which crate a symbol was written in.

use rustc_demangle::try_demangle;

/// The crate that a mangled Rust symbol belongs to; `None` for C and assembly.
///
/// An implementation belongs to the crate of its type, or of its trait if the type has no crate:
/// `<regex::Error as core::fmt::Debug>::fmt` to `regex`, `<&T as core::fmt::Debug>::fmt` to `core`.
pub fn crate_of(mangled: &str) -> Option<String> {
    // Symbols of LTO carry a suffix that is no part of the name.
    let mangled = mangled.split_once(".llvm.").map_or(mangled, |(name, _)| name);
    let name = format!("{:#}", try_demangle(mangled).ok()?);
    let start = name.trim_start_matches(['<', '&', '*', '[', '(']);
    first_path(start)
        .or_else(|| name.split_once(" as ").and_then(|(_, implemented)| first_path(implemented)))
        .map(str::to_owned)
}

/// The first segment of a path, if `text` starts with one.
fn first_path(text: &str) -> Option<&str> {
    let text = ["mut ", "const ", "dyn "]
        .iter()
        .fold(text, |text, word| text.strip_prefix(word).unwrap_or(text))
        .trim_start_matches(['<', '&', '*', '[', '(']);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0 && text[end..].starts_with("::")).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_implementations_have_a_crate() {
        for (mangled, expected) in [
            ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", Some("core")),
            (
                "_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
                Some("core"),
            ),
            (
                "_ZN58_$LT$virtio_drivers..Error$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
                Some("virtio_drivers"),
            ),
            ("_ZN4echo3run17h0123456789abcdefE.llvm.1234", Some("echo")),
            ("memcpy", None),
            ("ampoule_boot", None),
        ] {
            assert_eq!(crate_of(mangled).as_deref(), expected, "{mangled}");
        }
    }
}
