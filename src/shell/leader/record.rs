//! Decides what a candidate does next with the Lease, from the Lease that it has read and a reading
//! of its own clock. Sends no request and reads no clock.
//!
//! It never compares the clocks of two machines: for a candidate, another one's lease lasts from
//! when the candidate saw the Lease change, and for a holder, its own lease lasts from when it sent
//! the last successful renewal. The times in the Lease are for people.

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
    /// Wait until this boot time.
    Wait(Duration),
    /// End the term.
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

/// A candidate's view of the Lease. Records what was read and written, and returns the next step.
pub(super) struct Candidate {
    identity: String,
    duration: Duration,
    /// The Lease, and the boot time at which this version was first seen.
    seen: Option<(Lease, Duration)>,
    /// Whether `seen` is up to date; otherwise the Lease is read first.
    known: bool,
    /// Since when there is no Lease.
    absent: Option<Duration>,
    /// How much later than others this candidate acquires a free Lease.
    handicap: Duration,
    /// When the last successful renewal was sent; none if this candidate does not lead.
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

    /// Sets the number of lease durations for which a free Lease is left to others.
    pub fn yield_to_others(&mut self, durations: u32) {
        self.handicap = self.duration * durations;
    }

    /// How often the holder renews the Lease and a standby reads it. With a sixth of the duration,
    /// more than a third of it is always left between two renewals, which is the time that a call
    /// needs.
    pub fn period(&self) -> Duration {
        self.duration / 6
    }

    /// The timeout of one request. A fifth of the duration leaves time for a second attempt before
    /// the holder has to stop.
    pub fn request_timeout(&self) -> Duration {
        self.duration / 5
    }

    /// When the term ends unless a renewal succeeds; `None` if this candidate does not lead.
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

    /// Records that the Lease was read, or that there is none.
    pub fn saw(&mut self, lease: Option<Lease>, boot: Duration) {
        // Every new version counts as a renewal, also if none of the fields in use has changed.
        let since = match (&self.seen, &lease) {
            (Some((old, since)), Some(new)) if version(old) == version(new) => *since,
            _ => boot,
        };
        self.absent = lease.is_none().then(|| self.absent.unwrap_or(boot));
        self.seen = lease.map(|lease| (lease, since));
        self.known = true;
        if !self.may_write(boot) {
            // Another candidate holds it: read it again, at the latest when it expires.
            let left = self.free_for_us().map_or(Duration::ZERO, |free| free.saturating_sub(boot));
            self.not_before = boot + left.min(self.period());
            self.known = self.renewed.is_some();
        }
    }

    /// Records that our claim, which was sent at `sent`, was accepted.
    pub fn wrote(&mut self, lease: Lease, sent: Duration) {
        self.seen = Some((lease, sent));
        self.known = true;
        self.renewed = Some(sent);
        self.not_before = sent + self.period();
    }

    /// Records that a request failed, was refused as a conflict or timed out. Its outcome is
    /// unknown, so the Lease is read next.
    pub fn failed(&mut self, boot: Duration) {
        self.known = false;
        self.not_before = boot + self.duration / 12;
    }

    /// Records the end of the term. This process is a candidate like any other, and reads the Lease
    /// next.
    pub fn stopped(&mut self) {
        self.renewed = None;
        self.known = false;
    }

    /// The Lease to write for acquiring or renewing it, based on the one that was read.
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

    /// The Lease to write for releasing it; `None` if this candidate does not hold it.
    pub fn release(&self, now: Now) -> Option<Lease> {
        let mut lease = self.ours().then(|| self.lease())?;
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(now.wall));
        Some(lease)
    }

    /// The holder that the Lease names, if any.
    pub fn holder(&self) -> Option<&str> {
        self.spec()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// The identity is unique for each process, so a Lease that names it was written by this
    /// process, also if the response was lost.
    fn ours(&self) -> bool {
        self.holder() == Some(&self.identity)
    }

    fn may_write(&self, boot: Duration) -> bool {
        self.ours() || self.free_for_us().is_some_and(|free| boot >= free)
    }

    /// The boot time from which on this candidate may acquire the Lease, unless it changes.
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
        // The duration in the Lease applies, which may differ from ours. If it is not positive,
        // ours applies.
        let stated = self
            .spec()
            .and_then(|spec| spec.lease_duration_seconds)
            .and_then(|s| u64::try_from(s).ok());
        Some(*since + stated.filter(|s| *s > 0).map_or(self.duration, Duration::from_secs))
    }

    fn spec(&self) -> Option<&LeaseSpec> {
        self.seen.as_ref()?.0.spec.as_ref()
    }

    /// The Lease as it was read, with its resourceVersion: a write of it fails if it has changed
    /// since.
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
