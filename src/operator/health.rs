//! Tells the probes, the metrics and the log how a term gets on: whether its work is done, and
//! whether it sees its world. Decides nothing.

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

/// A leader whose watches show nothing for so long is not ready. A list that stops in the middle is
/// given up after 20 s and tried again within a few seconds.
const BLIND_AFTER: Duration = Duration::from_secs(45);

/// After so long without any `MiniProgram`, another candidate may see more.
const OF_NO_USE_AFTER: Duration = Duration::from_secs(75);

/// Where it is told.
pub struct Report {
    pub clock: Clock,
    pub metrics: Metrics,
    pub health: Health,
    pub watches: Gate,
    /// How often it is told.
    pub period: Duration,
    /// The watches without which a term is of no use; none if it ends for no other.
    pub of_objects: Vec<String>,
}

impl Report {
    /// Tells it until the term turns out to be of no use: no `MiniProgram` is seen anywhere.
    pub async fn run(&self, progress: &Progress, gaps: &Gaps) {
        let mut ticks = tokio::time::interval(self.period);
        let mut blind = vec![];
        loop {
            ticks.tick().await;
            let now = self.clock.now().boot;
            self.work(progress, now);
            self.sight(gaps, now, &mut blind);
            if self.is_of_no_use(gaps, now) {
                return;
            }
        }
    }

    fn is_of_no_use(&self, gaps: &Gaps, now: Duration) -> bool {
        let long: Vec<_> =
            gaps.all().into_iter().filter(|(_, since)| *since + OF_NO_USE_AFTER <= now).collect();
        !self.of_objects.is_empty()
            && self.of_objects.iter().all(|watch| long.iter().any(|(what, _)| what == watch))
    }

    fn work(&self, progress: &Progress, now: Duration) {
        let turned = progress.last_turn().max(self.period);
        let stuck = progress.longest_running().unwrap_or(now).min(turned);
        self.health.overdue_since(Some(stuck));
        let overdue = progress.oldest_overdue();
        self.metrics
            .oldest_overdue(overdue.map_or(Duration::ZERO, |since| now.saturating_sub(since)));
    }

    fn sight(&self, gaps: &Gaps, now: Duration, blind: &mut Vec<String>) {
        let gaps = gaps.all();
        self.metrics.watch_gaps(gaps.len());
        if gaps.is_empty() {
            self.watches.open();
        }
        let long = gaps.into_iter().filter(|(_, since)| *since + BLIND_AFTER <= now);
        let long: Vec<String> = long.map(|(what, _)| what).collect();
        if long == *blind {
            return;
        }
        let waits_for = long.join(", ");
        if long.is_empty() {
            info!("the operator sees the cluster again");
        } else {
            self.watches.close(&format!("waiting for {waits_for}"));
            let what_to_do = "see the lines about watches that fail or an API server that cannot be \
                              reached: nothing is refreshed that needs them";
            warn!(waits_for, what_to_do, "the operator leads and does not see the cluster");
        }
        *blind = long;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use k8s_openapi::jiff::Timestamp;

    use super::*;
    use crate::shell::{clock::Now, metrics::Format};

    /// A term of these watches of objects, at this boot time.
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
    fn a_leader_that_does_not_see_its_world_is_not_ready_within_a_minute() {
        let report = report(&["MiniPrograms in all namespaces"], Duration::from_secs(1000));
        let (gaps, blind) = (Gaps::default(), Mutex::new(vec![]));
        let blind = Arc::new(blind);
        let at = |seconds| {
            report.sight(&gaps, Duration::from_secs(seconds), &mut blind.lock().unwrap());
            let metrics = report.metrics.encode(Format::Text).unwrap();
            let count =
                metrics.lines().find_map(|line| line.strip_prefix("miniprogram_watch_gaps "));
            (report.health.ready().text(true), count.map(str::to_owned))
        };
        let ready =
            |count: &str| ("[+]watches ok\ncheck passed\n".to_owned(), Some(count.to_owned()));
        // As a standby, it was as ready as can be.
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
    fn a_term_that_sees_no_object_anywhere_is_of_no_use() {
        let report = report(&["MiniPrograms in a", "MiniPrograms in b"], Duration::ZERO);
        let (gaps, at) = (Gaps::default(), Duration::from_secs);
        for (what, since) in [("MiniPrograms in a", 0), ("Secrets in a", 0), ("Secrets in b", 0)] {
            gaps.begin(what, at(since));
        }
        assert!(!report.is_of_no_use(&gaps, at(1000)), "what is known still ends by the clock");
        gaps.begin("MiniPrograms in b", at(1000));
        assert!(!report.is_of_no_use(&gaps, at(1074)));
        assert!(report.is_of_no_use(&gaps, at(1075)));
    }
}
