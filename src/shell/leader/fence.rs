//! A term's own way to the API server: open while the term lasts. Knows nothing of what is asked there.

use kube::Client;

use super::term::Term;

/// Nothing was sent: another one may lead by now.
#[derive(Debug, thiserror::Error)]
#[error("this process leads no more")]
pub struct TermOver;

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Term {
    /// The same client, for as long as we lead. The clock is asked right before each request goes out: a process that was
    /// stopped between a decision and its write, or is at a second try of one, writes nothing when it wakes.
    #[must_use]
    pub fn client(&self, client: &Client) -> Client {
        let (term, namespace) = (self.clone(), client.default_namespace().to_owned());
        let client = client.clone();
        let fenced = tower::service_fn(move |request| {
            let (client, leads) = (client.clone(), term.leads());
            async move { if leads { client.send(request).await.map_err(Failed::from) } else { Err(TermOver.into()) } }
        });
        Client::new(fenced, namespace)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use axum::{Router, routing::any};
    use k8s_openapi::{api::core::v1::ConfigMap, jiff::Timestamp};
    use kube::{Api, api::PostParams};

    use super::*;
    use crate::shell::clock::{Clock, Now};

    #[tokio::test]
    async fn who_leads_no_more_sends_nothing_whoever_still_holds_the_client() {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let server = Router::new().fallback(any(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { r#"{"metadata":{"name":"written"}}"# }
        }));
        let boot = Arc::new(Mutex::new(Duration::ZERO));
        let hand = Arc::clone(&boot);
        let clock = Clock::from_fn(move || Now { wall: Timestamp::UNIX_EPOCH, boot: *hand.lock().unwrap() });
        let term = Term::until("ns/lease".into(), clock, Duration::from_secs(10));
        let maps = Api::<ConfigMap>::default_namespaced(term.client(&Client::new(server, "ns")));

        maps.create(&PostParams::default(), &ConfigMap::default()).await.expect("a write while we lead");
        *boot.lock().unwrap() = Duration::from_secs(10);
        let refused = maps.create(&PostParams::default(), &ConfigMap::default()).await.expect_err("the term is over");
        assert!(matches!(&refused, kube::Error::Service(error) if error.is::<TermOver>()), "{refused:?}");
        assert_eq!(sent.load(Ordering::SeqCst), 1);
    }
}
