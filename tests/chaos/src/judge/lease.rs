//! The lease is honoured: who calls holds it by the API server's word, and who wakes up late neither calls nor writes.

use platform_simulator::{Millis, model::Call};

use super::Evidence;
use crate::{
    audit::{What, Write},
    record::{Struck, Whom, seconds},
    script::Blow,
};

/// How the lease was honoured.
#[derive(Clone, Debug, Default)]
pub struct Honoured {
    /// Calls that were compared with the Lease.
    pub calls: usize,
    /// Those of somebody who did not hold it.
    pub stray_calls: usize,
    /// Stops that outlasted a term, and how many of those were of a leader.
    pub late: usize,
    pub late_leaders: usize,
    /// What those who woke late wrote or asked before they led again.
    pub late_calls: usize,
    pub late_writes: usize,
    pub blames: Vec<String>,
}

pub fn judge(evidence: &Evidence<'_>) -> Honoured {
    let mut honoured = Honoured::default();
    for call in evidence.apps.iter().flat_map(|seen| &seen.asked) {
        judge_call(evidence, call, &mut honoured);
    }
    for struck in &evidence.told.struck {
        judge_waking(evidence, struck, &mut honoured);
    }
    honoured
}

/// The last one who wrote the Lease before a call is the one that made it: only a holder writes it.
fn judge_call(evidence: &Evidence<'_>, call: &Call, honoured: &mut Honoured) {
    honoured.calls += 1;
    let caller = evidence.caller(call);
    let lease = leases(evidence).take_while(|write| write.at <= call.arrived_ms).last();
    if caller.is_none() || lease.map(|lease| lease.by) != caller {
        honoured.stray_calls += 1;
        let holder = lease.map(|lease| format!("{} wrote the Lease at {:.1} s", Whom::Operator(lease.by), seconds(lease.at)));
        let caller = caller.map_or("a stranger".to_owned(), |caller| Whom::Operator(caller).to_string());
        let holder = holder.unwrap_or("nobody held it".to_owned());
        honoured.blames.push(format!("{caller} made a call without the Lease ({holder}): {call}"));
    }
}

fn judge_waking(evidence: &Evidence<'_>, struck: &Struck, honoured: &mut Honoured) {
    let (Whom::Operator(nth), Blow::Stop { .. }) = (struck.whom, struck.blow) else { return };
    if struck.back - struck.from <= evidence.pace.term() {
        return;
    }
    honoured.late += 1;
    honoured.late_leaders += usize::from(struck.led);
    let leads_again = leases(evidence).find(|write| write.by == nth && write.at >= struck.back).map(|write| write.at);
    let sleepy = struck.back..leads_again.unwrap_or(Millis::MAX);
    for call in evidence.apps.iter().flat_map(|seen| &seen.asked) {
        if evidence.caller(call) == Some(nth) && sleepy.contains(&call.arrived_ms) {
            honoured.late_calls += 1;
            honoured.blames.push(format!("{struck}: it woke up and called: {call}"));
        }
    }
    // What it had sent to an API server that did not read was sent in its term; only the fence of the write judges that.
    let unread = |write: &Write| {
        let outages = evidence.told.struck.iter().filter(|struck| !struck.whom.is_operator());
        outages.into_iter().any(|outage| outage.from <= struck.from && outage.back + 1_000 >= write.at)
    };
    let wrote = evidence.writes.iter().filter(|write| write.by == nth && write.what != What::Lease);
    for write in wrote.filter(|write| sleepy.contains(&write.at) && !unread(write)) {
        honoured.late_writes += 1;
        honoured.blames.push(format!(
            "{struck}: it woke up and wrote {:?} {} at {:.1} s",
            write.what,
            write.name,
            seconds(write.at)
        ));
    }
}

fn leases<'a>(evidence: &'a Evidence<'_>) -> impl Iterator<Item = &'a Write> {
    evidence.writes.iter().filter(|write| write.what == What::Lease)
}
