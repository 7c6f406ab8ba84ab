//! What is tested: the launcher, xtask and the images of all functions, built once.
//!
//! Paths come from cargo's and xtask's messages, never from a guess.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

/// Executables and images.
#[derive(Debug)]
pub struct Tools {
    /// `ampoule`.
    pub launcher: PathBuf,
    /// `cargo xtask`, without cargo.
    pub xtask: PathBuf,
    images: BTreeMap<String, PathBuf>,
}

static TOOLS: OnceLock<Tools> = OnceLock::new();

/// Builds everything, unless the environment says where it is.
pub fn build() {
    get();
}

/// What is tested.
pub fn get() -> &'static Tools {
    TOOLS.get_or_init(|| {
        let given = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let xtask = given("AMPOULE_TEST_XTASK").unwrap_or_else(|| executable("xtask"));
        let launcher = given("AMPOULE_TEST_LAUNCHER").unwrap_or_else(|| built_launcher(&xtask));
        let images = match given("AMPOULE_TEST_FUNCTIONS") {
            Some(folder) => images_in(&folder),
            None => built_images(&xtask),
        };
        Tools { launcher, xtask, images }
    })
}

impl Tools {
    /// The image of a function.
    pub fn image(&self, function: &str) -> &Path {
        let image = self.images.get(function);
        image.unwrap_or_else(|| panic!("no image of the function {function} was built"))
    }
}

/// A bundle of a function's image.
pub fn bundle(function: &str) -> PathBuf {
    static MADE: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = made.entry(function.to_owned()).or_insert_with(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundle").join(function);
        let mut command = Command::new(&get().xtask);
        text(command.arg("bundle").arg(get().image(function)).arg("-o").arg(&path));
        path
    });
    path.clone()
}

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// The cargo that runs this program.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds the only binary of a package, as `cargo xtask` itself would.
fn executable(package: &str) -> PathBuf {
    let mut command = Command::new(cargo());
    command.args(["build", "--release", "--package", package, "--bins"]);
    executables(&mut command).into_values().next().expect("the package has a binary")
}

/// Builds an example of a package.
pub fn example(package: &str, name: &str) -> PathBuf {
    let mut command = Command::new(cargo());
    command.args(["build", "--release", "--package", package, "--example", name]);
    executables(&mut command).remove(name).expect("the example is one executable")
}

/// The executables that a command of cargo makes, by the name of their target.
pub fn executables(command: &mut Command) -> BTreeMap<String, PathBuf> {
    let messages =
        messages(command.args(["--quiet", "--message-format", "json-render-diagnostics"]));
    let executable = |message: &Value| {
        let path = message["executable"].as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), path.into()))
    };
    messages.iter().filter_map(executable).collect()
}

/// The launcher that `cargo xtask invoke` becomes.
fn built_launcher(xtask: &Path) -> PathBuf {
    let text = text(Command::new(xtask).arg("launcher"));
    text.strip_suffix('\n').expect("the launcher's path is one line").into()
}

fn built_images(xtask: &Path) -> BTreeMap<String, PathBuf> {
    let mut command = Command::new(xtask);
    let messages = messages(command.args(["build-fn", "--all", "--message-format", "json"]));
    let image = |message: &Value| {
        Some((message["name"].as_str()?.to_owned(), message["path"].as_str()?.into()))
    };
    messages.iter().filter_map(image).collect()
}

fn images_in(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(folder).expect("AMPOULE_TEST_FUNCTIONS is a folder");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let images =
        names.map(|name| (name.clone(), folder.join(&name).join(name).with_extension("elf")));
    images.filter(|(_, path)| path.is_file()).collect()
}

/// Runs a command in the workspace and reads the JSON objects on its STDOUT, one a line.
fn messages(command: &mut Command) -> Vec<Value> {
    text(command).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Runs a command in the workspace and reads its STDOUT.
fn text(command: &mut Command) -> String {
    let output = command
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    assert!(output.status.success(), "{command:?} failed: {}", output.status);
    String::from_utf8(output.stdout).expect("messages are text")
}
