//! What was asked and used between two moments: of the API server, the platform, the processors.

use std::time::Duration;

use http::Request;
use operator_harness::Process;
use tokio::time::Instant;

use crate::{
    figures::{self, Figures},
    operator::sum,
    requests::Requests,
    testbed::Testbed,
};

/// What all counters say at a moment.
pub struct Reading {
    at: Instant,
    requests: Requests,
    api_server: f64,
    calls: u64,
    operator: Duration,
}

/// What was used since an earlier reading.
pub struct Cost {
    pub took: Duration,
    pub requests: Requests,
    /// Seconds of processor time of kube-apiserver.
    pub api_server: f64,
    /// Calls to the platform.
    pub calls: u64,
    /// Processor time of the operator.
    pub operator: Duration,
}

impl Reading {
    /// With the processor time of an operator, if there is one; that of a new one begins at 0.
    pub async fn take(testbed: &Testbed, operator: Option<&Process>) -> Self {
        let at = Instant::now();
        let operator = operator.map(Process::processor_time).unwrap_or_default();
        let request = Request::get("/metrics").body(Vec::new()).expect("a request");
        let metrics = testbed.client.request_text(request).await.expect("metrics");
        Self {
            at,
            requests: Requests::parse(&metrics),
            api_server: sum(&metrics, "process_cpu_seconds_total"),
            calls: testbed.simulator.all_counts().total.calls,
            operator,
        }
    }

    pub fn since(&self, before: &Self) -> Cost {
        Cost {
            took: self.at - before.at,
            requests: self.requests.since(&before.requests),
            api_server: self.api_server - before.api_server,
            calls: self.calls - before.calls,
            operator: self.operator.saturating_sub(before.operator),
        }
    }
}

impl Cost {
    /// What each app has cost.
    pub fn per_app(&self, apps: u32) -> Figures {
        let mut figures = Figures::default();
        figures.add(figures::CALLS, per_app(self.calls, apps));
        figures.append(self.of_api_server(apps));
        figures.add(figures::CPU, self.operator.as_secs_f64());
        figures.add(figures::CPU_PER_APP, self.operator.as_secs_f64() * 1000.0 / f64::from(apps));
        figures
    }

    pub fn writes_per_call(&self) -> f64 {
        figures::float(self.requests.writes()) / figures::float(self.calls)
    }

    /// What each app has cost the API server.
    pub fn of_api_server(&self, apps: u32) -> Figures {
        let mut figures = Figures::default();
        figures.add(figures::WRITES, per_app(self.requests.writes(), apps));
        figures.add(figures::READS, per_app(self.requests.reads(), apps));
        figures.add(figures::DRY_RUNS, per_app(self.requests.dry_runs(), apps));
        figures.add(figures::EVENTS, per_app(self.requests.events(), apps));
        figures.add(figures::SERVER_ERRORS, figures::float(self.requests.server_errors()));
        for (kind, count) in self.requests.by_kind() {
            figures.add(&format!("{kind}, per app"), per_app(count, apps));
        }
        figures.add(figures::API_SERVER_PER_APP, self.api_server * 1000.0 / f64::from(apps));
        figures
    }
}

fn per_app(count: u64, apps: u32) -> f64 {
    figures::float(count) / f64::from(apps)
}
