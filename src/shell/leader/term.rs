//! A term of leadership, which tells by the clock whether this process may still act. Knows no API
//! server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::shell::clock::Clock;

/// The time from acquiring the Lease to losing it. A term that has ended does not begin again: the
/// next one is another value.
#[derive(Clone)]
pub struct Term(Arc<Inner>);

struct Inner {
    operator: String,
    clock: Clock,
    /// The boot time in milliseconds at which the term ends unless the Lease is renewed; rounded
    /// down, to end it rather too early.
    stop_at: AtomicU64,
    over: CancellationToken,
    closed: CancellationToken,
}

/// The permission for one call, given when enough of the term was left for it. The call consumes
/// it, so it cannot be cloned.
#[derive(Debug)]
#[must_use = "a permit is requested right before its call"]
pub struct Permit(());

impl Term {
    /// The term of a process without leader election: it leads until it exits.
    #[must_use]
    pub fn unelected(operator: String, clock: Clock) -> Self {
        Self::until(operator, clock, Duration::MAX)
    }

    pub(super) fn until(operator: String, clock: Clock, stop_at: Duration) -> Self {
        Self(Arc::new(Inner {
            operator,
            clock,
            stop_at: AtomicU64::new(millis(stop_at)),
            over: CancellationToken::new(),
            closed: CancellationToken::new(),
        }))
    }

    /// Permits one call if this process leads and more than `needed` is left of the term.
    #[must_use]
    pub fn permit(&self, needed: Duration) -> Option<Permit> {
        (!self.0.closed.is_cancelled() && self.left() > needed).then_some(Permit(()))
    }

    /// Whether this process leads now.
    #[must_use]
    pub fn leads(&self) -> bool {
        !self.left().is_zero()
    }

    /// The operator, as the annotation of a target names it: `namespace/lease-name`.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.0.operator
    }

    /// Waits for the end of the term. After it, nothing may be written.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }

    /// The result of a wait for a call's turn, or none if no more permits are given meanwhile.
    pub async fn while_open<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        self.0.closed.run_until_cancelled(wait).await
    }

    /// Gives no more permits. Calls under way may end and their results may be written as long as
    /// this process leads.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    pub(super) fn extend(&self, stop_at: Duration) {
        self.0.stop_at.store(millis(stop_at), Ordering::Release);
    }

    pub(super) fn end(&self) {
        self.0.over.cancel();
    }

    fn left(&self) -> Duration {
        if self.0.over.is_cancelled() {
            return Duration::ZERO;
        }
        let stop_at = Duration::from_millis(self.0.stop_at.load(Ordering::Acquire));
        stop_at.saturating_sub(self.0.clock.now().boot)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use k8s_openapi::jiff::Timestamp;

    use super::*;
    use crate::shell::clock::Now;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_permit_needs_more_time_than_the_call() {
        let boot = Arc::new(Mutex::new(Duration::ZERO));
        let handle = boot.clone();
        let clock = Clock::from_fn(move || Now {
            wall: Timestamp::UNIX_EPOCH,
            boot: *handle.lock().unwrap(),
        });
        let term = Term::until("ns/lease".into(), clock, 10 * S);
        for (now, needed, permit, leads) in [
            (0, 9, true, true),
            (0, 10, false, true),
            (4, 5, true, true),
            (5, 5, false, true),
            (9, 0, true, true),
            (10, 0, false, false),
            // A process that was suspended for an hour sees it by the clock before it does anything
            // else.
            (3600, 0, false, false),
        ] {
            *boot.lock().unwrap() = now * S;
            assert_eq!(
                term.permit(needed * S).is_some(),
                permit,
                "permit for {needed} s at {now} s"
            );
            assert_eq!(term.leads(), leads, "leads at {now} s");
        }
        *boot.lock().unwrap() = Duration::ZERO;
        term.close();
        assert!(
            term.permit(S).is_none() && term.leads(),
            "closed: no call begins, but writes go on"
        );
        term.extend(20 * S);
        term.end();
        assert!(!term.leads() && !term.clone().leads(), "over is over");
    }

    #[test]
    fn unelected_always_leads() {
        let term = Term::unelected("ns/lease".into(), Clock::system());
        assert!(term.permit(Duration::from_secs(1_000_000)).is_some() && term.leads());
        assert_eq!(term.operator(), "ns/lease");
    }
}
