//! Calls, writes and reads that nothing asked for, by app and day.

use std::collections::BTreeMap;

use super::{Bounds, Oracle, Verdict};
use crate::{
    cluster::Kind,
    ledger::{Called, End, Ledger, Since, app_in},
    time::{DAY, HOUR, MINUTE, Millis, SECOND, show},
    trouble::{Cause, Trouble},
};

/// A call is under way for so long at most, its confirmation included.
const UNDER_WAY: Millis = 200 * SECOND;
/// What goes wrong late in a day may cost calls early in the next one.
const LINGERING: Millis = HOUR;

pub(super) fn calls(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let app = app_in(app_id);
        // Every object of the app may ask once in that time, and every operator for itself.
        let askers = ledger.objects(app) * bounds.operators;
        let ideal = |time| ledger.ideal(app_id, time) * askers;
        verdict.calls += calls.len() as u64;
        verdict.ideal_calls += ideal(bounds.end);
        let quiet = calls.iter().filter(|call| call.from >= bounds.settled_from).count() as u64;
        let quiet_ideal = ideal(bounds.end.saturating_sub(bounds.settled_from));
        if quiet > quiet_ideal {
            verdict
                .say(Oracle::NeedlessCall, format!("{app_id} is asked for {quiet} times in quiet times, {quiet_ideal} would do"));
        }
        let hour = busiest(calls.iter().map(|call| call.from), HOUR) as u64;
        // Four a minute while a token is dead, a few more each time that the platform begins to fail, ten times an hour, and one
        // for each new spec, which nothing is known of.
        let mut edits: Vec<_> = ledger
            .troubles
            .iter()
            .filter(|trouble| trouble.concerns(app) && matches!(trouble.cause, Cause::Edit | Cause::Wish))
            .map(|trouble| trouble.from)
            .collect();
        edits.sort_unstable();
        if hour > (280 + busiest(edits.into_iter(), HOUR) as u64) * askers {
            verdict.say(Oracle::NeedlessCall, format!("{app_id} is asked for {hour} times within an hour"));
        }
        for (day, asked) in by_day(calls.iter().map(|call| call.from)) {
            let today = day * DAY..(day + 1) * DAY;
            let felt = today.start.saturating_sub(LINGERING)..today.end;
            let of_calls: u64 = calls.iter().filter(|call| felt.contains(&call.from)).map(|call| cost_of_call(&call.is)).sum();
            let troubles = ledger.troubles.iter().filter(|trouble| trouble.concerns(app));
            let troubles = troubles.filter(|trouble| trouble.from < felt.end && trouble.to >= felt.start);
            let of_troubles: u64 = troubles.map(|trouble| cost_of_trouble(ledger, calls, app, trouble)).sum();
            let ideal = ideal(DAY.min(bounds.end - today.start));
            let extra = (of_calls + of_troubles) * askers;
            let allowed = ideal + extra + extra / 4;
            if asked > allowed {
                verdict.say(
                    Oracle::NeedlessCall,
                    format!(
                        "{app_id} is asked for {asked} times on day {day}: {ideal} would do, {of_calls} more for calls that brought \
                         nothing, {of_troubles} more for other troubles"
                    ),
                );
            }
        }
    }
}

/// How many more calls one that brought no token is worth: the next try, and a confirmation if nobody knows what it did.
fn cost_of_call(call: &Called) -> u64 {
    match call.end {
        End::Said(0) => 0,
        End::Unheard => 3,
        End::Said(_) | End::NotSent => 1,
    }
}

/// How many calls a trouble is worth. One of a process costs those apps nothing whose call it did not interrupt.
fn cost_of_trouble(ledger: &Ledger, calls: &[Since<Called>], app: Option<u64>, trouble: &Trouble) -> u64 {
    match trouble.cause {
        Cause::Edit | Cause::Report => 3,
        Cause::Clock => 2,
        Cause::Wish | Cause::ApiOutage => 1,
        cause if cause.is_of_a_process() => {
            let from = trouble.from.saturating_sub(UNDER_WAY);
            let is_under_way = calls.iter().any(|call| (from..=trouble.to).contains(&call.from));
            if is_under_way || stands_intent(ledger, app, trouble.from) { 3 } else { 0 }
        }
        // An intent whose writing fails stands for a call that may have been sent.
        Cause::ApiFault if stands_intent(ledger, app, trouble.from) => 1,
        // A call that suffered counts by itself; reads and writes are tried again without one.
        _ => 0,
    }
}

