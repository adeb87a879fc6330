//! Reports a term's progress and the state of its watches to the probes, the metrics and the log,
//! and ends the term if no watch on `MiniProgram`s works.

use std::time::Duration;

use tracing::{info, warn};

use crate::{
    controller::Progress,
    shell::{
        clock::Clock,
        metrics::Metrics,
        server::{Gate, Health},
    },
    watch::Gaps,
};

/// A leader is not ready when a watch has failed for this long. A list that stops in the middle is
/// cancelled after 20 s and retried within a few seconds.
const NOT_READY_AFTER: Duration = Duration::from_secs(45);

/// A term ends when no watch on `MiniProgram`s has worked for this long: another candidate may have
/// the permissions that this one lacks.
const END_TERM_AFTER: Duration = Duration::from_secs(75);

/// What a report needs and where it goes.
pub struct Report {
    pub clock: Clock,
    pub metrics: Metrics,
    pub health: Health,
    pub watches: Gate,
    /// How often to report.
    pub period: Duration,
    /// The watches on `MiniProgram`s: the term ends when all of them fail. Empty if no other
    /// process could lead.
    pub of_objects: Vec<String>,
}

impl Report {
    /// Reports periodically. Returns when no watch on `MiniProgram`s works.
    pub async fn run(&self, progress: &Progress, gaps: &Gaps) {
        let mut ticks = tokio::time::interval(self.period);
        let mut failing = vec![];
        loop {
            ticks.tick().await;
            let now = self.clock.now().boot;
            self.report_progress(progress, now);
            self.report_watches(gaps, now, &mut failing);
            if self.sees_no_object(gaps, now) {
                return;
            }
        }
    }

    fn sees_no_object(&self, gaps: &Gaps, now: Duration) -> bool {
        let long: Vec<_> =
            gaps.all().into_iter().filter(|(_, since)| *since + END_TERM_AFTER <= now).collect();
        !self.of_objects.is_empty()
            && self.of_objects.iter().all(|watch| long.iter().any(|(what, _)| what == watch))
    }

    fn report_progress(&self, progress: &Progress, now: Duration) {
        let active = progress.last_activity().max(self.period);
        let stuck = progress.longest_running().unwrap_or(now).min(active);
        self.health.overdue_since(Some(stuck));
        let overdue = progress.oldest_overdue();
        self.metrics
            .oldest_overdue(overdue.map_or(Duration::ZERO, |since| now.saturating_sub(since)));
    }

    fn report_watches(&self, gaps: &Gaps, now: Duration, failing: &mut Vec<String>) {
        let gaps = gaps.all();
        self.metrics.watch_gaps(gaps.len());
        if gaps.is_empty() {
            self.watches.open();
        }
        let long = gaps.into_iter().filter(|(_, since)| *since + NOT_READY_AFTER <= now);
        let long: Vec<String> = long.map(|(what, _)| what).collect();
        if long == *failing {
            return;
        }
        let waits_for = long.join(", ");
        if long.is_empty() {
            info!("all watches of the leader work again");
        } else {
            self.watches.close(&format!("waiting for {waits_for}"));
            let what_to_do = "see the log lines about failing watches or an unreachable API server";
            warn!(
                watches = waits_for,
                what_to_do,
                "the leader's watches fail: objects that depend on them are not refreshed"
            );
        }
        *failing = long;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use k8s_openapi::jiff::Timestamp;

    use super::*;
    use crate::shell::{clock::Now, metrics::Format};

    /// A report of a term with these watches on objects, at this boot time.
    fn report(of_objects: &[&str], boot: Duration) -> Report {
        let clock = Clock::from_fn(move || Now { wall: Timestamp::UNIX_EPOCH, boot });
        let health = Health::new(clock.clone(), Duration::from_mins(5));
        Report {
            clock,
            metrics: Metrics::new("0", "lease", false),
            watches: health.gate("watches"),
            health,
            period: Duration::from_secs(5),
            of_objects: of_objects.iter().map(|watch| (*watch).to_owned()).collect(),
        }
    }

    #[test]
    fn a_leader_with_a_failing_watch_is_not_ready_within_a_minute() {
        let report = report(&["MiniPrograms in all namespaces"], Duration::from_secs(1000));
        let (gaps, failing) = (Gaps::default(), Mutex::new(vec![]));
        let failing = Arc::new(failing);
        let at = |seconds| {
            report.report_watches(
                &gaps,
                Duration::from_secs(seconds),
                &mut failing.lock().unwrap(),
            );
            let metrics = report.metrics.encode(Format::Text).unwrap();
            let count =
                metrics.lines().find_map(|line| line.strip_prefix("miniprogram_watch_gaps "));
            (report.health.ready().text(true), count.map(str::to_owned))
        };
        let ready =
            |count: &str| ("[+]watches ok\ncheck passed\n".to_owned(), Some(count.to_owned()));
        // A standby is ready.
        report.watches.open();
        gaps.begin("Secrets in all namespaces", Duration::from_secs(1000));
        assert_eq!(at(1044), ready("1"));
        let (text, count) = at(1045);
        assert_eq!(
            text,
            "[-]watches failed: waiting for Secrets in all namespaces\ncheck failed\n"
        );
        assert_eq!(count.as_deref(), Some("1"));
        gaps.end("Secrets in all namespaces");
        assert_eq!(at(1050), ready("0"));
        gaps.begin("Secrets in all namespaces", Duration::from_secs(1060));
        assert_eq!(at(1100), ready("1"), "a short gap");
    }

    #[test]
    fn a_term_ends_when_no_watch_on_objects_works() {
        let report = report(&["MiniPrograms in a", "MiniPrograms in b"], Duration::ZERO);
        let (gaps, at) = (Gaps::default(), Duration::from_secs);
        for (what, since) in [("MiniPrograms in a", 0), ("Secrets in a", 0), ("Secrets in b", 0)] {
            gaps.begin(what, at(since));
        }
        assert!(
            !report.sees_no_object(&gaps, at(1000)),
            "tokens that are known still expire by the clock"
        );
        gaps.begin("MiniPrograms in b", at(1000));
        assert!(!report.sees_no_object(&gaps, at(1074)));
        assert!(report.sees_no_object(&gaps, at(1075)));
    }
}
