//! Cancels a request to the API server that makes no progress: a response that does not begin, or
//! stops in the middle, becomes an error, whatever its size. Knows nothing of the requests.
//!
//! kube has no such timeouts: a proxy that stops sending in the middle of a list, without closing
//! the connection, would block the caller for ever.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Request;
use http_body::{Body, Frame, SizeHint};
use kube::Client;
use tokio::time::{Sleep, sleep, timeout};

use super::metrics::Metrics;

/// The timeout until the first byte of a response.
const ANSWER_BEGINS_WITHIN: Duration = Duration::from_secs(30);
/// The timeout between two parts of a response. The API server has the whole response before it
/// sends the first byte, so only the network can delay the rest.
const SILENCE: Duration = Duration::from_secs(20);
/// The API server ends a watch after its timeoutSeconds; the end may be this much later. kube's own
/// watcher gives up silently after 5 s.
const WATCH_ENDS_WITHIN: Duration = Duration::from_secs(3);

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Why a request was cancelled.
#[derive(Debug, thiserror::Error)]
pub enum Stalled {
    /// The response did not begin.
    #[error("the API server did not begin to respond within {} s", ANSWER_BEGINS_WITHIN.as_secs())]
    BeforeAnswer,
    /// The response stopped in the middle.
    #[error("the API server's response stopped in the middle: no byte for {} s", .0.as_secs())]
    InAnswer(Duration),
}

/// A client like `client` that cancels requests without progress.
#[must_use]
pub fn bounded(client: &Client, metrics: &Metrics) -> Client {
    let (client, metrics) = (client.clone(), metrics.clone());
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (client, metrics) = (client.clone(), metrics.clone());
        let silence = longest_silence(request.uri().query().unwrap_or_default());
        async move {
            let Ok(answer) = timeout(ANSWER_BEGINS_WITHIN, client.send(request)).await else {
                metrics.api_request_stalled();
                return Err(Failed::from(Stalled::BeforeAnswer));
            };
            Ok(answer?.map(|body| Bounded { body: Some(body), silence, timer: None, metrics }))
        }
    });
    Client::new(service, namespace)
}

/// The longest pause in the response to a request with this query.
fn longest_silence(query: &str) -> Duration {
    let value_of = |name: &str| {
        let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let lasts = value_of("timeoutSeconds").and_then(|seconds| seconds.parse().ok());
    let is_watch = matches!(value_of("watch"), Some("true" | "1"));
    match lasts.filter(|_| is_watch) {
        Some(seconds) => Duration::from_secs(seconds) + WATCH_ENDS_WITHIN,
        None => SILENCE,
    }
}

/// A body that ends with an error when no data arrives for too long.
struct Bounded<B> {
    /// None after the request was cancelled.
    body: Option<B>,
    silence: Duration,
    /// Runs while the next part is awaited.
    timer: Option<Pin<Box<Sleep>>>,
    metrics: Metrics,
}

impl<B> Body for Bounded<B>
where
    B: Body<Error: Into<Failed>> + Unpin,
{
    type Data = B::Data;
    type Error = Failed;

    #[allow(
        clippy::disallowed_methods,
        reason = "this timeout belongs to a request, not to a reconcile"
    )]
    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Failed>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = pin!(body).poll_frame(context) {
            this.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let silence = this.silence;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(silence)));
        ready!(timer.as_mut().poll(context));
        this.body = None;
        this.metrics.api_request_stalled();
        Poll::Ready(Some(Err(Stalled::InAnswer(silence).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, iter};

    use axum::{Router, body, routing::any};
    use futures::{Stream, StreamExt, TryStreamExt, stream};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{
        Api,
        api::{ListParams, WatchParams},
    };
    use tokio::time::Instant;

    use super::*;

    /// A bounded client that gets every response with this body.
    fn answered<S>(parts: impl Fn() -> S + Clone + Send + Sync + 'static) -> Api<ConfigMap>
    where
        S: Stream<Item = &'static str> + Send + 'static,
    {
        let server = Router::new().fallback(any(move || {
            let parts = parts();
            async move { body::Body::from_stream(parts.map(Ok::<_, Infallible>)) }
        }));
        Api::all(bounded(&Client::new(server, "ns"), &Metrics::new("0", "lease", false)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_stops_in_the_middle_is_given_up() {
        let maps = answered(|| stream::iter([r#"{"metadata":"#]).chain(stream::pending()));
        let start = Instant::now();
        let error = maps.list(&ListParams::default()).await.expect_err("half a list");
        assert_eq!(start.elapsed().as_secs(), SILENCE.as_secs());
        let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(format!("{error} {why}").contains("stopped in the middle"), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_begin_is_given_up() {
        let server = Router::new().fallback(any(std::future::pending::<()>));
        let maps: Api<ConfigMap> =
            Api::all(bounded(&Client::new(server, "ns"), &Metrics::new("0", "lease", false)));
        let start = Instant::now();
        let error = maps.list(&ListParams::default()).await.expect_err("no answer");
        assert_eq!(start.elapsed().as_secs(), ANSWER_BEGINS_WITHIN.as_secs());
        assert!(matches!(&error, kube::Error::Service(why) if why.is::<Stalled>()), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_that_goes_on_is_not_cut() {
        let parts = || {
            let slow = |part| async move {
                let _ = timeout(Duration::from_secs(19), std::future::pending::<()>()).await;
                part
            };
            let parts = iter::once(r#"{"metadata":{},"items":["#)
                .chain(iter::repeat_n(" ", 100))
                .chain(["]}"]);
            stream::iter(parts).then(slow)
        };
        assert!(
            answered(parts).list(&ListParams::default()).await.expect("a list").items.is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_watch_is_given_up_soon_after_its_end_was_due_and_can_be_resumed() {
        let start = Instant::now();
        let watch = answered(stream::pending);
        let events =
            watch.watch(&WatchParams::default().timeout(30), "1").await.expect("it begins");
        let mut events = std::pin::pin!(events);
        let error = events.try_next().await.expect_err("silence");
        assert!(error.to_string().contains("no byte for 33 s"), "{error}");
        assert_eq!(start.elapsed().as_secs(), 33);
        assert!(
            events.try_next().await.expect("no more errors").is_none(),
            "the watcher resumes at an end"
        );
    }

    #[test]
    fn only_a_watch_may_be_silent_for_as_long_as_it_says() {
        let seconds = |query| longest_silence(query).as_secs();
        assert_eq!(seconds("watch=true&timeoutSeconds=30&resourceVersion=7"), 33);
        assert_eq!(seconds("limit=500&timeoutSeconds=300"), SILENCE.as_secs());
        assert_eq!(seconds("watch=true"), SILENCE.as_secs());
        assert_eq!(seconds(""), SILENCE.as_secs());
    }
}
