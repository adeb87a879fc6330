//! Derives from an observation what the plan decides on: the target, the token, the credential and
//! the status with the last call's end. Decides nothing.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    fold::fold,
    time::{is_past, span, whole_seconds},
    trusted,
};
use crate::{
    api::{
        ConditionType, CredentialStatus, DeletionPolicy, Intent, LastFailure, MiniProgram,
        MiniProgramStatus, Reason, TokenMode, conditions,
    },
    platform::{Endpoint, Platform},
    projection::{Projection, TokenFacts},
    reconcile::{
        memory::{How, Noted},
        observed::{
            CredentialRead, EndpointLookup, LiveRead, Observed, TargetLookup, Whose, whose,
        },
    },
    sensitive::Implausible,
    shell::clock::Now,
    world::{Lookup, Version},
};

/// How long the target of a former object is left to the garbage collector.
const GARBAGE_COLLECTION: Duration = Duration::from_secs(10);

/// One object at one time, as the plan sees it.
pub struct View<'a> {
    /// The observation.
    pub seen: &'a Observed,
    /// The time.
    pub now: Now,
    /// The object.
    pub mp: &'a MiniProgram,
    /// Its status, with the end of the last call applied.
    pub status: MiniProgramStatus,
    /// Its platform.
    pub platform: &'static Platform,
    /// The endpoint that its mode selects, or the administrator has configured.
    pub endpoint: &'static Endpoint,
    /// The Secret that the spec's target names.
    pub target: Target<'a>,
    /// The target in use: the one that the spec names, or the one before it.
    pub in_use: Option<&'a Projection>,
    /// What is known of the credential.
    pub credential: Credential,
}

/// The Secret that the spec's target names.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// It does not exist.
    Missing,
    /// It belongs to another object or to a person.
    Foreign,
    /// It belonged to a former object of this name, and the garbage collector is about to delete
    /// it.
    Former,
    /// It belongs to this object.
    Ours(&'a Projection),
}

/// What is known of the credential without a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// This version has not been read yet.
    Unread,
    /// It has been read, and the condition `CredentialValid` has this reason.
    Known(Reason),
}

impl Credential {
    /// The reason why no call can be made with it, if none can.
    pub fn unusable(self) -> Option<Reason> {
        match self {
            Self::Known(
                reason @ (Reason::SecretNotFound
                | Reason::KeyMissing
                | Reason::ValueEmpty
                | Reason::ValueInvalid
                | Reason::CredentialUnreadable),
            ) => Some(reason),
            Self::Known(_) | Self::Unread => None,
        }
    }
}

impl<'a> View<'a> {
    /// Derives the view, or none if the spec holds a value that this version does not know, or
    /// names an endpoint that is not configured.
    pub fn of(seen: &'a Observed, now: Now) -> Option<Self> {
        let mp: &MiniProgram = &seen.mini_program;
        let EndpointLookup::Is(platform, endpoint) = seen.endpoint else { return None };
        if mp.spec.token_mode == Some(TokenMode::Unknown)
            || mp.deletion_policy() == DeletionPolicy::Unknown
        {
            return None;
        }
        let target = match &seen.target {
            TargetLookup::Absent => Target::Missing,
            TargetLookup::Foreign => Target::Foreign,
            TargetLookup::Is(target) => match whose(target, mp) {
                Whose::Ours => Target::Ours(target),
                Whose::Former => Target::Former,
                Whose::Theirs => Target::Foreign,
            },
        };
        let status = fold(mp.status.clone().unwrap_or_default(), &seen.recall);
        let in_use = match target {
            Target::Ours(target) => Some(target),
            Target::Missing | Target::Foreign | Target::Former => newest(seen, &status),
        };
        let mut view = Self {
            seen,
            now,
            mp,
            status,
            platform,
            endpoint,
            target,
            in_use,
            credential: Credential::Unread,
        };
        view.drop_void_failure();
        view.credential = view.judge_credential();
        Some(view)
    }

