//! What a status says of the future comes true: a failure has its next attempt planned, and it is
//! made; a refresh comes when it was announced; a refresh request that is said to be handled was
//! answered.

use crate::{
    facts::{App, Facts, Object, Since, between, stretches},
    log::{Act, End, Millis, Status},
    rules::{MINUTE, Rules},
    spans::Spans,
    verdict::{Promise, Verdict},
};

/// Reasons of `TokenFresh` that are failed calls: the operator tries again by itself.
const FAILED_CALLS: [&str; 7] = [
    "PlatformBusy",
    "PlatformUnreachable",
    "BadResponse",
    "Throttled",
    "QuotaExhausted",
    "IPNotAllowed",
    "AwaitingAdminApproval",
];
/// Those of them that end by themselves, and soon.
const TRANSIENT: [&str; 3] = ["PlatformBusy", "PlatformUnreachable", "BadResponse"];
/// Codes of refusals after which the operator asks no more until a person acts: the credential, the
/// app id, a frozen app secret.
const FOR_A_PERSON: [i64; 6] = [40001, 40013, 40125, 40243, 50004, 50007];
/// Within this of a token's end an attempt follows the one before it within seconds: 15 s and a
/// jitter.
const URGENT: i64 = 300_000;
const URGENT_APART: i64 = 20_000;
/// Where a call may have made a token that is lost, the next one waits for its floor, up to 300 s.
const LOST_APART: i64 = 320_000;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for app in facts.apps.values() {
        for (name, object) in &app.objects {
            let mut tell =
                |at, what: &str| verdict.add(Promise::Future, at, format!("{name}: {what}"));
            if let Some(at) = failed_without_a_plan(object) {
                tell(at, "TokenFresh is False after a failed call and no attempt is planned");
            }
            if let Some(at) = planned_too_late(facts, object) {
                tell(at, "the token ends and the next attempt is not planned within seconds");
            }
            if rules.operators == 1
                && let Some(at) = handled_without_an_answer(app, object)
            {
                tell(at, "a refresh request counts as handled and no call answered it");
            }
            let expected =
                object.when_expected(facts.end, |expect| expect.target.is_some() && !expect.shared);
            let calm = app.calm.within(&expected);
            if let Some(at) = broken_plan(facts, rules, app, object, &calm) {
                tell(at, "what the status plans for this moment does not happen");
            }
            let waiting = object
                .when_said(facts.end, waits_for_nobody)
                .within(&calm)
                .begun_later(rules.delay);
            verdict.add_longest(
                Promise::Future,
                &waiting,
                &format!("{name} waits for a token and nothing is planned"),
            );
        }
    }
}

fn failed_without_a_plan(object: &Object<'_>) -> Option<Millis> {
    let is_so = |status: &Status| {
        let planned = status.failure.as_ref().is_some_and(|failure| failure.next_attempt.is_some());
        // Where an intent stands, an attempt is under way.
        let under_way = status.intent.is_some();
        status.fresh.is_false
            && FAILED_CALLS.contains(&status.fresh.reason.as_str())
            && !planned
            && !under_way
    };
    object
        .statuses
        .iter()
        .find(|said| said.is.by.is_some() && said.is.status.is_some_and(is_so))
        .map(|said| said.from)
}

/// When a failure was written whose next attempt lets a token end.
fn planned_too_late(facts: &Facts<'_>, object: &Object<'_>) -> Option<Millis> {
    object.statuses.iter().find_map(|said| {
        let (status, writer) = said.is.status.zip(said.is.by)?;
        let failure = status
            .failure
            .as_ref()
            .filter(|failure| TRANSIENT.contains(&failure.reason.as_str()))?;
        let clock = i64::try_from(writer.sent).ok()? + facts.skew(writer.sent);
        let next = failure.next_attempt?;
        let urgent_from = status.expires.map_or(clock, |expires| clock.max(expires - URGENT));
        let apart = if status.intent.is_some() { LOST_APART } else { URGENT_APART };
        (next > urgent_from + apart).then_some(writer.sent)
    })
}

/// When a status first said that a request is handled, though no call since the request ended in a
/// token or in a refusal that only a person can lift.
fn handled_without_an_answer(app: &App<'_>, object: &Object<'_>) -> Option<Millis> {
    let mut before = None;
    for said in &object.statuses {
        let handled = said.is.status.and_then(|status| status.handled_request.as_ref());
        if handled != before
            && let Some(handled) = handled
            && let Some(asked) = app
                .acts
                .iter()
                .find(|act| matches!(act.is, Act::Request(value) if value == handled))
            && !is_answered_within(app, asked.from.saturating_sub(MINUTE), said.from)
        {
            return Some(said.from);
        }
        before = handled;
    }
    None
}

/// A call that was under way when the request was made answers it as well.
fn is_answered_within(app: &App<'_>, from: Millis, to: Millis) -> bool {
    let answers =
        |end| matches!(end, End::Answered(code) if code == 0 || FOR_A_PERSON.contains(&code));
    between(&app.calls, from, to + 1).iter().any(|call| answers(call.is.end))
}

/// When a call was planned in calm and not made.
fn broken_plan(
    facts: &Facts<'_>,
    rules: &Rules,
    app: &App<'_>,
    object: &Object<'_>,
    calm: &Spans,
) -> Option<Millis> {
    let calm = calm.joined();
    for (from, to, planned) in plans(facts, object) {
        let planned = facts.true_time(planned, from);
        // What is overdue when calm begins is due then.
        let calm = calm.iter().skip(calm.partition_point(|(_, end)| *end <= from));
        for (begin, end) in calm.copied().take_while(|(begin, _)| *begin < to) {
            let due = planned.max(begin).max(from);
            let until = due + rules.delay;
            let early = rules.delay.min(MINUTE);
            let is_made = !between(&app.calls, due.saturating_sub(early), until + 1).is_empty();
            if until < end.min(to) && !is_made {
                return Some(due);
            }
        }
    }
    None
}

