//! A pass as a whole: what was read counts at once, and what fails backs off. Builds the context
//! for tests of single acts, with an API server and a platform that give fixed answers.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
    routing::any,
};
use futures::FutureExt;
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Client,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::watcher::Event,
};
use serde_json::{Value, json};

use super::{
    ApiError, Ctx, Next, Pass,
    events::Events,
    fetch::{
        Platforms,
        door::{Door, Incoming, TransportError},
        slots::{Slots, Urgency},
    },
    memory::{Memories, Recall},
    observe::note_sightings,
    observed::Spec,
    plan::{
        tests::sight::{LIFE, STABLE, Sight, at, boot, credential, mini_program, token},
        view::{View, version_of},
    },
    reads::Reads,
};
use crate::{
    api::names,
    platform::{Cause, ConfiguredEndpoints},
    shell::{
        chance::Chance,
        clock::{Clock, Now},
        leader::Term,
        metrics::Metrics,
    },
    template::AllowedMetadata,
    world::{Lookup, ObjectName, Scope, World},
};

/// The time of all tests: 500 s after the stored token's issue.
pub fn now() -> Now {
    Now { wall: at(500), boot: boot(500) }
}

/// The requests that an API server received: method, path with query, and body.
pub type Requests = Arc<Mutex<Vec<(String, String, Value)>>>;

/// The body of an answer that repeats the request.
pub const ECHO: Value = Value::Null;

/// An API server with a status and a body for each method and path.
pub fn api_server(answer: fn(&str, &str) -> (u16, Value)) -> (Client, Requests) {
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    let answering = move |method: Method, uri: Uri, body: String| {
        let (code, answer) = answer(method.as_str(), uri.path());
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let answer = if answer == ECHO { body.clone() } else { answer };
        log.lock().unwrap().push((method.to_string(), uri.to_string(), body));
        std::future::ready((StatusCode::from_u16(code).unwrap(), answer.to_string()))
    };
    (Client::new(Router::new().fallback(any(answering)), "team-a"), requests)
}

/// A refusal of the API server.
pub fn no(code: u16) -> (u16, Value) {
    let reason = if code == 404 { "NotFound" } else { "" };
    (code, json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason }))
}

