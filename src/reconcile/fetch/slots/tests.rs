//! Who gets a slot, and in which order.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use k8s_openapi::jiff::Timestamp;

use super::{
    AppKey, Claimant, Clock, FIRST_PATIENCE, IN_FRONT, PATIENCE, SHARING, Slot, Slots, Turn,
    Urgency::{self, Failing, First, Refresh},
};
use crate::shell::clock::Now;

const BOOT: Duration = Duration::from_secs(1000);
const NOW: Now = Now { wall: Timestamp::UNIX_EPOCH, boot: BOOT };

fn app(id: &str) -> AppKey {
    ("WeChat", id.into(), "Stable")
}

fn claim(key: &AppKey, urgency: Urgency) -> Claimant {
    let (key, namespace) = (key.clone(), "team-a".to_owned());
    Claimant { key, namespace, urgency, accepted: false, alone: true }
}

/// A slot, if one is free at once.
fn take(slots: &Slots, claimant: &Claimant) -> Option<Slot> {
    slots.enter(claimant, None, BOOT)?.now_or_never().flatten()
}

async fn wait(slots: &Slots, claimant: Claimant, turn: Option<Turn>) -> Option<Slot> {
    slots.enter(&claimant, turn, BOOT)?.await
}

fn slots(concurrency: usize, qps: u32) -> Slots {
    Slots::new(concurrency, NonZeroU32::new(qps).expect("not zero"), &Clock::from_fn(|| NOW))
}

#[tokio::test(start_paused = true)]
async fn an_app_is_asked_one_call_at_a_time() {
    let slots = slots(8, 50);
    let (a, b) = (app("a"), app("b"));
    let held = take(&slots, &claim(&a, Refresh));
    assert!(held.is_some() && take(&slots, &claim(&a, Refresh)).is_none());
    assert!(take(&slots, &claim(&b, Refresh)).is_some());
    drop(held);
    assert!(take(&slots, &claim(&a, Refresh)).is_some());
}

