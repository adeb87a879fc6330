//! The way between an operator and the API server: a `kube::Client` whose every request has its
//! outcome here.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, channel::mpsc, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use miniprogram_operator::shell::leader::Term;
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    time::{Duration, sleep},
};

use super::{
    Kind,
    answer::{Answer, answer},
    apply::Refusal,
    request::{Asked, Verb},
    streams,
};
use crate::{
    explore::step::Step,
    fault_rates::RequestOutcome,
    stage::{ProcessId, Stage},
    time::Millis,
};

type Reply = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// A client for one process of the operator.
pub fn client(stage: &Arc<Stage>, process: ProcessId) -> Client {
    let stage = Arc::clone(stage);
    let service = tower::service_fn(move |request: Request<Body>| {
        carry(Arc::clone(&stage), process, request)
    });
    Client::new(service, "default")
}

/// The same client, watched: nobody who lives may set about a write when the term is over, also not
/// the second try of one.
pub fn of_term(stage: &Arc<Stage>, process: ProcessId, client: &Client, term: &Term) -> Client {
    let (stage, client, term) = (Arc::clone(stage), client.clone(), term.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        if request.method() != Method::GET && !term.leads() && stage.is_running(process) {
            let what = format!(
                "P{process} writes after its term: {} {}",
                request.method(),
                request.uri().path()
            );
            stage.record().is_unsound(what);
        }
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, "default")
}

async fn carry(
    stage: Arc<Stage>,
    process: ProcessId,
    request: Request<Body>,
) -> Result<Reply, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect_bytes().await.map_err(io::Error::other)?;
    let Some(asked) = Asked::read(&parts, &body) else {
        stage.trace.note(
            "api",
            format_args!("P{process} {} {}: not in this model", parts.method, parts.uri),
        );
        stage.record().is_unsound(format!(
            "the operator asked what the model does not serve: {} {}",
            parts.method, parts.uri
        ));
        return Ok(reply(&Refusal::not_found("page").into()));
    };
    let sent = stage.time.now();
    stage.record().requests(sent, process, &asked);
    stage.pass_pause(process).await;
    let outcome = match &stage.injector {
        Some(injector) => {
            injector.outcome(&stage, process, Step::of(&asked), RequestOutcome::Fine(2, 2)).await
        }
        None => stage.fault_rates.api_outcome(stage.time.now(), &asked),
    };
    stage.record().requested(stage.time.now(), &asked);
    let (answered, answer) = oneshot::channel();
    // The server's side goes on whatever becomes of the caller.
    tokio::spawn(serve(Arc::clone(&stage), Sender { process, sent }, asked, outcome, answered));
    let answer = answer.await;
    stage.pass_pause(process).await;
    answer.map_err(|_| io::Error::new(io::ErrorKind::ConnectionReset, "no answer"))
}

/// Who sends a request, and since when.
#[derive(Clone, Copy)]
struct Sender {
    process: ProcessId,
    sent: Millis,
}

