//! Judges a run by its ledger: dead tokens that nothing excuses, calls and writes that nothing asked for, statuses that lie.

pub mod spans;

use std::fmt::Write;

use self::spans::Spans;
use crate::{
    cluster::{Kind, Name},
    ledger::{Ledger, Since},
    time::{HOUR, MINUTE, Millis, SECOND, show},
};

/// What a pod's file may lag behind its Secret, with the kubelet's default settings.
const KUBELET: Millis = 90 * SECOND;

/// What is tolerated.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// When nothing goes wrong any more.
    pub calm_from: Millis,
    /// When the traces of what went wrong must be gone.
    pub settled_from: Millis,
    pub end: Millis,
    /// How long after its end a trouble may still excuse a dead token.
    pub recovery: Millis,
}

/// The judgement of one run.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub faults: Vec<String>,
    /// The longest that a Secret held a dead token, or none, without an excuse.
    pub worst_excess: Millis,
    /// The longest at all.
    pub worst_dead: Millis,
    pub calls: u64,
    pub ideal_calls: u64,
    pub troubles: u64,
    pub crashes: u64,
}

pub fn judge(ledger: &Ledger, bounds: &Bounds) -> Verdict {
    let mut verdict = Verdict { faults: ledger.blames.clone(), ..Verdict::default() };
    verdict.troubles = ledger.troubles.len() as u64;
    verdict.crashes = ledger.troubles.iter().filter(|trouble| trouble.what == "crash").count() as u64;
    dead_tokens(ledger, bounds, &mut verdict);
    lies(ledger, bounds, &mut verdict);
    calls(ledger, bounds, &mut verdict);
    writes(ledger, bounds, &mut verdict);
    verdict
}

/// When troubles excuse something, so much longer than they lasted.
fn excused(ledger: &Ledger, bounds: &Bounds, longer: Millis) -> Spans {
    let mut spans = Spans::default();
    for trouble in &ledger.troubles {
        spans.add(trouble.from, (trouble.to + longer).min(bounds.settled_from.max(trouble.from + MINUTE)));
    }
    spans
}

fn dead_tokens(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let (excused_secrets, excused_pods) =
        (excused(ledger, bounds, bounds.recovery), excused(ledger, bounds, bounds.recovery + KUBELET));
    for (mini, story) in &ledger.expected {
        for (from, to, target) in stretches(story, bounds.end) {
            let Some(target) = target else { continue };
            let secret: Name = (mini.0.clone(), target.clone());
            let (dead, stale) = dead_spans(ledger, &secret, from, to);
            verdict.worst_dead = verdict.worst_dead.max(dead.longest().map_or(0, |(from, to)| to - from));
            let excess = dead.without(&excused_secrets);
            if let Some((from, to)) = excess.longest().filter(|(from, to)| to - from > SECOND) {
                verdict.worst_excess = verdict.worst_excess.max(to - from);
                say(verdict, format!("Secret {} holds no live token for {} s from {}", secret.1, (to - from) / 1000, show(from)));
            }
            let excess = stale.without(&excused_pods);
            if let Some((from, to)) = excess.longest().filter(|(from, to)| to - from > SECOND) {
                verdict.worst_excess = verdict.worst_excess.max(to - from);
                say(
                    verdict,
                    format!(
                        "a pod that lags 90 s on {} holds a dead token for {} s from {}",
                        secret.1,
                        (to - from) / 1000,
                        show(from)
                    ),
                );
            }
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
fn lies(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let (brief, long) = (excused(ledger, bounds, MINUTE), excused(ledger, bounds, bounds.recovery));
    for (mini, story) in &ledger.told {
        let (mut expired, mut dead) = (Spans::default(), Spans::default());
        for (from, to, told) in stretches(story, bounds.end).filter(|(_, _, told)| told.ready) {
            let expires = told.expires.and_then(|expires| Millis::try_from(expires).ok()).unwrap_or(0);
            expired.add(from.max(expires + SECOND), to);
            let Some(target) = &told.target else { continue };
            dead.extend(&dead_spans(ledger, &(mini.0.clone(), target.clone()), from, to).0);
        }
        if let Some((from, to)) = expired.without(&brief).longest().filter(|(from, to)| to - from > SECOND) {
            say(verdict, format!("{} is Ready over an expired token for {} s from {}", mini.1, (to - from) / 1000, show(from)));
        }
        if let Some((from, to)) = dead.without(&long).longest().filter(|(from, to)| to - from > SECOND) {
            say(verdict, format!("{} is Ready over a dead token for {} s from {}", mini.1, (to - from) / 1000, show(from)));
        }
    }
}

fn calls(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    for (app_id, calls) in &ledger.calls {
        verdict.calls += calls.len() as u64;
        // A token of 7200 s is replaced 60 to 300 s before its end.
        verdict.ideal_calls += bounds.end / (6900 * SECOND) + 1;
        let quiet = calls.iter().filter(|call| call.from >= bounds.settled_from).count() as u64;
        let ideal = (bounds.end.saturating_sub(bounds.settled_from)) / (6900 * SECOND) + 1;
        if quiet > ideal {
            say(verdict, format!("{app_id} is asked for {quiet} times in quiet times, {ideal} would do"));
        }
        let hour = busiest(calls.iter().map(|call| call.from), HOUR);
        if hour > 60 {
            say(verdict, format!("{app_id} is asked for {hour} times within an hour"));
        }
    }
}

fn writes(ledger: &Ledger, bounds: &Bounds, verdict: &mut Verdict) {
    let quiet_calls: usize =
        ledger.calls.values().map(|calls| calls.iter().filter(|call| call.from >= bounds.settled_from).count()).sum();
    let quiet_writes = ledger.writes.iter().filter(|(at, kind, _)| *at >= bounds.settled_from && *kind != Kind::Lease).count();
    if quiet_writes > 3 * quiet_calls {
        say(verdict, format!("{quiet_writes} writes for {quiet_calls} calls in quiet times"));
    }
    let minute = busiest(ledger.writes.iter().map(|(at, ..)| *at), MINUTE);
    if minute > 200 {
        say(verdict, format!("{minute} writes within a minute"));
    }
    let quiet_reads = ledger.reads.iter().filter(|at| **at >= bounds.settled_from).count();
    if quiet_reads > 5 * quiet_calls {
        say(verdict, format!("{quiet_reads} reads for {quiet_calls} calls in quiet times"));
    }
}

/// How many of these moments lie within one stretch of time, at most.
fn busiest(moments: impl Iterator<Item = Millis>, stretch: Millis) -> usize {
    let moments: Vec<Millis> = moments.collect();
    let within = |(index, from): (usize, &Millis)| moments.iter().skip(index).take_while(|at| **at < from + stretch).count();
    moments.iter().enumerate().map(within).max().unwrap_or_default()
}

/// From when to when what was so.
fn stretches<T>(story: &[Since<T>], end: Millis) -> impl Iterator<Item = (Millis, Millis, &T)> {
    let ends = story.iter().skip(1).map(|next| next.from).chain([end]);
    story.iter().zip(ends).map(|(since, to)| (since.from, to, &since.is))
}

fn say(verdict: &mut Verdict, what: String) {
    verdict.faults.push(what);
}

impl Verdict {
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    pub fn summary(&self) -> String {
        let mut text = String::new();
        for fault in &self.faults {
            let _ = writeln!(text, "  {fault}");
        }
        text
    }
}
