//! Writes down what happens in a run, as the log that is judged. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use judge::{
    Act, Call, End, Event, Expect, Log, Promise, Rules, Status, Verb, Verdict, Writer, judge,
};
use k8s_openapi::ByteString;
use miniprogram_operator::api::names;
use platform_simulator::model::{Family, LiveToken, fingerprint};
use serde_json::Value;

use crate::{
    cluster::{Kind, Name, request::Asked},
    stage::ProcessId,
    time::{HOUR, Millis, millis_of},
};

/// An operator that sends more requests than this in an hour, for each object, would go on for
/// ever.
const REQUESTS_AN_HOUR: usize = 6000;

#[derive(Default)]
pub struct Record {
    pub log: Log,
    /// Every token that the platform made.
    tokens: BTreeSet<String>,
    /// The tokens of each app that lived when they were last looked at, and their ends.
    alive: BTreeMap<String, BTreeMap<String, Millis>>,
    /// The token in each target, and whether it is to be confirmed.
    held: BTreeMap<Name, (Option<String>, bool)>,
    objects: BTreeSet<Name>,
    /// What the readiness probe of each process said last.
    probed: BTreeMap<ProcessId, Option<bool>>,
    /// Whose request the API server is carrying out.
    writer: Option<Writer>,
    /// How many requests there were in this hour.
    hour: (Millis, usize),
    /// When somebody last called or wrote.
    last_act: Option<Millis>,
    /// Forced calls and calls without an answer.
    costly: Vec<(Millis, Call)>,
    crashes: u64,
    /// What the operator asked that no API server serves.
    unsound: Vec<String>,
}

impl Record {
    /// Takes in what a change left of an object.
    pub fn saw(&mut self, now: Millis, kind: Kind, name: &Name, object: Option<&Value>) {
        match kind {
            Kind::Secret => {
                let target = object.filter(|secret| secret["type"] == names::SECRET_TYPE);
                let token = target.and_then(|secret| self.token_in(secret));
                let annotations = target.map(|secret| &secret["metadata"]["annotations"]);
                let unconfirmed =
                    annotations.is_some_and(|all| all[names::UNCONFIRMED].is_string());
                let is_target = target.is_some() || self.held.contains_key(name);
                let held = (token.clone(), unconfirmed);
                if is_target && self.held.insert(name.clone(), held.clone()) != Some(held) {
                    let by = self.writer.map(|writer| writer.process);
                    self.log
                        .push(now, Event::Secret { name: name.1.clone(), by, token, unconfirmed });
                }
            }
            Kind::MiniProgram => {
                self.objects.insert(name.clone());
                let status = object.map(|object| Status::of(&object["status"], millis_of));
                self.log
                    .push(now, Event::Status { object: name.1.clone(), by: self.writer, status });
            }
            Kind::Lease | Kind::Event => {}
        }
    }

    fn token_in(&self, secret: &Value) -> Option<String> {
        let values = secret["data"].as_object().into_iter().flatten().filter_map(|(_, value)| {
            let bytes: ByteString = serde_json::from_value(value.clone()).ok()?;
            Some(fingerprint(str::from_utf8(&bytes.0).ok()?))
        });
        values.into_iter().find(|name| self.tokens.contains(name))
    }

    /// Between these two, what changes is changed by this process.
    pub fn carries_out(&mut self, process: ProcessId, sent: Millis) {
        self.writer = Some(Writer { process, sent });
    }

    pub fn has_carried_out(&mut self, now: Millis, asked: &Asked, answer: &Value) {
        let Some(writer) = self.writer.take() else { return };
        let holder = answer["spec"]["holderIdentity"].as_str();
        if asked.kind == Kind::Lease && asked.writes() && answer["kind"] != "Status" {
            let held = holder == Some(&format!("P{}", writer.process));
            self.log.push(now, Event::Lease { by: writer.process, sent: writer.sent, held });
        }
    }

    /// A process sets about a request.
    pub fn requests(&mut self, now: Millis, process: ProcessId, asked: &Asked) {
        let verb = match asked {
            _ if matches!(asked.kind, Kind::Lease | Kind::Event) || asked.is_of_a_watch() => return,
            _ if asked.is_dry_run() => Verb::DryRun,
            _ if asked.writes() => Verb::Write,
            _ => Verb::Read,
        };
        self.log.push(now, Event::Request { by: process, app: asked.app(), verb });
    }

    /// A request is on its way.
    pub fn requested(&mut self, now: Millis, asked: &Asked) {
        if asked.kind == Kind::Event {
            return;
        }
        let hour = now / HOUR;
        self.hour = (hour, if self.hour.0 == hour { self.hour.1 + 1 } else { 1 });
        if asked.writes() && asked.kind != Kind::Lease {
            self.last_act = Some(now);
        }
    }

    /// Whether the operator runs in circles: such a run would go on for ever.
    #[must_use]
    pub fn is_hectic(&self) -> bool {
        self.hour.1 > REQUESTS_AN_HOUR * (1 + self.objects.len())
    }

