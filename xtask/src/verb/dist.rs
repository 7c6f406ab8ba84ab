//! `dist`: images as artifacts, in a folder that takes the place of the last one at once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::bundle::Launcher;
use crate::console::{Console, warning};
use crate::dist::container::{self, Container};
use crate::dist::lock::Lock;
use crate::dist::sign::Secret;
use crate::dist::{self, Artifact, Origin, Release, folder, source};
use crate::image::{self, Profile, dependency};
use crate::kubernetes;
use crate::project::{Function, Project};
use crate::publish::EXECUTABLE;

/// Gather images and all that is to be known of them in a folder
#[derive(Args, Debug)]
#[command(after_help = "\
The folder holds these functions and nothing else, each in a folder of its own: the image NAME.elf,
its twin NAME.debug, manifest.json, the crates in it NAME.cdx.json (CycloneDX), and how it came
about NAME.intoto.json (SLSA provenance), which --sign signs: NAME.intoto.dsse.json and
SHA256SUMS.dsse.json. SHA256SUMS covers every file. The folder takes the place of the last one at
once, or that one stays as it was; one with anything in it that `dist` has not made is not replaced,
and one that got something of the kind meanwhile is kept as DIR.kept-….

Options add to each function: --bundle the executable NAME, --oci the archive NAME.oci.tar,
--kubernetes NAME.job.yaml, NAME.jobsink.yaml and NAME.service.yaml, and the same with .tcg.yaml
for nodes without KVM. With --oci or --kubernetes there is the folder oci too, an OCI layout of all
of them. A container image starts as a bundle, and so these two build the launcher as --bundle does.

Examples:
  cargo xtask dist
  cargo xtask dist wc grep --out /tmp/filters && (cd /tmp/filters && sha256sum -c SHA256SUMS)
  openssl genpkey -algorithm ed25519 -out release.key
  openssl pkey -in release.key -pubout -out release.pub
  cargo xtask dist --sign release.key && cargo xtask verify target/dist --key release.pub")]
pub struct Dist {
    /// Functions [default: every function of the project]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Folder to make or replace [default: target/dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Add bundles: each function with its launcher in one static executable NAME
    #[arg(long)]
    bundle: bool,
    /// Add container images, which start as bundles: all in the OCI layout `oci`, and each in an archive NAME.oci.tar
    #[arg(long)]
    oci: bool,
    /// Add manifests of Kubernetes that run the container images, and those as with --oci: a Job, a JobSink, a Service
    #[arg(long)]
    kubernetes: bool,
    /// Where those manifests have the container images from
    #[arg(long, value_name = "PREFIX", default_value = "localhost", requires = "kubernetes")]
    repository: String,
    /// Sign with this private key (Ed25519, PKCS#8, PEM)
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

impl Dist {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let names: Vec<_> = BTreeSet::from_iter(&self.names).into_iter().cloned().collect();
        let functions = if names.is_empty() { project.all()? } else { project.some(&names)? };
        let has_containers = self.oci || self.kubernetes;
        // What would be refused is told before anything is built.
        self.check(&functions, has_containers)?;
        let secret = self.sign.as_deref().map(Secret::read).transpose()?;
        let place = self.out.unwrap_or_else(|| project.target.join("dist"));
        folder::check(&place)?;
        let made: Vec<_> = functions
            .iter()
            .map(|function| image::make(&project, function, Profile::Optimised, console))
            .collect::<Result<_, _>>()?;
        // Cargo has written its lock file by now.
        let origin = Origin {
            toolchain: source::toolchain().context("rustc does not say what it is")?,
            source: source::revision(&project.root, console),
            date: source::date(&project.root, console)?,
            metadata: dependency::metadata(&project)?.clone(),
            lock: Lock::read(&project.root)?,
            secret,
        };
        let is_bundled = self.bundle || has_containers;
        let launcher = is_bundled.then(|| Launcher::build(console)).transpose()?;
        let mut release = Release::default();
        let mut containers = Vec::new();
        for (&function, made) in functions.iter().zip(&made) {
            let mut folder = Release::default();
            let bundle = launcher.as_ref().map(|it| it.with(&made.image)).transpose()?;
            if has_containers {
                let container = Container::of(function, made, bundle.as_deref(), &origin);
                let digest = container.add_archive(&mut folder)?;
                containers.push(container);
                if self.kubernetes {
                    container::add_manifests(function, &self.repository, &digest, &mut folder);
                }
            }
            if let Some(bytes) = bundle.filter(|_| self.bundle) {
                folder.add(&function.name, Artifact { mode: EXECUTABLE, bytes });
            }
            release.add_folder(&function.name, dist::function(function, made, folder, &origin)?);
        }
        if !containers.is_empty() {
            release.add_folder(container::FOLDER, container::layout(&containers)?);
        }
        dist::close(&mut release, origin.secret.as_ref());
        if let Some(kept) = folder::put(&place, &release)? {
            warning(kept);
        }
        let files = release.files().count();
        console.status("Gathered", format_args!("{} ({files} files)", place.display()));
        Ok(ExitCode::SUCCESS)
    }

    /// Whether the functions can be called what they would be there.
    fn check(&self, functions: &[&Function], has_containers: bool) -> Result<()> {
        let names = || functions.iter().map(|function| function.name.as_str());
        dist::check_names(names(), has_containers)?;
        if self.kubernetes {
            kubernetes::check_names(names())?;
            for function in functions {
                kubernetes::check_version(&function.name, &function.version)?;
            }
            kubernetes::check_repository(&self.repository)?;
        }
        Ok(())
    }
}
