//! The platform's quotas and limits, as the platform counts them.

use std::collections::BTreeMap;

use platform_simulator::model::{Call, Kind};

use super::{Oracle, Verdict};
use crate::{
    ledger::{End, Ledger},
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
        let over = |call: &&Call| call.fault.is_none() && matches!(call.errcode, Some(45009 | 45011));
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
        let executed = ledger.executed.get(app_id).into_iter().flatten().filter(|call| call.forced);
        if let Some((day, calls)) =
            fullest(executed.filter_map(|call| call.executed_ms), DAY).filter(|(_, calls)| *calls > FORCED_A_DAY)
        {
            verdict.say(Oracle::Limits, format!("{app_id}: {calls} forced calls on day {day}, {FORCED_A_DAY} are allowed"));
        }
    }
}

/// The period with the most moments in it, and how many those are.
fn fullest(moments: impl Iterator<Item = Millis>, period: Millis) -> Option<(Millis, usize)> {
    let mut counts: BTreeMap<Millis, usize> = BTreeMap::new();
    for at in moments {
        *counts.entry(at / period).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count)
}
