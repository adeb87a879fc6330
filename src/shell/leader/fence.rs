//! A term's own way to the API server: open while the term lasts. Knows nothing of what is asked
//! there.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use kube::Client;

use super::term::Term;

/// Nothing was sent: another one may lead by now.
#[derive(Debug, thiserror::Error)]
#[error("this process leads no more")]
pub struct TermOver;

/// The term ended under a request: it may have been sent.
#[derive(Debug, thiserror::Error)]
#[error("this process led no more before there was an answer")]
struct TermEnded;

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Term {
    /// The same client, for as long as we lead. The clock is asked right before each request goes
    /// out: a process that was stopped between a decision and its write, or is at a second try of
    /// one, writes nothing when it wakes. It is asked again at each step of a request, since the
    /// connection that it needs may have to be made first.
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

    /// A term, the boot time that it goes by, and a server that counts what is sent to it, each
    /// over a connection that is made for it.
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
            let hand = Arc::clone(&boot);
            let clock = Clock::from_fn(move || Now {
                wall: Timestamp::UNIX_EPOCH,
                boot: *hand.lock().unwrap(),
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
    async fn who_leads_no_more_sends_nothing_whoever_still_holds_the_client() {
        let stage = Stage::set();
        stage.connected.add_permits(2);
        stage.create().await.expect("a write while we lead");
        *stage.boot.lock().unwrap() = TERM;
        let refused = stage.create().await.expect_err("the term is over");
        assert!(is::<TermOver>(&refused), "{refused:?}");
        assert_eq!(stage.sent(), 1);
    }

    #[tokio::test]
    async fn who_is_stopped_while_the_connection_is_made_sends_nothing_over_it() {
        let stage = Stage::set();
        let wakes = async {
            stage.connecting.acquire().await.expect("it is not closed").forget();
            *stage.boot.lock().unwrap() = TERM;
            stage.connected.add_permits(1);
        };
        let (refused, ()) = tokio::join!(stage.create(), wakes);
        let refused = refused.expect_err("the term is over");
        assert!(
            is::<TermEnded>(&refused),
            "nobody can tell any more whether it was sent: {refused:?}"
        );
        assert_eq!(stage.sent(), 0);
    }
}
