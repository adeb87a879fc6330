//! All promises, one file for each. This file knows their list only.

mod accepted;
mod expiry;
mod first_token;
mod future;
mod limits;
mod live_token;
mod needless_call;
mod newest_wins;
mod ready;
mod reported;
mod rest;
mod retries;
mod sight;
mod term;

#[cfg(test)]
mod story;

use crate::{
    facts::Facts,
    log::{Log, Millis},
    rules::Rules,
    verdict::Verdict,
};

/// Judges a run that ended at `end`.
#[must_use]
pub fn judge(log: &Log, rules: &Rules, end: Millis) -> Verdict {
    let facts = Facts::of(log, rules, end);
    let mut verdict = Verdict { disturbances: facts.disturbances, ..Verdict::default() };
    for app in facts.apps.values() {
        verdict.calm += app.calm.length() * app.objects.len() as u64;
    }
    let promises: [fn(&Facts<'_>, &Rules, &mut Verdict); 14] = [
        live_token::judge,
        first_token::judge,
        reported::judge,
        ready::judge,
        expiry::judge,
        accepted::judge,
        sight::judge,
        future::judge,
        needless_call::judge,
        retries::judge,
        limits::judge,
        term::judge,
        newest_wins::judge,
        rest::judge,
    ];
    for promise in promises {
        promise(&facts, rules, &mut verdict);
    }
    verdict
}
