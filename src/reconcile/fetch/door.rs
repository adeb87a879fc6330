//! The door to the platforms: one HTTP request goes out, an answer or the lack of one comes back. Bounded in time and size;
//! knows no platform, no token and no Kubernetes.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::future::{BoxFuture, FutureExt};
use reqwest::{Certificate, Client, Proxy, Url, redirect};
use zeroize::Zeroizing;

use crate::{
    platform::Request,
    shell::{USER_AGENT, proxies::Proxies},
};

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

/// Bounds of the door.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may be, in bytes.
    pub max_response_bytes: usize,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up HTTPS to the platforms: check --ca-bundle")]
pub struct Unusable(#[source] reqwest::Error);

impl Door {
    /// The network. `roots` are trusted beside the system's.
    ///
    /// # Errors
    /// If the certificates make no sense.
    pub fn network(bounds: Bounds, proxies: Proxies, roots: Vec<Certificate>) -> Result<Self, Unusable> {
        let client = Client::builder()
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(bounds.connect_timeout)
            // A fresh connection each time: only then does "could not connect" mean "not sent". Calls are rare.
            .pool_max_idle_per_host(0)
            .tls_certs_merge(roots)
            // Given a proxy, even one that no URL has, reqwest does not read the environment itself.
            .proxy(Proxy::custom(move |url| proxies.of_platform(url).cloned()))
            .user_agent(USER_AGENT)
            .build()
            .map_err(Unusable)?;
        Ok(Self::from_fn(move |sending| send(client.clone(), sending, bounds.max_response_bytes).boxed()))
    }

    /// A door that `answer` stands behind.
    pub fn from_fn(answer: impl Fn(Sending) -> BoxFuture<'static, Result<Answer, NoAnswer>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Sends one request.
    pub async fn send(&self, sending: Sending) -> Result<Answer, NoAnswer> {
        (self.0)(sending).await
    }
}

async fn send(client: Client, sending: Sending, max_bytes: usize) -> Result<Answer, NoAnswer> {
    let Sending { host, request, timeout } = sending;
    let mut url = Url::parse(&host).map_err(|_| NoAnswer::NotSent)?;
    url.set_path(request.path);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(request.query.iter().map(|(key, value)| (*key, value.as_str())));
    }
    let builder = match request.json {
        Some(body) => client.post(url).header("content-type", "application/json").body(body.to_vec()),
        None => client.get(url),
    };
    // A reqwest error carries the URL, and with it the app secret: only its kind leaves this function.
    let exchange = async {
        let mut response =
            builder.send().await.map_err(|error| if error.is_connect() { NoAnswer::NotSent } else { NoAnswer::Unknown })?;
        let status = response.status().as_u16();
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer::Unknown)? {
            if body.len() + chunk.len() > max_bytes {
                return Ok(Answer { status, body: None });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body: Some(body) })
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(NoAnswer::Unknown))
}
