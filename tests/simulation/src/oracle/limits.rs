//! The platform's quotas and limits, as the platform counts them.

use std::collections::BTreeMap;

use platform_simulator::model::{Call, Kind};

use super::{Oracle, Verdict};
use crate::{
    ledger::{Called, End, Ledger, Since, app_in},
    time::{DAY, MINUTE, Millis, SECOND, show},
};

/// Calls that one app may make in a stretch of time.
const QUOTAS: [(Kind, Millis, usize); 3] =
    [(Kind::Legacy, DAY, 2000), (Kind::Stable, DAY, 500_000), (Kind::Stable, MINUTE, 10_000)];
const FORCED_APART: Millis = 30 * SECOND;
const FORCED_A_DAY: usize = 20;

/// The run begins at the platform's midnight.
pub(super) fn quotas(ledger: &Ledger, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.executed {
        for (endpoint, period, most) in QUOTAS {
            let calls = calls.iter().filter(|call| call.endpoint == endpoint);
            if let Some((number, calls)) =
                fullest(calls.filter_map(|call| call.executed_ms), period).filter(|(_, calls)| *calls > most)
            {
                let since = show(number * period);
                verdict.say(Oracle::Limits, format!("{app_id}: {calls} {endpoint:?} calls from {since}, {most} are allowed"));
            }
        }
        let over = |call: &&Call| {
            let by_nobody = call.forced && call.executed_ms.is_some_and(|at| !is_known(ledger, app_id, at / DAY));
            call.fault.is_none() && matches!(call.errcode, Some(45009 | 45011)) && !by_nobody
        };
        if let Some(call) = calls.iter().find(over) {
            verdict.say(Oracle::Limits, format!("the platform finds a quota exceeded: {call}"));
        }
    }
}

/// Distances are the operator's to keep from call to call; on their way, calls may come closer. A wrong clock tells no distance
/// and no day.
pub fn forced(ledger: &Ledger, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        let mut forced: Vec<Millis> =
            calls.iter().filter(|call| call.is.forced && call.is.end != End::NotSent).map(|call| call.from).collect();
        forced.sort_unstable();
        if let Some(pair) = forced.windows(2).find(|pair| pair[1] - pair[0] + SECOND < FORCED_APART) {
            let apart = pair[1] - pair[0];
            verdict.say(Oracle::Limits, format!("{app_id}: forced calls {apart} ms apart at {}", show(pair[1])));
        }
        let in_vain = calls.iter().filter(|call| call.is.forced && call.is.end == End::Said(45009));
        let again = |told: &&Since<Called>| {
            forced_of(ledger, app_id, told.from / DAY).any(|call| call.is.process == told.is.process && call.from > told.from)
        };
        if let Some(told) = in_vain.into_iter().find(again) {
            let process = told.is.process;
            verdict.say(
                Oracle::Limits,
                format!("{app_id}: P{process} forces again on a day that is used up, as it heard at {}", show(told.from)),
            );
        }
        let executed = ledger.executed.get(app_id).into_iter().flatten().filter(|call| call.forced);
        if let Some((day, calls)) = fullest(executed.filter_map(|call| call.executed_ms), DAY)
            .filter(|(day, calls)| *calls > FORCED_A_DAY && is_known(ledger, app_id, *day))
        {
            verdict.say(Oracle::Limits, format!("{app_id}: {calls} forced calls on day {day}, {FORCED_A_DAY} are allowed"));
        }
    }
}

/// Whether a process forced one too many on a day and could know it: of the calls before, by its own and by those that the
/// statuses tell of. What others did before an object was deleted, nobody remembers.
fn is_known(ledger: &Ledger, app_id: &str, day: Millis) -> bool {
    let app = app_in(app_id);
    let deleted: Vec<_> = ledger.deleted.iter().filter(|(_, mini)| app_in(&mini.1) == app).map(|(at, _)| *at).collect();
    forced_of(ledger, app_id, day).any(|call| {
        let forgotten = deleted.iter().copied().filter(|at| *at <= call.from).max().unwrap_or(0);
        let knows = |before: &&Since<Called>| before.is.process == call.is.process || before.from >= forgotten;
        forced_of(ledger, app_id, day).filter(|before| before.from <= call.from).filter(knows).count() > FORCED_A_DAY
    })
}

/// The forced calls of a day that may have reached the platform.
fn forced_of<'a>(ledger: &'a Ledger, app_id: &str, day: Millis) -> impl Iterator<Item = &'a Since<Called>> {
    let calls = ledger.calls.get(app_id).into_iter().flatten();
    calls.filter(move |call| call.is.forced && call.is.end != End::NotSent && call.from / DAY == day)
}

/// The period with the most moments in it, and how many those are.
fn fullest(moments: impl Iterator<Item = Millis>, period: Millis) -> Option<(Millis, usize)> {
    let mut counts: BTreeMap<Millis, usize> = BTreeMap::new();
    for at in moments {
        *counts.entry(at / period).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count)
}
