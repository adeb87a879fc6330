//! Dead tokens that nothing excuses, statuses that call a dead token good, and those that do not call a good one good.

use std::collections::BTreeMap;

use super::{Bounds, Oracle, Spans, Verdict, excused, stretches};
use crate::{
    cluster::Name,
    ledger::{Ledger, Since, app_in},
    time::{MINUTE, Millis, SECOND},
    trouble::Cause,
};

/// What a pod's file may lag behind its Secret, with the kubelet's default settings.
const KUBELET: Millis = 90 * SECOND;

pub(super) fn dead_tokens(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (mini, story) in &ledger.expected {
        let app = app_in(&mini.1);
        let for_secrets = excused(ledger, bounds, app, Cause::leaves_token_dead);
        let mut for_pods = excused(ledger, bounds, app, |cause| cause.leaves_token_dead() + KUBELET);
        // Whoever reports a living token has it ended, when the day's limit allows.
        let calls = ledger.calls.iter().filter(|(app_id, _)| app_in(app_id) == app).flat_map(|(_, calls)| calls);
        calls.filter(|call| call.is.forced).for_each(|call| for_pods.add(call.from, call.from + MINUTE + KUBELET));
        for (from, to, target) in stretches(story, bounds.end) {
            let Some(target) = target else { continue };
            let (dead, stale) = dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to);
            verdict.worst_dead = verdict.worst_dead.max(dead.longest().map_or(0, |(from, to)| to - from));
            tell_dead(&dead, &for_secrets, &format!("Secret {target} holds no live token"), verdict);
            tell_dead(&stale, &for_pods, &format!("a pod that lags 90 s on {target} holds a dead token"), verdict);
        }
    }
}

/// What died while nothing excused it is one thing; what an excuse has run out for is another.
fn tell_dead(dead: &Spans, excuse: &Spans, what: &str, verdict: &mut Verdict) {
    let (fresh, late) = dead.without(excuse).split(|from| dead.begins_at(from));
    for (oracle, spans) in [(Oracle::DeadToken, fresh), (Oracle::SlowRecovery, late)] {
        let excess = verdict.tell_longest(oracle, &spans, what);
        verdict.worst_excess = verdict.worst_excess.max(excess);
    }
}

/// Where objects share a rotating token, one of them is to have it.
pub(super) fn contested_tokens(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let mut apps: BTreeMap<Option<u64>, (Spans, Spans)> = BTreeMap::new();
    for (mini, story) in &ledger.contested {
        let (wanted, live) = apps.entry(app_in(&mini.1)).or_default();
        for (from, to, target) in stretches(story, bounds.end) {
            let Some(target) = target else { continue };
            let mut whole = Spans::default();
            whole.add(from, to);
            live.extend(&whole.without(&dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to).0));
            wanted.extend(&whole);
        }
    }
    for (app, (wanted, live)) in apps {
        let mut excuse = excused(ledger, bounds, app, Cause::leaves_token_dead);
        // Whoever kept the app goes on to keep it until its credential is found to be wrong.
        for (mini, _) in ledger.answerable.iter().filter(|(mini, _)| app_in(&mini.1) == app) {
            excuse.extend(&helpless(ledger, mini, bounds.end).without(&rejected(ledger, mini, bounds.end)));
        }
        tell_dead(
            &wanted.without(&live),
            &excuse,
            &format!("no object of app {} holds a live token", app.unwrap_or_default()),
            verdict,
        );
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
        let (mut expired, mut dead, mut aged) = (Spans::default(), Spans::default(), Spans::default());
        for (from, to, told) in stretches(story, bounds.end).filter(|(_, _, told)| told.ready) {
            for (since, until, skew) in skews(ledger, bounds.end) {
                let expires = told.expires.and_then(|expires| Millis::try_from(expires - skew).ok()).unwrap_or(0);
                expired.add(from.max(since).max(expires + SECOND + bounds.skew), to.min(until));
            }
            let Some(target) = &told.target else { continue };
            let secret = (mini.0.clone(), target.clone());
            dead.extend(&dead_spans(ledger, &secret, from, to).0);
            for (begin, end, token) in ledger.held.get(&secret).into_iter().flat_map(|story| stretches(story, to)) {
                if let Some(life) = token.as_ref().and_then(|token| ledger.tokens.get(token)) {
                    aged.add(life.of_age.max(begin).max(from), end.min(to));
                }
            }
        }
        let name = &mini.1;
        let expired = expired.without(&excused(ledger, bounds, app, unseen_expiry));
        verdict.tell_longest(Oracle::FalseReady, &expired, &format!("{name} is Ready over an expired token"));
        // How old a token is, everybody knows who can count.
        let helpless = helpless(ledger, mini, bounds.end).without(&aged);
        let dead = dead.without(&helpless).without(&excused(ledger, bounds, app, unseen_death));
        verdict.tell_longest(Oracle::FalseReady, &dead, &format!("{name} is Ready over a dead token"));
    }
}

/// How far off the operator's clock was, from when to when.
fn skews(ledger: &Ledger, end: Millis) -> impl Iterator<Item = (Millis, Millis, i64)> {
    let first = ledger.skews.first().map_or(end, |skew| skew.from);
    [(0, first, 0)].into_iter().chain(stretches(&ledger.skews, end).map(|(from, to, skew)| (from, to, *skew)))
}

/// Nothing tells that a clock was set: an object is looked at every five minutes.
fn unseen_expiry(cause: Cause) -> Millis {
    if cause == Cause::Clock { 310 * SECOND } else { cause.leaves_status_false() }
}

/// Nobody sees a token die before its time: Ready may go on until it is replaced.
fn unseen_death(cause: Cause) -> Millis {
    cause.leaves_token_dead().max(cause.leaves_status_false())
}

/// When an object's own credential keeps it from finding out that its token is dead.
fn helpless(ledger: &Ledger, mini: &Name, end: Millis) -> Spans {
    when(ledger.answerable.get(mini), end, |can_ask| !can_ask)
}

/// When the others of its app have long heard that an object's credential is of no use.
fn rejected(ledger: &Ledger, mini: &Name, end: Millis) -> Spans {
    when(ledger.told.get(mini), end, |told| told.rejected).begun_later(MINUTE)
}

/// From when to when something of a story was so.
fn when<T>(story: Option<&Vec<Since<T>>>, end: Millis, is_so: impl Fn(&T) -> bool) -> Spans {
    let mut spans = Spans::default();
    let so = story.into_iter().flat_map(|story| stretches(story, end)).filter(|(_, _, is)| is_so(is));
    so.for_each(|(from, to, _)| spans.add(from, to));
    spans
}

/// Ready that is not True although the target holds a live token.
pub(super) fn silence(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (mini, story) in &ledger.expected {
        let unready = when(ledger.told.get(mini), bounds.end, |told| !told.ready);
        let mut dead = when(ledger.wholesome.get(mini), bounds.end, |wholesome| !wholesome);
        for (from, to, target) in stretches(story, bounds.end) {
            let Some(target) = target else { continue };
            dead.extend(&dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to).0);
        }
        let excuse = excused(ledger, bounds, app_in(&mini.1), |cause| unseen_death(cause) + 5 * SECOND);
        let silent = unready.without(&dead).without(&excuse);
        verdict.tell_longest(Oracle::SlowRecovery, &silent, &format!("{} is not Ready over a live token", mini.1));
    }
}