/// A platform's response, if it gives one: status and body.
pub type Said = Result<(u16, &'static str), TransportError>;

/// The context of an operator that leads, at the one time `now`.
pub fn ctx(client: Client, platform: fn() -> Said) -> Ctx {
    let clock = Clock::from_fn(now);
    let door = Door::from_fn(move |_| {
        let said = platform().map(|(status, body)| Incoming::json(status, body.into()));
        std::future::ready(said).boxed()
    });
    let hosts = BTreeMap::from([("WeChat", vec!["https://platform".to_owned()])]);
    let configured = ConfiguredEndpoints::default();
    let (connect_timeout, request_timeout) = (Duration::from_secs(5), Duration::from_secs(10));
    Ctx {
        events: Events::new(client.clone(), None, &clock),
        reads: Reads::new(client.clone()),
        client,
        world: Arc::new(Mutex::new(World::new(&[Scope::All]))),
        memories: Memories::default(),
        platforms: Platforms { door, hosts, configured, connect_timeout, request_timeout },
        slots: Slots::new(8, NonZeroU32::new(1000).unwrap(), &clock),
        term: Term::unelected("system/lease".into(), clock.clone()),
        clock,
        chance: Chance::from_fn(|| 7),
        metrics: Metrics::new("0", "lease", false),
        allowed: AllowedMetadata::default(),
    }
}

/// A context whose platform and API server receive no requests.
fn alone() -> Ctx {
    ctx(api_server(|_, _| no(500)).0, || Err(TransportError::NotSent(Cause::ConnectionRefused)))
}

#[tokio::test]
async fn a_credential_that_was_read_is_known_before_the_watch_shows_it() {
    let (ctx, mut sight) = (alone(), Sight::healthy(STABLE));
    for event in [Event::Init, Event::InitDone] {
        ctx.world().secret_event(&Scope::All, event as Event<PartialObjectMeta<Secret>>);
    }
    sight.read_live();
    let live = sight.observed().live.expect("it was read");
    ctx.record_live_read(&sight.mp, &live);
    let known = ctx.world().secret("team-a", "shop-credential");
    assert_eq!(known, Lookup::Found(version_of(&credential())));
}

#[tokio::test]
async fn what_fails_again_and_again_waits_twice_as_long_each_time_up_to_a_minute() {
    let (ctx, sight) = (alone(), Sight::healthy(STABLE));
    let waits = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
    for wait in waits.map(Duration::from_millis) {
        let next = ctx.back_off(&sight.mp, &ApiError::Unanswered, "do it");
        assert!(matches!(next, Next::Requeue(rest, _) if rest == wait), "{wait:?}");
        assert_eq!(
            ctx.recall(&sight.mp, |recall| recall.backoffs.requests.until),
            now().boot + wait
        );
    }
}

#[test]
fn what_is_given_time_is_given_it_from_its_first_sighting() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.intends("call-9", false));
    let mut recall = Recall::default();
    let mut note = |sight: &mut Sight, boot| {
        let seen = sight.observed();
        // The wall clock was set back, and gives the token its whole life again.
        let now = Now { wall: at(0), boot };
        note_sightings(&mut recall, &seen.mini_program, &seen.target, &[], now);
        let end = recall.sightings.ends.first().map(|(_, end)| *end);
        (end, recall.sightings.foreign_intent.clone().map(|(_, first_seen)| first_seen))
    };
    let first = (Some(boot(500 + LIFE)), Some(boot(500)));
    assert_eq!(note(&mut sight, boot(500)), first);
    assert_eq!(note(&mut sight, boot(900)), first);
    sight.intends("call-10", false);
    sight.target().token.as_mut().expect("a token").fingerprint = "sha256:new".into();
    assert_eq!(note(&mut sight, boot(900)), (Some(boot(900 + LIFE)), Some(boot(900))));
    sight.status().intent = None;
    sight.target = None;
    assert_eq!(note(&mut sight, boot(950)), (None, None));
}

#[test]
fn a_look_closer_of_another_spec_is_not_used() {
    let mut sight = Sight::healthy(STABLE);
    sight.read_live();
    let live = sight.observed().live.expect("it was read");
    assert_eq!(live.of, Spec::of(&sight.mp));
    sight.mp.metadata.generation = Some(2);
    assert_ne!(live.of, Spec::of(&sight.mp), "another spec names other Secrets");
    sight.mp.metadata.generation = Some(1);
    sight.mp.metadata.uid = Some("another".into());
    assert_ne!(live.of, Spec::of(&sight.mp), "another object of the name");
}

async fn admitted<'a>(ctx: &'a Ctx, sight: &mut Sight, pass: &mut Pass) -> Option<Next<'a>> {
    let seen = sight.observed();
    let view = View::of(&seen, now()).expect("a known platform");
    ctx.admit(&view, pass, Urgency::Refresh).await.err()
}

#[tokio::test(start_paused = true)]
async fn who_finds_its_app_busy_waits_for_its_turn_and_plans_anew() {
    let (ctx, mut sight) = (alone(), Sight::new(STABLE));
    let key = super::app_key(&sight.mp).expect("a known platform");
    let calls: Vec<_> = (0..16).filter_map(|_| ctx.slots.try_turn(&key, false)).collect();
    let mut pass = Pass::default();
    let Some(Next::AwaitTurn(turn)) = admitted(&ctx, &mut sight, &mut pass).await else {
        panic!("the app is busy")
    };
    assert!(turn.await.is_none(), "the other calls take long");
    let Some(Next::AwaitTurn(turn)) = admitted(&ctx, &mut sight, &mut pass).await else {
        panic!("the app is busy")
    };
    drop(calls);
    pass.turn = turn.await;
    assert!(pass.turn.is_some() && admitted(&ctx, &mut sight, &mut pass).await.is_none());
    assert!(pass.slot.is_some());
}

