//! Whether the process is live, which means that it makes progress, and ready, which means that all
//! its gates are open.
//!
//! Liveness does not depend on the API server or a platform: a restart would not repair them.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::shell::clock::Clock;

/// The state behind `/livez` and `/readyz`; cheap to clone.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    clock: Clock,
    patience: Duration,
    overdue_since: Mutex<Option<Duration>>,
    gates: Mutex<Vec<Gate>>,
}

/// A condition of readiness. It is closed at first.
#[derive(Clone)]
pub struct Gate {
    name: &'static str,
    /// Why it is closed; absent while it is open.
    closed: Arc<Mutex<Option<String>>>,
}

impl Gate {
    pub fn open(&self) {
        *lock(&self.closed) = None;
    }

    /// Closes the gate for a reason, and returns whether it was open or closed for another reason.
    pub fn close(&self, why: &str) -> bool {
        let mut closed = lock(&self.closed);
        let is_new = closed.as_deref() != Some(why);
        *closed = Some(why.to_owned());
        is_new
    }
}

/// The result of a probe: its checks in order, and why each failed, if it did.
pub(crate) struct ProbeResult(Vec<(&'static str, Option<String>)>);

impl Health {
    /// A process that is live unless work is overdue for longer than `patience`.
    #[must_use]
    pub fn new(clock: Clock, patience: Duration) -> Self {
        let inner =
            Inner { clock, patience, overdue_since: Mutex::default(), gates: Mutex::default() };
        Self(Arc::new(inner))
    }

    /// Adds a gate. All gates have to be added before the server starts, or the process is ready
    /// too early.
    #[must_use]
    pub fn gate(&self, name: &'static str) -> Gate {
        let gate = Gate { name, closed: Arc::new(Mutex::new(Some(String::new()))) };
        lock(&self.0.gates).push(gate.clone());
        gate
    }

    /// Sets the boot time at which the oldest work that nothing prevents was due, or will be due:
    /// `None` if there is none.
    ///
    /// Set a time in the future too, so that a caller that hangs and sets none again is noticed.
    pub fn overdue_since(&self, due: Option<Duration>) {
        *lock(&self.0.overdue_since) = due;
    }

    /// Whether the readiness probe passes.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready().passed()
    }

    pub(crate) fn ready(&self) -> ProbeResult {
        ProbeResult(
            lock(&self.0.gates)
                .iter()
                .map(|gate| (gate.name, lock(&gate.closed).clone()))
                .collect(),
        )
    }

    pub(super) fn live(&self) -> ProbeResult {
        let overdue = lock(&self.0.overdue_since)
            .map_or(Duration::ZERO, |due| self.0.clock.now().boot.saturating_sub(due));
        ProbeResult(vec![("progress", (overdue > self.0.patience).then(String::new))])
    }
}

impl ProbeResult {
    pub fn passed(&self) -> bool {
        self.0.iter().all(|(_, failure)| failure.is_none())
    }

    /// The response as of Kubernetes' own components: `ok`, or a line for every check if `verbose`
    /// or if one failed.
    pub fn text(&self, verbose: bool) -> String {
        if self.passed() && !verbose {
            return "ok".to_owned();
        }
        let mut text = String::new();
        for (name, failure) in &self.0 {
            // Writing to a String cannot fail.
            let _ = match failure.as_deref() {
                None => writeln!(text, "[+]{name} ok"),
                Some("") => writeln!(text, "[-]{name} failed"),
                Some(why) => writeln!(text, "[-]{name} failed: {why}"),
            };
        }
        text.push_str(if self.passed() { "check passed\n" } else { "check failed\n" });
        text
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment, which a panic cannot interrupt.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::*;
    use crate::shell::clock::Now;

    fn health(boot: u64) -> Health {
        let now = Now { wall: Timestamp::UNIX_EPOCH, boot: Duration::from_secs(boot) };
        Health::new(Clock::from_fn(move || now), Duration::from_mins(5))
    }

    #[test]
    fn live_until_something_is_overdue_for_too_long() {
        for (now, due, live) in [
            (1000, None, true),
            (1000, Some(5000), true),
            (1000, Some(700), true),
            (1000, Some(699), false),
        ] {
            let health = health(now);
            health.overdue_since(due.map(Duration::from_secs));
            assert_eq!(health.live().passed(), live, "{now} {due:?}");
        }
    }

    #[test]
    fn ready_when_all_gates_are_open() {
        let health = health(0);
        let (types, lists) = (health.gate("custom-resource"), health.gate("lists"));
        assert!(!health.ready().passed());
        types.open();
        let want = "[+]custom-resource ok\n[-]lists failed\ncheck failed\n";
        assert_eq!(health.ready().text(false), want);
        lists.open();
        assert_eq!(health.ready().text(false), "ok");
        assert_eq!(health.ready().text(true), "[+]custom-resource ok\n[+]lists ok\ncheck passed\n");
    }
}
