//! The platform is asked when there is a reason, and otherwise left alone. Reasons are those that
//! the design lists, seen from outside: no newest token in the Secret, its time has come, an
//! unknown outcome, an edit, a request, a report.

use crate::{
    facts::{App, Facts, Object, Since, between, busiest, last, may_cost_a_call},
    log::{Act, Call, End, Millis, Standing},
    rules::{HOUR, MINUTE, Rules},
    verdict::{Promise, Verdict},
};

/// A call that is under way is none for what a person changes meanwhile, and a watch may tell of
/// that later.
const SEEN_LATE: Millis = 150_000;
/// Times are cut to the second, and the token's own end is when the call was answered.
pub(super) const EARLY: Millis = 2_500;
/// While it is rejected, a credential is tried again so often.
const REJECTED_AGAIN: Millis = 29 * MINUTE;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        verdict.calls += app.calls.len() as u64;
        verdict.ideal_calls += in_calm(app, rules, (0, facts.end));
        for (from, to) in app.calm.joined() {
            let calls = between(&app.calls, from, to).len() as u64;
            let most = in_calm(app, rules, (from, to));
            if calls > most {
                let what = format!(
                    "{app_id} is asked for {calls} times in {} min of calm, {most} would do",
                    (to - from) / MINUTE
                );
                verdict.add(Promise::NoNeedlessCall, from, what);
            }
        }
        for (from, to) in app.unforged.joined() {
            let calls = between(&app.calls, from, to).len() as u64;
            let forged = between(&app.acts, from, to).iter();
            let forged = forged.filter(|act| *act.is == Act::Forge).count() as u64;
            let most = in_calm(app, rules, (from, to)) + forged;
            if forged > 0 && calls > most {
                let minutes = (to - from) / MINUTE;
                let what = format!(
                    "{app_id} is asked for {calls} times in {minutes} min in which nothing but its \
                     target is forged, {most} would do"
                );
                verdict.add(Promise::NoNeedlessCall, from, what);
            }
        }
        let objects = app.objects.len().max(1) * usize::try_from(rules.operators).unwrap_or(1);
        let calls: Vec<_> = app.calls.iter().map(|call| call.from).collect();
        let (most, since) = busiest(&calls, HOUR);
        // Each edit is good for one call: nothing is known of a new spec or credential.
        if most > rules.calls_an_hour * objects + app.acts_within(since, since + HOUR) {
            verdict.add(
                Promise::NoNeedlessCall,
                since,
                format!("{app_id} is asked for {most} times within an hour"),
            );
        }
        if objects == 1 && facts.skews.is_empty() {
            without_a_reason(facts, rules, app_id, app, verdict);
        }
    }
}

/// How many calls an app needs in a stretch of calm.
fn in_calm(app: &App<'_>, rules: &Rules, (from, to): (Millis, Millis)) -> u64 {
    let needs = |object: &Object<'_>| match last(&object.expects, from) {
        Some(expect) if expect.is.standing == Standing::AtRest => 0,
        Some(expect) if matches!(expect.is.standing, Standing::Blocked | Standing::Strange) => {
            expect.is.pace.calls_within(to - from) + (to - from) / REJECTED_AGAIN
        }
        Some(expect) => expect.is.pace.calls_within(to - from),
        None => 0,
    };
    app.objects.values().map(needs).sum::<u64>() * rules.operators
}

/// The second of two calls in a row for the one object of an app, if the first one brought a token.
fn without_a_reason(
    facts: &Facts<'_>,
    rules: &Rules,
    app_id: &str,
    app: &App<'_>,
    verdict: &mut Verdict,
) {
    let Some(object) = app.objects.values().next() else { return };
    for pair in app.calls.windows(2).filter(|pair| pair[0].is.end == End::Answered(0)) {
        let (before, call) = (pair[0], pair[1]);
        let since = before.from.saturating_sub(SEEN_LATE);
        let mut acts = between(&app.acts, since, call.from + 1).iter();
        let edited = acts.any(|act| may_cost_a_call(act.is));
        if edited || is_due(facts, app, object, before, call) {
            continue;
        }
        let apart = call.from - before.from;
        if !is_asked_for(facts, app, object, call.from) {
            let what = format!(
                "{app_id} is asked for without a reason, {} s after a call that brought a token",
                apart / 1000
            );
            return verdict.add(Promise::NoNeedlessCall, call.from, what);
        }
        let replace = before.is.replaces && call.is.replaces && before.is.by == call.is.by;
        if replace && apart < rules.platform.requested_apart {
            let what = format!(
                "{app_id}: a token is replaced {} s after it was made, for a request",
                apart / 1000
            );
            return verdict.add(Promise::Limits, call.from, what);
        }
    }
}

