//! Every call that came in, per app id, and how many of each sort; knows no rule, and no token but
//! by its fingerprint.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::platforms::Kind;

/// Of each app this many of the latest calls are kept; the counts go on.
const KEPT: usize = 10_000;

/// Calls that name no app, or present a token that nobody knows, are filed under this.
pub const NOBODY: &str = "-";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    Match,
    Mismatch,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub app_id: String,
    pub arrived_ms: Millis,
    /// The port that it came to.
    #[serde(default)]
    pub port: u16,
    /// When the platform's rules were applied; never, if a fault stood in the way.
    pub executed_ms: Option<Millis>,
    pub endpoint: Kind,
    pub forced: bool,
    /// The secret of the call; nothing if it had none, or if the app is unknown.
    pub secret: Option<Tried>,
    pub fault: Option<String>,
    /// The status of the answer; nothing if none was given.
    pub http: Option<u16>,
    /// What the platform said, or would have said; 0 is success, and where the platform says a word,
    /// it is the HTTP status.
    pub errcode: Option<i64>,
    pub minted: bool,
    /// The token handed out, or presented to the business endpoint.
    pub token: Option<String>,
    /// When the token handed out ends, unless a later call has it end at another time.
    #[serde(default)]
    pub ends_ms: Option<Millis>,
    /// How much longer the token before a new one lives, at most; nothing if as long as before.
    #[serde(default)]
    pub leaves_ms: Option<Millis>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub calls: u64,
    pub legacy: u64,
    pub stable: u64,
    #[serde(default)]
    pub renewing: u64,
    #[serde(default)]
    pub adding: u64,
    pub business: u64,
    #[serde(default)]
    pub tickets: u64,
    pub forced: u64,
    pub minted: u64,
    /// Calls that got, or would have got, an error code.
    pub refused: u64,
    /// Calls of the business endpoint with a token that was not live.
    pub dead_tokens: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllCounts {
    pub total: Counts,
    pub apps: BTreeMap<String, Counts>,
}

/// Where a call is filed, for adding to it later.
#[derive(Debug, Clone)]
pub(crate) struct CallId {
    app_id: String,
    number: u64,
}

#[derive(Debug, Default)]
pub struct CallLog {
    next: u64,
    apps: BTreeMap<String, Filed>,
}

#[derive(Debug, Default)]
struct Filed {
    calls: VecDeque<(u64, Call)>,
    counts: Counts,
}

impl CallLog {
    pub(crate) fn arrived(&mut self, call: Call) -> CallId {
        let id = CallId { app_id: call.app_id.clone(), number: self.next };
        self.next += 1;
        let filed = self.apps.entry(call.app_id.clone()).or_default();
        filed.counts.arrived(&call);
        if filed.calls.len() == KEPT {
            filed.calls.pop_front();
        }
        filed.calls.push_back((id.number, call));
        id
    }

    /// Notes the outcome. A call that was reset away meanwhile leaves no trace.
    pub(crate) fn note(&mut self, id: &CallId, change: impl FnOnce(&mut Call)) {
        let Some(filed) = self.apps.get_mut(&id.app_id) else {
            return;
        };
        let Ok(place) = filed.calls.binary_search_by_key(&id.number, |(number, _)| *number) else {
            return;
        };
        let call = &mut filed.calls[place].1;
        let before = call.clone();
        change(call);
        filed.counts.changed(&before, call);
    }

    pub(crate) fn get(&self, id: &CallId) -> Option<&Call> {
        let filed = self.apps.get(&id.app_id)?;
        let place = filed.calls.binary_search_by_key(&id.number, |(number, _)| *number).ok()?;
        Some(&filed.calls[place].1)
    }

    pub fn calls(&self, app_id: &str) -> impl Iterator<Item = &Call> {
        self.apps.get(app_id).into_iter().flat_map(|filed| filed.calls.iter().map(|(_, call)| call))
    }

    #[must_use]
    pub fn counts(&self, app_id: &str) -> Counts {
        self.apps.get(app_id).map(|filed| filed.counts.clone()).unwrap_or_default()
    }

    #[must_use]
    pub fn all_counts(&self) -> AllCounts {
        let mut all = AllCounts::default();
        for (app_id, filed) in &self.apps {
            all.total.add(&filed.counts);
            all.apps.insert(app_id.clone(), filed.counts.clone());
        }
        all
    }

    /// Forgets the calls of one app, or all.
    pub fn reset(&mut self, app_id: Option<&str>) {
        match app_id {
            Some(app_id) => drop(self.apps.remove(app_id)),
            None => self.apps.clear(),
        }
    }
}

impl Counts {
    fn arrived(&mut self, call: &Call) {
        self.calls += 1;
        self.forced += u64::from(call.forced);
        match call.endpoint {
            Kind::Legacy => self.legacy += 1,
            Kind::Stable => self.stable += 1,
            Kind::Renewing => self.renewing += 1,
            Kind::Adding => self.adding += 1,
            Kind::Business => self.business += 1,
            Kind::Ticket => self.tickets += 1,
        }
    }

    fn changed(&mut self, before: &Call, after: &Call) {
        let refused = |call: &Call| call.errcode.is_some_and(|code| code != 0);
        let newly_refused = u64::from(refused(after) && !refused(before));
        self.minted += u64::from(after.minted && !before.minted);
        self.refused += newly_refused;
        // Without an execution the refusal was a fault's, and tells nothing about the token.
        if after.endpoint == Kind::Business && after.executed_ms.is_some() && after.token.is_some()
        {
            self.dead_tokens += newly_refused;
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.legacy += other.legacy;
        self.stable += other.stable;
        self.renewing += other.renewing;
        self.adding += other.adding;
        self.business += other.business;
        self.tickets += other.tickets;
        self.forced += other.forced;
        self.minted += other.minted;
        self.refused += other.refused;
        self.dead_tokens += other.dead_tokens;
    }
}

/// One line without secrets. The app id is quoted, since a caller chooses it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} ms {} app={:?}", self.arrived_ms, self.endpoint.name(), self.app_id)?;
        match self.http {
            Some(status) => write!(f, " http={status}")?,
            None => write!(f, " unanswered")?,
        }
        if let Some(code) = self.errcode {
            write!(f, " errcode={code}")?;
        }
        for (said, word) in [(self.minted, " minted"), (self.forced, " forced")] {
            f.write_str(if said { word } else { "" })?;
        }
        if self.secret == Some(Tried::Mismatch) {
            write!(f, " secret=mismatch")?;
        }
        if let Some(token) = &self.token {
            write!(f, " token={token}")?;
        }
        if let Some(fault) = &self.fault {
            write!(f, " fault={fault}")?;
        }
        Ok(())
    }
}