fn stands_intent(ledger: &Ledger, app: Option<u64>, at: Millis) -> bool {
    ledger.told.iter().filter(|(mini, _)| app_in(&mini.1) == app).any(|(_, story)| {
        let last = story.partition_point(|told| told.from <= at).checked_sub(1).and_then(|last| story.get(last));
        last.is_some_and(|told| told.is.intent.is_some())
    })
}

pub(super) fn writes(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let quiet = |at: Millis| at >= bounds.settled_from;
    let calls: usize = ledger.calls.values().map(|calls| calls.iter().filter(|call| quiet(call.from)).count()).sum();
    let writes = ledger.writes.iter().filter(|(at, kind, _)| quiet(*at) && *kind != Kind::Lease).count();
    // What was due when quiet times began may still be written then, and a call may be cut off by the end.
    // Each operator looks for itself, and finds out that another was faster.
    let operators = usize::try_from(bounds.operators).unwrap_or(1);
    if writes > operators * (3 * calls + 4 * ledger.told.len()) {
        verdict.say(Oracle::WriteLoop, format!("{writes} writes for {calls} calls in quiet times"));
    }
    if ledger.is_hectic() {
        verdict.say(Oracle::WriteLoop, format!("the operator runs in circles at {}", show(bounds.end)));
    }
    let minute = busiest(ledger.writes.iter().map(|(at, ..)| *at), MINUTE);
    // Every object's first token costs three, and troubles begin for all of them at once.
    if minute > 200.max(12 * ledger.told.len()) {
        verdict.say(Oracle::WriteLoop, format!("{minute} writes within a minute"));
    }
    let reads = ledger.reads.iter().filter(|at| quiet(**at)).count();
    if reads > operators * 5 * calls {
        verdict.say(Oracle::WriteLoop, format!("{reads} reads for {calls} calls in quiet times"));
    }
    writes_by_day(ledger, bounds, verdict);
}

/// A refresh writes twice, a mint three times, a call that failed as often.
fn writes_by_day(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let mut writes: BTreeMap<u64, Vec<Millis>> = BTreeMap::new();
    for (at, kind, name) in &ledger.writes {
        if let Some(app) = app_in(name).filter(|_| *kind != Kind::Lease) {
            writes.entry(app).or_default().push(*at);
        }
    }
    for (app, writes) in writes {
        let calls = ledger.calls.iter().filter(|(app_id, _)| app_in(app_id) == Some(app)).flat_map(|(_, calls)| calls);
        let calls = by_day(calls.map(|call| call.from));
        for (day, written) in by_day(writes.into_iter()) {
            let today = day * DAY..(day + 1) * DAY;
            let felt = today.start.saturating_sub(LINGERING)..today.end;
            let troubles = ledger.troubles.iter().filter(|trouble| trouble.concerns(Some(app)) && felt.contains(&trouble.from));
            let of_troubles: u64 = troubles.map(|trouble| if trouble.app.is_some() { 4 } else { 2 }).sum();
            let asked = calls.get(&day).copied().unwrap_or_default();
            let allowed = (4 * asked + of_troubles + 6) * ledger.objects(Some(app)) * bounds.operators;
            if written > allowed {
                let what = format!("app {app} is written {written} times on day {day}, for {asked} calls; {allowed} would do");
                verdict.say(Oracle::WriteLoop, what);
            }
        }
    }
}

/// How many of these moments lie in each day.
fn by_day(moments: impl Iterator<Item = Millis>) -> BTreeMap<u64, u64> {
    let mut days = BTreeMap::new();
    for at in moments {
        *days.entry(at / DAY).or_default() += 1;
    }
    days
}

/// How many of these moments lie within one stretch of time, at most.
fn busiest(moments: impl Iterator<Item = Millis>, stretch: Millis) -> usize {
    let moments: Vec<Millis> = moments.collect();
    let mut first = 0;
    let mut most = 0;
    for (index, at) in moments.iter().enumerate() {
        while moments[first] + stretch <= *at {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}
