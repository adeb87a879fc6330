//! Serves a watch: the changes that were asked for, in order, late, twice or not at all when the
//! fault rates say so.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::channel::mpsc;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::{Change, Kind, answer::shape, apply::Refusal, request::Asked};
use crate::{
    stage::Stage,
    time::{Millis, SECOND},
};

pub type Lines = mpsc::UnboundedSender<Result<Bytes, io::Error>>;

/// What comes next on a stream.
enum Next {
    Changes(Vec<Change>),
    Forgotten,
    Nothing,
}

/// Runs until the caller leaves, the stream's time is over or a fault tears it.
pub async fn serve(stage: Arc<Stage>, asked: Asked, lines: Lines) {
    let mut seen: u64 = asked
        .parameter("resourceVersion")
        .and_then(|version| version.parse().ok())
        .unwrap_or_default();
    let changed = stage.cluster().changed();
    let ends = stage.time.now() + stage.fault_rates.stream_life(&asked);
    loop {
        if lines.is_closed() {
            return;
        }
        match next(&stage, &asked, seen) {
            Next::Forgotten => {
                let gone = super::answer::Answer::from(Refusal::new(
                    410,
                    "Expired",
                    "too old resource version",
                ));
                send(&lines, "ERROR", &gone.body);
                return;
            }
            Next::Changes(fresh) => {
                for change in fresh {
                    let lag = stage.fault_rates.stream_lag(stage.time.now());
                    wait(lag).await;
                    if lag > SECOND {
                        note(&stage, lag);
                    }
                    if stage.fault_rates.tears_stream(stage.time.now()) {
                        return tear(&stage, &lines).await;
                    }
                    seen = change.version;
                    let object = shape(&change.object, &asked);
                    send(&lines, change.verb, &object);
                    if stage.fault_rates.repeats_event(stage.time.now()) && change.verb != "DELETED"
                    {
                        send(&lines, "MODIFIED", &object);
                    }
                }
                continue;
            }
            Next::Nothing => {}
        }
        let now = stage.time.now();
        if now >= ends {
            return;
        }
        // A quiet stream must say something every 295 s, or its reader takes it for dead.
        let pause = (ends - now).min(280 * SECOND);
        tokio::select! {
            biased;
            () = changed.notified() => {}
            () = wait(pause) => {
                seen = seen.max(stage.cluster().version());
                let _ = lines.unbounded_send(Ok(bookmark(&asked, seen)));
            }
            () = stage.fault_rates.storm_begins() => return tear(&stage, &lines).await,
        }
    }
}

fn next(stage: &Stage, asked: &Asked, seen: u64) -> Next {
    let cluster = stage.cluster();
    let Some(changes) = cluster.since(asked.kind, seen) else { return Next::Forgotten };
    let fresh: Vec<_> = changes.filter(|change| asked.selects(&change.object)).cloned().collect();
    if fresh.is_empty() { Next::Nothing } else { Next::Changes(fresh) }
}

/// Whoever waits for an event waits for those before it as well: a watch that lags concerns all.
fn note(stage: &Stage, lasted: Millis) {
    let now = stage.time.now();
    stage.record().disturbed(now - lasted, now, None, "a watch");
}

async fn tear(stage: &Stage, lines: &Lines) {
    note(stage, 0);
    // What happens until the caller is back it finds by listing only.
    if stage.fault_rates.dice.chance(0.2) {
        stage.cluster().compact();
    }
    if stage.fault_rates.breaks_in_silence() {
        let began = stage.time.now();
        while !lines.is_closed() {
            wait(SECOND).await;
        }
        note(stage, stage.time.now() - began);
    } else if stage.fault_rates.dice.chance(0.5) {
        let _ = lines.unbounded_send(Err(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "the stream was torn",
        )));
    }
}

fn send(lines: &Lines, verb: &str, object: &Value) {
    let mut line = json!({ "type": verb, "object": object }).to_string();
    line.push('\n');
    // A caller that has left is noticed at the next turn.
    let _ = lines.unbounded_send(Ok(Bytes::from(line)));
}

/// Written out by hand: years of silence are mostly this.
fn bookmark(asked: &Asked, version: u64) -> Bytes {
    let (api_version, kind) = match asked.kind {
        _ if asked.metadata_only => ("meta.k8s.io/v1", "PartialObjectMetadata"),
        Kind::MiniProgram => ("miniprogram.dev/v1alpha1", "MiniProgram"),
        Kind::Secret => ("v1", "Secret"),
        Kind::Lease => ("coordination.k8s.io/v1", "Lease"),
        Kind::Event => ("events.k8s.io/v1", "Event"),
    };
    let metadata = format_args!(r#"{{"resourceVersion":"{version}"}}"#);
    let line = format!(
        r#"{{"type":"BOOKMARK","object":{{"apiVersion":"{api_version}","kind":"{kind}","metadata":{metadata}}}}}"#
    );
    Bytes::from(line + "\n")
}

async fn wait(pause: Millis) {
    if pause > 0 {
        sleep(Duration::from_millis(pause)).await;
    }
}