async fn serve(
    stage: Arc<Stage>,
    Sender { process, sent }: Sender,
    mut asked: Asked,
    outcome: RequestOutcome,
    answered: oneshot::Sender<Reply>,
) {
    asked.altered = outcome == RequestOutcome::Altered;
    let quiet = asked.verb == Verb::Watch || asked.kind == Kind::Event;
    if !matches!(outcome, RequestOutcome::Fine(..)) {
        stage.trace.note("api", format_args!("P{process} {asked}: {outcome:?}"));
    }
    // That something is hidden is told once, and for as long as it lasts.
    let now = stage.time.now();
    let hidden = stage.fault_rates.hidden(now).and_then(|hidden| hidden.outcome(now, &asked));
    if let Some(lasts) = lasts(outcome).filter(|_| hidden.is_none()) {
        stage.record().disturbed(now, now + lasts, asked.app(), "a request");
    }
    let carry_out = |stage: &Arc<Stage>| {
        let now = stage.time.now();
        stage.record().carries_out(process, sent);
        let answer = answer(&mut stage.cluster(), now, &asked);
        stage.record().has_carried_out(now, &asked, &answer.body);
        if !quiet {
            let version = answer.body["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            let status = if asked.verb == Verb::ReplaceStatus {
                told(&asked.body["status"])
            } else {
                String::new()
            };
            stage.trace.note(
                "api",
                format_args!("P{process} {asked} → {} {version}{status}", answer.code),
            );
        }
        answer
    };
    match outcome {
        RequestOutcome::Fine(there, back) => {
            pass(there).await;
            if asked.verb == Verb::Watch {
                let (lines, body) = mpsc::unbounded();
                let body = BodyExt::boxed_unsync(StreamBody::new(
                    body.map(|line: Result<Bytes, io::Error>| line.map(Frame::data)),
                ));
                let _ = answered.send(Response::new(body));
                return streams::serve(stage, asked, lines).await;
            }
            let answer = carry_out(&stage);
            pass(back).await;
            let _ = answered.send(reply(&answer));
        }
        RequestOutcome::Altered => {
            pass(2).await;
            let answer = carry_out(&stage);
            let _ = answered.send(reply(&answer));
        }
        RequestOutcome::Unsent(after) => pass(after).await,
        RequestOutcome::Lost { reset } => never(answered, reset).await,
        RequestOutcome::AnswerLost { reset } => {
            pass(3).await;
            if asked.verb == Verb::Watch {
                return never(answered, reset).await;
            }
            let answer = carry_out(&stage);
            if !reset {
                let _ = answered.send(half(&answer));
            }
        }
        RequestOutcome::Late { by, reset } => {
            let caller = tokio::spawn(never(answered, reset));
            pass(by).await;
            if asked.verb != Verb::Watch {
                carry_out(&stage);
            }
            // Ends by itself when the caller has left.
            drop(caller);
        }
        RequestOutcome::Refused(code) => {
            pass(3).await;
            let code = u16::try_from(code).unwrap_or(500);
            let message = if code == 403 {
                "exceeded quota: faults, requested: count/secrets=1"
            } else {
                "a fault of the simulation"
            };
            let _ = answered.send(reply(&Refusal::new(code, "Weather", message).into()));
        }
        RequestOutcome::Garbled(_) => {
            let _ = answered.send(reply(&Answer { code: 502, body: json!("<html>") }));
        }
        RequestOutcome::Crash { after } => {
            pass(2).await;
            if after {
                carry_out(&stage);
            }
            stage.kill(
                process,
                if after { "right after a request" } else { "right before a request" },
            );
        }
    }
}

/// How long a fault lasts; none if it is none.
fn lasts(outcome: RequestOutcome) -> Option<Millis> {
    match outcome {
        RequestOutcome::Fine(there, back) => (there + back > 1000).then_some(there + back),
        RequestOutcome::Late { by, .. } => Some(by),
        _ => Some(0),
    }
}

/// A status in short, for the trace.
fn told(status: &Value) -> String {
    let mut text = String::new();
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let word = |name: &str| condition[name].as_str().unwrap_or_default();
        text = text
            + " "
            + word("type")
            + "="
            + word("status").get(..1).unwrap_or_default()
            + "/"
            + word("reason");
    }
    if let Some(intent) = status["intent"]["id"].as_str() {
        let outcome_unknown =
            if status["intent"]["outcomeUnknown"] == true { " in doubt" } else { "" };
        text = text + " intent " + intent.get(..6).unwrap_or_default() + outcome_unknown;
    }
    for (what, time) in
        [("checked", &status["token"]["checkTime"]), ("next", &status["token"]["nextRefreshTime"])]
    {
        text = time.as_str().map_or(text.clone(), |time| format!("{text} {what} {time}"));
    }
    if let Some(next) = status["lastFailure"]["nextAttemptTime"].as_str() {
        text = text + " failed until " + next;
    }
    text
}

/// No answer: at once a reset, or nothing until the caller gives up.
async fn never(mut answered: oneshot::Sender<Reply>, reset: bool) {
    if !reset {
        answered.closed().await;
    }
}

async fn pass(time: Millis) {
    sleep(Duration::from_millis(time)).await;
}

/// An answer that stops in the middle, over a connection that stays open.
fn half(answer: &Answer) -> Reply {
    let mut text = answer.body.to_string().into_bytes();
    text.truncate(text.len() / 2);
    let begins = stream::iter([Ok(Frame::data(Bytes::from(text)))]);
    let mut reply =
        Response::new(BodyExt::boxed_unsync(StreamBody::new(begins.chain(stream::pending()))));
    *reply.status_mut() = http::StatusCode::from_u16(answer.code).unwrap_or_default();
    reply
}

fn reply(answer: &Answer) -> Reply {
    let body = Full::new(Bytes::from(answer.body.to_string())).map_err(|never| match never {});
    let mut reply = Response::new(BodyExt::boxed_unsync(body));
    *reply.status_mut() = http::StatusCode::from_u16(answer.code).unwrap_or_default();
    reply
}
