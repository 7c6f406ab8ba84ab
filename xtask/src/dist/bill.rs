//! The bill of materials of an image: the crates that are linked into it (CycloneDX 1.6, in JSON).
//!
//! See <https://cyclonedx.org/docs/1.6/json/>. A crate that is only run by the compiler, or only to test
//! another, is no part of an image and not in its bill.

use ampoule_boot::digest::Digest;
use cargo_metadata::Package;
use serde::Serialize;
use serde_json::{Value, json};

use super::lock::Lock;
use super::purl;
use crate::image::linked::{Crate, Linked};
use crate::project::Function;

/// A bill, in the order in which it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Value,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

/// A crate, or the image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    bom_ref: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
}

/// What a component depends on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    component: String,
    depends_on: Vec<String>,
}

/// The bill of an image of `function`, made of source of this date (RFC 3339).
pub fn of(function: &Function, image: &[u8], linked: &Linked<'_>, lock: &Lock, date: &str) -> Bill {
    let references: Vec<String> = linked.crates.iter().map(reference).collect();
    let dependency = |(place, one): (usize, &Crate<'_>)| Dependency {
        component: references[place].clone(),
        depends_on: one.dependencies.iter().map(|&place| references[place].clone()).collect(),
    };
    let (mut components, mut own) = (Vec::new(), None);
    for (one, reference) in linked.crates.iter().zip(&references) {
        match one.is_root {
            true => own = Some(whole(function, image, one.package, reference)),
            false => components.push(part(one.package, reference, lock)),
        }
    }
    let tool = json!({
        "type": "application",
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
    });
    Bill {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: serial_number(Digest::of(image)),
        version: 1,
        metadata: json!({ "timestamp": date, "tools": { "components": [tool] }, "component": own }),
        components,
        dependencies: linked.crates.iter().enumerate().map(dependency).collect(),
    }
}

/// What a crate is called in the bill.
fn reference(one: &Crate<'_>) -> String {
    let package = one.package;
    purl::of_crate(package).unwrap_or_else(|| format!("{}@{}", package.name, package.version))
}

/// The image, which is what becomes of the function's own crate.
fn whole(function: &Function, image: &[u8], package: &Package, reference: &str) -> Component {
    let digest = Digest::of(image);
    Component {
        kind: "application",
        bom_ref: reference.into(),
        name: function.name.clone(),
        version: function.version.clone(),
        description: function.description.clone(),
        scope: None,
        hashes: vec![hash(digest)],
        licenses: licences(package),
        purl: Some(purl::of_image(&function.name, &function.version, digest)),
    }
}

fn part(package: &Package, reference: &str, lock: &Lock) -> Component {
    Component {
        kind: "library",
        bom_ref: reference.into(),
        name: package.name.to_string(),
        version: package.version.to_string(),
        description: package.description.as_deref().map(|text| text.trim().to_owned()),
        scope: Some("required"),
        hashes: lock.checksum(package).map(hash).into_iter().collect(),
        licenses: licences(package),
        purl: purl::of_crate(package),
    }
}

fn hash(digest: Digest) -> Value {
    json!({ "alg": "SHA-256", "content": digest.hexadecimal() })
}

fn licences(package: &Package) -> Vec<Value> {
    let expression = |text: &str| json!({ "expression": spdx(text) });
    let file = || {
        let file = package.license_file.as_ref()?;
        Some(json!({ "license": { "name": format!("see {}", file.file_name()?) } }))
    };
    package.license.as_deref().map(expression).or_else(file).into_iter().collect()
}

/// A licence expression; old manifests write a slash for OR.
fn spdx(text: &str) -> String {
    text.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

/// A UUID (RFC 9562, version 8) that the same image has again.
fn serial_number(image: Digest) -> String {
    let digits = image.hexadecimal();
    let [a, b, c, d, e] =
        [&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..32]];
    format!("urn:uuid:{a}-{b}-8{c}-8{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_image_has_the_same_serial_number() {
        let number = serial_number(Digest::of(b""));
        assert_eq!(number, "urn:uuid:e3b0c442-98fc-8c14-8afb-f4c8996fb924");
        assert_ne!(number, serial_number(Digest::of(b"x")));
    }

    #[test]
    fn a_licence_is_an_expression() {
        assert_eq!(spdx("MIT/Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(
            spdx("(MIT OR Apache-2.0) AND Unicode-3.0"),
            "(MIT OR Apache-2.0) AND Unicode-3.0"
        );
    }
}
