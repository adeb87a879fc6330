//! The door to the platforms: one HTTP request goes out, and a response or a transport error comes
//! back. Bounded in time and size; knows no platform, no token and no Kubernetes.

mod network;

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use crate::platform::{Cause, Request};
pub use network::{Bounds, Network, Trust, Unusable};

/// The door that requests to platforms pass through: to the network, or to a simulation's model of
/// it.
#[derive(Clone)]
pub struct Door(Arc<dyn Fn(Outgoing) -> Exchange + Send + Sync>);

type Exchange = Pin<Box<dyn Future<Output = Result<Incoming, TransportError>> + Send>>;

/// A request with its host and its timeout. Has no `Debug`: it carries the app secret.
pub struct Outgoing {
    /// Scheme and host; a whole URL if the request has no path.
    pub host: String,
    /// The request.
    pub request: Request,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// A response. Has no `Debug`: it may carry a token.
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// The media type, in lower case and without parameters; empty if there is none.
    pub content_type: String,
    /// The body, wiped when dropped; none if it was larger than allowed.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No connection was made, so the platform has seen nothing.
    NotSent(Cause),
    /// The request was sent, and its outcome is unknown.
    Unknown(Cause),
}

impl Incoming {
    /// A response with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self { status, content_type: "application/json".into(), body: Some(Zeroizing::new(body)) }
    }
}

impl Door {
    /// The door to the network.
    pub fn network(network: Network) -> Self {
        Self::from_fn(move |outgoing| network.send(outgoing))
    }

    /// A door whose responses `respond` makes.
    pub fn from_fn(
        respond: impl Fn(Outgoing) -> BoxFuture<'static, Result<Incoming, TransportError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(respond))
    }

    /// Sends one request.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Incoming, TransportError> {
        (self.0)(outgoing).await
    }
}
