//! Logs that the API server cannot be reached: when that begins, once a minute while it lasts, and
//! when it ends. Knows nothing of the requests.
//!
//! It replaces kube's own log line for each request that fails, which `telemetry` drops.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Request;
use kube::{Client, client::Body};
use tracing::{info, warn};

use super::{
    cause::{self, Cause},
    clock::Clock,
};

/// A shorter failure, such as a broken connection, is not logged.
const BEGINS_AFTER: Duration = Duration::from_secs(5);
/// How often a lasting outage is logged.
const REPEATED_AFTER: Duration = Duration::from_mins(1);

/// A client like `client` that logs outages.
#[must_use]
pub fn reported(client: &Client, clock: &Clock) -> Client {
    let (client, clock) = (client.clone(), clock.clone());
    let namespace = client.default_namespace().to_owned();
    let outage = Arc::new(Mutex::new(Outage::default()));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, clock, outage) = (client.clone(), clock.clone(), Arc::clone(&outage));
        async move {
            let response = client.send(request).await;
            let now = clock.now().boot;
            let mut outage = outage.lock().unwrap_or_else(PoisonError::into_inner);
            match &response {
                Ok(_) => outage.answered(now).into_iter().for_each(log_end),
                Err(error) => {
                    outage.failed(now).into_iter().for_each(|lasted| log_outage(lasted, error));
                }
            }
            response
        }
    });
    Client::new(service, namespace)
}

/// The outage under way, and when it was logged.
#[derive(Debug, Default)]
struct Outage {
    /// When the first request failed, if none has succeeded since.
    since: Option<Duration>,
    /// When it was last logged.
    logged: Option<Duration>,
}

impl Outage {
    /// Records a failed request. Returns how long the outage has lasted if it should be logged now.
    fn failed(&mut self, now: Duration) -> Option<Duration> {
        let lasted = now.saturating_sub(*self.since.get_or_insert(now));
        let logged_lately =
            self.logged.is_some_and(|logged| now.saturating_sub(logged) < REPEATED_AFTER);
        if lasted < BEGINS_AFTER || logged_lately {
            return None;
        }
        self.logged = Some(now);
        Some(lasted)
    }

    /// Records a response. Returns how long the outage lasted if it was logged.
    fn answered(&mut self, now: Duration) -> Option<Duration> {
        let Self { since, logged } = std::mem::take(self);
        logged.and(since).map(|since| now.saturating_sub(since))
    }
}

fn log_outage(lasted: Duration, error: &kube::Error) {
    let what_to_do = Cause::of(error).what_to_do();
    let (cause, seconds) = (cause::text(error), lasted.as_secs());
    warn!(cause, seconds, what_to_do, "the API server cannot be reached");
}

fn log_end(lasted: Duration) {
    info!(seconds = lasted.as_secs(), "the API server answers again");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_has_a_line_when_it_begins_one_each_minute_and_one_when_it_ends() {
        let mut outage = Outage::default();
        let mut lines = vec![];
        for second in 100..300 {
            let now = Duration::from_secs(second);
            lines.extend(outage.failed(now).map(|lasted| (second, lasted.as_secs())));
        }
        assert_eq!(lines, [(105, 5), (165, 65), (225, 125), (285, 185)]);
        let now = Duration::from_secs(300);
        assert_eq!(outage.answered(now), Some(Duration::from_secs(200)));
        assert_eq!(outage.answered(now), None, "its end is logged once");
    }

    #[test]
    fn a_request_that_fails_among_others_is_no_outage() {
        let mut outage = Outage::default();
        for second in (100..300).step_by(4) {
            assert_eq!(outage.failed(Duration::from_secs(second)), None);
            assert_eq!(outage.failed(Duration::from_secs(second + 3)), None);
            assert_eq!(outage.answered(Duration::from_secs(second + 3)), None);
        }
    }
}
