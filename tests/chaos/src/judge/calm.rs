//! By when an operator has had a fair chance: an undisturbed stretch of time. Knows neither tokens nor calls.

use platform_simulator::Millis;

use crate::{
    pace::Pace,
    record::{Struck, Whom},
    script::Blow,
};

/// The end of the first stretch of so long a time, at `from` at the earliest, in which API server and etcd worked, some
/// operator ran, and nobody hit the one that led or was about to.
pub fn fair_by(pace: &Pace, struck: &[Struck], from: Millis, needed: Millis) -> Millis {
    let mut disturbances: Vec<_> = struck.iter().filter_map(|struck| disturbance(pace, struck)).collect();
    disturbances.extend(deserted(struck));
    disturbances.sort_unstable();
    let mut begins = from;
    for (start, end) in disturbances {
        if start >= begins + needed {
            break;
        }
        begins = begins.max(end);
    }
    begins + needed
}

/// From when to when a fault keeps everybody from working; what had begun begins anew after it.
fn disturbance(pace: &Pace, struck: &Struck) -> Option<(Millis, Millis)> {
    match (struck.whom, struck.blow) {
        (Whom::ApiServer | Whom::Etcd, _) => Some((struck.from, struck.back)),
        (Whom::Operator(_), _) if struck.idle => None,
        // One that wakes within its lease goes on; else the other takes over as if it were dead.
        (Whom::Operator(_), Blow::Stop { .. }) if struck.back - struck.from < pace.lease => Some((struck.from, struck.back)),
        (Whom::Operator(_), _) => Some((struck.from, struck.gone)),
    }
}

/// When no operator ran at all.
fn deserted(struck: &[Struck]) -> impl Iterator<Item = (Millis, Millis)> {
    let of = |nth| struck.iter().filter(move |struck| struck.whom == Whom::Operator(nth));
    of(0).flat_map(move |a| of(1).map(move |b| (a.gone.max(b.gone), a.back.min(b.back)))).filter(|(from, to)| from < to)
}

#[cfg(test)]
mod tests {
    use super::fair_by;
    use crate::{
        pace::Pace,
        record::{Struck, Whom},
        script::Blow,
    };

    fn struck(whom: Whom, blow: Blow, from: u64, back: u64, idle: bool) -> Struck {
        Struck { whom, blow, from, gone: from, back, in_call: false, idle, led: !idle }
    }

    fn by(struck: &[Struck]) -> u64 {
        fair_by(&Pace::of(600_000), struck, 10_000, 25_000)
    }

    #[test]
    fn undisturbed_time_is_enough() {
        assert_eq!(by(&[]), 35_000);
        let before = struck(Whom::Etcd, Blow::Kill { away: 0 }, 1_000, 9_000, false);
        let after = struck(Whom::Etcd, Blow::Kill { away: 0 }, 35_000, 60_000, false);
        assert_eq!(by(&[before, after]), 35_000);
    }

    #[test]
    fn each_disturbance_begins_the_time_anew() {
        let kill = |from| struck(Whom::Operator(0), Blow::Kill { away: 0 }, from, from + 3_000, false);
        assert_eq!(by(&[kill(20_000)]), 45_000);
        assert_eq!(by(&[kill(40_000), kill(20_000)]), 65_000);
        assert_eq!(by(&[struck(Whom::ApiServer, Blow::Kill { away: 0 }, 12_000, 18_000, false)]), 43_000);
    }

    #[test]
    fn a_standby_that_is_hit_disturbs_nobody_and_a_long_stop_only_begins_a_takeover() {
        assert_eq!(by(&[struck(Whom::Operator(1), Blow::Kill { away: 0 }, 20_000, 23_000, true)]), 35_000);
        assert_eq!(by(&[struck(Whom::Operator(1), Blow::Stop { lasts: 0 }, 20_000, 50_000, false)]), 45_000);
        assert_eq!(by(&[struck(Whom::Operator(1), Blow::Stop { lasts: 0 }, 20_000, 28_000, false)]), 53_000);
    }

    #[test]
    fn where_nobody_runs_nobody_works() {
        let a = struck(Whom::Operator(0), Blow::Stop { lasts: 0 }, 12_000, 40_000, false);
        let b = struck(Whom::Operator(1), Blow::Stop { lasts: 0 }, 15_000, 30_000, false);
        assert_eq!(by(&[a, b]), 55_000);
    }
}
