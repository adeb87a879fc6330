//! What happened, as the oracles need it: which token lay where when, what was told of it, what was asked. Judges nothing.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, jiff::Timestamp};
use platform_simulator::model::{Call, Family, LiveToken, fingerprint};
use serde_json::Value;

use crate::{
    cluster::{Kind, Name, request::Asked},
    stage::ProcessId,
    time::{HOUR, Millis, millis_of, show},
    trouble::{Cause, Trouble},
};

/// From a moment on something is so.
#[derive(Clone, Debug)]
pub struct Since<T> {
    pub from: Millis,
    pub is: T,
}

/// A token's true life.
#[derive(Clone, Debug)]
pub struct Life {
    pub app_id: String,
    pub family: Family,
    pub minted: Millis,
    pub dies: Millis,
    /// When it dies if nothing ends it before.
    pub of_age: Millis,
}

/// What a status tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub ready: bool,
    pub reason: String,
    /// When the token expires by the operator's clock, in milliseconds.
    pub expires: Option<i64>,
    pub target: Option<String>,
    /// The intent that stands.
    pub intent: Option<String>,
    /// Whether the credential is known to be of no use.
    pub rejected: bool,
}

/// How a call to the platform went.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    pub process: ProcessId,
    /// Whether it asked for a new token by force.
    pub forced: bool,
    /// Whether every such call ends the token before.
    pub rotates: bool,
    pub end: End,
}

/// What came of a call, as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    NotSent,
    Unheard,
    /// The platform said this; 0 with a token.
    Said(i64),
}

#[derive(Default)]
pub struct Ledger {
    pub tokens: BTreeMap<String, Life>,
    /// The tokens of each app that lived when they were last looked at.
    alive: BTreeMap<String, Vec<String>>,
    /// The token in each Secret of our type.
    pub held: BTreeMap<Name, Vec<Since<Option<String>>>>,
    pub told: BTreeMap<Name, Vec<Since<Told>>>,
    /// When an object was deleted, and what its status remembered with it.
    pub deleted: Vec<(Millis, Name)>,
    /// In which Secret an object's users may expect a token, where they may.
    pub expected: BTreeMap<Name, Vec<Since<Option<String>>>>,
    /// The target of an object that shares a rotating token with another one of its app: one of them is to keep it.
    pub contested: BTreeMap<Name, Vec<Since<Option<String>>>>,
    /// Whether an object's users may expect that it is Ready.
    pub wholesome: BTreeMap<Name, Vec<Since<bool>>>,
    /// Whether an object wants to be left alone: it is suspended, or gone.
    pub resting: BTreeMap<Name, Vec<Since<bool>>>,
    /// Whether an object can find out that its token is dead: a rejected credential keeps it from asking.
    pub answerable: BTreeMap<Name, Vec<Since<bool>>>,
    pub calls: BTreeMap<String, Vec<Since<Called>>>,
    pub executed: BTreeMap<String, Vec<Call>>,
    /// How often each app's platform is asked when all is well, by the tokens' ends and by interval: the shortest that its
    /// users asked for.
    pub paces: BTreeMap<String, (Millis, Millis)>,
    pub troubles: Vec<Trouble>,
    /// How far the operator's clock is off, in milliseconds.
    pub skews: Vec<Since<i64>>,
    /// Writes that the operator asked for, by kind.
    pub writes: Vec<(Millis, Kind, String)>,
    /// How many requests there were in this hour.
    hour: (Millis, usize),
    /// Reads that are not part of a watch.
    pub reads: Vec<Millis>,
    /// What is wrong whatever the oracles say.
    pub blames: Vec<String>,
}

impl Ledger {
    pub fn saw(&mut self, now: Millis, kind: Kind, name: &Name, object: Option<&Value>) {
        match kind {
            Kind::Secret => {
                let ours = object.filter(|secret| secret["type"] == miniprogram_operator::api::names::SECRET_TYPE);
                if ours.is_some() || self.held.contains_key(name) {
                    let token = ours.and_then(|secret| self.token_in(secret));
                    push(self.held.entry(name.clone()).or_default(), now, token);
                }
            }
            Kind::MiniProgram => {
                if object.is_none() {
                    self.deleted.push((now, name.clone()));
                }
                let told = object.map(told).unwrap_or_default();
                push(self.told.entry(name.clone()).or_default(), now, told);
            }
            Kind::Lease | Kind::Event => {}
        }
    }

    /// Takes in that a process has just written a Secret: what was read before a call never replaces what came after it.
    pub fn wrote(&mut self, now: Millis, process: ProcessId, name: &Name) {
        let story = self.held.get(name).map(Vec::as_slice).unwrap_or_default();
        let [.., before, after] = story else { return };
        let life = |token: &Since<Option<String>>| self.tokens.get(token.is.as_ref()?);
        if let (Some(before), Some(new)) = (life(before), life(after).filter(|_| after.from == now))
            && before.family == new.family
            && before.app_id == new.app_id
            && before.minted > new.minted
        {
            self.blame(format!("P{process} writes an older token over a newer one in {} at {}", name.1, show(now)));
        }
    }

    fn token_in(&self, secret: &Value) -> Option<String> {
        let values = secret["data"].as_object().into_iter().flatten().filter_map(|(_, value)| {
            let bytes: ByteString = serde_json::from_value(value.clone()).ok()?;
            Some(fingerprint(str::from_utf8(&bytes.0).ok()?))
        });
        values.into_iter().find(|name| self.tokens.contains_key(name))
    }

    pub fn expect(&mut self, now: Millis, name: &Name, target: Option<String>) {
        push(self.expected.entry(name.clone()).or_default(), now, target);
    }

