//! What was done to processes in a run, and what readers saw. Judges nothing, waits for nothing.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use judge::Process;
use platform_simulator::Millis;
use witness::Started;

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
    /// The process, if it was an operator's.
    pub victim: Option<Process>,
}

/// What has happened, added to from all sides.
#[derive(Default)]
pub struct Record(Mutex<Told>);

#[derive(Clone, Default)]
pub struct Told {
    pub struck: Vec<Struck>,
    /// Faults whose victim was down already, or made no call.
    pub missed: usize,
    /// The processes of the operators, in the order of their starts.
    pub started: Vec<Started>,
    /// When all was well for the first time.
    pub began: Millis,
    /// When readers first saw a token in a Secret.
    pub seen: BTreeMap<(String, String), Millis>,
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

    pub fn saw_token(&self, target: String, token: String, at: Millis) {
        self.with(|told| {
            told.seen.entry((target, token)).or_insert(at);
        });
    }

    pub fn blame(&self, what: String) {
        self.with(|told| told.blames.push(what));
    }
}

impl Struck {
    /// Somebody is hit, and works again at once unless more is said.
    pub fn of(whom: Whom, blow: Blow, from: Millis) -> Self {
        let [in_call, idle, led] = [false; 3];
        Self { whom, blow, from, gone: from, back: from, in_call, idle, led, victim: None }
    }

    /// Until when a fault is felt. What failed meanwhile is tried again after as long as it failed;
    /// one operator that is hit leaves its work to the other.
    pub fn felt_until(&self, lease: Millis) -> Millis {
        let lasted = self.back - self.from;
        match (self.whom, self.blow) {
            (Whom::ApiServer | Whom::Etcd, _) => self.back + lasted,
            // One that wakes within its lease goes on.
            (Whom::Operator(_), Blow::Stop { .. }) if lasted < lease => self.back,
            (Whom::Operator(_), _) => self.gone,
        }
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
        write!(
            f,
            "{role} at {:.1} s for {:.1} s",
            seconds(self.from),
            seconds(self.back.saturating_sub(self.from))
        )
    }
}

/// For people.
#[allow(clippy::cast_precision_loss, reason = "runs last for minutes")]
pub fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{Struck, Whom};
    use crate::script::Blow;

    #[test]
    fn a_fault_is_felt_until_somebody_can_work_again() {
        let until = |whom, blow, back| {
            let struck = Struck { back, ..Struck::of(whom, blow, 1_000) };
            struck.felt_until(15_000)
        };
        let (kill, stop) = (Blow::Kill { away: 0 }, Blow::Stop { lasts: 0 });
        assert_eq!(until(Whom::Etcd, kill, 9_000), 17_000);
        assert_eq!(until(Whom::Operator(1), kill, 9_000), 1_000);
        assert_eq!(until(Whom::Operator(1), stop, 31_000), 1_000);
        assert_eq!(until(Whom::Operator(1), stop, 9_000), 9_000);
    }
}
