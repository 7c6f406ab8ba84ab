//! Why a call did not come about. Once a machine runs, there is an [`Outcome`](crate::Outcome).

use std::iter;

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

/// An error and its causes in one line, but for causes that the error before has in its own words.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut last = line.clone();
    for cause in iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !last.contains(&cause) {
            line = format!("{line}: {cause}");
        }
        last = cause;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let refused = Error::Image(ImageError::NotElf);
        assert_eq!(with_causes(&refused), refused.to_string());
        let error = anyhow::Error::new(ImageError::NotElf).context("cannot go on");
        assert_eq!(with_causes(error.as_ref()), format!("cannot go on: {}", ImageError::NotElf));
        let error = anyhow::Error::new(refused).context("cannot go on");
        let told = with_causes(error.as_ref());
        assert_eq!(told, format!("cannot go on: the image cannot be run: {}", ImageError::NotElf));
    }
}
