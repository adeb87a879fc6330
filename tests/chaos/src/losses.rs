//! Tokens that were made and never stored. Each has a fault that it is due to: who asked was killed
//! or stopped, or nobody could store. One that was told to end stores what it has asked for.

use judge::{
    Millis,
    facts::{Facts, Life},
};

use crate::{
    record::{Struck, seconds},
    script::{Blow, HELD},
};

/// How long after a call its token is stored, on a slow machine, if nothing is in the way.
const STORED_WITHIN: Millis = HELD + 4_000;

/// How many tokens were lost, and those that no fault explains.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Losses {
    pub lost: usize,
    pub unexplained: Vec<(Millis, String)>,
}

impl Losses {
    pub fn of(facts: &Facts<'_>, struck: &[Struck]) -> Self {
        let mut losses = Self::default();
        for (token, life) in &facts.tokens {
            let stored = facts.secrets.values().flatten().any(|held| held.is.token == Some(*token));
            if stored || life.minted + STORED_WITHIN > facts.end {
                continue;
            }
            losses.lost += 1;
            if !struck.iter().any(|struck| explains(facts, life, struck)) {
                let at = seconds(life.minted);
                let what =
                    format!("a token of {} that was made at {at:.1} s was never stored", life.app);
                losses.unexplained.push((life.minted, what));
            }
        }
        losses
    }
}

fn explains(facts: &Facts<'_>, life: &Life<'_>, struck: &Struck) -> bool {
    let made_it = |counted: Option<(Millis, i64)>| counted.is_some_and(|(at, _)| at == life.minted);
    let mut calls = facts.apps[life.app].calls.iter();
    let caller = calls.find(|call| made_it(call.is.counted)).map(|call| call.is.by);
    let at_that_time =
        struck.from < life.minted + STORED_WITHIN && struck.back + HELD > life.minted;
    let is_hit = match struck.blow {
        _ if struck.victim.is_none() => true,
        Blow::Terminate { .. } => false,
        Blow::Kill { .. } | Blow::Stop { .. } => struck.victim == caller,
    };
    at_that_time && is_hit
}

#[cfg(test)]
mod tests {
    use judge::{Call, End, Event, Log, Rules, facts::Facts};

    use super::Losses;
    use crate::{
        record::{Struck, Whom},
        script::Blow,
    };

    /// Process 1 calls at 1 s and stores nothing.
    fn losses(blow: Blow, victim: u32) -> (usize, usize) {
        let (app, token) = ("wx1".to_owned(), "A".to_owned());
        let counted = Some((1_000, 0));
        let end = End::Answered(0);
        let call = Call { by: 1, app: app.clone(), replaces: true, forced: false, end, counted };
        let mut log = Log::default();
        log.push(1_000, Event::Call(call));
        log.push(1_000, Event::Mint { app, token, replaces: true, ends: 100_000 });
        let facts = Facts::of(&log, &Rules::default(), 60_000);
        let struck = Struck {
            back: 4_000,
            victim: Some(victim),
            ..Struck::of(Whom::Operator(0), blow, 1_200)
        };
        let losses = Losses::of(&facts, &[struck]);
        (losses.lost, losses.unexplained.len())
    }

    #[test]
    fn an_answer_is_lost_with_the_process_that_waits_for_it_and_with_no_other() {
        assert_eq!(losses(Blow::Kill { away: 3_000 }, 1), (1, 0));
        assert_eq!(losses(Blow::Kill { away: 3_000 }, 2), (1, 1));
    }

    #[test]
    fn who_is_told_to_end_stores_what_it_has_asked_for() {
        assert_eq!(losses(Blow::Terminate { away: 3_000 }, 1), (1, 1));
    }
}
