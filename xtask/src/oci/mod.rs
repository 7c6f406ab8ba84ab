//! OCI image layouts (image-spec 1.1), as bytes: what container tools, registries and clusters take.
//!
//! Each function becomes one image of one uncompressed layer, so that its digests can be made again
//! from the files. Nothing here looks at a clock or a disk; the same functions give the same bytes.
//!
//! ```text
//! function -> layer (tar) -> config -> manifest -> index -> files of a folder, or an archive of them
//! ```

mod documents;
mod layer;
mod urunc;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use ampoule_boot::digest::Digest;
use ampoule_boot::image::oci::names::{self, IMAGE_LABEL, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION};

use documents::{Config, Descriptor, ImageConfig, Index, Manifest, RootFs};

/// The last second of the year 9999, beyond which no time can be written (RFC 3339), from 1970 on.
pub const LAST_SECOND: u64 = 253_402_300_799;

/// Who a container is run as: nobody in particular, as images without users have it by custom.
const USER: &str = "65532:65532";

/// A function, as an image is made of it.
#[derive(Clone, Debug)]
pub struct Function<'a> {
    /// Its name, which is also the image's reference in the layout.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The revision of the source it was built from, if that is known.
    pub revision: Option<&'a str>,
    /// When the source is from, in seconds since 1970.
    pub epoch_seconds: u64,
    /// Annotations beside those that are made here.
    pub annotations: BTreeMap<String, String>,
    /// The function's image, `/NAME.elf` in the layer.
    pub image: &'a [u8],
    /// Launcher and image in one executable, `/NAME` in the layer and what a container runs.
    pub bundle: Option<&'a [u8]>,
}

/// The files of an image layout by their paths in it, in the order in which a reader wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Paths and bytes: the two documents of the layout, then the blobs.
    pub files: Vec<(String, Vec<u8>)>,
    /// The digest of each function's manifest, `sha256:…`, by the function's name.
    pub manifests: BTreeMap<String, String>,
}

/// Why no layout can be made.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The name cannot be a reference or a path.
    #[error(
        "{0:?} cannot name an OCI image: use letters, digits and single `-`, `_`, `.` between them"
    )]
    Name(String),
    /// A file does not fit into a layer.
    #[error("{path} cannot be put into a tar archive: {why}")]
    Archive {
        /// The file's path.
        path: String,
        /// What is wrong.
        why: io::Error,
    },
}

impl Layout {
    /// The layout that holds these functions.
    pub fn of(functions: &[Function<'_>]) -> Result<Self, OciError> {
        let mut blobs = Blobs::default();
        let mut manifests = BTreeMap::new();
        let mut entries = Vec::new();
        for function in functions {
            let manifest = function.manifest(&mut blobs)?;
            manifests.insert(function.name.to_owned(), manifest.digest.clone());
            entries.push(manifest.named(function.name));
        }
        let mut files = vec![
            (
                LAYOUT_FILE.to_owned(),
                format!(r#"{{"imageLayoutVersion":"{LAYOUT_VERSION}"}}"#).into(),
            ),
            (INDEX_FILE.to_owned(), documents::bytes(&Index::of(entries))),
        ];
        // What names a blob comes before it: of an archive that is cut, a reader can tell what it lacks.
        files.extend(blobs.0.into_iter().rev());
        Ok(Self { files, manifests })
    }

    /// The layout as one file, an `oci-archive`.
    pub fn archive(&self, epoch_seconds: u64) -> Result<Vec<u8>, OciError> {
        let file = |(path, bytes): &'_ (String, Vec<u8>)| (path.clone(), 0o644, bytes.clone());
        layer::tar(self.files.iter().map(file), epoch_seconds)
    }
}

impl Function<'_> {
    /// Adds the blobs of its image; what an index says of the manifest.
    fn manifest(&self, blobs: &mut Blobs) -> Result<Descriptor, OciError> {
        check_name(self.name)?;
        let created = humantime::format_rfc3339_seconds(self.epoch()).to_string();
        let annotations = self.annotations(&created);
        let layer = layer::tar(self.files(), self.epoch_seconds)?;
        let layer = blobs.put(names::LAYER, layer);
        let mut labels = annotations.clone();
        labels.insert(IMAGE_LABEL.to_owned(), format!("/{}.elf", self.name));
        let config = ImageConfig {
            created: &created,
            architecture: "amd64",
            os: "linux",
            config: Config {
                user: USER,
                entrypoint: self.bundle.map(|_| vec![format!("/{}", self.name)]),
                working_dir: "/",
                labels,
            },
            rootfs: RootFs { kind: "layers", diff_ids: vec![layer.digest.clone()] },
        };
        let config = blobs.put(names::CONFIG, documents::bytes(&config));
        let manifest = Manifest::of(config, layer, annotations);
        Ok(blobs.put(names::MANIFEST, documents::bytes(&manifest)))
    }

    fn epoch(&self) -> std::time::SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.epoch_seconds.min(LAST_SECOND))
    }

    fn annotations(&self, created: &str) -> BTreeMap<String, String> {
        let mut all = self.annotations.clone();
        let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
        set("org.opencontainers.image.title", self.name);
        set("org.opencontainers.image.version", self.version);
        set("org.opencontainers.image.created", created);
        if let Some(revision) = self.revision {
            set("org.opencontainers.image.revision", revision);
        }
        all.extend(urunc::annotations(self.name));
        all
    }

    /// Paths, modes and bytes of the layer's files.
    fn files(&self) -> Vec<(String, u32, Vec<u8>)> {
        let mut files = vec![(format!("{}.elf", self.name), 0o444, self.image.to_vec())];
        if let Some(bundle) = self.bundle {
            files.push((self.name.to_owned(), 0o555, bundle.to_vec()));
        }
        files.push(("urunc.json".to_owned(), 0o444, urunc::file(self.name)));
        files.sort_unstable();
        files
    }
}

/// Blobs and their paths; of the same bytes there is one.
#[derive(Debug, Default)]
struct Blobs(Vec<(String, Vec<u8>)>);

impl Blobs {
    fn put(&mut self, media_type: &'static str, bytes: Vec<u8>) -> Descriptor {
        let digest = Digest::of(&bytes);
        let descriptor = Descriptor::of(media_type, digest.to_string(), bytes.len());
        let path = names::blob(digest);
        if !self.0.iter().any(|(known, _)| *known == path) {
            self.0.push((path, bytes));
        }
        descriptor
    }
}

/// What the grammar of `org.opencontainers.image.ref.name` and a file at the root both allow.
fn check_name(name: &str) -> Result<(), OciError> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match name.split(['-', '_', '.']).all(is_word) && name.len() <= 95 {
        true => Ok(()),
        false => Err(OciError::Name(name.to_owned())),
    }
}

#[cfg(test)]
mod tests;