    /// Takes in which tokens of an app live, and until when; all others are dead.
    pub fn alive(&mut self, now: Millis, app: &str, live: &[LiveToken]) {
        let mut before = self.alive.remove(app).unwrap_or_default();
        let mut ends =
            |token: &String, at| self.log.push(now, Event::Ends { token: token.clone(), at });
        for token in live {
            if before.remove(&token.fingerprint).is_some_and(|known| known != token.dies_ms) {
                ends(&token.fingerprint, token.dies_ms);
            }
        }
        before.iter().filter(|(_, known)| **known > now).for_each(|(token, _)| ends(token, now));
        for token in live.iter().filter(|token| self.tokens.insert(token.fingerprint.clone())) {
            let (app, replaces) = (app.to_owned(), token.family == Family::Legacy);
            let event = Event::Mint {
                app,
                token: token.fingerprint.clone(),
                replaces,
                ends: token.dies_ms,
            };
            self.log.push(now, event);
        }
        let live = live.iter().map(|token| (token.fingerprint.clone(), token.dies_ms)).collect();
        self.alive.insert(app.to_owned(), live);
    }

    /// The platform lets a call take effect.
    pub fn executed(&mut self, now: Millis, app: &str, live: &[LiveToken]) {
        self.last_act = Some(now);
        self.alive(now, app, live);
    }

    pub fn called(&mut self, sent: Millis, call: Call) {
        if call.forced || call.end == End::Unanswered {
            self.costly.push((sent, call.clone()));
        }
        self.log.push(sent, Event::Call(call));
    }

    pub fn disturbed(
        &mut self,
        from: Millis,
        until: Millis,
        app: Option<String>,
        what: &'static str,
    ) {
        self.log.push(from, Event::Disturbance { until, app, what });
    }

    /// Lists and watches of some objects fail until then.
    pub fn hides(&mut self, from: Millis, until: Millis) {
        self.log.push(from, Event::Hidden { until });
    }

    /// The readiness probe of a process says this; nothing if it runs no more.
    pub fn probed(&mut self, now: Millis, process: ProcessId, ready: Option<bool>) {
        if self.probed.insert(process, ready) != Some(ready) {
            self.log.push(now, Event::Probe { process, ready });
        }
    }

    pub fn crashed(&mut self, now: Millis) {
        self.crashes += 1;
        self.disturbed(now, now, None, "a process dies");
    }

    pub fn acted(&mut self, now: Millis, app: &str, act: Act) {
        self.log.push(now, Event::Act { app: app.to_owned(), act });
    }

    pub fn expects(&mut self, now: Millis, object: &Name, app: &str, expect: Expect) {
        self.log.push(now, Event::Expect { object: object.1.clone(), app: app.to_owned(), expect });
    }

    pub fn is_unsound(&mut self, what: String) {
        self.unsound.push(what);
    }

    /// The token in a target.
    #[must_use]
    pub fn held(&self, target: &Name) -> Option<String> {
        self.held.get(target)?.0.clone()
    }

    /// How many calls of an app were left without an answer since then, and how many were forced.
    #[must_use]
    pub fn costly_calls(&self, app: &str, since: Millis) -> (usize, usize) {
        let calls: Vec<_> =
            self.costly.iter().filter(|(at, call)| *at >= since && call.app == app).collect();
        let unanswered = calls.iter().filter(|(_, call)| call.end == End::Unanswered).count();
        (unanswered, calls.iter().filter(|(_, call)| call.forced).count())
    }

    #[must_use]
    pub fn last_act(&self) -> Option<Millis> {
        self.last_act
    }

    #[must_use]
    pub fn crashes(&self) -> u64 {
        self.crashes
    }

    /// Has a run judged that ends now.
    #[must_use]
    pub fn judge(&self, rules: &Rules, end: Millis) -> Verdict {
        let mut verdict = judge(&self.log, rules, end);
        self.unsound.iter().for_each(|what| verdict.add(Promise::Soundness, end, what.clone()));
        if self.is_hectic() {
            verdict.add(Promise::Rest, end, "the operator runs in circles".to_owned());
        }
        verdict
    }
}

/// The id of the app that an object belongs to, as its name tells: `app-7-token`, `credential-7`.
/// What is a stranger's to an app is told apart, under the name of the stranger's object.
#[must_use]
pub fn app_of(name: &str) -> Option<String> {
    let number = || name.split('-').nth(1)?.parse::<u64>().ok();
    stranger_of(name).or_else(|| Some(format!("wx{:016x}", number()?)))
}

/// The stranger's object that a name or an app secret belongs to: `guess-7-1-token`, `leaver-7-1`.
#[must_use]
pub fn stranger_of(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    match parts.next()? {
        "guess" => Some(format!("guess-{}-{}", parts.next()?, parts.next()?)),
        "leaver" => Some(format!("leaver-{}", parts.next()?)),
        _ => None,
    }
}