/// Passes of other apps that hold every slot.
async fn all_slots(ctx: &Ctx) -> Vec<Pass> {
    let mut others: Vec<Pass> = (0..8).map(|_| Pass::default()).collect();
    for (number, other) in others.iter_mut().enumerate() {
        let mut of_other_app = Sight::new(STABLE);
        of_other_app.mp.spec.app_id = number.to_string();
        assert!(admitted(ctx, &mut of_other_app, other).await.is_none());
    }
    others
}

#[tokio::test(start_paused = true)]
async fn who_finds_all_slots_taken_waits_for_one() {
    let (ctx, mut sight) = (alone(), Sight::new(STABLE));
    let others = all_slots(&ctx).await;
    let mut pass = Pass::default();
    let Some(Next::AwaitSlot(slot)) = admitted(&ctx, &mut sight, &mut pass).await else {
        panic!("all slots are taken")
    };
    drop(others);
    assert!(slot.await.is_some());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_slot_waits_no_longer_than_calls_are_made() {
    let ctx = Arc::new(alone());
    let mp = mini_program(STABLE);
    let secret = PartialObjectMeta::<Secret> {
        metadata: ObjectMeta {
            name: Some(mp.spec.credential_ref.name.clone()),
            namespace: Some(mp.namespace().to_owned()),
            uid: Some("credential-uid".into()),
            resource_version: Some("7".into()),
            ..ObjectMeta::default()
        },
        ..PartialObjectMeta::default()
    };
    for event in [Event::Init, Event::InitApply(secret), Event::InitDone] {
        ctx.world().secret_event(&Scope::All, event);
    }
    for event in [Event::Init, Event::InitDone] {
        ctx.world().target_event(&Scope::All, event);
    }
    for event in [Event::Init, Event::InitApply(DeserializeGuard(Ok(mp.clone()))), Event::InitDone]
    {
        ctx.world().mini_program_event(&Scope::All, event);
    }
    let _others = all_slots(&ctx).await;
    let mut pass = Box::pin(super::reconcile(Arc::clone(&ctx), ObjectName::new("team-a", "shop")));
    assert!(pass.as_mut().now_or_never().is_none(), "all slots are taken");
    ctx.term.close();
    assert!(pass.now_or_never().is_some(), "no call is made any more");
}

#[tokio::test]
async fn a_turn_beside_other_calls_is_not_enough_for_a_call_that_must_be_alone() {
    let (ctx, mut shared) = (alone(), Sight::new(STABLE));
    let key = super::app_key(&shared.mp).expect("a known platform");
    let mut forced = Sight::healthy(STABLE);
    forced.annotate(names::INVALID_TOKEN, &token().fingerprint());
    let mut pass = Pass::default();
    assert!(admitted(&ctx, &mut shared, &mut pass).await.is_none());
    let other = ctx.slots.try_turn(&key, true);
    let next = admitted(&ctx, &mut forced, &mut pass).await;
    assert!(other.is_some() && matches!(next, Some(Next::AwaitTurn(_))));
    drop((other, next));
    assert!(admitted(&ctx, &mut forced, &mut pass).await.is_none());
    assert!(ctx.slots.try_turn(&key, true).is_none(), "it is alone now");
    assert!(admitted(&ctx, &mut shared, &mut pass).await.is_none(), "which suits any call");
}

#[tokio::test]
async fn an_object_that_ends_during_a_pass_is_not_remembered() {
    let ctx = alone();
    let mp = mini_program(STABLE);
    let name = ObjectName::new("team-a", "shop");
    let event = |event| ctx.world().mini_program_event(&Scope::All, event);
    event(Event::Init);
    event(Event::InitApply(DeserializeGuard(Ok(mp.clone()))));
    event(Event::InitDone);
    ctx.recall(&mp, |recall| recall.backoffs.requests.failures = 1);
    ctx.forget_if_gone(&name, Some("shop-uid"));
    assert_eq!(ctx.memories.objects(), 1, "it is there");
    let gone = event(Event::Delete(DeserializeGuard(Ok(mp.clone())))).gone;
    ctx.forget(&gone[0]);
    ctx.recall(&mp, |recall| recall.backoffs.requests.failures = 2);
    ctx.forget_if_gone(&name, Some("shop-uid"));
    assert_eq!(ctx.memories.objects(), 0);
}
