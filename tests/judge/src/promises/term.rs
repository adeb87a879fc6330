//! Who does not hold the Lease neither calls nor writes: each sets about both within the Lease's
//! duration after it sent its last renewal, and not after another process has it. What the API
//! server reads late counts by any moment at which it may have been sent.

use crate::{
    facts::{Facts, Lease, Since},
    log::{Millis, Process},
    rules::Rules,
    verdict::{Promise, Verdict},
};

/// Where nobody writes a Lease, each leads by its owner's word.
pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    if facts.leases.is_empty() {
        return;
    }
    let calls =
        facts.apps.values().flat_map(|app| &app.calls).map(|call| (call.from, call.is.by, "calls"));
    let writes = facts.writes.iter().map(|write| (write.from, write.is, "writes"));
    let calls = calls.map(|call| (call.0, call));
    let writes = writes.map(|write| (facts.sent(write.0), write));
    let stray = calls
        .chain(writes)
        .filter(|(sent, (at, by, _))| !held_within(&facts.leases, rules.lease, *by, (*sent, *at)));
    let stray = stray.map(|(_, act)| act);
    if let Some((at, by, what)) = stray.min() {
        verdict.add(Promise::Term, at, format!("process {by} {what} without the Lease"));
    }
}

/// Whether a process held the Lease at some moment of a stretch of time, its ends included.
fn held_within(
    leases: &[Since<Lease>],
    duration: Millis,
    by: Process,
    (from, to): (Millis, Millis),
) -> bool {
    let written = leases.partition_point(|lease| lease.from < from);
    let written = leases.iter().skip(written).map(|lease| lease.from).take_while(|at| *at <= to);
    [from, to].into_iter().chain(written).any(|at| holds(leases, duration, by, at))
}

/// Whether the last one who wrote the Lease before a moment is this process, and holds it still.
fn holds(leases: &[Since<Lease>], duration: Millis, by: Process, at: Millis) -> bool {
    let stored = leases.partition_point(|lease| lease.from <= at);
    let last = stored.checked_sub(1).and_then(|last| leases.get(last));
    last.is_some_and(|last| last.is.by == by && last.is.held && at <= last.is.sent + duration)
}

#[cfg(test)]
mod tests {
    use crate::{
        Event, Promise, Verb,
        promises::story::Story,
        rules::{HOUR, SECOND},
    };

    fn writes(by: u32, after: u64, next: Option<(u32, bool)>) -> Story {
        let mut story = Story::begin();
        story.log.push(0, Event::Lease { by: 1, sent: 0, held: true });
        story.log.push(HOUR, Event::Lease { by: 1, sent: HOUR, held: true });
        if let Some((by, held)) = next {
            story.log.push(HOUR + 2 * SECOND, Event::Lease { by, sent: HOUR + SECOND, held });
        }
        let request = Event::Request { by, app: Some("wx1".into()), verb: Verb::Write };
        story.log.push(HOUR + after, request);
        story
    }

    #[test]
    fn only_the_holder_of_the_lease_writes() {
        writes(1, 14 * SECOND, None).keeps(Promise::Term);
        writes(2, 14 * SECOND, None).breaks(Promise::Term);
        writes(1, 16 * SECOND, None).breaks(Promise::Term);
    }

    #[test]
    fn a_lease_ends_when_another_one_has_it_and_when_it_is_released() {
        writes(2, 3 * SECOND, Some((2, true))).keeps(Promise::Term);
        writes(1, 3 * SECOND, Some((2, true))).breaks(Promise::Term);
        writes(1, 3 * SECOND, Some((1, false))).breaks(Promise::Term);
    }

    #[test]
    fn a_request_that_is_read_late_may_have_been_sent_in_time() {
        let mut story = writes(1, 18 * SECOND, None);
        story.log.push(HOUR + 14 * SECOND, Event::Unread { until: HOUR + 19 * SECOND });
        story.keeps(Promise::Term);
        let mut story = writes(1, 18 * SECOND, None);
        story.log.push(HOUR + 16 * SECOND, Event::Unread { until: HOUR + 19 * SECOND });
        story.breaks(Promise::Term);
    }

    #[test]
    fn where_nobody_writes_a_lease_everybody_may_write() {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Request { by: 7, app: None, verb: Verb::Write });
        story.keeps(Promise::Term);
    }
}
