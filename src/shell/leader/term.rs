//! One term of leadership: answers, by the clock, whether this process may still act. Knows no API
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

/// Leadership from one taking of the Lease to its loss. A term that is over never comes back: the
/// next one is another value.
#[derive(Clone)]
pub struct Term(Arc<Inner>);

struct Inner {
    operator: String,
    clock: Clock,
    /// Boot time, in milliseconds, at which we stop of our own accord; rounded down, to err on the
    /// safe side.
    stop_at: AtomicU64,
    over: CancellationToken,
    closed: CancellationToken,
}

/// Proof that, when it was given, enough of the term was left for one call. It is used up by the
/// call, so it cannot be cloned.
#[derive(Debug)]
#[must_use = "a ticket is asked for right before the call that it allows"]
pub struct Ticket(());

impl Term {
    /// The term of a process that runs alone by its owner's word: it leads until it ends.
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

    /// Allows one call, if we lead and more than `needed` is left before we would have to stop.
    #[must_use]
    pub fn ticket(&self, needed: Duration) -> Option<Ticket> {
        (!self.0.closed.is_cancelled() && self.left() > needed).then_some(Ticket(()))
    }

    /// Whether we lead at this moment.
    #[must_use]
    pub fn leads(&self) -> bool {
        !self.left().is_zero()
    }

    /// Who holds this term, as targets are stamped with it: `namespace/lease-name`.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.0.operator
    }

    /// Resolves when the term is over, for whatever reason. Nothing may be written from then on.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }

    /// From now on no call begins; calls under way still end, and may be written down, for as long
    /// as we lead.
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
    fn a_ticket_needs_more_time_than_the_call() {
        let boot = Arc::new(Mutex::new(Duration::ZERO));
        let hand = boot.clone();
        let clock = Clock::from_fn(move || Now {
            wall: Timestamp::UNIX_EPOCH,
            boot: *hand.lock().unwrap(),
        });
        let term = Term::until("ns/lease".into(), clock, 10 * S);
        for (now, needed, ticket, leads) in [
            (0, 9, true, true),
            (0, 10, false, true),
            (4, 5, true, true),
            (5, 5, false, true),
            (9, 0, true, true),
            (10, 0, false, false),
            // A process that was stopped and goes on an hour later learns it from the clock, before
            // anything else runs.
            (3600, 0, false, false),
        ] {
            *boot.lock().unwrap() = now * S;
            assert_eq!(
                term.ticket(needed * S).is_some(),
                ticket,
                "ticket for {needed} s at {now} s"
            );
            assert_eq!(term.leads(), leads, "leads at {now} s");
        }
        *boot.lock().unwrap() = Duration::ZERO;
        term.close();
        assert!(
            term.ticket(S).is_none() && term.leads(),
            "closed: no call begins, but writes go on"
        );
        term.extend(20 * S);
        term.end();
        assert!(!term.leads() && !term.clone().leads(), "over is over");
    }

    #[test]
    fn unelected_always_leads() {
        let term = Term::unelected("ns/lease".into(), Clock::system());
        assert!(term.ticket(Duration::from_secs(1_000_000)).is_some() && term.leads());
        assert_eq!(term.operator(), "ns/lease");
    }
}
