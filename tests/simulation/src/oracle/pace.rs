//! How soon after a call the next one comes: what was said, or not said, has its time, and so has a token that was made.

use super::{Bounds, Oracle, Spans, Verdict, excused, stretches};
use crate::{
    ledger::{Called, End, Ledger, Since, app_in},
    time::{HOUR, MINUTE, Millis, SECOND, show},
    trouble::{Cause, Trouble},
};

/// A clock is stepped by so much at most.
const FURTHEST_STEP: Millis = 5 * HOUR;

/// Before a third token in a row, whatever became of the first two: 15 s from the second intent on, in whole seconds.
const LOST_APART: Millis = 14 * SECOND;
/// Mints that no clock and no loss asks for are 300 s apart, from intent to intent, and a call may go out some seconds later.
const WISHES_APART: Millis = 280 * SECOND;

/// So many rejections in a row tell more than one.
const KNOCKS: usize = 6;

pub(super) fn calls(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let app = app_in(app_id);
        let mut calls: Vec<_> = calls.iter().collect();
        calls.sort_unstable_by_key(|call| call.from);
        // Each object has its own patience.
        if ledger.objects(app) > 1 {
            continue;
        }
        let too_soon = calls.windows(2).find_map(|pair| {
            let (before, next) = (pair[0], pair[1]);
            let (least, why) = patience(&before.is, &next.is, bounds)?;
            let apart = next.from - before.from;
            let between = |trouble: &&Trouble| {
                let lasts = trouble.to + lasts(trouble.cause);
                trouble.from <= next.from && lasts >= before.from && trouble.concerns(app)
            };
            let excuse = ledger.troubles.iter().filter(between).find(|trouble| lifts(trouble.cause, &before.is));
            (apart < least && excuse.is_none())
                .then(|| format!("{app_id} is asked for {apart} ms after {why}, at {}", show(next.from)))
        });
        if let Some(what) = too_soon {
            verdict.say(Oracle::NeedlessCall, what);
        }
        if bounds.operators == 1
            && let Some(row) = calls.windows(KNOCKS).find(|row| is_knocking(ledger, app, row))
        {
            let what = format!("{app_id} is rejected {KNOCKS} times for fewer reasons to ask, from {}", show(row[0].from));
            verdict.say(Oracle::NeedlessCall, what);
        }
    }
}

/// Whether one process had a credential rejected more often than users gave it reasons to try again: one is good for one call.
fn is_knocking(ledger: &Ledger, app: Option<u64>, row: &[&Since<Called>]) -> bool {
    let (Some(first), Some(last)) = (row.first(), row.last()) else { return false };
    let since = first.from.saturating_sub(2 * MINUTE);
    let is_a_reason = |trouble: &&Trouble| {
        trouble.from <= last.from
            && trouble.to + lasts(trouble.cause) >= since
            && trouble.concerns(app)
            && is_a_wish(trouble.cause)
    };
    let rejected = |call: &&Since<Called>| is_rejected(call.is.end) && call.is.process == first.is.process;
    row.iter().all(rejected)
        && last.from - first.from < 29 * MINUTE
        && ledger.troubles.iter().filter(is_a_reason).count() + 1 < KNOCKS
}