/// Whether the Secret lacks the newest token, the token's time has come, or a lost call may have
/// replaced it.
fn is_due(
    facts: &Facts<'_>,
    app: &App<'_>,
    object: &Object<'_>,
    before: Since<&Call>,
    call: Since<&Call>,
) -> bool {
    let Some(expect) = last(&object.expects, call.from).map(|expect| expect.is) else {
        return true;
    };
    let Some(held) = newest_held(facts, app, object, before, call) else { return true };
    let of_age = call.from + EARLY >= held + expect.pace.refresh_after;
    // A process that ended before it told of its call leaves the next one to count from the call
    // before.
    let untold =
        before.is.by != call.is.by && between(&object.statuses, before.from, call.from).is_empty();
    let interval = expect
        .pace
        .interval
        .is_some_and(|interval| untold || call.from + EARLY >= before.from + interval);
    let status = last(&object.statuses, call.from).and_then(|said| said.is.status);
    of_age
        || interval
        || status.and_then(|status| status.intent.as_ref()).is_some_and(|(_, unknown)| *unknown)
}

/// When the newest token of an endpoint was made, if it lives and need not be asked for again: a
/// target holds it, the status tells of it and nothing is to be confirmed, or the caller itself has
/// got it and is to store it. What a target alone says of a token proves nothing.
fn newest_held(
    facts: &Facts<'_>,
    app: &App<'_>,
    object: &Object<'_>,
    before: Since<&Call>,
    call: Since<&Call>,
) -> Option<Millis> {
    let mut mints = between(&app.mints, 0, call.from + 1).iter().rev();
    let (newest, life) = mints.find_map(|mint| {
        let life = facts.tokens.get(mint.is).filter(|life| life.replaces == call.is.replaces)?;
        Some((mint.is, life))
    })?;
    let mut targets = object.expects.iter().filter_map(|expect| expect.is.target.as_deref());
    let held_in = |target: &str| {
        last(facts.secrets.get(target)?, call.from).filter(|held| held.is.token == Some(newest))
    };
    // What a process has got is forgotten with its term, and only where there is no Lease is that
    // the process's own time.
    let is_of_one_term = facts.leases.is_empty() && before.is.by == call.is.by;
    let is_held = match targets.find_map(held_in) {
        Some(held) => {
            let since = between(&object.statuses, life.minted, call.from)
                .iter()
                .filter_map(|said| said.is.status);
            let is_told = since.into_iter().any(|status| status.token.as_deref() == Some(newest));
            let is_known = is_of_one_term && held.is.by == Some(call.is.by);
            !held.is.unconfirmed && (is_told || is_known)
        }
        None => is_of_one_term && before.is.counted.is_some_and(|(at, _)| life.minted <= at),
    };
    (life.ends > call.from && is_held).then_some(life.minted)
}

