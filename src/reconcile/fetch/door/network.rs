//! The door's network: one HTTP client, whose requests name the operator, use the proxies of the
//! environment, and trust certificate authorities that can be replaced at run time.

mod cause;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use reqwest::{
    Certificate, Client, Proxy, Url,
    header::{CONTENT_TYPE, HeaderValue},
    redirect,
};
use zeroize::Zeroizing;

use super::{Incoming, Outgoing, TransportError};
use crate::{
    platform::{Body, Cause, Pairs},
    shell::{USER_AGENT, proxies::Proxies},
};

type Roots = Vec<Certificate>;

const JSON: &str = "application/json";

/// The limits of the door.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest time for a connection.
    pub connect_timeout: Duration,
    /// The largest body of a response, in bytes.
    pub max_response_bytes: usize,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up HTTPS to the platforms: check --ca-bundle and the system's certificates")]
pub struct Unusable(#[source] reqwest::Error);

/// The network.
pub struct Network {
    max_response_bytes: usize,
    trust: Trust,
}

/// The certificate authorities that the network trusts; all clones share them.
#[derive(Clone)]
pub struct Trust {
    connect_timeout: Duration,
    proxies: Proxies,
    client: Arc<RwLock<Client>>,
}

impl Network {
    /// Trusts `roots` besides the system's authorities.
    ///
    /// # Errors
    ///
    /// If the certificates cannot be used.
    pub fn new(bounds: Bounds, proxies: Proxies, roots: Roots) -> Result<Self, Unusable> {
        let Bounds { connect_timeout, max_response_bytes } = bounds;
        let client = Arc::new(RwLock::new(client(connect_timeout, &proxies, roots)?));
        Ok(Self { max_response_bytes, trust: Trust { connect_timeout, proxies, client } })
    }

    /// The handle that replaces the trusted authorities.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust.clone()
    }

    pub(super) fn send(
        &self,
        outgoing: Outgoing,
    ) -> BoxFuture<'static, Result<Incoming, TransportError>> {
        let client = self.trust.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        send(client, outgoing, self.max_response_bytes).boxed()
    }
}

impl Trust {
    /// Trusts these authorities besides the system's, and no others, from the next call on. Calls
    /// under way continue.
    ///
    /// # Errors
    ///
    /// If the certificates cannot be used. Then the earlier authorities stay trusted.
    pub fn replace(&self, roots: Roots) -> Result<(), Unusable> {
        let client = client(self.connect_timeout, &self.proxies, roots)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }
}

fn client(patience: Duration, proxies: &Proxies, roots: Roots) -> Result<Client, Unusable> {
    let proxies = proxies.clone();
    Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(patience)
        // A fresh connection for each call: only then does "could not connect" mean "not sent".
        // Calls are rare.
        .pool_max_idle_per_host(0)
        .tls_certs_merge(roots)
        // With a proxy set, even one that matches no URL, reqwest does not read the environment
        // itself.
        .proxy(Proxy::custom(move |url| proxies.of_platform(url).cloned()))
        .user_agent(USER_AGENT)
        .build()
        .map_err(Unusable)
}

async fn send(
    client: Client,
    outgoing: Outgoing,
    max_bytes: usize,
) -> Result<Incoming, TransportError> {
    let Outgoing { host, request, timeout } = outgoing;
    let no_host = TransportError::NotSent(Cause::NameNotResolved);
    let mut url = Url::parse(&host).map_err(|_| no_host)?;
    if !request.path.is_empty() {
        url.set_path(request.path);
    }
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs(&request.query));
    }
    let mut builder = match request.body {
        Body::None => client.get(url),
        Body::Json(json) => client.post(url).header(CONTENT_TYPE, JSON).body(json.to_vec()),
        Body::Form(fields) => client.post(url).form(&pairs(&fields).collect::<Vec<_>>()),
    };
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value).map_err(|_| no_host)?;
        value.set_sensitive(true);
        builder = builder.header(*name, value);
    }
    // A reqwest error contains the URL and with it the app secret: only its cause leaves this
    // function.
    let exchange = async {
        let mut response = builder.send().await.map_err(|error| cause::of(&error))?;
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE).map(media_type).unwrap_or_default();
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| cause::of(&error))? {
            if body.len() + chunk.len() > max_bytes {
                return Ok(Incoming { status, content_type, body: None });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming { status, content_type, body: Some(body) })
    };
    let too_late = TransportError::Unknown(Cause::ResponseTimeout);
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(too_late))
}

fn pairs(pairs: &Pairs) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_str()))
}

/// A media type without its parameters.
fn media_type(value: &HeaderValue) -> String {
    let text = value.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
