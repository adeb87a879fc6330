//! What has happened in a run, as the judge needs it. Judges nothing, and waits for nothing.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use platform_simulator::Millis;

use crate::script::Blow;

/// Who was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    Operator(usize),
    ApiServer,
    Etcd,
}

/// A fault that was carried out.
#[derive(Clone, Debug)]
pub struct Struck {
    pub whom: Whom,
    pub blow: Blow,
    pub from: Millis,
    /// From when on it did nothing any more: one that is told to end goes on for a while.
    pub gone: Millis,
    /// When it worked again, or could begin to.
    pub back: Millis,
    pub in_call: bool,
    /// Whether it was a standby while the other one led and ran, so that nothing was to be missed.
    pub idle: bool,
    /// Whether it led.
    pub led: bool,
}

/// A token that was seen in a Secret.
#[derive(Clone, Debug)]
pub struct Held {
    pub fingerprint: String,
    /// When it was first seen there.
    pub from: Millis,
    pub unsettled: bool,
}

/// What has happened, added to from all sides.
#[derive(Default)]
pub struct Record(Mutex<Told>);

#[derive(Clone, Default)]
pub struct Told {
    pub struck: Vec<Struck>,
    /// Faults whose victim was down already.
    pub missed: usize,
    /// The tokens of each app, in the order in which its Secret held them.
    pub held: BTreeMap<String, Vec<Held>>,
    /// Which operator the Lease last named.
    pub holder: Option<usize>,
    /// What is wrong whatever the judge says.
    pub blames: Vec<String>,
}

impl Record {
    /// The record is plain data: a panic elsewhere has not spoilt it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Told) -> T) -> T {
        let mut told: MutexGuard<'_, Told> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut told)
    }

    pub fn saw_token(&self, app_id: &str, held: Held) {
        self.with(|told| {
            let story = told.held.entry(app_id.to_owned()).or_default();
            if let Some(last) = story.iter_mut().rfind(|known| known.fingerprint == held.fingerprint) {
                last.unsettled = held.unsettled;
            } else {
                story.push(held);
            }
        });
    }

    pub fn blame(&self, what: String) {
        self.with(|told| told.blames.push(what));
    }
}

impl Whom {
    pub fn is_operator(self) -> bool {
        matches!(self, Self::Operator(_))
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(0) => f.write_str("operator a"),
            Self::Operator(_) => f.write_str("operator b"),
            Self::ApiServer => f.write_str("kube-apiserver"),
            Self::Etcd => f.write_str("etcd"),
        }
    }
}

impl Blow {
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill -9",
            Self::Terminate { .. } => "SIGTERM",
            Self::Stop { .. } => "SIGSTOP",
        }
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.blow.name(), self.whom)?;
        let role = match (self.in_call, self.led) {
            (true, true) => ", leading and in a call",
            (_, true) => ", leading",
            _ => "",
        };
        write!(f, "{role} at {:.1} s for {:.1} s", seconds(self.from), seconds(self.back.saturating_sub(self.from)))
    }
}

/// For people.
#[allow(clippy::cast_precision_loss, reason = "runs last for minutes")]
pub fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}
