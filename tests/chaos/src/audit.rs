//! What the operators wrote, by the API server's audit log: it tells them apart by their credentials. Judges nothing.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
};

use k8s_openapi::jiff::Timestamp;
use platform_simulator::Millis;
use serde_json::Value;

use crate::stage::Stage;

/// A write that succeeded.
#[derive(Clone, Debug)]
pub struct Write {
    /// When the API server received it.
    pub at: Millis,
    pub by: usize,
    pub what: What,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Lease,
    Secret,
    MiniProgram,
}

/// All writes of the operators so far, in the order in which they came.
pub fn writes(stage: &Stage) -> Vec<Write> {
    // Both clocks are this machine's: the simulator's began so long ago.
    let start = Timestamp::now().as_millisecond() - i64::try_from(stage.simulator.now_ms()).unwrap_or(i64::MAX);
    let log = File::open(stage.cluster.audit_log().expect("it was asked for")).expect("an audit log");
    let ours = format!("\"username\":\"{}\"", stage.user);
    // What a killed API server was about to write may be half a line.
    let lines = BufReader::new(log).split(b'\n').map_while(Result::ok);
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned()).filter(|line| line.contains(&ours));
    let mut writes: Vec<_> = lines.filter_map(|line| write(stage, start, &serde_json::from_str(&line).ok()?)).collect();
    writes.sort_by_key(|write| write.at);
    writes
}

fn write(stage: &Stage, start: i64, event: &Value) -> Option<Write> {
    let what = match event["objectRef"]["resource"].as_str()? {
        "leases" => What::Lease,
        "secrets" => What::Secret,
        "miniprograms" => What::MiniProgram,
        _ => return None,
    };
    let wrote = matches!(event["verb"].as_str()?, "create" | "update" | "patch" | "delete");
    let dry = event["requestURI"].as_str()?.contains("dryRun=All");
    let succeeded = matches!(event["responseStatus"]["code"].as_i64(), Some(200..300));
    if !wrote || dry || !succeeded {
        return None;
    }
    let credential = event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].as_str()?;
    let by = stage.replicas.iter().position(|replica| replica.credential == credential)?;
    let at: Timestamp = event["requestReceivedTimestamp"].as_str()?.parse().ok()?;
    let at = Millis::try_from(at.as_millisecond() - start).unwrap_or(0);
    Some(Write { at, by, what, name: event["objectRef"]["name"].as_str().unwrap_or_default().to_owned() })
}
