//! Files of variables.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ampoule_boot::context;

use super::variables;

/// Any bytes as a file of variables: what is read can be set, and reads back as it is written.
pub fn environment(contents: &[u8]) {
    let path = Path::new("env");
    let read = match variables(contents, path) {
        Ok(read) => read,
        Err(error) => return assert!(format!("{error:#}").contains("in line ")),
    };
    let lines = contents.split(|&byte| byte == b'\n').filter(|line| line.contains(&b'='));
    assert!(read.len() <= lines.count());
    let mut written = Vec::new();
    for (name, value) in &read {
        assert!(context::check_name(name).is_ok());
        // Of two, one belongs to the line's end.
        let is_odd = value.as_bytes().ends_with(b"\r") || name.as_bytes().starts_with(b"#");
        let end: &[u8] = if is_odd { b"\r\n" } else { b"\n" };
        written.extend([name.as_bytes(), b"=", value.as_bytes(), end].concat());
    }
    assert_eq!(variables(&written, path).expect("as before"), read);
}

#[cfg(test)]
mod tests {
    #[test]
    fn environment() {
        crate::cli::replay::replay("environment", super::environment, 4000);
    }
}
