//! Dead tokens that nothing excuses, and statuses that call a dead token good.

use super::{Bounds, Spans, Verdict, excused, stretches};
use crate::{
    cluster::Name,
    ledger::{Ledger, app_in},
    time::{Millis, SECOND},
};

/// What a pod's file may lag behind its Secret, with the kubelet's default settings.
const KUBELET: Millis = 90 * SECOND;

pub(super) fn dead_tokens(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (mini, story) in &ledger.expected {
        let app = app_in(&mini.1);
        let for_secrets = excused(ledger, bounds, app, bounds.recovery);
        let for_pods = excused(ledger, bounds, app, bounds.recovery + KUBELET);
        for (from, to, target) in stretches(story, bounds.end) {
            let Some(target) = target else { continue };
            let (dead, stale) = dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to);
            let longest = dead.longest().map_or(0, |(from, to)| to - from);
            verdict.worst_dead = verdict.worst_dead.max(longest);
            let excess = verdict.tell_longest(&dead.without(&for_secrets), &format!("Secret {target} holds no live token"));
            let what = format!("a pod that lags 90 s on {target} holds a dead token");
            let excess = excess.max(verdict.tell_longest(&stale.without(&for_pods), &what));
            verdict.worst_excess = verdict.worst_excess.max(excess);
        }
    }
}

/// When a Secret holds no live token, and when a pod that reads it late holds a dead one.
fn dead_spans(ledger: &Ledger, secret: &Name, from: Millis, to: Millis) -> (Spans, Spans) {
    let (mut dead, mut stale) = (Spans::default(), Spans::default());
    let story = ledger.held.get(secret).map(Vec::as_slice).unwrap_or_default();
    let first = story.first().map_or(to, |first| first.from);
    dead.add(from, first.min(to));
    for (begin, end, token) in stretches(story, to) {
        let dies = token.as_ref().and_then(|token| ledger.tokens.get(token)).map_or(begin, |life| life.dies);
        dead.add(dies.max(begin).max(from), end.min(to));
        if token.is_some() && end < to {
            stale.add(dies.max(begin).max(from), (end + KUBELET).min(to));
        }
    }
    (dead, stale)
}

/// Ready=True over a token that has expired by the clock, or that the platform holds for dead.
pub(super) fn lies(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (mini, story) in &ledger.told {
        let app = app_in(&mini.1);
        let (mut expired, mut dead) = (Spans::default(), Spans::default());
        for (from, to, told) in stretches(story, bounds.end).filter(|(_, _, told)| told.ready) {
            let expires = told.expires.and_then(|expires| Millis::try_from(expires).ok()).unwrap_or(0);
            expired.add(from.max(expires + SECOND + bounds.skew), to);
            let Some(target) = &told.target else { continue };
            dead.extend(&dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to).0);
        }
        let name = &mini.1;
        let expired = expired.without(&excused(ledger, bounds, app, (bounds.recovery / 2).max(90 * SECOND)));
        verdict.tell_longest(&expired, &format!("{name} is Ready over an expired token"));
        let mut helpless = Spans::default();
        for (from, to, can) in ledger.answerable.get(mini).into_iter().flat_map(|story| stretches(story, bounds.end)) {
            if !can {
                helpless.add(from, to);
            }
        }
        let dead = dead.without(&helpless).without(&excused(ledger, bounds, app, bounds.recovery));
        verdict.tell_longest(&dead, &format!("{name} is Ready over a dead token"));
    }
}