    pub fn contest(&mut self, now: Millis, name: &Name, target: Option<String>) {
        push(self.contested.entry(name.clone()).or_default(), now, target);
    }

    pub fn wholesome(&mut self, now: Millis, name: &Name, is: bool) {
        push(self.wholesome.entry(name.clone()).or_default(), now, is);
    }

    pub fn rests(&mut self, now: Millis, name: &Name, rests: bool) {
        push(self.resting.entry(name.clone()).or_default(), now, rests);
    }

    pub fn pace(&mut self, app_id: &str, by_end: Millis, by_interval: Millis) {
        let known = self.paces.entry(app_id.to_owned()).or_insert((by_end, by_interval));
        *known = (by_end.min(known.0), by_interval.min(known.1));
    }

    /// How many calls an app needs in so long a time when all is well, if one object has it.
    pub fn ideal(&self, app_id: &str, time: Millis) -> u64 {
        let (by_end, by_interval) = self.paces.get(app_id).copied().unwrap_or((Millis::MAX, Millis::MAX));
        time / by_end.max(1) + time / by_interval.max(1) + 2
    }

    /// When each intent of an app was written, in order.
    pub fn intents(&self, app: Option<u64>) -> Vec<Millis> {
        let stories = self.told.iter().filter(|(mini, _)| app_in(&mini.1) == app).map(|(_, story)| story);
        let begun = stories.flat_map(|story| {
            let pairs = story.iter().zip(story.iter().skip(1));
            pairs.filter(|(before, now)| now.is.intent.is_some() && now.is.intent != before.is.intent).map(|(_, now)| now.from)
        });
        let mut begun: Vec<_> = begun.collect();
        begun.sort_unstable();
        begun
    }

    /// How many objects an app has, or had.
    pub fn objects(&self, app: Option<u64>) -> u64 {
        self.expected.keys().filter(|mini| app_in(&mini.1) == app).count() as u64
    }

    pub fn answers(&mut self, now: Millis, name: &Name, can: bool) {
        push(self.answerable.entry(name.clone()).or_default(), now, can);
    }

    pub fn requested(&mut self, now: Millis, asked: &Asked) {
        if asked.kind == Kind::Event {
            return;
        }
        let hour = now / HOUR;
        self.hour = (hour, if self.hour.0 == hour { self.hour.1 + 1 } else { 1 });
        if asked.writes() {
            self.writes.push((now, asked.kind, asked.name.clone().unwrap_or_default()));
        } else if asked.kind != Kind::Lease && !asked.lists_for_a_watch() && asked.parameter("watch").is_none() {
            self.reads.push(now);
        }
    }

    /// Whether the operator runs in circles: such a run would go on for ever.
    pub fn is_hectic(&self) -> bool {
        self.hour.1 > 6000 * (1 + self.told.len())
    }

    pub fn executed(&mut self, now: Millis, call: &Call, live: &[LiveToken]) {
        self.executed.entry(call.app_id.clone()).or_default().push(call.clone());
        self.alive(now, &call.app_id, live);
    }

    /// Takes in which tokens of an app live, and until when; all others are dead.
    pub fn alive(&mut self, now: Millis, app_id: &str, live: &[LiveToken]) {
        let lived = self.alive.entry(app_id.to_owned()).or_default();
        for token in lived.drain(..) {
            if let Some(life) = self.tokens.get_mut(&token) {
                life.dies = life.dies.min(now);
            }
        }
        for token in live {
            let life = self.tokens.entry(token.fingerprint.clone());
            let life = life.or_insert_with(|| Life {
                app_id: app_id.to_owned(),
                family: token.family,
                minted: token.issued_ms,
                dies: token.dies_ms,
                of_age: token.dies_ms,
            });
            life.dies = token.dies_ms;
            lived.push(token.fingerprint.clone());
        }
    }

    pub fn called(&mut self, began: Millis, app_id: &str, called: Called) {
        self.calls.entry(app_id.to_owned()).or_default().push(Since { from: began, is: called });
    }

    pub fn trouble(&mut self, from: Millis, to: Millis, cause: Cause, app: Option<u64>) {
        self.troubles.push(Trouble { from, to, cause, app });
    }

    pub fn clock(&mut self, now: Millis, skew: i64) {
        push(&mut self.skews, now, skew);
        self.trouble(now, now, Cause::Clock, None);
    }

    pub fn blame(&mut self, what: String) {
        self.blames.push(what);
    }
}

/// The number of an app, as the names of its objects carry it: `app-7-token`, `credential-7`, `wx0…7`.
pub fn app_in(name: &str) -> Option<u64> {
    if let Some(hex) = name.strip_prefix("wx") {
        return u64::from_str_radix(hex, 16).ok();
    }
    name.split('-').nth(1)?.parse().ok()
}

fn push<T: PartialEq>(story: &mut Vec<Since<T>>, from: Millis, is: T) {
    if story.last().is_none_or(|last| last.is != is) {
        story.push(Since { from, is });
    }
}

fn told(mini: &Value) -> Told {
    let status = &mini["status"];
    let condition = |kind| status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
    let ready = condition("Ready");
    let expires = status["token"]["expirationTime"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    Told {
        ready: ready.is_some_and(|ready| ready["status"] == "True"),
        reason: ready.and_then(|ready| ready["reason"].as_str()).unwrap_or_default().to_owned(),
        expires: expires.map(millis_of),
        target: status["targetRef"]["name"].as_str().map(str::to_owned),
        intent: status["intent"]["id"].as_str().map(str::to_owned),
        rejected: condition("CredentialValid").is_some_and(|valid| valid["status"] == "False"),
    }
}
