//! What was asked of the platform and what it made, by its call log. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use judge::{End, Event, Log};
use platform_simulator::{
    Millis,
    model::{AppSettings, Call, Kind, Rules},
};

use crate::Scene;

/// Faults that leave the platform's own answer as it is.
const HONEST: [&str; 5] = ["code", "slow", "slow_after_mint", "late", "trickle"];

/// Writes down the calls of an app, its tokens, and their uses; returns the tokens.
pub fn write_down(scene: &Scene<'_>, app: &str, log: &mut Log) -> BTreeSet<String> {
    let rules = scene.simulator.with_model(|model, _| model.rules(app));
    let mut minted = BTreeSet::new();
    let mut tokens = BTreeMap::<_, Vec<_>>::new();
    for call in scene.simulator.calls(app) {
        if call.endpoint == Kind::Business {
            if let Some(token) = call.token {
                log.push(call.arrived_ms, Event::Used { app: app.to_owned(), token });
            }
            continue;
        }
        let replaces = call.endpoint == Kind::Legacy;
        if let Some(by) = scene.caller(&call) {
            let counted = call.executed_ms.zip(call.errcode).filter(|_| has_usual_limits(&rules));
            let forced = call.forced;
            let (app, end) = (app.to_owned(), end(&call));
            log.push(
                call.arrived_ms,
                Event::Call(judge::Call { by, app, replaces, forced, end, counted }),
            );
        }
        let (Some(at), Some(token), Some(ends)) = (call.executed_ms, call.token, call.ends_ms)
        else {
            continue;
        };
        let before = tokens.entry(call.endpoint).or_default();
        if call.minted {
            minted.insert(token.clone());
            if let Some(leaves) = call.leaves_ms {
                replace(before, at, leaves, log);
            }
            before.push((token.clone(), ends));
            log.push(at, Event::Mint { app: app.to_owned(), token, replaces, ends });
        } else {
            renew(before, at, &token, ends, log);
        }
    }
    minted
}

/// A new token leaves the one before it this long, and those before that nothing.
fn replace(tokens: &mut [(String, Millis)], at: Millis, leaves: Millis, log: &mut Log) {
    let mut leave = leaves;
    for (token, ends) in tokens.iter_mut().rev().filter(|(_, ends)| *ends > at) {
        if *ends > at + leave {
            *ends = at + leave;
            log.push(at, Event::Ends { token: token.clone(), at: *ends });
        }
        leave = 0;
    }
}

/// A token that was returned again may have got another end.
fn renew(tokens: &mut [(String, Millis)], at: Millis, token: &str, ends: Millis, log: &mut Log) {
    let renewed = tokens.iter_mut().find(|(known, before)| known == token && *before != ends);
    if let Some((_, before)) = renewed {
        *before = ends;
        log.push(at, Event::Ends { token: token.to_owned(), at: ends });
    }
}

fn end(call: &Call) -> End {
    let is_honest = call.fault.as_deref().is_none_or(|fault| HONEST.contains(&fault));
    match call.errcode {
        Some(code) if is_honest && call.http.is_some() => End::Answered(code),
        _ => End::Unanswered,
    }
}

/// Nobody can know of a limit that a test has made smaller.
fn has_usual_limits(rules: &Rules) -> bool {
    let usual = AppSettings::default().rules();
    let limits = |rules: &Rules| {
        (rules.force_per_day, rules.legacy_per_day, rules.stable_per_minute, rules.stable_per_day)
    };
    limits(rules) == limits(&usual)
}
