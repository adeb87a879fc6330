//! Calls, writes and reads that nothing asked for.

use super::{Bounds, Verdict};
use crate::{
    cluster::Kind,
    ledger::{Ledger, app_in},
    time::{HOUR, MINUTE, Millis},
};

pub(super) fn calls(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let app = app_in(app_id);
        // Every object of the app may ask once in that time.
        let objects = ledger.expected.keys().filter(|name| app_in(&name.1) == app).count() as u64;
        let ideal = ledger.ideal(app_id, bounds.end) * objects;
        verdict.calls += calls.len() as u64;
        verdict.ideal_calls += ideal;
        let quiet = calls.iter().filter(|call| call.from >= bounds.settled_from).count() as u64;
        let quiet_ideal = ledger.ideal(app_id, bounds.end.saturating_sub(bounds.settled_from)) * objects * bounds.operators;
        if quiet > quiet_ideal {
            verdict.say(format!("{app_id} is asked for {quiet} times in quiet times, {quiet_ideal} would do"));
        }
        let hour = busiest(calls.iter().map(|call| call.from), HOUR);
        // Four a minute while a token is dead, and no more.
        if hour as u64 > 250 * objects {
            verdict.say(format!("{app_id} is asked for {hour} times within an hour"));
        }
        let minted = calls.iter().filter(|call| call.is.minted).count() as u64;
        let unheard = calls.iter().filter(|call| call.is.sent && !call.is.heard).count() as u64;
        let concerns = |of: Option<u64>| of.is_none() || of == app;
        let troubles = ledger.troubles.iter().filter(|trouble| trouble.what != "platform fault" && concerns(trouble.app));
        let troubles = troubles.count() as u64;
        let surplus = minted.saturating_sub(ideal);
        verdict.surplus = verdict.surplus.max(surplus * 100 / (unheard + troubles).max(1));
        if surplus > 2 * unheard + troubles {
            verdict.say(format!(
                "{app_id}: {minted} tokens were made, {ideal} would do, {unheard} answers were lost, {troubles} other troubles"
            ));
        }
    }
}

pub(super) fn writes(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let quiet = |at: Millis| at >= bounds.settled_from;
    let calls: usize = ledger.calls.values().map(|calls| calls.iter().filter(|call| quiet(call.from)).count()).sum();
    let writes = ledger.writes.iter().filter(|(at, kind, _)| quiet(*at) && *kind != Kind::Lease).count();
    // What was due when quiet times began may still be written then.
    // Each operator looks for itself, and finds out that another was faster.
    let operators = usize::try_from(bounds.operators).unwrap_or(1);
    if writes > operators * (3 * calls + 2 * ledger.told.len()) {
        verdict.say(format!("{writes} writes for {calls} calls in quiet times"));
    }
    let minute = busiest(ledger.writes.iter().map(|(at, ..)| *at), MINUTE);
    // Every object's first token costs three, and troubles begin for all of them at once.
    if minute > 200.max(12 * ledger.told.len()) {
        verdict.say(format!("{minute} writes within a minute"));
    }
    let reads = ledger.reads.iter().filter(|at| quiet(**at)).count();
    if reads > operators * 5 * calls {
        verdict.say(format!("{reads} reads for {calls} calls in quiet times"));
    }
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
