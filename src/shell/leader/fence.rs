//! The client of the API server of a term, which sends requests only while the term lasts. Knows
//! nothing of the requests.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use kube::Client;

use super::term::Term;

/// The request was not sent, since another process may be the leader.
#[derive(Debug, thiserror::Error)]
#[error("this process is no longer the leader")]
pub struct TermOver;

/// The term ended during a request, which may have been sent.
#[derive(Debug, thiserror::Error)]
#[error("this process ceased to be the leader before the API server responded")]
struct TermEnded;

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Term {
    /// A client like `client` that works as long as this process leads. It reads the clock before
    /// each request, so that a process that was suspended between a decision and its write, or
    /// before a retry, writes nothing when it resumes. It reads the clock again at each step of a
    /// request, since a connection may have to be made first.
    #[must_use]
    pub fn client(&self, client: &Client) -> Client {
        let (term, namespace) = (self.clone(), client.default_namespace().to_owned());
        let client = client.clone();
        let fenced = tower::service_fn(move |request| {
            let (client, term) = (client.clone(), term.clone());
            async move {
                if !term.leads() {
                    return Err(Failed::from(TermOver));
                }
                let mut sending = pin!(client.send(request));
                let step = |context: &mut Context<'_>| {
                    if term.leads() {
                        sending.as_mut().poll(context).map_err(Failed::from)
                    } else {
                        Poll::Ready(Err(TermEnded.into()))
                    }
                };
                poll_fn(step).await
            }
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
    use tokio::sync::Semaphore;

    use super::*;
    use crate::shell::clock::{Clock, Now};

    const TERM: Duration = Duration::from_secs(10);

    /// A term, its boot clock, and a server that counts requests, each of which has a connection of
    /// its own.
    struct Stage {
        boot: Arc<Mutex<Duration>>,
        connecting: Arc<Semaphore>,
        connected: Arc<Semaphore>,
        sent: Arc<AtomicUsize>,
        maps: Api<ConfigMap>,
    }

    impl Stage {
        fn set() -> Self {
            let sent = Arc::new(AtomicUsize::new(0));
            let [connecting, connected] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
            let (begun, made, counted) =
                (Arc::clone(&connecting), Arc::clone(&connected), Arc::clone(&sent));
            let server = Router::new().fallback(any(move || async move {
                begun.add_permits(1);
                made.acquire().await.expect("it is not closed").forget();
                counted.fetch_add(1, Ordering::SeqCst);
                r#"{"metadata":{"name":"written"}}"#
            }));
            let boot = Arc::new(Mutex::new(Duration::ZERO));
            let handle = Arc::clone(&boot);
            let clock = Clock::from_fn(move || Now {
                wall: Timestamp::UNIX_EPOCH,
                boot: *handle.lock().unwrap(),
            });
            let term = Term::until("ns/lease".into(), clock, TERM);
            Self {
                boot,
                connecting,
                connected,
                sent,
                maps: Api::default_namespaced(term.client(&Client::new(server, "ns"))),
            }
        }

        async fn create(&self) -> kube::Result<ConfigMap> {
            self.maps.create(&PostParams::default(), &ConfigMap::default()).await
        }

        fn sent(&self) -> usize {
            self.sent.load(Ordering::SeqCst)
        }
    }

    fn is<E: std::error::Error + 'static>(refused: &kube::Error) -> bool {
        matches!(refused, kube::Error::Service(error) if error.is::<E>())
    }

    #[tokio::test]
    async fn after_the_term_the_client_sends_nothing() {
        let stage = Stage::set();
        stage.connected.add_permits(2);
        stage.create().await.expect("a write while we lead");
        *stage.boot.lock().unwrap() = TERM;
        let refused = stage.create().await.expect_err("the term is over");
        assert!(is::<TermOver>(&refused), "{refused:?}");
        assert_eq!(stage.sent(), 1);
    }

    #[tokio::test]
    async fn a_term_that_ends_while_the_connection_is_made_sends_nothing_over_it() {
        let stage = Stage::set();
        let wakes = async {
            stage.connecting.acquire().await.expect("it is not closed").forget();
            *stage.boot.lock().unwrap() = TERM;
            stage.connected.add_permits(1);
        };
        let (refused, ()) = tokio::join!(stage.create(), wakes);
        let refused = refused.expect_err("the term is over");
        assert!(is::<TermEnded>(&refused), "it is not known whether it was sent: {refused:?}");
        assert_eq!(stage.sent(), 0);
    }
}
