//! Promise 2: no call that is not needed. Each call beyond those that a clock asks for has a fault that it is due to.
//!
//! Ideal are the first call and one for each token whose time had come. Beyond that the design allows, for an answer that was
//! lost with the process that waited for it: one call more, and one that confirms the token got behind it, two minutes later.

use std::collections::BTreeMap;

use platform_simulator::{Millis, model::Call};

use super::{Evidence, STORED_WITHIN, Seen};
use crate::{
    record::{Struck, Whom},
    script::Blow,
};

/// Whole seconds on both sides, and a clock that is read before the call is sent.
const EARLY: Millis = 2_500;
/// When a token that was got behind a call of unknown end is confirmed.
const SETTLES_AFTER: Millis = 120_000;

/// Why a call was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There was no token.
    First,
    /// The token's time had come.
    Due,
    /// The answer to the call before it was lost.
    AnswerLost(String),
    /// A late call could have landed behind the stored token.
    Confirmation(String),
}

/// The calls of one app.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    pub made: usize,
    pub minted: usize,
    /// Calls that a clock asked for.
    pub ideal: usize,
    /// Mints beyond the ideal, by cause.
    pub beyond: BTreeMap<String, usize>,
    /// Calls beyond the ideal that minted nothing.
    pub spare: usize,
    pub blames: Vec<String>,
}

pub fn judge(evidence: &Evidence<'_>, seen: &Seen<'_>) -> Calls {
    let mut calls = Calls { made: seen.asked.len(), ..Calls::default() };
    let mut judge = Story { evidence, seen, root: None };
    let mut costs: BTreeMap<String, usize> = BTreeMap::new();
    for (nth, call) in seen.asked.iter().enumerate() {
        calls.minted += usize::from(call.minted);
        if call.errcode != Some(0) || call.forced {
            calls.blames.push(format!("{} made a call that nothing asks for: {call}", seen.app.name));
        }
        let before = nth.checked_sub(1).map(|before| &seen.asked[before]);
        let cause = judge.cause(before, call);
        let (name, root) = match cause {
            Some(Cause::First | Cause::Due) => {
                calls.ideal += 1;
                continue;
            }
            Some(Cause::AnswerLost(root)) => (format!("answer lost: {}", kind(&root)), root),
            Some(Cause::Confirmation(root)) => ("confirmed what was got behind a lost answer".to_owned(), root),
            None => {
                let story: Vec<_> = seen.asked[..=nth].iter().rev().take(4).map(ToString::to_string).collect();
                calls.blames.push(format!("{} was asked for without a cause; newest first: {story:#?}", seen.app.name));
                continue;
            }
        };
        *costs.entry(root).or_default() += 1;
        if call.minted {
            *calls.beyond.entry(name).or_default() += 1;
        } else {
            calls.spare += 1;
        }
    }
    // Three at worst: the one that was lost, and two beyond the ideal.
    for (root, cost) in costs.into_iter().filter(|(_, cost)| *cost > 2) {
        calls.blames.push(format!("{}: {cost} calls beyond the ideal for {root}", seen.app.name));
    }
    calls
}

/// What a fault is called in sums: without its times.
fn kind(root: &str) -> &str {
    root.split_once(" at ").map_or(root, |(kind, _)| kind)
}

struct Story<'a> {
    evidence: &'a Evidence<'a>,
    seen: &'a Seen<'a>,
    /// The fault that the stored token is unsettled for.
    root: Option<String>,
}

impl Story<'_> {
    fn cause(&mut self, before: Option<&Call>, call: &Call) -> Option<Cause> {
        let Some(before) = before else { return Some(Cause::First) };
        let Some(held) = self.evidence.stored(self.seen.app, before, call.arrived_ms) else {
            let root = self.lost_by(before)?;
            self.root = Some(root.clone());
            return Some(Cause::AnswerLost(root));
        };
        let made = self.seen.made(&held.fingerprint)?;
        if call.arrived_ms + EARLY >= made + self.seen.app.lives.rotates_after {
            return Some(Cause::Due);
        }
        let settled = call.arrived_ms + EARLY >= made + SETTLES_AFTER;
        let root = self.root.clone().or_else(|| self.left_open(before));
        root.filter(|_| held.unsettled && settled).map(Cause::Confirmation)
    }

    /// What kept the answer to a call from being stored.
    fn lost_by(&self, call: &Call) -> Option<String> {
        let caller = self.evidence.caller(call).map(Whom::Operator);
        let (from, to) = (call.arrived_ms, call.arrived_ms + STORED_WITHIN);
        let lost = |struck: &&Struck| match struck.blow {
            _ if !struck.whom.is_operator() => struck.from < to && struck.back > from,
            // One that is told to end stores what it has asked for.
            Blow::Terminate { .. } => false,
            Blow::Kill { .. } | Blow::Stop { .. } => Some(struck.whom) == caller && struck.from < to && struck.back > from,
        };
        // Who was killed had no time to wait for an API server.
        let hits = || self.evidence.told.struck.iter().filter(lost);
        let of_operator = hits().find(|struck| struck.whom.is_operator());
        of_operator.or_else(|| hits().next()).map(ToString::to_string)
    }

    /// What may have left an intent without a call, before this call brought an unsettled token.
    fn left_open(&self, call: &Call) -> Option<String> {
        let struck = self.evidence.told.struck.iter().filter(|struck| struck.from < call.arrived_ms && !struck.idle);
        struck.max_by_key(|struck| struck.back.min(call.arrived_ms)).map(ToString::to_string)
    }
}
