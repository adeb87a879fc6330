//! Waits for conditions, each with a deadline: the only place of these tests that sleeps.

#![allow(
    clippy::disallowed_methods,
    reason = "tests wait for processes, which no virtual clock drives"
)]

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, sleep};

/// Figures in tests are those that users are promised. On a machine that runs eight tests on two
/// cores, all takes longer.
const SLACK: u32 = 3;
const POLL: Duration = Duration::from_millis(50);

/// Polls until the probe succeeds, and fails with what it last saw once the promised seconds, and
/// some slack, are over.
pub async fn eventually<T>(
    what: impl Display,
    seconds: u64,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let within = Duration::from_secs(seconds) * SLACK;
    let deadline = Instant::now() + within;
    loop {
        let saw = match probe().await {
            Ok(done) => return done,
            Err(saw) => saw,
        };
        assert!(Instant::now() < deadline, "not within {within:?}: {what}; last seen: {saw}");
        sleep(POLL).await;
    }
}

/// Lets time pass: only where the test is about time, or about a moment nobody can see.
pub async fn pass(time: Duration) {
    sleep(time).await;
}

/// `Ok` if it holds, or what was seen instead.
pub fn check(holds: bool, saw: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(saw()) }
}
