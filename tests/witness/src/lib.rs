//! Writes down for the judge what real processes did: from the audit log of the API server that
//! they talk to, and from the call log of the platform that they ask. Judges nothing.
//!
//! | file | its one job |
//! |---|---|
//! | [`audit`] | the audit log, request by request |
//! | `history` | what was asked of the API server and what it stored |
//! | `calls` | what was asked of the platform and what it made |

pub mod audit;
mod calls;
mod history;

use std::{collections::BTreeSet, path::Path};

use judge::{Log, Pace, Process};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use platform_simulator::{Millis, Simulator, model::Call};
use serde_json::Value;

/// How long a request may be on its way on a busy machine.
pub const ON_ITS_WAY: Millis = 1_000;

/// Who takes part in a run.
pub struct Scene<'a> {
    pub simulator: &'a Simulator,
    /// What the audit log calls the account of the operators.
    pub user: &'a str,
    /// What all namespaces of the run begin with.
    pub namespace: &'a str,
    /// The processes, in the order of their starts.
    pub processes: &'a [Started],
    /// How often the app of a spec is to be asked for.
    pub pace: &'a dyn Fn(&Value) -> Pace,
}

/// A process of the operator. No two have the same credential.
#[derive(Clone, Debug)]
pub struct Started {
    pub at: Millis,
    /// What the audit log calls its credential.
    pub credential: String,
    /// The port of the platform that it calls.
    pub port: u16,
}

impl Scene<'_> {
    /// All that happened, by an audit log from some byte on.
    #[must_use]
    pub fn log(&self, audit_log: &Path, from: u64) -> Log {
        let mut log = Log::default();
        let mut minted = BTreeSet::new();
        for app in self.simulator.all_counts().apps.keys() {
            minted.extend(calls::write_down(self, app, &mut log));
        }
        let requests = audit::requests(audit_log, from, |line| self.concerns(line));
        history::write_down(self, minted, requests, &mut log);
        log
    }

    /// What others read is nobody's business, and most of the audit log.
    fn concerns(&self, line: &str) -> bool {
        let reads = ["get", "list", "watch"].map(|verb| format!("\"verb\":\"{verb}\""));
        line.contains(self.namespace)
            && (line.contains(self.user) || !reads.iter().any(|verb| line.contains(verb)))
    }

    /// The number of the process that uses a credential.
    fn user_of(&self, credential: &str) -> Option<Process> {
        number(self.processes.iter().position(|process| process.credential == credential)?)
    }

    /// The number of the process that made a call. A port that no process was told of is a
    /// stranger's.
    fn caller(&self, call: &Call) -> Option<Process> {
        let calls = |process: &Started| process.port == call.port && process.at <= call.arrived_ms;
        number(self.processes.iter().rposition(calls)?)
    }

    /// When the simulator's clock began. It is this machine's, as the API server's is. A thread
    /// that must wait between the two clocks reads a time that is too late: the earliest is true.
    fn began(&self) -> Timestamp {
        let read = || {
            let runs = i64::try_from(self.simulator.now_ms()).unwrap_or(i64::MAX);
            Timestamp::now() - SignedDuration::from_millis(runs)
        };
        (0..9).map(|_| read()).min().unwrap_or_else(read)
    }
}

fn number(place: usize) -> Option<Process> {
    Process::try_from(place + 1).ok()
}
