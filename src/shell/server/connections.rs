//! The connections of one server: answers one request on each, and bounds their number, their time
//! and what is kept of a request that has not come to its end. Knows nothing of what is served.

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

/// A kubelet, a few Prometheus servers and a few people ask at a time. For one more than these, the
/// oldest is closed: whoever wants an answer sends a request at once, and has it by then.
pub(super) const MOST: usize = 64;
/// A kubelet or Prometheus sends a few hundred bytes in one packet.
pub(super) const REQUEST_WITHIN: Duration = Duration::from_secs(10);
pub(super) const REQUEST_BYTES: usize = 16 * 1024;
/// Three times what Prometheus waits for by default.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long answers that are under way may take once the server is told to stop.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// Without a free file descriptor, each accept fails at once.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_secs(1);

/// Answers until `stop`, and then what is under way.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut connections = Connections::default();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => connections.begin(stream, router.clone()),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for probes or metrics");
                // Either may come first.
                let _ = timeout(AFTER_FAILED_ACCEPT, stop.cancelled()).await;
            }
        }
    }
    // Whoever comes now is refused at once, and does not wait.
    drop(listener);
    connections.end().await;
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Those under way, the oldest first.
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
        // Those that are left end with the set.
        let _ = timeout(ENDS_WITHIN, all).await;
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let exchange = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_buf_size(REQUEST_BYTES)
        // Who asks again in seconds connects again: so no connection is open without a request.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // However it ends, nobody is left to be told.
    let _ = timeout(ANSWERED_WITHIN, exchange).await;
}
