//! Decides what a candidate does next about the Lease, from the record it saw and its own clock.
//! Sends nothing, reads no clock.
//!
//! Two clocks of two machines are never compared: a candidate counts a foreign lease from when it
//! saw the record last change, and a holder counts its own from when it sent the last renewal that
//! succeeded. The times in the record are for people.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};

use crate::shell::clock::Now;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Read the Lease.
    Read,
    /// Write the `claim`: take the Lease, or renew it.
    Write,
    /// Nothing before this boot time.
    Wait(Duration),
    /// We lead, and may not any longer.
    Stop(Lost),
}

/// Why a term ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
pub(super) enum Lost {
    #[strum(serialize = "no renewal succeeded for two thirds of the lease duration")]
    NotRenewed,
    #[strum(serialize = "the Lease names another holder")]
    Taken,
    #[strum(serialize = "the Lease was deleted")]
    Deleted,
}

/// One candidate's view of the Lease. Fed with what was read and written, asked what comes next.
pub(super) struct Candidate {
    identity: String,
    duration: Duration,
    /// The record, and the boot time at which it was first seen in this version.
    seen: Option<(Lease, Duration)>,
    /// Whether `seen` may be acted upon, or has to be read first.
    known: bool,
    /// Since when there is no Lease.
    absent: Option<Duration>,
    /// How much later than others this candidate takes a Lease that is free.
    handicap: Duration,
    /// Since when the Lease is ours: when the last renewal that succeeded was sent.
    renewed: Option<Duration>,
    not_before: Duration,
}

impl Candidate {
    pub fn new(identity: String, duration: Duration) -> Self {
        Self {
            identity,
            duration,
            seen: None,
            known: false,
            absent: None,
            handicap: Duration::ZERO,
            renewed: None,
            not_before: Duration::ZERO,
        }
    }

    /// A candidate that could not do the work leaves a free Lease to others for so many durations.
    pub fn yield_to_others(&mut self, durations: u32) {
        self.handicap = self.duration * durations;
    }

    /// The holder renews, and a standby looks, this often. A sixth, so that between two renewals
    /// more than a third of the duration is always left: calls need that much to be allowed to
    /// begin.
    pub fn period(&self) -> Duration {
        self.duration / 6
    }

    /// How long one request may take. A fifth leaves time for a second try before the holder has to
    /// stop.
    pub fn request_timeout(&self) -> Duration {
        self.duration / 5
    }

    /// When we stop unless a renewal succeeds; `None` if we do not lead.
    pub fn stop_at(&self) -> Option<Duration> {
        Some(self.renewed? + self.duration * 2 / 3)
    }

    pub fn next(&self, boot: Duration) -> Step {
        if self.stop_at().is_some_and(|stop_at| boot >= stop_at) {
            return Step::Stop(Lost::NotRenewed);
        }
        let leading = self.renewed.is_some();
        if self.known && leading && !self.ours() {
            return Step::Stop(if self.seen.is_some() { Lost::Taken } else { Lost::Deleted });
        }
        if boot < self.not_before {
            return Step::Wait(
                self.stop_at().map_or(self.not_before, |stop_at| stop_at.min(self.not_before)),
            );
        }
        if self.known && self.may_write(boot) { Step::Write } else { Step::Read }
    }

    /// The Lease was read: it is this, or there is none.
    pub fn saw(&mut self, lease: Option<Lease>, boot: Duration) {
        // Any write counts as a sign of life, also one that changed nothing that we look at.
        let since = match (&self.seen, &lease) {
            (Some((old, since)), Some(new)) if version(old) == version(new) => *since,
            _ => boot,
        };
        self.absent = lease.is_none().then(|| self.absent.unwrap_or(boot));
        self.seen = lease.map(|lease| (lease, since));
        self.known = true;
        if !self.may_write(boot) {
            // It is somebody's: look again, at the latest when it runs out.
            let left = self.free_for_us().map_or(Duration::ZERO, |free| free.saturating_sub(boot));
            self.not_before = boot + left.min(self.period());
            self.known = self.renewed.is_some();
        }
    }

    /// Our claim, sent at `sent`, was accepted.
    pub fn wrote(&mut self, lease: Lease, sent: Duration) {
        self.seen = Some((lease, sent));
        self.known = true;
        self.renewed = Some(sent);
        self.not_before = sent + self.period();
    }

    /// A request failed, lost a race, or was not answered in time, so its outcome is unknown: read
    /// before anything else.
    pub fn failed(&mut self, boot: Duration) {
        self.known = false;
        self.not_before = boot + self.duration / 12;
    }

    /// The term is over. We are a candidate like any other, and read first.
    pub fn stopped(&mut self) {
        self.renewed = None;
        self.known = false;
    }

    /// The record that takes or renews the Lease for us, on top of the one that we saw.
    pub fn claim(&self, now: Now) -> Lease {
        let ours = self.ours();
        let mut lease = self.lease();
        let time = MicroTime(now.wall);
        let spec = lease.spec.get_or_insert_default();
        if !ours {
            spec.acquire_time = Some(time.clone());
            spec.lease_transitions =
                Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = i32::try_from(self.duration.as_secs()).ok();
        spec.renew_time = Some(time);
        lease
    }

    /// The record that gives the Lease back; `None` if, for all we know, it is not ours.
    pub fn release(&self, now: Now) -> Option<Lease> {
        let mut lease = self.ours().then(|| self.lease())?;
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(now.wall));
        Some(lease)
    }

    /// Who holds the Lease by the record, if anybody.
    pub fn holder(&self) -> Option<&str> {
        self.spec()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// Our identity is new in every process, so a record that bears it was written by us, also if
    /// we never saw the answer.
    fn ours(&self) -> bool {
        self.holder() == Some(&self.identity)
    }

    fn may_write(&self, boot: Duration) -> bool {
        self.ours() || self.free_for_us().is_some_and(|free| boot >= free)
    }

    /// From when on we may take the Lease, as long as nobody writes it.
    fn free_for_us(&self) -> Option<Duration> {
        let free = match &self.seen {
            None => self.absent,
            Some((_, since)) if self.holder().is_none() => Some(*since),
            Some(_) => self.expiry(),
        };
        Some(free? + self.handicap)
    }

    fn expiry(&self) -> Option<Duration> {
        let (_, since) = self.seen.as_ref()?;
        // The holder's own duration counts: it may be configured differently. One that makes no
        // sense is taken for ours.
        let stated = self
            .spec()
            .and_then(|spec| spec.lease_duration_seconds)
            .and_then(|s| u64::try_from(s).ok());
        Some(*since + stated.filter(|s| *s > 0).map_or(self.duration, Duration::from_secs))
    }

    fn spec(&self) -> Option<&LeaseSpec> {
        self.seen.as_ref()?.0.spec.as_ref()
    }

    /// The record as it was seen, resourceVersion included: a write on top of it fails if anybody
    /// else wrote since.
    fn lease(&self) -> Lease {
        let mut lease = self.seen.as_ref().map(|(lease, _)| lease.clone()).unwrap_or_default();
        lease.metadata.managed_fields = None;
        lease
    }
}

fn version(lease: &Lease) -> Option<&str> {
    lease.metadata.resource_version.as_deref()
}

#[cfg(test)]
mod tests;
