//! What the API server says when it says no, or nothing: the few cases that a step behaves differently on. No secret passes here.

use std::{future::Future, time::Duration};

use crate::{api::Reason, shell::leader::TermOver};

/// Every request to the API server ends by then; kube itself would wait for ever.
const DEADLINE: Duration = Duration::from_secs(15);

/// A request to the API server that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The object is not as the request supposed: somebody else wrote it, deleted it or re-created it.
    #[error("the object has changed in the meantime")]
    Conflict,
    /// RBAC forbids it.
    #[error("forbidden by RBAC: {0}")]
    Forbidden(String),
    /// The object is immutable.
    #[error("the object is immutable")]
    Immutable,
    /// The object is gone.
    #[error("not found")]
    NotFound,
    /// Quota, an admission webhook, a terminating namespace, an overloaded server.
    #[error("refused with {code}: {message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// What the API server says.
        message: String,
    },
    /// The lease was lost before anything was sent.
    #[error(transparent)]
    TermOver(TermOver),
    /// Nobody knows whether it was done.
    #[error("no answer from the API server")]
    Unanswered,
}

impl ApiError {
    /// Why a write of the target failed, in the words of the condition `TargetSynced`.
    #[must_use]
    pub fn target_reason(&self) -> Reason {
        match self {
            Self::Forbidden(_) => Reason::Forbidden,
            Self::Immutable => Reason::Immutable,
            Self::Conflict | Self::NotFound | Self::Refused { .. } | Self::TermOver(_) | Self::Unanswered => Reason::WriteFailed,
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::Service(error) => return error.downcast().map_or(Self::Unanswered, |over| Self::TermOver(*over)),
            _ => return Self::Unanswered,
        };
        let message = status.message.clone();
        match status.code {
            409 => Self::Conflict,
            404 => Self::NotFound,
            // RBAC's own sentence names the user; quota, Pod Security and a terminating namespace answer 403 as well.
            403 if message.contains("forbidden: User ") => Self::Forbidden(message),
            422 if message.contains("metadata.uid") => Self::Conflict,
            422 if message.contains("immutable") => Self::Immutable,
            408 | 500 | 502 | 504 => Self::Unanswered,
            code => Self::Refused { code, message },
        }
    }
}

/// Awaits a request to the API server for no longer than [`DEADLINE`].
pub async fn within<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiError> {
    match tokio::time::timeout(DEADLINE, request).await {
        Ok(answer) => answer.map_err(ApiError::from),
        Err(_) => Err(ApiError::Unanswered),
    }
}
