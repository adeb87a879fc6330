//! The log by app, object, Secret and token, each in the order of time. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    calm::{calm, felt},
    log::{Act, Call, Event, Expect, Log, Millis, Process, Status, Verb, Writer},
    rules::{HOUR, Rules},
    spans::Spans,
};

/// From a moment on something is so.
#[derive(Clone, Copy, Debug)]
pub struct Since<T> {
    pub from: Millis,
    pub is: T,
}

/// A token's true life.
#[derive(Clone, Debug)]
pub struct Life<'a> {
    pub app: &'a str,
    pub replaces: bool,
    pub minted: Millis,
    pub ends: Millis,
    /// When it ends if nothing ends it before.
    pub of_age: Millis,
}

/// What a Secret holds, and which process wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    pub by: Option<Process>,
    pub token: Option<&'a str>,
    pub unconfirmed: bool,
}

/// What a status says, and who wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub by: Option<Writer>,
    pub status: Option<&'a Status>,
}

/// What happened to the objects of one app.
#[derive(Debug, Default)]
pub struct App<'a> {
    pub calls: Vec<Since<&'a Call>>,
    pub acts: Vec<Since<&'a Act>>,
    pub mints: Vec<Since<&'a str>>,
    pub used: Vec<Since<&'a str>>,
    pub requests: Vec<Since<Verb>>,
    pub objects: BTreeMap<&'a str, Object<'a>>,
    pub calm: Spans,
    /// When it would be calm if nothing were hidden: what is known can be worked with and written.
    pub answered: Spans,
    /// When it would be calm if nobody forged a target.
    pub unforged: Spans,
    /// When it would be calm if nobody did anything: no call of the app's own objects or of those
    /// that name it is hindered.
    pub unhindered: Spans,
    /// The strangers' objects that name it.
    pub strangers: BTreeSet<&'a str>,
}

#[derive(Debug, Default)]
pub struct Object<'a> {
    pub statuses: Vec<Since<Said<'a>>>,
    pub expects: Vec<Since<&'a Expect>>,
}

/// So long after one forgery, the next one is the first again: a clock has asked for a token since.
const A_ROW: Millis = 2 * HOUR;

/// Something that disturbed an app, or all.
struct Disturbed<'a> {
    whom: Option<&'a str>,
    from: Millis,
    until: Millis,
    /// How long after its end all must be well again.
    recovery: Millis,
    /// What a person did, if that is it.
    act: Option<&'a Act>,
}

/// A Lease as it was stored: who wrote it, and whether to hold or to release it.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub by: Process,
    pub sent: Millis,
    pub held: bool,
}

#[derive(Debug, Default)]
pub struct Facts<'a> {
    pub end: Millis,
    pub apps: BTreeMap<&'a str, App<'a>>,
    pub secrets: BTreeMap<&'a str, Vec<Since<Held<'a>>>>,
    pub tokens: BTreeMap<&'a str, Life<'a>>,
    pub skews: Vec<Since<i64>>,
    pub leases: Vec<Since<Lease>>,
    pub probes: BTreeMap<Process, Vec<Since<Option<bool>>>>,
    /// When lists and watches fail.
    pub hidden: Spans,
    /// When nothing disturbs all apps.
    pub calm: Spans,
    /// Who set about a write, and when.
    pub writes: Vec<Since<Process>>,
    pub disturbances: u64,
    /// When the API server reads no request.
    unread: Spans,
}

