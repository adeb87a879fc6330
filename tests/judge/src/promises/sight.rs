//! A leader whose lists and watches fail is not ready within a minute of learning it; in calm, each
//! process is ready.

use crate::{
    facts::{Facts, stretches},
    log::{Millis, Process},
    rules::{Rules, SECOND},
    spans::Spans,
    verdict::{Promise, Verdict},
};

/// A request that is not answered is given up after 30 s. From then on it takes a minute.
const NOTICED: Millis = 90 * SECOND;
/// Between two probes.
const PROBED: Millis = 10 * SECOND;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (process, probes) in &facts.probes {
        let (mut ready, mut unready) = (Spans::default(), Spans::default());
        for (from, to, said) in stretches(probes, facts.end) {
            match said {
                Some(true) => ready.add(from, to),
                Some(false) => unready.add(from, to),
                None => {}
            }
        }
        let blind = ready.within(&facts.hidden).within(&led(facts, rules, *process));
        let blind = blind.begun_later(NOTICED + PROBED);
        let what = format!("process {process} leads, is ready and has not seen its world");
        verdict.add_longest(Promise::Sight, &blind, &what);
        let unready = unready.within(&facts.calm).begun_later(PROBED);
        verdict.add_longest(Promise::Sight, &unready, &format!("process {process} is not ready"));
    }
}

/// When a process leads. Where nobody writes a Lease, each leads by its owner's word.
fn led(facts: &Facts<'_>, rules: &Rules, process: Process) -> Spans {
    if facts.leases.is_empty() {
        return Spans::of(0, facts.end);
    }
    let mut led = Spans::default();
    for (from, to, lease) in stretches(&facts.leases, facts.end) {
        if lease.by == process && lease.held {
            led.add(from, to.min(lease.sent + rules.lease));
        }
    }
    led
}

#[cfg(test)]
mod tests {
    use crate::{
        Event, Promise,
        promises::story::Story,
        rules::{HOUR, SECOND},
    };

    /// All is hidden for an hour, and the probe says so after this.
    fn hidden(said_after: u64) -> Story {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Hidden { until: 2 * HOUR });
        for (at, ready) in [(0, true), (HOUR + said_after, false), (2 * HOUR + SECOND, true)] {
            story.log.push(at, Event::Probe { process: 1, ready: Some(ready) });
        }
        story
    }

    #[test]
    fn a_leader_that_sees_nothing_is_not_ready_before_long() {
        hidden(100 * SECOND).keeps(Promise::Sight);
        hidden(102 * SECOND).breaks(Promise::Sight);
    }

    #[test]
    fn a_standby_may_be_ready_for_longer() {
        let mut story = hidden(1000 * SECOND);
        story.log.push(0, Event::Lease { by: 2, sent: 0, held: true });
        story.keeps(Promise::Sight);
        for renewed in (0..3 * HOUR).step_by(2000) {
            story.log.push(renewed, Event::Lease { by: 1, sent: renewed, held: true });
        }
        story.breaks(Promise::Sight);
    }

    #[test]
    fn in_calm_each_process_that_runs_is_ready() {
        let unready = |until, then| {
            let mut story = Story::begin();
            story.log.push(HOUR, Event::Probe { process: 1, ready: Some(false) });
            story.log.push(until, Event::Probe { process: 1, ready: then });
            story
        };
        unready(HOUR + 9 * SECOND, None).keeps(Promise::Sight);
        unready(HOUR + 12 * SECOND, None).breaks(Promise::Sight);
        let mut story = unready(2 * HOUR, Some(true));
        story.disturb(HOUR - SECOND, 2 * HOUR);
        story.keeps(Promise::Sight);
    }
}