/// Mints of one app by one process: those that only wishes ask for, and those for tokens that were lost.
pub(super) fn floors(ledger: &Ledger, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let app = app_in(app_id);
        let mut mints: Vec<_> = calls.iter().filter(|call| call.is.rotates).collect();
        mints.sort_unstable_by_key(|call| call.from);
        let in_a_row = |calls: &[&Since<Called>]| {
            calls.iter().all(|call| call.is.end == End::Said(0) && call.is.process == calls[0].is.process)
        };
        if let Some(row) = mints.windows(3).find(|row| in_a_row(row) && row[2].from - row[0].from < LOST_APART) {
            let apart = row[2].from - row[0].from;
            verdict.say(Oracle::Limits, format!("{app_id}: three tokens within {apart} ms, at {}", show(row[0].from)));
        }
        let is_asked_for = |pair: &[&Since<Called>]| {
            let since = pair[0].from.saturating_sub(WISHES_APART);
            ledger.troubles.iter().filter(|trouble| trouble.concerns(app)).any(|trouble| {
                let is_a_wish = matches!(trouble.cause, Cause::Wish | Cause::Touch | Cause::Report);
                trouble.from <= pair[1].from && trouble.to >= since && !is_a_wish
            })
        };
        let by_time = ledger.paces.get(app_id).is_none_or(|(end, interval)| end.min(interval) < &(2 * WISHES_APART));
        let too_soon = |pair: &&[&Since<Called>]| in_a_row(pair) && pair[1].from - pair[0].from < WISHES_APART;
        if let Some(pair) = mints.windows(2).filter(too_soon).find(|pair| !by_time && !is_asked_for(pair)) {
            let apart = pair[1].from - pair[0].from;
            verdict.say(Oracle::Limits, format!("{app_id}: two tokens within {apart} ms for wishes, at {}", show(pair[0].from)));
        }
    }
}

/// Calls for objects that want to be left alone.
pub(super) fn rest(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let app = app_in(app_id);
        let (mut rest, mut work) = (Spans::default(), Spans::default());
        for (_, story) in ledger.resting.iter().filter(|(mini, _)| app_in(&mini.1) == app) {
            for (from, to, rests) in stretches(story, bounds.end) {
                if *rests { rest.add(from, to) } else { work.add(from, to) }
            }
        }
        // What was under way goes on.
        let rest = rest.without(&work).without(&excused(ledger, bounds, app, |cause| cause.leaves_status_false().max(SECOND)));
        if let Some(call) = calls.iter().find(|call| rest.contains(call.from)) {
            verdict.say(Oracle::NeedlessCall, format!("{app_id} is asked for at rest, at {}", show(call.from)));
        }
    }
}

/// How long a call leaves the next one waiting, and what for.
fn patience(before: &Called, next: &Called, bounds: &Bounds) -> Option<(Millis, &'static str)> {
    let alone = bounds.operators == 1;
    match before.end {
        end if alone && is_rejected(end) => Some((29 * MINUTE, "a credential was rejected")),
        End::Said(45011) if alone => Some((MINUTE, "the platform asked for a minute")),
        End::Said(-1) if alone => Some((2 * SECOND, "the platform was busy")),
        // Whoever knows that such a call went out gives it the time that it may take; whoever comes after a crash does, too.
        End::Unheard if before.rotates && next.rotates => Some((15 * SECOND, "a call that may have made a token")),
        End::Said(0) if before.rotates && next.rotates && before.process != next.process => {
            Some((15 * SECOND, "another process asked and did not know the end"))
        }
        _ => None,
    }
}

fn is_rejected(end: End) -> bool {
    matches!(end, End::Said(40001 | 40013 | 40125 | 40243))
}

/// For how long after it a trouble can give a reason for a call.
fn lasts(cause: Cause) -> Millis {
    match cause {
        // A token whose issue time is yet to come by a clock that was put back is newer than a failure, once that time comes.
        Cause::Clock => FURTHEST_STEP,
        // A call that is under way is none for the spec that somebody has changed, and a watch may be late to tell of that.
        Cause::Edit | Cause::Wish | Cause::Touch | Cause::ApiOutage => 2 * MINUTE,
        _ => 0,
    }
}

/// What users do, and what the clock does to them.
fn is_a_wish(cause: Cause) -> bool {
    matches!(cause, Cause::Edit | Cause::Wish | Cause::Touch | Cause::Report | Cause::Clock)
}

/// Whether something gives a reason for a call, or hides that there is none.
fn lifts(cause: Cause, before: &Called) -> bool {
    let is_refused = matches!(before.end, End::Said(code) if code != 0);
    match cause {
        cause if is_a_wish(cause) => true,
        // An answer that was not written down is forgotten with the process.
        Cause::ApiFault | Cause::ApiOutage => is_refused,
        cause => is_refused && cause.is_of_a_process(),
    }
}
