//! What packages are called everywhere: package URLs.
//!
//! See <https://github.com/package-url/purl-spec>.

use ampoule_boot::digest::Digest;
use cargo_metadata::Package;

/// The package URL of a crate. A crate that is in no registry and no repository has none: under its name
/// alone it would be taken for somebody else's.
pub fn of_crate(package: &Package) -> Option<String> {
    let source = package.source.as_ref()?;
    let (name, version) = (encode(&package.name), encode(&package.version.to_string()));
    let plain = format!("pkg:cargo/{name}@{version}");
    if source.is_crates_io() { Some(plain) } else { Some(plain + &qualifier(&source.repr)?) }
}

/// Where a crate is from, of what cargo says: `git+URL?branch=NAME#COMMIT`, `registry+URL`.
fn qualifier(source: &str) -> Option<String> {
    let (kind, location) = source.split_once('+')?;
    Some(match (kind, location.split_once('#')) {
        ("git", Some((url, commit))) => {
            let url = url.split('?').next().unwrap_or(url);
            format!("?vcs_url={}", encode(&format!("git+{}@{commit}", public(url))))
        }
        _ => format!("?repository_url={}", encode(&public(location))),
    })
}

/// A URL without the name and password in it, which are nobody else's business.
pub(super) fn public(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host_bytes = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_bytes);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// The package URL of an image.
pub fn of_image(name: &str, version: &str, image: Digest) -> String {
    format!("pkg:generic/{}@{}?checksum={image}", encode(name), encode(version))
}

fn encode(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_is_encoded() {
        assert_eq!(encode("1.0.0+wasi"), "1.0.0%2Bwasi");
        assert_eq!(encode("git+https://example.com/a@b"), "git%2Bhttps://example.com/a%40b");
        let image = of_image("wc", "0.1.0", Digest::of(b""));
        assert!(image.starts_with("pkg:generic/wc@0.1.0?checksum=sha256:e3b0c442"), "{image}");
    }

    #[test]
    fn a_crate_is_told_from_its_namesake_elsewhere() {
        let known = |source| qualifier(source).expect("a source");
        assert_eq!(
            known("git+https://example.com/a?branch=b#01ab"),
            "?vcs_url=git%2Bhttps://example.com/a%4001ab"
        );
        for secret in ["user@", "token:x-oauth@", "a@b:c@"] {
            let source = format!("git+https://{secret}example.com/a@b#01ab");
            let expected = "?vcs_url=git%2Bhttps://example.com/a%40b%4001ab";
            assert_eq!(qualifier(&source), Some(expected.to_owned()), "{source}");
        }
        assert_eq!(public("https://a:b@example.com?at=c@d#e@f"), "https://example.com?at=c@d#e@f");
        let registry = known("registry+https://example.com/index");
        assert_eq!(registry, "?repository_url=https://example.com/index");
    }
}