impl<'a> Facts<'a> {
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "an arm for each kind of event")]
    pub fn of(log: &'a Log, rules: &Rules, end: Millis) -> Self {
        let mut facts = Self { end, ..Self::default() };
        let mut entries: Vec<_> = log.entries().iter().collect();
        entries.sort_by_key(|entry| entry.at);
        let app_of: BTreeMap<&str, &str> = entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Expect { object, app, .. } => Some((object.as_str(), app.as_str())),
                _ => None,
            })
            .collect();
        let mut disturbed: Vec<Disturbed<'_>> = Vec::new();
        let recovery = rules.recovery;
        let passing = |whom, from, until| Disturbed { whom, from, until, recovery, act: None };
        for entry in entries {
            let from = entry.at;
            match &entry.event {
                Event::Call(call) => facts.app(&call.app).calls.push(Since { from, is: call }),
                Event::Mint { app, token, replaces, ends } => {
                    let life =
                        Life { app, replaces: *replaces, minted: from, ends: *ends, of_age: *ends };
                    facts.tokens.entry(token).or_insert(life);
                    facts.app(app).mints.push(Since { from, is: token });
                }
                Event::Ends { token, at } => {
                    if let Some(life) = facts.tokens.get_mut(token.as_str()) {
                        // A call may renew a token's life.
                        life.of_age = life.of_age.max(*at);
                        life.ends = *at;
                    }
                }
                Event::Secret { name, by, token, unconfirmed } => {
                    let held = Held { by: *by, token: token.as_deref(), unconfirmed: *unconfirmed };
                    facts.secrets.entry(name).or_default().push(Since { from, is: held });
                }
                Event::Status { object, by, status } => {
                    let said = Said { by: *by, status: status.as_ref() };
                    if let Some(app) = app_of.get(object.as_str()) {
                        facts.app(app).object(object).statuses.push(Since { from, is: said });
                    }
                }
                Event::Used { app, token } => facts.app(app).used.push(Since { from, is: token }),
                Event::Lease { by, sent, held } => {
                    facts
                        .leases
                        .push(Since { from, is: Lease { by: *by, sent: *sent, held: *held } });
                }
                Event::Request { by, app, verb } => {
                    if *verb != Verb::Read {
                        facts.writes.push(Since { from, is: *by });
                    }
                    if let Some(app) = app {
                        facts.app(app).requests.push(Since { from, is: *verb });
                    }
                }
                Event::Unread { until } => facts.unread.add(from, *until),
                Event::Hidden { until } => {
                    facts.disturbances += 1;
                    facts.hidden.add(from, *until);
                }
                Event::Probe { process, ready } => {
                    facts.probes.entry(*process).or_default().push(Since { from, is: *ready });
                }
                Event::Disturbance { until, app, .. } => {
                    facts.disturbances += 1;
                    disturbed.push(passing(app.as_deref(), from, *until));
                }
                Event::Act { app, act } => {
                    let recovery = match act {
                        Act::Forge if facts.app(app).is_in_a_row(rules, from) => rules.forged_again,
                        Act::Forge => rules.forged,
                        _ => rules.recovery,
                    };
                    let whom = Some(app.as_str());
                    disturbed.push(Disturbed { whom, from, until: from, recovery, act: Some(act) });
                    facts.app(app).acts.push(Since { from, is: act });
                }
                Event::Expect { object, app, expect } => {
                    facts.app(app).object(object).expects.push(Since { from, is: expect });
                    if let Some(named) = &expect.names {
                        facts.app(named).strangers.insert(object);
                    }
                }
                Event::Clock { skew } => {
                    disturbed.push(passing(None, from, from));
                    facts.skews.push(Since { from, is: *skew });
                }
            }
        }
        facts.find_calm(&disturbed, rules);
        facts
    }

    /// Notes when it is calm, for all and for each app.
    fn find_calm(&mut self, disturbed: &[Disturbed<'_>], rules: &Rules) {
        let end = self.end;
        let calm_without = |concern: &dyn Fn(&Disturbed<'_>) -> bool, hidden: &Spans| {
            let mut felt = felt(hidden, rules.recovery);
            for disturbed in disturbed.iter().filter(|disturbed| concern(disturbed)) {
                let until = disturbed.until.max(disturbed.from + 1);
                felt.add(disturbed.from, until + disturbed.recovery);
            }
            calm(&felt, rules.recovery, end)
        };
        self.calm = calm_without(&|disturbed| disturbed.whom.is_none(), &self.hidden);
        for (app_id, app) in &mut self.apps {
            let is_it = |whom: &str| whom == *app_id;
            let concerns = |disturbed: &Disturbed<'_>| disturbed.whom.is_none_or(is_it);
            let unforged = |disturbed: &Disturbed<'_>| {
                let is_forged = disturbed.act == Some(&Act::Forge);
                !is_forged && concerns(disturbed)
            };
            let is_stranger = |whom: &str| app.strangers.contains(whom);
            let hinders = |disturbed: &Disturbed<'_>| {
                let concerns = concerns(disturbed) || disturbed.whom.is_some_and(is_stranger);
                disturbed.act.is_none() && concerns
            };
            app.unhindered = calm_without(&hinders, &self.hidden);
            app.calm = calm_without(&concerns, &self.hidden);
            app.answered = calm_without(&concerns, &Spans::default());
            app.unforged = calm_without(&unforged, &self.hidden);
        }
    }

    fn app(&mut self, app: &'a str) -> &mut App<'a> {
        self.apps.entry(app).or_default()
    }

    /// When an app's Secret holds no live token of it, and when a pod whose file lags behind that
    /// Secret holds a dead one.
    #[must_use]
    pub fn dead(
        &self,
        of: (&str, &str),
        (from, to): (Millis, Millis),
        lag: Millis,
    ) -> (Spans, Spans) {
        let (app, secret) = of;
        let (mut dead, mut stale) = (Spans::default(), Spans::default());
        let history = self.secrets.get(secret).map(Vec::as_slice).unwrap_or_default();
        dead.add(from, history.first().map_or(to, |first| first.from.min(to)));
        for (begin, end, held) in stretches(within(history, from, to), to) {
            let life = held.token.and_then(|token| self.tokens.get(token));
            let ends = life.filter(|life| life.app == app).map_or(begin, |life| life.ends);
            let since = ends.max(begin).max(from);
            dead.add(since, end.min(to));
            if held.token.is_some() && end < to {
                stale.add(since, (end + lag).min(to));
            }
        }
        (dead, stale)
    }

    /// Whether a Secret holds no live token of an app at any moment of a stretch of time.
    #[must_use]
    pub fn is_dead_throughout(&self, of: (&str, &str), (from, to): (Millis, Millis)) -> bool {
        self.dead(of, (from, to), 0).0.length() == to - from
    }

    /// How far the operator's clock was off at a moment.
    #[must_use]
    pub fn skew(&self, at: Millis) -> i64 {
        last(&self.skews, at).map_or(0, |skew| skew.is)
    }

    /// When a request was sent, at the earliest, that the API server received at a moment.
    #[must_use]
    pub fn sent(&self, received: Millis) -> Millis {
        let unread = self.unread.joined();
        let unread = unread.iter().find(|(from, until)| (*from..*until).contains(&received));
        unread.map_or(received, |(from, _)| *from)
    }

    /// A moment by true time that the operator's clock told, as far as that clock is the same
    /// still.
    #[must_use]
    pub fn true_time(&self, told: i64, at: Millis) -> Millis {
        Millis::try_from(told - self.skew(at)).unwrap_or(0)
    }
}

