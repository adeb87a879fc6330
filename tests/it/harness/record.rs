//! What the operators of a stage did, judged at its end: safety, whatever a test does to them.

use std::sync::{Mutex, PoisonError};

use judge::{Event, Pace, Rules, judge, rules::Limits};
use platform_simulator::Simulator;
use serde_json::Value;
use witness::{ON_ITS_WAY, Scene, Started};

use super::audit;

const LEASE: u64 = 4_000 + ON_ITS_WAY;
/// Operators of these tests wait for an answer for as little as a second.
const UNANSWERED_APART: u64 = 1_000;
/// Requests about one object in ten seconds; the busiest test needs 45.
const REQUESTS_A_BURST: usize = 100;

/// What has to be remembered meanwhile.
pub struct Record {
    /// Where in the audit log it begins.
    from: u64,
    processes: Mutex<Vec<Started>>,
}

impl Record {
    pub fn begin() -> Self {
        Self { from: audit::written(), processes: Mutex::default() }
    }

    /// An operator is about to be started.
    pub fn started(&self, simulator: &Simulator, credential: String, port: u16) {
        let started = Started { at: simulator.now_ms(), credential, port };
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).push(started);
    }

    /// Fails if the operators did what no circumstances excuse.
    pub fn judge(&self, simulator: &Simulator, user: &str, namespace: &str) {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = Scene {
            simulator,
            user,
            namespace,
            processes: processes.as_slice(),
            pace: &|spec| pace(simulator, spec),
        };
        let mut log = scene.log(audit::path(), self.from);
        let end = simulator.now_ms();
        // What a test does to platform and processes is not written down, so it is never calm.
        log.push(0, Event::Disturbance { until: end, app: None, what: "a test" });
        let rules = Rules::default();
        let platform = Limits { unanswered_apart: UNANSWERED_APART, ..rules.platform };
        let rules = Rules { lease: LEASE, requests_a_burst: REQUESTS_A_BURST, platform, ..rules };
        let broken = judge(&log, &rules, end).broken;
        let broken: Vec<_> = broken.iter().map(ToString::to_string).collect();
        assert!(broken.is_empty(), "promises were broken: {broken:#?}");
    }
}

/// A token is asked for again no sooner than a little before half of its life.
fn pace(simulator: &Simulator, spec: &Value) -> Pace {
    let app = spec["appID"].as_str().unwrap_or_default();
    let life = simulator.with_model(|model, _| model.rules(app)).life_ms;
    let interval = spec["refreshIntervalSeconds"].as_u64().map(|seconds| seconds * 1000);
    Pace { refresh_after: life * 2 / 5, interval }
}
