//! The connections of a server: serves one request on each, and limits their number, their duration
//! and the size of a request.

use std::{collections::VecDeque, io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Enough for a kubelet, a few Prometheus servers and a few people. For a further connection the
/// oldest is closed: a client that sends its request at once has its response by then.
pub(super) const MOST: usize = 64;
/// A kubelet or Prometheus sends a few hundred bytes in one packet.
pub(super) const REQUEST_WITHIN: Duration = Duration::from_secs(10);
pub(super) const REQUEST_BYTES: usize = 16 * 1024;
/// Three times the default timeout of Prometheus.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long responses under way may take when the server stops.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// The pause after a failed accept: without a free file descriptor, each fails at once.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_secs(1);

/// Serves requests until `stop`, and then finishes those under way.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut connections = Connections::default();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => connections.begin(stream, router.clone()),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for probes or metrics");
                // Waits for the pause or for `stop`.
                let _ = timeout(AFTER_FAILED_ACCEPT, stop.cancelled()).await;
            }
        }
    }
    // From now on, new connections are refused.
    drop(listener);
    connections.end().await;
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connections under way, the oldest first.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    handles: VecDeque<AbortHandle>,
}

impl Connections {
    fn begin(&mut self, stream: TcpStream, router: Router) {
        while self.tasks.try_join_next().is_some() {}
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() == MOST
            && let Some(oldest) = self.handles.pop_front()
        {
            oldest.abort();
        }
        self.handles.push_back(self.tasks.spawn(answer(stream, router)));
    }

    async fn end(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Connections that are left are aborted with the set.
        let _ = timeout(ENDS_WITHIN, all).await;
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let exchange = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_buf_size(REQUEST_BYTES)
        // Clients connect again for each request, so that no connection is open without one.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // An error has no receiver: the connection is closed.
    let _ = timeout(ANSWERED_WITHIN, exchange).await;
}
