//! Tells the log that the API server cannot be reached: when that begins, once a minute while it
//! lasts, and when it ends. Knows nothing of what is asked there.
//!
//! kube would log each request that fails.

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

/// A connection that breaks is made again at once, and that is no outage.
const BEGINS_AFTER: Duration = Duration::from_secs(5);
/// How often a line says that it lasts.
const REPEATED_AFTER: Duration = Duration::from_mins(1);

/// The same client, whose outages are logged.
#[must_use]
pub fn reported(client: &Client, clock: &Clock) -> Client {
    let (client, clock) = (client.clone(), clock.clone());
    let namespace = client.default_namespace().to_owned();
    let outage = Arc::new(Mutex::new(Outage::default()));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, clock, outage) = (client.clone(), clock.clone(), Arc::clone(&outage));
        async move {
            let answer = client.send(request).await;
            let now = clock.now().boot;
            let mut outage = outage.lock().unwrap_or_else(PoisonError::into_inner);
            match &answer {
                Ok(_) => outage.answered(now).into_iter().for_each(ended),
                Err(error) => {
                    outage.failed(now).into_iter().for_each(|lasted| goes_on(lasted, error));
                }
            }
            answer
        }
    });
    Client::new(service, namespace)
}

/// Whether there is one, and what was told of it.
#[derive(Debug, Default)]
struct Outage {
    /// When the first request failed after which none was answered.
    since: Option<Duration>,
    /// When the last line was written.
    told: Option<Duration>,
}

impl Outage {
    /// How long it has lasted, if it is time for a line.
    fn failed(&mut self, now: Duration) -> Option<Duration> {
        let lasted = now.saturating_sub(*self.since.get_or_insert(now));
        let told_lately = self.told.is_some_and(|told| now.saturating_sub(told) < REPEATED_AFTER);
        if lasted < BEGINS_AFTER || told_lately {
            return None;
        }
        self.told = Some(now);
        Some(lasted)
    }

    /// How long it lasted, if it was told of.
    fn answered(&mut self, now: Duration) -> Option<Duration> {
        let Self { since, told } = std::mem::take(self);
        told.and(since).map(|since| now.saturating_sub(since))
    }
}

fn goes_on(lasted: Duration, error: &kube::Error) {
    let what_to_do = Cause::of(error).what_to_do();
    let (cause, seconds) = (cause::text(error), lasted.as_secs());
    warn!(cause, seconds, what_to_do, "the API server cannot be reached");
}

fn ended(lasted: Duration) {
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
        assert_eq!(outage.answered(now), None, "it was told");
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