    /// The generation of the spec.
    pub fn generation(&self) -> Option<i64> {
        self.mp.metadata.generation
    }

    /// The live read, if one was made.
    pub fn live(&self) -> Option<&'a LiveRead> {
        self.seen.live.as_deref()
    }

    /// Whether the object may make calls at all.
    pub fn is_served(&self) -> bool {
        !self.mp.spec.suspend && !self.seen.siblings.surplus
    }

    /// How long the platform is still not sent this app secret, since it has not accepted it and
    /// would soon ban the operator's address for wrong ones.
    pub fn stopped(&self) -> Duration {
        let is_accepted = self.credential == Credential::Known(Reason::Accepted);
        let until = self.seen.stopped_until.filter(|_| !is_accepted).unwrap_or_default();
        until.saturating_sub(self.now.boot)
    }

    /// The credential, if this pass has read it.
    pub fn credential_read(&self) -> Option<&'a CredentialRead> {
        let alone = self.seen.credential_read.as_ref().map(|read| &*read.credential);
        self.live().map(|live| &*live.credential).or(alone)
    }

    /// The token of the target in use, if it is trusted.
    pub fn token(&self) -> Option<&'a TokenFacts> {
        self.in_use.filter(|target| !self.is_edited(target))?.token.as_ref()
    }

    /// Whether another writer has changed or made a target.
    pub fn is_edited(&self, target: &Projection) -> bool {
        let is_unmatched = self.seen.recall.writes.unmatched.as_ref() == Some(&target.version);
        is_unmatched || !trusted::is_trusted(target, &self.status, &self.seen.recall)
    }

    /// Whether a late request may still replace the stored token.
    pub fn is_unconfirmed(&self) -> bool {
        // The intent of the confirming call replaces the one that was kept for the unconfirmed
        // token.
        let is_marked =
            self.in_use.is_some_and(|target| target.unconfirmed && !self.is_edited(target));
        let in_doubt = self.status.intent.as_ref().is_some_and(|intent| intent.outcome_unknown);
        is_marked || in_doubt && self.open_intent().is_none()
    }

    /// The token, if it is valid now.
    pub fn valid_token(&self) -> Option<&'a TokenFacts> {
        self.token().filter(|token| !self.time_left(token).is_zero())
    }

    /// Whether there was a token that has expired.
    pub fn has_expired(&self) -> bool {
        let left = self.token().map(|token| self.time_left(token));
        let reported =
            || self.status.token.as_ref().map(|token| span(self.now.wall, token.expiration_time.0));
        left.or_else(reported).is_some_and(|left| left.is_zero())
    }

    /// How long a token still lives, by the clock that gives it less: the wall clock can be set
    /// back, boot time cannot.
    pub fn time_left(&self, token: &TokenFacts) -> Duration {
        let by_wall = span(self.now.wall, token.expires);
        self.time_left_by_boot(token).map_or(by_wall, |left| left.min(by_wall))
    }

    /// How long a token still lives, counted in boot time from what was left of it when this
    /// process first saw it.
    pub fn time_left_by_boot(&self, token: &TokenFacts) -> Option<Duration> {
        let (_, end) = self.seen.recall.sightings.ends.iter().find(|(seen, _)| seen == token)?;
        Some(end.saturating_sub(self.now.boot))
    }

    /// When the last call was sent that returned this token.
    pub fn checked(&self, token: &TokenFacts) -> Option<Timestamp> {
        let known =
            self.status.token.as_ref().filter(|known| known.fingerprint == token.fingerprint);
        let reported = known.and_then(|known| known.check_time.as_ref()).map(|time| time.0);
        self.sent_unreported(token).or(reported).or_else(|| self.sent_before_stored(token))
    }

    /// When the last call was sent, if it returned this token and the status does not report it
    /// yet.
    fn sent_unreported(&self, token: &TokenFacts) -> Option<Timestamp> {
        match &self.seen.recall.calls.ended.as_ref()?.how {
            How::Token { token: stored, sent, stored: true, .. } => {
                (stored.fingerprint == token.fingerprint).then(|| whole_seconds(*sent))
            }
            _ => None,
        }
    }

    /// When the call was sent that returned this token, if the status reported the call's end
    /// before the token was stored: the first write was refused.
    fn sent_before_stored(&self, token: &TokenFacts) -> Option<Timestamp> {
        let stored = self.seen.recall.writes.stored.as_ref();
        stored.filter(|stored| stored.token == *token).map(|stored| whole_seconds(stored.asked_at))
    }

    /// The intent of a call whose end is not known.
    pub fn open_intent(&self) -> Option<&Intent> {
        let is_closed = |intent: &Intent| {
            self.in_use.is_some_and(|target| {
                trusted::closes(target, intent, &self.status, &self.seen.recall)
            })
        };
        self.status.intent.as_ref().filter(|intent| !is_closed(intent))
    }

    /// Whether this process wrote the intent.
    pub fn is_own(&self, intent: &Intent) -> bool {
        self.seen.recall.calls.own_intent.as_deref() == Some(intent.id.as_str())
    }

    /// How long the target of a former object is still left to the garbage collector.
    pub fn garbage_collection(&self) -> Duration {
        let since =
            self.seen.recall.sightings.former.as_ref().map_or(self.now.boot, |(_, since)| *since);
        (since + GARBAGE_COLLECTION).saturating_sub(self.now.boot)
    }

    /// The mode in the form of the target's annotation.
    pub fn mode(&self) -> &'static str {
        mode_name(self.endpoint)
    }

    /// The last failure, if it still applies to this credential, this spec and this token.
    pub fn failure(&self) -> Option<(&LastFailure, Reason)> {
        let failure = self.status.last_failure.as_ref()?;
        Some((failure, failure.reason.parse().unwrap_or(Reason::BadResponse)))
    }

    fn drop_void_failure(&mut self) {
        let Some(failure) = &self.status.last_failure else { return };
        let issued =
            self.token().map(|token| token.issued).filter(|issued| is_past(self.now, *issued));
        let of_older_token = issued.is_some_and(|issued| failure.time.0 < issued);
        let of_other_spec = self.status.observed_generation != self.generation();
        let of_other_credential = match (&self.seen.credential, &self.status.credential) {
            (Lookup::Found(version), Some(known)) => *version != version_of(known),
            _ => true,
        };
        // Its next attempt was set by a clock that has been set back since.
        let of_other_clock = !is_past(self.now, failure.time.0);
        if of_older_token || of_other_spec || of_other_credential || of_other_clock {
            self.status.last_failure = None;
        }
    }

    fn judge_credential(&self) -> Credential {
        if let Some(read) = self.credential_read() {
            return Credential::Known(self.judge_read(read));
        }
        match self.seen.credential {
            // An object and its credential are often applied together, and their two watches race:
            // only a read shows whether the Secret exists.
            Lookup::NotFound if self.is_reported_missing() => {
                Credential::Known(Reason::SecretNotFound)
            }
            Lookup::NotFound | Lookup::NotSynced => Credential::Unread,
            Lookup::Found(version) => {
                self.remembered_verdict(version).map_or(Credential::Unread, Credential::Known)
            }
        }
    }

    fn is_reported_missing(&self) -> bool {
        let condition = conditions::find(&self.status.conditions, ConditionType::CredentialValid);
        condition.is_some_and(|condition| {
            Reason::of(condition) == Some(Reason::SecretNotFound)
                && condition.observed_generation == self.generation()
        })
    }

    /// The verdict on this version of the credential for this spec: the platform's before that of a
    /// read.
    fn remembered_verdict(&self, version: Version) -> Option<Reason> {
        let reported = self.reported_verdict(version);
        reported
            .filter(|reason| *reason != Reason::NotTested)
            .or_else(|| Some(self.noted(version)?.reason))
            .or(reported)
    }

    /// The verdict of the stored condition on this version of the credential for this spec.
    fn reported_verdict(&self, version: Version) -> Option<Reason> {
        let known = self.status.credential.as_ref()?;
        let condition = conditions::find(&self.status.conditions, ConditionType::CredentialValid)?;
        let speaks =
            version_of(known) == version && condition.observed_generation == self.generation();
        let reason = Reason::of(condition).filter(|_| speaks)?;
        (!matches!(reason, Reason::CredentialUnreadable | Reason::SecretNotFound)).then_some(reason)
    }

    /// The remembered result of a read of this version of the credential for this spec.
    fn noted(&self, version: Version) -> Option<&'a Noted> {
        let noted = self.seen.recall.reports.noted.as_ref();
        noted.filter(|noted| {
            version_of(&noted.version) == version && noted.generation == self.generation()
        })
    }

    /// The version of the credential that this view is about, if it was read and the status may
    /// name another one.
    pub fn credential_version(&self) -> Option<&'a CredentialStatus> {
        match (self.credential_read(), &self.seen.credential) {
            (Some(CredentialRead::Is { version, .. }), _) => Some(version),
            (None, Lookup::Found(version)) => {
                let noted = self
                    .noted(*version)
                    .filter(|noted| self.credential == Credential::Known(noted.reason));
                noted.map(|noted| &noted.version)
            }
            _ => None,
        }
    }

    /// The result of this pass's read of the credential, if it is not remembered yet.
    pub fn to_note(&self) -> Option<Noted> {
        let CredentialRead::Is { version, .. } = self.credential_read()? else { return None };
        let Credential::Known(reason) = self.credential else { return None };
        let is_known = self.remembered_verdict(version_of(version)) == Some(reason);
        let noted = Noted { version: version.clone(), generation: self.generation(), reason };
        (!is_known && self.seen.recall.reports.noted.as_ref() != Some(&noted)).then_some(noted)
    }

    fn judge_read(&self, read: &CredentialRead) -> Reason {
        let (version, value) = match read {
            CredentialRead::Absent => return Reason::SecretNotFound,
            CredentialRead::Unreadable => return Reason::CredentialUnreadable,
            CredentialRead::Is { version, value } => (version, value),
        };
        match value {
            None => Reason::KeyMissing,
            Some(Err(Implausible::Empty)) => Reason::ValueEmpty,
            Some(Err(Implausible::Invalid)) => Reason::ValueInvalid,
            Some(Ok(secret)) => {
                let said = self.remembered_verdict(version_of(version)).filter(|reason| {
                    matches!(
                        reason,
                        Reason::Accepted
                            | Reason::CredentialRejected
                            | Reason::AppIdRejected
                            | Reason::AppSecretFrozen
                    )
                });
                let ours = self.in_use.filter(|ours| !self.is_edited(ours));
                let brought_the_token =
                    ours.is_some_and(|ours| ours.sent.digest == secret.digest(&ours.sent.salt));
                said.unwrap_or(if brought_the_token { Reason::Accepted } else { Reason::NotTested })
            }
        }
    }
}

/// The endpoint's mode in the form of the target's annotation.
pub fn mode_name(endpoint: &Endpoint) -> &'static str {
    match endpoint.mode {
        Some(TokenMode::Stable) => "Stable",
        Some(TokenMode::Legacy) => "Legacy",
        Some(TokenMode::Stateless) => "Stateless",
        Some(TokenMode::ShortLived) => "ShortLived",
        Some(TokenMode::Unknown) | None => "",
    }
}

/// The hash by which the world knows this version of a Secret.
pub fn version_of(credential: &CredentialStatus) -> Version {
    Version::of(&credential.uid, &credential.resource_version)
}

/// The newest of the old targets; a trusted one comes before any other.
fn newest<'a>(seen: &'a Observed, status: &MiniProgramStatus) -> Option<&'a Projection> {
    let issued = |target: &Projection| target.token.as_ref().map(|token| token.issued);
    let is_trusted = |target| trusted::is_trusted(target, status, &seen.recall);
    seen.old.iter().map(AsRef::as_ref).max_by_key(|target| (is_trusted(target), issued(target)))
}
