#!/usr/bin/env bash
# Software: kube-runtime 5.0.0, `scheduler` with `hold_unless`.
# Guess: messages that were held while their objects were busy come out in the order in which they became due.
# Behaviour: they come out in the order of a `HashSet` with a random seed, another one in each process.
# Seen: eight messages, due a millisecond apart and held until all were due, left in a different order in nearly each of
# ten processes. So a controller on virtual time does not replay, and the object that waits longest may be served last.
# A controller that wants an order keeps the busy ones itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" << 'EOT'
[package]
name = "held"
version = "0.0.0"
edition = "2024"

[dependencies]
futures = "0.3"
k8s-openapi = { version = "=0.29.0", features = ["v1_36"] }
kube-runtime = { version = "=5.0.0", default-features = false }
tokio = { version = "1", features = ["macros", "rt", "time"] }
EOT
cat > "$folder/src/main.rs" << 'EOT'
use std::{pin::pin, time::Duration};

use futures::{StreamExt, stream};
use kube_runtime::scheduler::{ScheduleRequest, scheduler};
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let start = Instant::now();
    let request = |n: u64| ScheduleRequest { message: n, run_at: start + Duration::from_millis(n) };
    let requests = stream::iter((1..=8).map(request)).chain(stream::pending());
    let mut scheduler = pin!(scheduler(requests));
    // All objects are busy until all messages are due.
    let mut busy = scheduler.as_mut().hold_unless(|_| false);
    let _ = tokio::time::timeout(Duration::from_millis(100), busy.next()).await;
    let mut order = vec![];
    while order.len() < 8 {
        order.extend(scheduler.as_mut().hold_unless(|_| true).next().await);
        sleep(Duration::ZERO).await;
    }
    println!("{order:?}");
}
EOT
cargo build --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"
orders=$(for _ in {1..10}; do "$folder/target/debug/held"; done)
printf '%s\n' "$orders"
distinct=$(sort -u <<< "$orders" | wc -l)
echo "$distinct different orders in ten processes"
((distinct > 1)) || { echo 'kube-runtime gives held messages out in one order now' >&2; exit 1; }