impl<'a> App<'a> {
    fn object(&mut self, name: &'a str) -> &mut Object<'a> {
        self.objects.entry(name).or_default()
    }

    /// Whether a call that put a forgery right may still hold up the next one.
    fn is_in_a_row(&self, rules: &Rules, at: Millis) -> bool {
        let costly = |since: Millis| {
            let acts = between(&self.acts, at.saturating_sub(since), at + 1);
            acts.iter().any(|act| may_cost_a_call(act.is))
        };
        let recent = at.saturating_sub(rules.forged_again);
        let called = !between(&self.calls, recent, at + 1).is_empty();
        costly(rules.forged_again) || called && costly(A_ROW)
    }

    /// Whether nothing hinders the app's calls in a stretch of time, and nobody does anything to it
    /// but at one moment of that.
    #[must_use]
    pub fn is_left_alone(&self, (from, to): (Millis, Millis), but_at: Millis) -> bool {
        let acts = between(&self.acts, from, to + 1).iter().filter(|act| act.from != but_at);
        let hindered = Spans::of(from, to).without(&self.unhindered);
        acts.count() == 0 && hindered.length() == 0
    }

    /// What people did within a stretch of time, its ends included.
    pub fn acts_within(&self, from: Millis, to: Millis) -> usize {
        between(&self.acts, from, to + 1).len()
    }
}

impl Object<'_> {
    /// When an expectation holds.
    #[must_use]
    pub fn when_expected(&self, end: Millis, holds: impl Fn(&Expect) -> bool) -> Spans {
        let mut spans = Spans::default();
        let held = stretches(&self.expects, end).filter(|(_, _, expect)| holds(expect));
        held.for_each(|(from, to, _)| spans.add(from, to));
        spans
    }

    /// When the status says something.
    #[must_use]
    pub fn when_said(&self, end: Millis, says: impl Fn(&Status) -> bool) -> Spans {
        let mut spans = Spans::default();
        let said =
            stretches(&self.statuses, end).filter(|(_, _, said)| said.status.is_some_and(&says));
        said.for_each(|(from, to, _)| spans.add(from, to));
        spans
    }
}

/// Whether what a person did may take a call to be put right.
pub fn may_cost_a_call(act: &Act) -> bool {
    matches!(act, Act::Edit | Act::Forge | Act::Create)
}

/// From when to when what was so.
pub fn stretches<T>(
    history: &[Since<T>],
    end: Millis,
) -> impl Iterator<Item = (Millis, Millis, &T)> {
    let ends = history.iter().skip(1).map(|next| next.from).chain([end]);
    history.iter().zip(ends).map(|(since, to)| (since.from, to, &since.is))
}

/// What is so at a moment.
pub fn last<T>(history: &[Since<T>], at: Millis) -> Option<&Since<T>> {
    history
        .partition_point(|since| since.from <= at)
        .checked_sub(1)
        .and_then(|last| history.get(last))
}

/// What was so at some moment of a stretch of time, its end excluded.
pub fn within<T>(history: &[Since<T>], from: Millis, to: Millis) -> &[Since<T>] {
    let first = history.partition_point(|since| since.from <= from).saturating_sub(1);
    &history[first..history.partition_point(|since| since.from < to).max(first)]
}

/// What happened within a stretch of time, its end excluded.
pub fn between<T>(history: &[Since<T>], from: Millis, to: Millis) -> &[Since<T>] {
    let first = history.partition_point(|since| since.from < from);
    &history[first..history.partition_point(|since| since.from < to).max(first)]
}

/// How many of these moments lie within one stretch of time, at most, and when that begins.
#[must_use]
pub fn busiest(moments: &[Millis], stretch: Millis) -> (usize, Millis) {
    let (mut first, mut most) = (0, (0, 0));
    for (index, at) in moments.iter().enumerate() {
        while moments[first] + stretch <= *at {
            first += 1;
        }
        if index + 1 - first > most.0 {
            most = (index + 1 - first, moments[first]);
        }
    }
    most
}
