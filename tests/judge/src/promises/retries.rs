//! After a call that brought no token the next one keeps its distance: what was said, or not said,
//! has its time. Where an app has several objects or operators, each has its own patience.

use super::needless_call::EARLY;
use crate::{
    facts::{App, Facts, Since},
    log::{Call, End, Millis},
    rules::{MINUTE, Rules, SECOND},
    verdict::{Promise, Verdict},
};

/// What a person did shortly before a call is a reason for the next one.
const SEEN_LATE: Millis = 150 * SECOND;
/// So many rejections in a row tell more than one.
const MANY: usize = 6;
/// A rejected credential is left alone for half an hour, in whole seconds.
const STOP: Millis = 29 * MINUTE;
/// Three tokens in a row, whatever became of the first two: 15 s from the second intent on, in
/// whole seconds.
const THREE_TOKENS: Millis = 14 * SECOND;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        if facts.skews.is_empty()
            && let Some(at) = three_tokens(app)
        {
            verdict.add(
                Promise::Limits,
                at,
                format!("{app_id}: three tokens within {} s", THREE_TOKENS / SECOND),
            );
        }
        if app.objects.len() > 1 || rules.operators > 1 {
            continue;
        }
        let too_soon = app.calls.windows(2).find_map(|pair| {
            let (before, next) = (pair[0], pair[1]);
            let (apart, why) = patience(app, rules, before, next)?;
            let excused = app.acts_within(before.from.saturating_sub(SEEN_LATE), next.from) > 0
                || !facts.skews.is_empty();
            (next.from - before.from < apart && !excused).then_some((next.from, why))
        });
        if let Some((at, why)) = too_soon {
            verdict.add(
                Promise::NoNeedlessCall,
                at,
                format!("{app_id} is asked for too soon after {why}"),
            );
        }
        if let Some(row) = app.calls.windows(MANY).find(|row| is_knocking(facts, app, row)) {
            let what = format!("{app_id} is rejected {MANY} times for fewer reasons to ask");
            verdict.add(Promise::NoNeedlessCall, row[0].from, what);
        }
    }
}

/// How long a call leaves the next one waiting, and what for.
fn patience(
    app: &App<'_>,
    rules: &Rules,
    before: Since<&Call>,
    next: Since<&Call>,
) -> Option<(Millis, &'static str)> {
    let replace = before.is.replaces && next.is.replaces;
    let unanswered = rules.platform.unanswered_apart;
    match before.is.end {
        End::Unanswered if replace => Some((unanswered, "a call that may have made a token")),
        End::Answered(0) if replace && before.is.by != next.is.by => {
            Some((unanswered, "a call of another process, whose end it cannot know"))
        }
        // What was not written down is forgotten with the process.
        _ if before.is.by != next.is.by => None,
        End::Answered(45011) => Some((MINUTE, "the platform asked for a minute")),
        End::Answered(-1) => Some((2 * SECOND, "the platform was busy")),
        end if is_rejected(end)
            && app.calm.contains(before.from)
            && app.calm.contains(next.from) =>
        {
            Some((STOP, "a credential was rejected"))
        }
        _ => None,
    }
}

/// Whether one process had a credential rejected more often than people gave it reasons to try
/// again: one is good for one call.
fn is_knocking(facts: &Facts<'_>, app: &App<'_>, row: &[Since<&Call>]) -> bool {
    let (first, last) = (row[0], row[row.len() - 1]);
    let rejected = |call: &Since<&Call>| is_rejected(call.is.end) && call.is.by == first.is.by;
    let reasons = app.acts_within(first.from.saturating_sub(SEEN_LATE), last.from);
    row.iter().all(rejected)
        && last.from - first.from < STOP
        && reasons + 1 < row.len()
        && facts.skews.is_empty()
}

/// Three tokens in a row of one process, none of them because the time of the one before had come.
fn three_tokens(app: &App<'_>) -> Option<Millis> {
    let expects = app.objects.values().flat_map(|object| &object.expects);
    let soonest = expects.map(|expect| expect.is.pace.refresh_after).min().unwrap_or(Millis::MAX);
    let replacing: Vec<_> = app.calls.iter().filter(|call| call.is.replaces).collect();
    let apart = |pair: &[&Since<&Call>]| pair[1].from - pair[0].from;
    let in_a_row = |row: &[&Since<&Call>]| {
        row.iter().all(|call| call.is.end == End::Answered(0) && call.is.by == row[0].is.by)
            && row.windows(2).all(|pair| apart(pair) + EARLY < soonest)
            && row[2].from - row[0].from < THREE_TOKENS
    };
    replacing.windows(3).find(|row| in_a_row(row)).map(|row| row[0].from)
}

fn is_rejected(end: End) -> bool {
    matches!(end, End::Answered(40001 | 40013 | 40125 | 40243))
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, End, Event, Promise,
        promises::story::{Story, TARGET},
        rules::{HOUR, MINUTE, SECOND},
    };

    fn twice(end: End, apart: u64) -> Story {
        let mut story = Story::begin();
        story.disturb(0, 4 * HOUR);
        story.log.push(MINUTE, Event::Ends { token: "A".into(), at: MINUTE });
        story.call(HOUR, end);
        story.call(HOUR + apart, End::Answered(-1));
        story
    }

    #[test]
    fn each_end_of_a_call_has_its_time() {
        for (end, least) in [
            (End::Unanswered, 15 * SECOND),
            (End::Answered(45011), MINUTE),
            (End::Answered(-1), 2 * SECOND),
        ] {
            twice(end, least).keeps(Promise::NoNeedlessCall);
            twice(end, least - 1).breaks(Promise::NoNeedlessCall);
        }
        twice(End::NotSent, SECOND).keeps(Promise::NoNeedlessCall);
    }

    #[test]
    fn what_a_person_does_is_a_reason_for_the_next_call() {
        let mut story = twice(End::Unanswered, SECOND);
        story.log.push(HOUR, Event::Act { app: "wx1".into(), act: Act::Edit });
        story.keeps(Promise::NoNeedlessCall);
    }

    #[test]
    fn a_rejected_credential_is_not_sent_again_and_again() {
        let mut story = Story::begin();
        story.disturb(0, 4 * HOUR);
        for nth in 0..6 {
            story.call(HOUR + nth * MINUTE, End::Answered(40125));
        }
        story.breaks(Promise::NoNeedlessCall);
        for nth in 0..5 {
            story.log.push(HOUR + nth * MINUTE, Event::Act { app: "wx1".into(), act: Act::Edit });
        }
        story.keeps(Promise::NoNeedlessCall);
    }

    #[test]
    fn no_process_makes_three_tokens_in_a_row_within_seconds() {
        let mut story = Story::begin();
        for nth in 0..3 {
            story.call(HOUR + nth * 5 * SECOND, End::Answered(0));
        }
        story.breaks(Promise::Limits);
        let pace = crate::Pace { refresh_after: 6 * SECOND, interval: None };
        story.expect(TARGET, |expect| expect.pace = pace);
        story.keeps(Promise::Limits);
    }
}