/// Whether somebody waits for an answer: a request that is not handled, or a report of the token
/// that the Secret still holds.
fn is_asked_for(facts: &Facts<'_>, app: &App<'_>, object: &Object<'_>, at: Millis) -> bool {
    let handled =
        last(&object.statuses, at).and_then(|said| said.is.status?.handled_request.as_ref());
    let target = last(&object.expects, at).and_then(|expect| expect.is.target.as_deref());
    let held = target.and_then(|target| last(facts.secrets.get(target)?, at)?.is.token);
    app.acts.iter().filter(|act| act.from <= at).any(|act| match act.is {
        Act::Request(value) => handled != Some(value),
        Act::Report(token) => held == Some(token),
        Act::Edit | Act::Touch | Act::Forge | Act::Create => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, End, Event, Pace, Promise, Standing,
        promises::story::{Story, TARGET, call},
        rules::{HOUR, MINUTE, SECOND},
    };

    #[test]
    fn a_call_needs_a_reason_also_while_things_go_wrong() {
        let again = |reason: fn(&mut Story)| {
            let mut story = Story::begin();
            story.disturb(0, 4 * HOUR);
            reason(&mut story);
            story.call(HOUR, End::Answered(0));
            story
        };
        let act = |story: &mut Story, act| {
            story.log.push(HOUR - SECOND, Event::Act { app: "wx1".into(), act });
        };
        again(|_| ()).breaks(Promise::NoNeedlessCall);
        let lose = |story: &mut Story| {
            story.log.push(
                HOUR,
                Event::Secret { name: TARGET.into(), by: None, token: None, unconfirmed: false },
            );
        };
        // Who has got the token is to store it; another process has nothing to store.
        again(lose).breaks(Promise::NoNeedlessCall);
        let mut lost = Story::begin();
        lose(&mut lost);
        lost.log.push(HOUR, Event::Call(crate::Call { by: 2, ..call(End::Answered(0)) }));
        lost.keeps(Promise::NoNeedlessCall);
        again(|story| story.mint(MINUTE, "B", 3 * HOUR)).keeps(Promise::NoNeedlessCall);
        again(|story| story.status(MINUTE, |status| status.intent = Some(("i".into(), true))))
            .keeps(Promise::NoNeedlessCall);
        let mut edited = again(|_| ());
        act(&mut edited, Act::Edit);
        edited.keeps(Promise::NoNeedlessCall);
        let mut touched = again(|_| ());
        act(&mut touched, Act::Touch);
        touched.breaks(Promise::NoNeedlessCall);
        let mut reported = again(|_| ());
        act(&mut reported, Act::Report("A".into()));
        reported.keeps(Promise::NoNeedlessCall);
        let mut nonsense = again(|_| ());
        act(&mut nonsense, Act::Report("B".into()));
        nonsense.breaks(Promise::NoNeedlessCall);
    }

    #[test]
    fn a_request_is_a_reason_until_it_is_handled_and_not_within_the_floor() {
        let requested = |at, handled: bool| {
            let mut story = Story::begin();
            story.log.push(at, Event::Act { app: "wx1".into(), act: Act::Request("now".into()) });
            if handled {
                story.status(at, |status| status.handled_request = Some("now".into()));
            }
            story.call(at + SECOND, End::Answered(0));
            story
        };
        requested(HOUR, false).keeps(Promise::NoNeedlessCall);
        requested(HOUR, true).breaks(Promise::NoNeedlessCall);
        requested(MINUTE, false).breaks(Promise::Limits);
    }

    #[test]
    fn an_interval_is_counted_from_the_last_call_that_was_told() {
        let called = |told: bool| {
            let mut story = Story::begin();
            story.disturb(0, 4 * HOUR);
            story.expect(TARGET, |expect| {
                expect.pace = Pace { refresh_after: 2 * HOUR, interval: Some(10 * MINUTE) }
            });
            story.call(HOUR, End::Answered(0));
            if told {
                story.status(HOUR, |_| ());
            }
            story
                .log
                .push(HOUR + MINUTE, Event::Call(crate::Call { by: 2, ..call(End::Answered(0)) }));
            story
        };
        called(false).keeps(Promise::NoNeedlessCall);
        called(true).breaks(Promise::NoNeedlessCall);
    }

    #[test]
    fn calm_needs_no_more_calls_than_time_does() {
        let mut story = Story::begin();
        for nth in 0..3 {
            story.call(HOUR + nth * MINUTE, End::Answered(-1));
        }
        story.breaks_until(HOUR + 10 * MINUTE, Promise::NoNeedlessCall);
    }

    #[test]
    fn each_forgery_of_a_target_is_good_for_one_call() {
        let called = |times: u64| {
            let mut story = Story::begin();
            for nth in 0..times {
                story.call(HOUR + nth * SECOND, End::Answered(-1));
            }
            story
        };
        let mut forged = called(3);
        forged.log.push(HOUR - SECOND, Event::Act { app: "wx1".into(), act: Act::Forge });
        forged.keeps_until(HOUR + 10 * MINUTE, Promise::NoNeedlessCall);
        let mut forged = called(4);
        forged.log.push(HOUR - SECOND, Event::Act { app: "wx1".into(), act: Act::Forge });
        forged.breaks_until(HOUR + 10 * MINUTE, Promise::NoNeedlessCall);
    }

    #[test]
    fn an_object_at_rest_needs_no_call() {
        let mut story = Story::begin();
        story.expect(TARGET, |expect| expect.standing = Standing::AtRest);
        story.call(2 * HOUR, End::Answered(0));
        story.breaks(Promise::NoNeedlessCall);
    }

    #[test]
    fn no_cause_makes_calls_at_a_pace_of_seconds_for_an_hour() {
        let mut story = Story::begin();
        story.disturb(0, 4 * HOUR);
        for nth in 0..300 {
            story.call(HOUR + nth * 10 * SECOND, End::Unanswered);
        }
        story.breaks(Promise::NoNeedlessCall);
    }
}
