//! Other ways to run a program apart from the rest of the machine, those that the machine has.
//!
//! Each runs a static program that copies STDIN to STDOUT and is given nothing else: no files, no
//! network. What is missing or does not work here is left out, with the reason.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{getegid, geteuid};
use serde_json::{Value, json};

use super::report::LeftOut;
use super::subject::Subject;
use crate::find;
use crate::rustc;

const WASM_TARGET: &str = "wasm32-wasip1";

/// What `echo` does, for a platform that functions are not made for.
const WASM_SOURCE: &str = "fn main() { std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).expect(\"copied\"); }";

/// What was found.
#[derive(Debug, Default)]
pub struct Peers {
    /// What can be measured.
    pub subjects: Vec<Subject>,
    /// What cannot.
    pub left_out: Vec<LeftOut>,
}

/// Looks for all peers and gets them ready in `folder`; `echo` is the static program that they run.
pub fn find(echo: &Path, folder: &Path) -> io::Result<Peers> {
    let bundle = folder.join("bundle");
    fs::create_dir_all(bundle.join("rootfs"))?;
    fs::copy(echo, bundle.join("rootfs/echo"))?;
    let owner = (!geteuid().is_root()).then(|| (geteuid().as_raw(), getegid().as_raw()));
    fs::write(bundle.join("config.json"), configuration(owner).to_string())?;
    let mut peers = Peers::default();
    for (name, subject) in [
        ("bwrap", Ok(bwrap(echo))),
        ("crun", Ok(container("crun", crun_options(owner.is_none()), &bundle))),
        ("runc", Ok(container("runc", &[], &bundle))),
        ("wasmtime", wasmtime(folder)),
    ] {
        let why = match subject {
            _ if find::program(name).is_none() => "it is not in PATH".to_owned(),
            Err(why) => why,
            Ok(subject) => {
                peers.subjects.push(subject);
                continue;
            }
        };
        peers.left_out.push(LeftOut { name: name.into(), why });
    }
    Ok(peers)
}

fn optional(name: &str, program: &str, arguments: Vec<OsString>) -> Subject {
    Subject {
        name: name.into(),
        program: program.into(),
        arguments,
        is_optional: true,
        ..Subject::default()
    }
}

fn bwrap(echo: &Path) -> Subject {
    let mut arguments: Vec<OsString> = vec!["--unshare-all".into(), "--ro-bind".into()];
    arguments.extend([echo.into(), "/echo".into(), "/echo".into()]);
    optional("bwrap --unshare-all", "bwrap", arguments)
}

/// An OCI runtime, which keeps its records in the same folder and is told a new name each time.
fn container(program: &str, options: &[&str], bundle: &Path) -> Subject {
    let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
    arguments.extend(["--root".into(), bundle.with_file_name(program).into()]);
    arguments.extend(["run".into(), "--bundle".into(), bundle.into()]);
    Subject { needs_name: true, ..optional(program, program, arguments) }
}

/// Without systemd; others than root may not make control groups.
fn crun_options(is_root: bool) -> &'static [&'static str] {
    if is_root { &["--cgroup-manager=cgroupfs"] } else { &["--cgroup-manager=disabled"] }
}

/// The container: all namespaces, nothing in it but the program and `/proc`, which runtimes need.
/// `owner` is the user and group of a caller who is not root, and is root in there.
fn configuration(owner: Option<(u32, u32)>) -> Value {
    let mut namespaces = vec!["pid", "network", "ipc", "uts", "mount"];
    namespaces.extend(owner.map(|_| "user"));
    let namespaces: Vec<Value> = namespaces.iter().map(|kind| json!({ "type": kind })).collect();
    let mut linux = json!({ "namespaces": namespaces });
    if let Some((user, group)) = owner {
        let one = |id| json!([{ "containerID": 0, "hostID": id, "size": 1 }]);
        linux["uidMappings"] = one(user);
        linux["gidMappings"] = one(group);
    }
    json!({
        "ociVersion": "1.0.2",
        "process": { "user": { "uid": 0, "gid": 0 }, "args": ["/echo"], "cwd": "/" },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
        "linux": linux,
    })
}

/// A module that is compiled to machine code beforehand, as others are.
fn wasmtime(folder: &Path) -> Result<Subject, String> {
    if !rustc::has_target(WASM_TARGET) {
        return Err(format!("rustc has no {WASM_TARGET}; `rustup target add {WASM_TARGET}`"));
    }
    let path = |name: &str| folder.join(name);
    fs::write(path("echo.rs"), WASM_SOURCE).map_err(|why| why.to_string())?;
    let mut compile = Command::new("rustc");
    compile.args(["--edition", "2024", "-O", "--target", WASM_TARGET, "-o"]);
    run(compile.args([path("echo.wasm"), path("echo.rs")]))?;
    let mut precompile = Command::new("wasmtime");
    precompile.args(["compile", "-o"]).arg(path("echo.cwasm"));
    run(precompile.arg(path("echo.wasm")))?;
    let mut arguments: Vec<OsString> = vec!["run".into(), "--allow-precompiled".into()];
    arguments.push(path("echo.cwasm").into());
    Ok(optional("wasmtime, precompiled", "wasmtime", arguments))
}

/// Runs a command that gets something ready; what it says if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    let output =
        command.stdin(Stdio::null()).output().map_err(|why| format!("{program}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program} failed ({}): {}", output.status, said.trim_end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_of_root_s_needs_no_user_namespace_and_any_other_does() {
        let kinds = |owner| configuration(owner)["linux"]["namespaces"].to_string();
        assert!(!kinds(None).contains("user") && kinds(Some((7, 8))).contains("user"));
        let linux = &configuration(Some((7, 8)))["linux"];
        assert_eq!(linux["uidMappings"][0]["hostID"], 7);
        assert_eq!(linux["gidMappings"][0]["hostID"], 8);
        assert!(configuration(None)["linux"]["uidMappings"].is_null());
    }

    #[test]
    fn containers_are_named_and_keep_to_their_folder() {
        let subject = container("crun", crun_options(false), "/t/bundle".as_ref());
        let arguments: Vec<_> = subject.arguments.iter().map(|it| it.to_string_lossy()).collect();
        let line = arguments.join(" ");
        assert_eq!(line, "--cgroup-manager=disabled --root /t/crun run --bundle /t/bundle");
        assert!(subject.needs_name && subject.is_optional);
    }

    #[test]
    fn every_peer_is_measured_or_left_out_with_a_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let peers = find("/bin/true".as_ref(), folder.path()).expect("looked for");
        assert_eq!(peers.subjects.len() + peers.left_out.len(), 4);
        assert!(peers.left_out.iter().all(|it| !it.why.is_empty()));
    }
}
