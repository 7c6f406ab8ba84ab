//! What `urunc`, the OCI runtime for unikernels, is told of an image: as annotations, and as a file in
//! the layer with the values in base64, because not every engine passes annotations on.
//!
//! There is no type for plain PVH images. Under `linux`, QEMU gets `-kernel`, a serial line, and a command
//! line with arguments and environment, by which a function runs in raw mode (SPEC C9).

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};

const PREFIX: &str = "com.urunc.unikernel.";

/// The annotations for the function of that name.
pub(super) fn annotations(name: &str) -> BTreeMap<String, String> {
    let all = [
        ("binary", format!("/{name}.elf")),
        ("cmdline", name.to_owned()),
        ("hypervisor", "qemu".to_owned()),
        ("unikernelType", "linux".to_owned()),
        ("useDMBlock", "false".to_owned()),
    ];
    all.map(|(key, value)| (format!("{PREFIX}{key}"), value)).into()
}

/// The content of `/urunc.json`.
pub(super) fn file(name: &str) -> Vec<u8> {
    let all = annotations(name)
        .into_iter()
        .map(|(key, value)| (key, Base64::encode_string(value.as_bytes())));
    super::documents::bytes(&all.collect::<BTreeMap<_, _>>())
}
