//! The door to the platforms: one HTTP request goes out, an answer or the lack of one comes back.
//! Bounded in time and size; knows no platform, no token and no Kubernetes.

mod network;

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use crate::platform::Request;
pub use network::{Bounds, Network, Trust, Unusable};

/// Where requests to platforms go out: the network, or a simulation's model of it.
#[derive(Clone)]
pub struct Door(Arc<dyn Fn(Sending) -> Sent + Send + Sync>);

type Sent = Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send>>;

/// A request with its host and its time. Has no `Debug`: it carries the app secret.
pub struct Sending {
    /// Scheme and host.
    pub host: String,
    /// What to send.
    pub request: Request,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// An answer. Has no `Debug`: it may carry a token.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, wiped when dropped; none if it was larger than allowed.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection was made, so the platform has seen nothing.
    NotSent,
    /// The request went out, and nobody knows what became of it.
    Unknown,
}

impl Door {
    /// The door to the network.
    pub fn network(network: Network) -> Self {
        Self::from_fn(move |sending| network.send(sending))
    }

    /// A door that `answer` stands behind.
    pub fn from_fn(
        answer: impl Fn(Sending) -> BoxFuture<'static, Result<Answer, NoAnswer>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    /// Sends one request.
    pub async fn send(&self, sending: Sending) -> Result<Answer, NoAnswer> {
        (self.0)(sending).await
    }
}
