//! What the API server answers when it refuses a request or does not answer: the few cases that a
//! step handles differently. Never contains a secret.

pub mod admission;

use std::{future::Future, time::Duration};

use kube::core::Status;

use self::admission::Said;
use crate::{api::Reason, sensitive::AccessToken, shell::leader::TermOver};

/// The longest time for a request to the API server; kube itself would wait for ever.
const DEADLINE: Duration = Duration::from_secs(15);

/// A request to the API server that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The object differs from what the request supposed: another writer changed, deleted or
    /// re-created it.
    #[error("the object has changed in the meantime")]
    Conflict,
    /// RBAC forbids it.
    #[error("forbidden by RBAC: {0}")]
    Forbidden(String),
    /// The object is immutable.
    #[error("the object is immutable")]
    Immutable,
    /// The object does not exist.
    #[error("not found")]
    NotFound,
    /// A quota, an admission webhook or policy, a terminating namespace, or an overloaded server.
    #[error("refused with {code}: {message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// The message of the API server.
        message: String,
    },
    /// The request succeeded, but admission changed what the operator depends on.
    #[error("admission took away or changed {0}")]
    Altered(String),
    /// Too many reads were under way; nothing was sent.
    #[error("no room for a read")]
    NoRoom,
    /// The lease was lost before anything was sent.
    #[error(transparent)]
    TermOver(TermOver),
    /// The outcome is unknown.
    #[error("no answer from the API server")]
    Unanswered,
}

impl ApiError {
    /// The reason for a failed write of the target, as the condition `TargetSynced` reports it.
    #[must_use]
    pub fn target_reason(&self) -> Reason {
        match self {
            Self::Forbidden(_) => Reason::Forbidden,
            Self::Immutable => Reason::Immutable,
            Self::Altered(_) => Reason::Altered,
            Self::Conflict
            | Self::NotFound
            | Self::Refused { .. }
            | Self::NoRoom
            | Self::TermOver(_)
            | Self::Unanswered => Reason::WriteFailed,
        }
    }

    /// Which check refused the request, as far as a tenant can use it.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        match self {
            Self::Refused { message, .. } => Some(admission::said(message)),
            Self::Altered(what) => Some(Said { by: what.clone(), text: None }),
            _ => None,
        }
    }

    /// The same for the answer to a dry run, which did nothing whatever the answer is.
    #[must_use]
    pub fn of_dry_run(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match Self::of(&status) {
                Self::Unanswered => Self::refused(&status),
                error => error,
            },
            error => error.into(),
        }
    }

    /// The same, unless it quotes the token: a webhook that refuses a Secret may repeat its data.
    #[must_use]
    pub fn without(self, token: &AccessToken) -> Self {
        match self {
            Self::Refused { code, message } if token.is_quoted_in(&message) => Self::Refused {
                code,
                message: "the answer quotes the token and is not repeated".into(),
            },
            error => error,
        }
    }

    fn refused(status: &Status) -> Self {
        Self::Refused { code: status.code, message: status.message.clone() }
    }

    fn of(status: &Status) -> Self {
        let message = &status.message;
        // A webhook chooses the code of its denial.
        if admission::refused(message) {
            return Self::refused(status);
        }
        match status.code {
            409 => Self::Conflict,
            404 => Self::NotFound,
            // RBAC's message names the user; quota, Pod Security and a terminating namespace answer
            // with 403 as well.
            403 if message.contains("forbidden: User ") => Self::Forbidden(message.clone()),
            422 if refuses(status, "metadata.uid", "") => Self::Conflict,
            // The data may also be too long.
            422 if ["data", "immutable"]
                .iter()
                .any(|field| refuses(status, field, "immutable")) =>
            {
                Self::Immutable
            }
            408 | 500 | 502 | 504 => Self::Unanswered,
            _ => Self::refused(status),
        }
    }
}

/// Whether the answer refuses the value of this field, with this text in the cause.
fn refuses(status: &Status, field: &str, because: &str) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.field == field && cause.message.contains(because))
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of(&status),
            kube::Error::Service(error) => {
                error.downcast().map_or(Self::Unanswered, |over| Self::TermOver(*over))
            }
            _ => Self::Unanswered,
        }
    }
}

/// Awaits a request to the API server for no longer than `DEADLINE`.
pub async fn within<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiError> {
    answer(request).await?.map_err(ApiError::from)
}

/// Awaits a dry run for no longer than `DEADLINE`.
pub async fn within_dry_run<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, ApiError> {
    answer(request).await?.map_err(ApiError::of_dry_run)
}

async fn answer<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<kube::Result<T>, ApiError> {
    tokio::time::timeout(DEADLINE, request).await.map_err(|_| ApiError::Unanswered)
}

#[cfg(test)]
mod tests;
