//! Why a call did not come about. Once a machine runs, there is an [`Outcome`](crate::Outcome).

use crate::backend::LaunchError;
use crate::call::RequestError;
use crate::host::{HostError, KvmProblem};
#[cfg(feature = "oci")]
use crate::image::oci::OciError;
use crate::image::{ImageError, OpenError};
use crate::outcome::Reason;

/// Why a call did not come about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The image cannot be opened or run.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The bytes are not an image.
    #[error("the image cannot be run: {0}")]
    Image(#[from] ImageError),
    /// The image in an OCI layout cannot be found or run.
    #[cfg(feature = "oci")]
    #[error(transparent)]
    Oci(#[from] OciError),
    /// The request makes no sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The host does not offer what was demanded.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No machine was started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

impl Error {
    /// The reason, as in an outcome.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Open(OpenError::NotFound { .. }) => Reason::NotFound,
            #[cfg(feature = "oci")]
            Self::Oci(error) => error.reason(),
            Self::Open(_) | Self::Image(_) => Reason::NotRunnable,
            Self::Host(HostError::NoKvm(KvmProblem::Refused { .. })) => Reason::BackendFailed,
            Self::Request(_) | Self::Host(_) => Reason::BadRequest,
            Self::Launch(LaunchError::Jail(_)) => Reason::LauncherFailed,
            Self::Launch(_) => Reason::BackendFailed,
        }
    }

    /// The status for the caller's process to exit with (SPEC C3).
    pub fn exit_code(&self) -> u8 {
        self.reason().exit_code()
    }
}
