//! The plan of faults, from one seed: who is hit how and when. Knows no process; what becomes of
//! the plan is the director's.

use platform_simulator::Millis;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus, seq::SliceRandom as _};

use crate::pace::Pace;

/// Whom a fault is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The operator that leads.
    Leader,
    /// The operator that leads, once the platform has received its next call, so long after that.
    LeaderInCall {
        after: Millis,
    },
    /// One of the two operators, whatever it does.
    Operator(usize),
    ApiServer,
    Etcd,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// `kill -9`, and started again after so long.
    Kill { away: Millis },
    /// `SIGTERM`, and started again so long after its end.
    Terminate { away: Millis },
    /// `SIGSTOP`, and `SIGCONT` after so long.
    Stop { lasts: Millis },
}

impl Blow {
    fn lasts(self) -> Millis {
        match self {
            Self::Kill { away: lasts } | Self::Terminate { away: lasts } | Self::Stop { lasts } => {
                lasts
            }
        }
    }
}

/// One fault of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// How long after its bout began, at the earliest.
    pub at: Millis,
    pub aim: Aim,
    pub blow: Blow,
}

/// Answers are held for so long, so that a call is under way for a while on either side of what it
/// does.
pub const HELD: Millis = 300;

/// The bouts. The same seed and length give the same plan.
pub fn plan(seed: u64, pace: &Pace) -> Vec<Vec<Planned>> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut deck = Vec::new();
    (0..pace.bouts).map(|_| bout(&mut dice, &mut deck, pace)).collect()
}

fn bout(dice: &mut Xoshiro256PlusPlus, deck: &mut Vec<(Whom, Sort)>, pace: &Pace) -> Vec<Planned> {
    let mut bout = Vec::new();
    let mut at = 0;
    // API server and etcd are hit one at a time: the one does not start without the other.
    let mut both_up = 0;
    while at < pace.bout {
        if deck.is_empty() {
            deck.extend(CARDS);
            deck.shuffle(dice);
        }
        let Some((whom, sort)) = deck.pop() else { continue };
        let blow = blow(dice, pace, whom, sort);
        if !matches!(whom, Whom::Operator) {
            at = at.max(both_up);
            both_up = at + blow.lasts() + pace.lease * 2 / 3;
        }
        bout.push(Planned { at, aim: aim(dice, whom), blow });
        at += pause(dice, pace);
    }
    bout
}

#[derive(Clone, Copy)]
enum Whom {
    Operator,
    ApiServer,
    Etcd,
}

#[derive(Clone, Copy)]
enum Sort {
    Kill,
    Terminate,
    Stop,
}

/// Dealt like cards, so that each ten faults have all of it.
const CARDS: [(Whom, Sort); 15] = [
    (Whom::Operator, Sort::Kill),
    (Whom::Operator, Sort::Kill),
    (Whom::Operator, Sort::Kill),
    (Whom::Operator, Sort::Terminate),
    (Whom::Operator, Sort::Terminate),
    (Whom::Operator, Sort::Stop),
    (Whom::Operator, Sort::Stop),
    (Whom::Operator, Sort::Stop),
    (Whom::Operator, Sort::Stop),
    (Whom::ApiServer, Sort::Kill),
    (Whom::ApiServer, Sort::Terminate),
    (Whom::ApiServer, Sort::Stop),
    (Whom::Etcd, Sort::Kill),
    (Whom::Etcd, Sort::Terminate),
    (Whom::Etcd, Sort::Stop),
];

/// Faults come on the heels of each other, or leave time to end some of what was begun.
fn pause(dice: &mut Xoshiro256PlusPlus, pace: &Pace) -> Millis {
    if dice.random_bool(0.6) {
        dice.random_range(200..3_000)
    } else {
        dice.random_range(3_000..=pace.lease)
    }
}

fn aim(dice: &mut Xoshiro256PlusPlus, whom: Whom) -> Aim {
    match whom {
        Whom::ApiServer => Aim::ApiServer,
        Whom::Etcd => Aim::Etcd,
        Whom::Operator => match dice.random_range(0..5) {
            0 => Aim::Leader,
            1 | 2 => Aim::LeaderInCall { after: dice.random_range(0..HELD + 50) },
            chosen => Aim::Operator(chosen - 3),
        },
    }
}

fn blow(dice: &mut Xoshiro256PlusPlus, pace: &Pace, whom: Whom, sort: Sort) -> Blow {
    let operator = matches!(whom, Whom::Operator);
    match sort {
        Sort::Kill => Blow::Kill { away: dice.random_range(200..6_000) },
        Sort::Terminate => Blow::Terminate { away: dice.random_range(200..6_000) },
        // From a hiccup to far beyond the lease; without API server or etcd nobody works at all, so
        // that ends sooner.
        Sort::Stop if operator && dice.random_bool(0.5) => {
            Blow::Stop { lasts: dice.random_range(pace.lease..pace.lease * 5 / 2) }
        }
        Sort::Stop => Blow::Stop { lasts: dice.random_range(1_000..pace.lease) },
    }
}

#[cfg(test)]
mod tests {
    use super::{Aim, Blow, plan};
    use crate::pace::Pace;

    #[test]
    fn a_seed_is_a_plan() {
        let pace = Pace::of(600_000);
        assert_eq!(plan(7, &pace), plan(7, &pace));
        assert_ne!(plan(7, &pace), plan(8, &pace));
    }

    #[test]
    fn ten_minutes_have_every_fault_of_every_process() {
        for seed in 0..100 {
            let plan = plan(seed, &Pace::of(600_000)).concat();
            for (name, aims) in [
                (
                    "operator",
                    (|aim| matches!(aim, Aim::Leader | Aim::LeaderInCall { .. } | Aim::Operator(_)))
                        as fn(Aim) -> bool,
                ),
                ("API server", |aim| aim == Aim::ApiServer),
                ("etcd", |aim| aim == Aim::Etcd),
            ] {
                let mut blows = [0; 3];
                for planned in plan.iter().filter(|planned| aims(planned.aim)) {
                    match planned.blow {
                        Blow::Kill { .. } => blows[0] += 1,
                        Blow::Terminate { .. } => blows[1] += 1,
                        Blow::Stop { .. } => blows[2] += 1,
                    }
                }
                assert!(blows.iter().all(|blows| *blows > 0), "seed {seed}: {name} {blows:?}");
            }
        }
    }
}
