//! Writes down for the judge what happened: what API server and platform saw, what readers found,
//! and what hindered the operators. Judges nothing.

use std::collections::BTreeSet;

use judge::{Event, Log, Millis};
use serde_json::Value;
use witness::{ON_ITS_WAY, Scene};

use crate::{
    pace::Pace,
    record::{Struck, Told, Whom},
    script::Blow,
    stage::{NAMESPACE, Stage},
};

/// All of a run.
pub fn log(stage: &Stage, pace: &Pace, told: &Told) -> Log {
    let lives = |spec: &Value| {
        let app = stage.apps.iter().find(|app| spec["appID"] == app.id);
        app.map_or_else(judge::Pace::default, |app| app.lives.pace())
    };
    let scene = Scene {
        simulator: &stage.simulator,
        user: &stage.user,
        namespace: NAMESPACE,
        processes: &told.started,
        pace: &lives,
    };
    let mut log = scene.log(stage.cluster.audit_log().expect("it was asked for"), 0);
    add_what_was_not_audited(told, &mut log);
    let mut disturb =
        |(from, until), what| log.push(from, Event::Disturbance { until, app: None, what });
    disturb((0, told.began), "nobody has begun");
    // A standby is not missed.
    for struck in told.struck.iter().filter(|struck| !struck.idle) {
        disturb((struck.from, struck.felt_until(pace.lease)), struck.blow.name());
    }
    deserted(&told.struck).for_each(|span| disturb(span, "no operator runs"));
    for struck in told.struck.iter().filter(|struck| is_unread(struck)) {
        log.push(struck.from, Event::Unread { until: struck.back + ON_ITS_WAY });
    }
    log
}

/// An API server that is killed may not have logged the last that it stored.
fn add_what_was_not_audited(told: &Told, log: &mut Log) {
    let audited: BTreeSet<_> = log
        .entries()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Secret { name, token: Some(token), .. } => Some((name.clone(), token.clone())),
            _ => None,
        })
        .collect();
    for ((target, token), at) in &told.seen {
        let name = format!("{NAMESPACE}/{target}");
        if !audited.contains(&(name.clone(), token.clone())) {
            let token = Some(token.clone());
            log.push(*at, Event::Secret { name, by: None, token, unconfirmed: false });
        }
    }
}

/// When no operator ran at all.
fn deserted(struck: &[Struck]) -> impl Iterator<Item = (Millis, Millis)> {
    let of = |nth| struck.iter().filter(move |struck| struck.whom == Whom::Operator(nth));
    let both =
        of(0).flat_map(move |a| of(1).map(move |b| (a.gone.max(b.gone), a.back.min(b.back))));
    both.filter(|(from, until)| from < until)
}

fn is_unread(struck: &Struck) -> bool {
    struck.whom == Whom::ApiServer && matches!(struck.blow, Blow::Stop { .. })
}

#[cfg(test)]
mod tests {
    use super::deserted;
    use crate::{
        record::{Struck, Whom},
        script::Blow,
    };

    #[test]
    fn where_nobody_runs_nobody_works() {
        let stopped = |nth, from, back| {
            let blow = Blow::Stop { lasts: back - from };
            Struck { gone: from, back, ..Struck::of(Whom::Operator(nth), blow, from) }
        };
        let both = [stopped(0, 12_000, 40_000), stopped(1, 15_000, 30_000)];
        assert_eq!(deserted(&both).collect::<Vec<_>>(), [(15_000, 30_000)]);
    }
}