/// From when to when the same moment was planned, whatever else the status said meanwhile. What is
/// said again by a clock that has been set since is another moment.
fn plans(facts: &Facts<'_>, object: &Object<'_>) -> Vec<(Millis, Millis, i64)> {
    let mut plans: Vec<Since<Option<i64>>> = Vec::new();
    for said in &object.statuses {
        let is = said.is.status.and_then(planned);
        let is_same =
            |last: &Since<_>| last.is == is && facts.skew(last.from) == facts.skew(said.from);
        if !plans.last().is_some_and(is_same) {
            plans.push(Since { from: said.from, is });
        }
    }
    stretches(&plans, facts.end)
        .filter_map(|(from, to, planned)| Some((from, to, (*planned)?)))
        .collect()
}

/// When the status says that the platform is asked next.
fn planned(status: &Status) -> Option<i64> {
    match status.fresh.reason.as_str() {
        reason if FAILED_CALLS.contains(&reason) => status.failure.as_ref()?.next_attempt,
        "Fresh" | "RefreshOverdue" => status.next_refresh,
        _ => None,
    }
}

/// A token is missing, no person is asked for anything and no attempt is announced.
fn waits_for_nobody(status: &Status) -> bool {
    matches!(status.fresh.reason.as_str(), "Expired" | "RefreshOverdue" | "Issuing")
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, End, Event, Failure, Fresh, Promise, Status,
        promises::story::{ENDS, Story},
        rules::{HOUR, MINUTE, SECOND},
    };

    fn fails(status: &mut Status, reason: &str, next: Option<u64>) {
        status.fresh = Fresh { is_false: true, reason: reason.into() };
        let next_attempt = next.and_then(|next| next.try_into().ok());
        status.failure = Some(Failure { time: 0, reason: reason.into(), next_attempt });
    }

    #[test]
    fn a_failed_call_has_its_next_attempt_planned_and_made() {
        let failed = |next: Option<u64>, made: bool| {
            let mut story = Story::begin();
            story.status(HOUR, |status| fails(status, "PlatformBusy", next));
            if made {
                story.refresh(HOUR + 5 * MINUTE, "B", 4 * HOUR);
            }
            story
        };
        let end = HOUR + 20 * MINUTE;
        failed(Some(HOUR + 5 * MINUTE), true).keeps_until(end, Promise::Future);
        failed(Some(HOUR + 5 * MINUTE), false).breaks_until(end, Promise::Future);
        failed(None, true).breaks_until(end, Promise::Future);
    }

    #[test]
    fn an_attempt_that_stays_in_the_past_is_no_plan() {
        let mut story = Story::begin();
        story.disturb(HOUR, HOUR + MINUTE);
        story.status(HOUR, |status| fails(status, "PlatformBusy", Some(HOUR + 2 * SECOND)));
        story.keeps_until(HOUR + 9 * MINUTE, Promise::Future);
        story.breaks_until(HOUR + 20 * MINUTE, Promise::Future);
    }

    #[test]
    fn retries_do_not_let_a_token_end() {
        let failed = |at, next| {
            let mut story = Story::begin();
            story.disturb(0, 2 * ENDS);
            story.status(at, |status| fails(status, "PlatformUnreachable", Some(next)));
            story
        };
        failed(HOUR, HOUR + 5 * MINUTE).keeps(Promise::Future);
        failed(ENDS - MINUTE, ENDS - MINUTE + 15 * SECOND).keeps_until(ENDS, Promise::Future);
        failed(ENDS - MINUTE, ENDS).breaks_until(ENDS, Promise::Future);
        failed(HOUR, ENDS).breaks(Promise::Future);
    }

    #[test]
    fn a_request_is_handled_by_a_token_or_by_a_refusal_that_only_a_person_can_lift() {
        let handled = |end| {
            let mut story = Story::begin();
            story.log.push(HOUR, Event::Act { app: "wx1".into(), act: Act::Request("now".into()) });
            story.call(HOUR + SECOND, end);
            story.status(HOUR + 2 * SECOND, |status| status.handled_request = Some("now".into()));
            story
        };
        handled(End::Answered(0)).keeps(Promise::Future);
        handled(End::Answered(40001)).keeps(Promise::Future);
        handled(End::Answered(-1)).breaks(Promise::Future);
        handled(End::Unanswered).breaks(Promise::Future);
    }

    #[test]
    fn an_announced_refresh_is_made() {
        let announced = |at| {
            let mut story = Story::begin();
            story.status(MINUTE, |status| status.next_refresh = Some(3_600_000));
            story.refresh(at, "B", 4 * HOUR);
            story
        };
        announced(HOUR + MINUTE).keeps(Promise::Future);
        announced(HOUR + 2 * MINUTE).breaks(Promise::Future);
    }

    #[test]
    fn an_object_that_waits_says_what_for() {
        let mut story = Story::begin();
        story.status(HOUR, |status| {
            status.fresh = Fresh { is_false: true, reason: "RefreshOverdue".into() }
        });
        story.keeps_until(HOUR + MINUTE, Promise::Future);
        story.breaks_until(HOUR + 3 * MINUTE, Promise::Future);
    }
}
