//! A refresh costs a few requests, and rest costs none: no cause makes requests at a pace of
//! seconds.

use crate::{
    facts::{Facts, between, busiest},
    log::{Millis, Standing, Verb},
    rules::{HOUR, MINUTE, Rules, SECOND},
    verdict::{Promise, Verdict},
};

/// A call writes an intent, the Secret and the status; a failure is written as often. What another
/// operator did is written again.
const WRITES_A_CALL: u64 = 3;
/// The credential, the target, whose Secret has its name, and the target before it: each before the
/// intent, and again before the call; then whether the object is still there, before a Secret is
/// made for it.
const READS_A_CALL: u64 = 9;
/// So long is looked at for who writes as fast as it can.
const BURST: Millis = 10 * SECOND;
/// What was due when calm began is written then, and its end cuts a call off.
const CUT_OFF: u64 = 1;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        let objects = app.objects.len().max(1) as u64 * rules.operators;
        let all: Vec<_> = app.requests.iter().map(|request| request.from).collect();
        let (most, since) = busiest(&all, HOUR);
        if most as u64 > rules.requests_an_hour as u64 * objects {
            verdict.add(
                Promise::Rest,
                since,
                format!("{most} requests for {app_id} within an hour"),
            );
        }
        let (most, since) = busiest(&all, BURST);
        if most > rules.requests_a_burst * usize::try_from(objects).unwrap_or(usize::MAX) {
            let what = format!("{most} requests for {app_id} within {} s", BURST / SECOND);
            verdict.add(Promise::Rest, since, what);
        }
        let mut expects = app.objects.values().flat_map(|object| &object.expects);
        if expects.any(|expect| expect.is.standing == Standing::Strange) {
            continue;
        }
        for (from, to) in app.calm.joined() {
            let calls = between(&app.calls, from, to).len() as u64;
            let requests = between(&app.requests, from, to);
            for (verb, a_call) in [(Verb::Write, WRITES_A_CALL), (Verb::Read, READS_A_CALL)] {
                let requests = requests.iter().filter(|request| request.is == verb).count() as u64;
                if requests > (a_call * (calls + CUT_OFF) + 1) * objects {
                    let minutes = (to - from) / MINUTE;
                    let what = format!(
                        "{requests} requests to {verb:?} for {app_id} in {minutes} min of calm with {calls} calls"
                    );
                    verdict.add(Promise::Rest, from, what);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        End, Event, Promise, Verb,
        promises::story::Story,
        rules::{HOUR, MINUTE, SECOND},
    };

    fn writes(times: u64, apart: u64) -> Story {
        let mut story = Story::begin();
        for nth in 0..times {
            let request = Event::Request { by: 1, app: Some("wx1".into()), verb: Verb::Write };
            story.log.push(HOUR + nth * apart, request);
        }
        story
    }

    #[test]
    fn writes_in_calm_belong_to_a_call() {
        let end = HOUR + 30 * MINUTE;
        writes(3, SECOND).keeps_until(end, Promise::Rest);
        writes(7, SECOND).breaks_until(end, Promise::Rest);
        let mut story = writes(7, SECOND);
        story.call(HOUR, End::Answered(0));
        story.keeps_until(end, Promise::Rest);
    }

    #[test]
    fn nobody_writes_as_fast_as_it_can_for_seconds() {
        let disturbed = |mut story: Story| {
            story.disturb(0, 4 * HOUR);
            story
        };
        disturbed(writes(90, 100)).keeps(Promise::Rest);
        disturbed(writes(210, 40)).breaks(Promise::Rest);
    }

    #[test]
    fn whatever_goes_wrong_there_is_no_storm_of_requests() {
        let mut story = writes(7000, 500);
        story.disturb(0, 4 * HOUR);
        story.breaks(Promise::Rest);
    }
}