#[tokio::test(start_paused = true)]
async fn calls_of_an_app_that_end_no_token_are_made_a_few_at_a_time() {
    let slots = slots(100, 50);
    let a = app("a");
    let sharing = Claimant { alone: false, ..claim(&a, First) };
    let held: Vec<_> = (0..40).filter_map(|_| take(&slots, &sharing)).collect();
    assert_eq!(held.len(), SHARING);
    assert!(take(&slots, &claim(&a, Refresh)).is_some(), "one that ends a token waits for none");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_app_has_its_turn_in_order_and_not_before() {
    let slots = slots(8, 50);
    let a = app("a");
    let asked = take(&slots, &claim(&a, Refresh)).expect("room");
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(slots.turn(a.clone(), true, true))).collect();
    assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
    drop(asked);
    assert!(take(&slots, &claim(&a, Refresh)).is_none(), "nobody goes before those that wait");
    assert!(waiting[1].as_mut().now_or_never().is_none());
    let turn = waiting[0]
        .as_mut()
        .now_or_never()
        .expect("it is the first")
        .expect("it did not wait for long");
    let asked = wait(&slots, claim(&a, Refresh), Some(turn)).await.expect("room");
    let began = tokio::time::Instant::now();
    assert!(waiting[1].as_mut().await.is_none());
    assert_eq!(began.elapsed(), PATIENCE);
    let turn = asked.leave();
    assert!(take(&slots, &claim(&a, Refresh)).is_none(), "its turn lasts");
    drop((turn, waiting));
    assert!(slots.apps.is_empty(), "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn failing_objects_take_half_of_the_room() {
    let slots = slots(4, 50);
    let keys: Vec<_> = (0..4).map(|n| app(&n.to_string())).collect();
    let failing: Vec<_> =
        keys.iter().filter_map(|key| take(&slots, &claim(key, Failing))).collect();
    assert_eq!(failing.len(), 2);
    let healthy: Vec<_> =
        keys.iter().filter_map(|key| take(&slots, &claim(key, Refresh))).collect();
    assert_eq!(healthy.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_the_rate_allows() {
    let slots = slots(100, 3);
    let keys: Vec<_> = (0..10).map(|n| app(&n.to_string())).collect();
    assert_eq!(keys.iter().filter_map(|key| take(&slots, &claim(key, Refresh))).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_in_one_namespace_holds_up_no_other_and_its_own_first_tokens_no_refresh() {
    let slots = slots(1, 1000);
    let busy = take(&slots, &claim(&app("busy"), Refresh)).expect("room");
    let crowd = (0..1000).map(|n| claim(&app(&format!("crowd-{n}")), First));
    let mut crowd: Vec<_> = crowd.map(|claimant| Box::pin(wait(&slots, claimant, None))).collect();
    assert!(crowd.iter_mut().all(|waits| waits.as_mut().now_or_never().is_none()));
    let (other, own) = (app("other"), app("own"));
    let other = Claimant { namespace: "team-b".into(), ..claim(&other, First) };
    let mut others = Box::pin(wait(&slots, other, None));
    let own = claim(&own, Refresh);
    let mut own = Box::pin(wait(&slots, own, None));
    assert!(others.as_mut().now_or_never().is_none() && own.as_mut().now_or_never().is_none());
    drop(busy);
    for waits in crowd.iter_mut().take(IN_FRONT) {
        drop(waits.as_mut().now_or_never().flatten().expect("it came first"));
    }
    drop(
        others
            .as_mut()
            .now_or_never()
            .flatten()
            .expect("it is next, whoever stands behind those in front"),
    );
    assert!(own.as_mut().now_or_never().flatten().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_room_when_a_call_ends_or_gives_up_in_time() {
    let slots = slots(1, 1000);
    let (a, b) = (app("a"), app("b"));
    let held = take(&slots, &claim(&a, Refresh)).expect("room");
    for (urgency, patience) in [(Refresh, PATIENCE), (First, FIRST_PATIENCE)] {
        let began = tokio::time::Instant::now();
        assert!(wait(&slots, claim(&b, urgency), None).await.is_none());
        assert_eq!(began.elapsed(), patience);
    }
    drop(held);
    assert!(take(&slots, &claim(&b, Refresh)).is_some());
    assert!(slots.lines.is_empty() && slots.apps.is_empty(), "nothing is left behind");
}

#[test]
fn a_namespace_is_forgotten_when_its_rejections_are_over() {
    let boot = Arc::new(Mutex::new(BOOT));
    let clock = Arc::clone(&boot);
    let clock = Clock::from_fn(move || Now { boot: *clock.lock().expect("unpoisoned"), ..NOW });
    let slots = Slots::new(8, NonZeroU32::MIN, &clock);
    for namespace in 0..100 {
        slots.rejected("WeChat", &format!("team-{namespace}"), BOOT);
    }
    assert_eq!(slots.rejections.namespaces(), 100);
    *boot.lock().expect("unpoisoned") += Duration::from_secs(3601);
    slots.rejected("WeChat", "team-a", BOOT);
    assert_eq!(slots.rejections.namespaces(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_of_wrong_secrets_is_slowed_down_and_nobody_else() {
    let slots = slots(100, 50);
    let a = app("a");
    for _ in 0..31 {
        slots.rejected("WeChat", "team-a", BOOT);
    }
    assert!(take(&slots, &claim(&a, Failing)).is_none());
    assert!(take(&slots, &Claimant { accepted: true, ..claim(&a, Refresh) }).is_some());
    assert!(take(&slots, &Claimant { namespace: "team-b".into(), ..claim(&a, Refresh) }).is_some());
    let later = BOOT + Duration::from_secs(121);
    assert!(slots.enter(&claim(&a, Failing), None, later).expect("a wait").await.is_some());
}

/// A clock that follows the runtime's virtual time.
fn virtual_clock() -> Clock {
    let began = tokio::time::Instant::now();
    Clock::from_fn(move || Now { boot: BOOT + began.elapsed(), ..NOW })
}

/// The number of calls of an app that are made within this time, each at once after the other.
async fn calls(slots: &Slots, claimant: &Claimant, within: Duration) -> usize {
    let end = tokio::time::Instant::now() + within;
    let mut calls = 0;
    while let Ok(slot) = tokio::time::timeout_at(end, wait(slots, claimant.clone(), None)).await {
        calls += usize::from(slot.is_some());
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn an_app_never_uses_more_than_half_of_what_its_platform_documents() {
    for (platform, mode, documented, within) in [
        ("DouyinOpen", "Legacy", 500, 300),
        ("Huawei", "", 1000, 300),
        ("WeChat", "Legacy", 2000, 24 * 3600),
    ] {
        let slots = Slots::new(8, NonZeroU32::new(1000).expect("not zero"), &virtual_clock());
        let key = (platform, "a".into(), mode);
        let claimant = claim(&key, Refresh);
        let made = calls(&slots, &claimant, Duration::from_secs(within)).await;
        let part = documented / 4;
        assert!((part..=2 * part).contains(&made), "{platform}: {made}");
        let later = calls(&slots, &claimant, Duration::from_secs(within)).await;
        assert!((part - 1..=part + 1).contains(&later), "{platform}: {later}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_at_its_limit_holds_up_no_other() {
    let slots = Slots::new(2, NonZeroU32::new(1000).expect("not zero"), &virtual_clock());
    let key = |app: &str| ("DouyinOpen", app.into(), "Legacy");
    while let Some(slot) = take(&slots, &claim(&key("a"), Refresh)) {
        drop(slot);
    }
    let mut waits = Box::pin(wait(&slots, claim(&key("a"), First), None));
    assert!(waits.as_mut().now_or_never().is_none());
    for app in ["b", "c"] {
        assert!(take(&slots, &claim(&key(app), Refresh)).is_some(), "{app}");
    }
    assert!(waits.await.is_some(), "its turn comes");
}

#[tokio::test(start_paused = true)]
async fn an_address_never_uses_more_than_half_of_what_its_platform_documents() {
    let slots = Slots::new(8, NonZeroU32::new(10_000).expect("not zero"), &virtual_clock());
    let of = |app: usize| claim(&("DingTalk", app.to_string().into(), "Stable"), Refresh);
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut made = 0;
    while tokio::time::timeout_at(end, wait(&slots, of(made), None)).await.is_ok() {
        made += 1;
    }
    assert!((2500..=5000).contains(&made), "{made}");
}

#[tokio::test(start_paused = true)]
async fn near_a_ban_no_app_secret_is_sent_that_was_not_accepted() {
    let slots = Slots::new(8, NonZeroU32::new(1000).expect("not zero"), &virtual_clock());
    let key = |platform| (platform, "ww".into(), "");
    // Of as many namespaces that no one of them has used up its own budget.
    for namespace in 0..500 {
        slots.rejected("WeCom", &format!("team-{namespace}"), BOOT);
        slots.rejected("Feishu", &format!("team-{namespace}"), BOOT);
    }
    assert_eq!(slots.stopped_until("WeCom", BOOT), None);
    slots.rejected("WeCom", "team-500", BOOT);
    slots.rejected("Feishu", "team-500", BOOT);
    let hour = BOOT + Duration::from_secs(3600);
    assert_eq!(slots.stopped_until("WeCom", BOOT), Some(hour));
    assert_eq!(slots.stopped_until("Feishu", BOOT), None, "it bans no address");
    let refused = claim(&key("WeCom"), Failing);
    assert!(take(&slots, &refused).is_none());
    assert!(take(&slots, &Claimant { accepted: true, ..refused.clone() }).is_some());
    assert!(take(&slots, &claim(&key("Feishu"), Failing)).is_some());
    assert!(slots.enter(&refused, None, hour).expect("a wait").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn two_apps_that_fail_in_every_way_delay_no_third() {
    let slots = Slots::new(2, NonZeroU32::new(1000).expect("not zero"), &virtual_clock());
    let key = |app: &str| ("WeCom", app.into(), "");
    // One hangs, with others of its own behind it; the other is rejected again and again.
    let hangs = take(&slots, &claim(&key("hangs"), Failing)).expect("room");
    let mut behind: Vec<_> =
        (0..9).map(|_| Box::pin(wait(&slots, claim(&key("hangs"), Failing), None))).collect();
    assert!(behind.iter_mut().all(|waits| matches!(waits.as_mut().now_or_never(), Some(None))));
    let rejected = Claimant { namespace: "team-b".into(), ..claim(&key("rejected"), Failing) };
    let mut waits = Box::pin(wait(&slots, rejected.clone(), None));
    assert!(waits.as_mut().now_or_never().is_none(), "only one slot is for those that fail");
    for _ in 0..40 {
        slots.rejected("WeCom", &rejected.namespace, BOOT);
    }
    for urgency in [First, Refresh] {
        let third = Claimant { namespace: "team-c".into(), ..claim(&key("third"), urgency) };
        assert!(take(&slots, &third).is_some(), "{urgency:?}");
    }
    drop(hangs);
    assert!(waits.await.is_some());
    assert!(take(&slots, &rejected).is_none(), "its namespace has used up its budget");
}
