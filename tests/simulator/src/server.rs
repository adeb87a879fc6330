//! Serves the model over HTTP: accepts, waits as the model says, and answers, hangs or resets.
//! Decides nothing.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Millis;
use crate::clock::Clock;
use crate::control;
use crate::model::{Course, Model, Outcome, Raw, Reply, Request};

/// A token call has some hundred bytes; a control call may carry a long custom answer.
const LARGEST_BODY: usize = 16 << 20;

/// Out of file descriptors, accepting again at once would only burn the processor.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Shared {
    model: Mutex<Model>,
    clock: Clock,
    print_calls: bool,
}

/// Hyper ends a connection without an answer if the service fails.
#[derive(Debug)]
struct Closed;

/// Who is connected, and to which of our ports; and the platform that alone is served there.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    port: u16,
    platform: Option<&'static str>,
}

/// How a connection ends that hyper has let go of.
#[derive(Debug, Default)]
enum End {
    #[default]
    InOrder,
    Reset,
    Raw(Raw),
}

type Answered = Result<Response<Full<Bytes>>, Closed>;

impl Shared {
    pub fn new(model: Model, clock: Clock, print_calls: bool) -> Self {
        Self { model: Mutex::new(model), clock, print_calls }
    }

    /// The time is read under the lock, so that it never runs backwards for the model.
    pub fn with<T>(&self, act: impl FnOnce(&mut Model, Millis) -> T) -> T {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut model, self.clock.now())
    }
}

pub(crate) async fn serve(
    listener: TcpListener,
    platform: Option<&'static str>,
    shared: Arc<Shared>,
) -> Infallible {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let ends = Ends { peer, port, platform };
                    connections.spawn(connection(stream, ends, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(AFTER_FAILED_ACCEPT).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, ends: Ends, shared: Arc<Shared>) {
    let end = Arc::new(Mutex::new(End::InOrder));
    let asked = Arc::clone(&end);
    let service = service_fn(move |request| -> Pin<Box<dyn Future<Output = Answered> + Send>> {
        Box::pin(exchange(request, ends, Arc::clone(&shared), Arc::clone(&asked)))
    });
    let mut served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = std::future::poll_fn(|context| served.poll_without_shutdown(context)).await;
    let stream = served.into_parts().io.into_inner();
    let end = std::mem::take(&mut *end.lock().unwrap_or_else(PoisonError::into_inner));
    match end {
        End::Raw(raw) if ended.is_err() => send(stream, &raw).await,
        End::Reset if ended.is_err() => {
            // With nothing to linger for, closing is a reset.
            let _ = stream.set_zero_linger();
        }
        End::Raw(_) | End::Reset | End::InOrder => {}
    }
}

/// Sends bytes as they are, until the caller has had enough.
async fn send(mut stream: TcpStream, raw: &Raw) {
    if raw.every_ms == 0 {
        if stream.write_all(&raw.bytes).await.is_err() {
            return;
        }
    } else {
        for byte in &raw.bytes {
            wait(raw.every_ms).await;
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    }
    let filler = vec![b'A'; 64 << 10];
    let mut left = raw.filler;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(filler.len());
        if stream.write_all(&filler[..now]).await.is_err() {
            return;
        }
        left -= now as u64;
    }
    // The caller may have left already.
    let _ = stream.shutdown().await;
}

async fn exchange(
    request: hyper::Request<Incoming>,
    ends: Ends,
    shared: Arc<Shared>,
    end: Arc<Mutex<End>>,
) -> Answered {
    let Some(request) = read(request, ends).await else {
        return Ok(response(Reply::new(413, "text/plain", "body too large\n")));
    };
    if request.path == "/sim" || request.path.starts_with("/sim/") {
        let reply = shared.with(|model, now| {
            control::answer(model, now, &request.method, &request.path, &request.body)
        });
        return Ok(response(reply));
    }
    match platform(request, &shared).await {
        Ok(reply) => Ok(response(reply)),
        Err(how) => {
            *end.lock().unwrap_or_else(PoisonError::into_inner) = how;
            Err(Closed)
        }
    }
}

async fn platform(request: Request, shared: &Arc<Shared>) -> Result<Reply, End> {
    let Some(course) = shared.with(|model, now| model.arrive(now, &request)) else {
        return Ok(Reply::new(
            404,
            "text/plain",
            "no such endpoint; GET /sim lists the control API\n",
        ));
    };
    let call = Printed { shared: Arc::clone(shared), course };
    let (outlives_caller, after_ms) = (call.course.outlives_caller, call.course.after_ms);
    let effect = async move {
        wait(call.course.before_ms).await;
        let outcome = call.shared.with(|model, now| model.execute(now, &request, &call.course));
        (outcome, call)
    };
    // Hyper drops this future when the caller leaves; only a task of its own goes on.
    let (outcome, call) = if outlives_caller {
        match tokio::spawn(effect).await {
            Ok(done) => done,
            Err(_) => return Err(End::InOrder),
        }
    } else {
        effect.await
    };
    wait(after_ms).await;
    match outcome {
        Outcome::Answer(reply) => {
            call.shared.with(|model, _| model.answered(&call.course, reply.status));
            Ok(reply)
        }
        // Held here, the call has its line printed when the caller gives up.
        Outcome::Silence => std::future::pending().await,
        Outcome::Raw(raw) => {
            call.shared.with(|model, _| model.answered(&call.course, 200));
            Err(End::Raw(raw))
        }
        Outcome::Closed { reset } => Err(if reset { End::Reset } else { End::InOrder }),
    }
}

/// Prints a call's line when it is over, however it ended.
struct Printed {
    shared: Arc<Shared>,
    course: Course,
}

impl Drop for Printed {
    fn drop(&mut self) {
        if self.shared.print_calls {
            let line = self
                .shared
                .with(|model, _| model.log().get(&self.course.call).map(ToString::to_string));
            // Nobody listening is no reason to fail.
            let _ = line.map(|line| writeln!(std::io::stdout(), "{line}"));
        }
    }
}

async fn wait(length: Millis) {
    if length > 0 {
        tokio::time::sleep(Duration::from_millis(length)).await;
    }
}

async fn read(request: hyper::Request<Incoming>, ends: Ends) -> Option<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await.ok()?.to_bytes().to_vec();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    Some(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body,
        platform: ends.platform.map(str::to_owned),
        from: ends.peer.ip(),
        port: ends.port,
    })
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers =
        [(header::CONTENT_TYPE, Some(reply.content_type)), (header::LOCATION, reply.location)];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("left without an answer, on purpose")
    }
}

impl std::error::Error for Closed {}
