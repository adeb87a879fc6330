//! How a call ends, and what the process remembers of it.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{IntentRecorded, StartedCall, facts};
use crate::{
    api::{Mints, Reason},
    platform::{Cause, Grant, Life},
    projection::TokenFacts,
    reconcile::{
        Ctx, Pass,
        acts::publish::events_of_call,
        app_key,
        call::{Call, Wanted, Why},
        fetch::{
            door::TransportError,
            slots::{Claimant, Urgency},
        },
        memory::{AppMints, How, LastMint, Recall, UnstoredFacts},
        plan::{
            tests::sight::{LEGACY, LIFE, STABLE, Sight, at, boot, token},
            view::View,
        },
        tests::{Said, api_server, ctx, no, now},
    },
};

const NEW: Said = Ok((200, r#"{"access_token":"76_new","expires_in":7200}"#));
const SAME: Said = Ok((200, r#"{"access_token":"76_stored","expires_in":7100}"#));
const BUSY: Said = Ok((200, r#"{"errcode":-1,"errmsg":"system error"}"#));
const QUOTA: Said = Ok((200, r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#));
const REJECTED: Said = Ok((200, r#"{"errcode":40125,"errmsg":"invalid appsecret"}"#));
const SILENCE: Said = Err(TransportError::Unknown(Cause::ResponseTimeout));

type Platform = fn() -> Said;

/// A call whose intent is recorded, for the most urgent reason.
fn started(force: bool, outcome_unknown: bool) -> StartedCall {
    let wanted = Wanted { why: Why::Invalid, force, mints: true };
    let call = Call { outcome_unknown, ..Call::for_test(wanted) };
    StartedCall {
        call,
        recorded: IntentRecorded::at(now().boot),
        mints_before: None,
        app_before: None,
    }
}

/// A context in which this call has just been made for this object.
fn asked(sight: Sight, started: StartedCall, platform: Platform) -> BoxFuture<'static, Ctx> {
    let asked = async move {
        // The target exists, so the preflight sends no request to the API server.
        let ctx = ctx(api_server(|_, _| no(500)).0, platform);
        ask(&ctx, sight, started).await;
        ctx
    };
    asked.boxed()
}

fn ask(ctx: &Ctx, mut sight: Sight, started: StartedCall) -> BoxFuture<'_, ()> {
    sight.read_live();
    let seen = sight.observed();
    let mut pass = Pass::default();
    let wanted = started.call.wanted;
    pass.started = Some(Box::new(started));
    let asked = async move {
        let view = View::of(&seen, now()).expect("a known platform");
        ctx.call(&view, &mut pass, wanted).await;
    };
    asked.boxed()
}

fn unstored(ctx: &Ctx) -> UnstoredFacts {
    ctx.memories.with("shop-uid", |memory| memory.unstored.as_ref().expect("a token").facts.clone())
}

fn recall(ctx: &Ctx) -> Recall {
    ctx.memories.with("shop-uid", |memory| memory.recall.clone())
}

fn how(ctx: &Ctx) -> How {
    recall(ctx).calls.ended.expect("the call has ended").how
}

fn app(ctx: &Ctx, sight: &Sight) -> AppMints {
    ctx.memories.app(&app_key(&sight.mp).expect("a known platform"))
}

#[tokio::test]
async fn a_token_that_a_late_request_may_replace_is_marked() {
    for outcome_unknown in [false, true] {
        let ctx = asked(Sight::healthy(LEGACY), started(false, outcome_unknown), || NEW).await;
        assert_eq!(unstored(&ctx).unconfirmed, outcome_unknown);
    }
}

#[tokio::test]
async fn a_tokens_end_counts_from_its_call_and_the_same_token_keeps_its_issue_time() {
    let times = |issued, expires| (at(issued), at(expires));
    let cases: [(Platform, _); 2] = [(|| NEW, times(500, 500 + LIFE)), (|| SAME, times(0, 7600))];
    for (platform, expected) in cases {
        let ctx = asked(Sight::healthy(STABLE), started(true, false), platform).await;
        let TokenFacts { issued, expires, .. } = unstored(&ctx).token;
        assert_eq!((issued, expires), expected);
    }
    let mut sight = Sight::healthy(STABLE);
    sight.status().token.as_mut().expect("a token").issue_time.0 = at(900);
    let ctx = asked(sight, started(true, false), || SAME).await;
    assert_eq!(
        unstored(&ctx).token.issued,
        at(500),
        "a clock that went back makes no token younger"
    );
}

#[tokio::test]
async fn a_lost_mint_may_land_yet_and_a_refused_one_did_nothing() {
    let cases: [(Platform, _); 2] = [(|| SILENCE, Some(boot(500))), (|| BUSY, None)];
    for (platform, lost) in cases {
        let sight = Sight::healthy(LEGACY);
        let ctx = asked(Sight::healthy(LEGACY), started(false, false), platform).await;
        assert_eq!(app(&ctx, &sight).unknown_at, lost);
        let How::Failed { refusal, .. } = how(&ctx) else { panic!("it brought no token") };
        let unknown = refusal.is_unknown();
        assert_eq!(unknown, lost.is_some());
        assert_eq!(
            recall(&ctx).calls.unanswered,
            u32::from(unknown),
            "the next one is given more time"
        );
    }
}

#[tokio::test]
async fn a_mint_that_may_have_ended_the_stored_token_is_repeated_soon() {
    // By its own times the stored token has two hours left, and a busy platform gets minutes to
    // recover.
    let cases: [(Platform, _, _); 2] = [(|| SILENCE, 15, 18), (|| BUSY, 300, 340)];
    for (platform, least, most) in cases {
        let mut sight = Sight::healthy(LEGACY);
        sight.fails(Reason::PlatformBusy, 400, 450);
        sight.status().last_failure.as_mut().expect("a failure").attempts = 20;
        let ctx = asked(sight, started(false, false), platform).await;
        let How::Failed { next, .. } = how(&ctx) else { panic!("it brought no token") };
        assert!((at(500 + least)..=at(500 + most)).contains(&next), "{next}");
    }
}

#[tokio::test]
async fn a_quota_answer_holds_forced_calls_until_the_platforms_midnight() {
    for (force, until) in [(true, Some(at(6 * 3600))), (false, None)] {
        let sight = Sight::healthy(STABLE);
        let ctx = asked(Sight::healthy(STABLE), started(force, false), || QUOTA).await;
        assert_eq!(app(&ctx, &sight).force_stopped_until, until);
    }
}

#[tokio::test]
async fn a_refused_mint_is_not_counted_and_a_lost_one_is() {
    let cases: [(Platform, _); 2] = [(|| BUSY, false), (|| SILENCE, true)];
    for (platform, counted) in cases {
        let sight = Sight::healthy(LEGACY);
        let before = LastMint { started: boot(100), uid: "another".into() };
        let mut started = started(false, false);
        started.app_before = Some(AppMints { last: Some(before), ..AppMints::default() });
        let ctx = asked(Sight::healthy(LEGACY), started, platform).await;
        // This call skips the step that counts it: recording its intent.
        let last = app(&ctx, &sight).last.map(|last| last.started);
        assert_eq!(last, (!counted).then(|| boot(100)));
        assert_eq!(recall(&ctx).calls.ended.expect("it ended").mints_before.is_some(), !counted);
    }
}

#[tokio::test]
async fn rejected_credentials_use_up_the_patience_with_their_namespace() {
    let ctx = ctx(api_server(|_, _| no(500)).0, || REJECTED);
    let room = |ctx: &Ctx, accepted| {
        let key = app_key(&Sight::new(LEGACY).mp).expect("a known platform");
        let claimant = Claimant {
            key,
            namespace: "team-a".into(),
            urgency: Urgency::Failing,
            accepted,
            alone: true,
        };
        let wait = ctx.slots.enter(&claimant, None, now().boot);
        wait.is_some_and(|slot| slot.now_or_never().flatten().is_some())
    };
    for _ in 0..31 {
        assert!(room(&ctx, false));
        ask(&ctx, Sight::healthy(LEGACY), started(false, false)).await;
    }
    assert!(!room(&ctx, false) && room(&ctx, true), "an accepted one goes on");
}

#[tokio::test]
async fn a_call_that_was_begun_long_ago_is_given_up() {
    let late = StartedCall { recorded: IntentRecorded::at(boot(489)), ..started(false, false) };
    let ctx = asked(Sight::healthy(LEGACY), late, || NEW).await;
    assert!(matches!(how(&ctx), How::Withdrawn));
    assert!(ctx.memories.with("shop-uid", |memory| memory.unstored.is_none()));
}

#[tokio::test]
async fn who_minted_a_token_remembers_when() {
    let ctx = asked(Sight::healthy(LEGACY), started(false, false), || NEW).await;
    let (fingerprint, minted) = recall(&ctx).calls.minted.expect("it was minted here");
    assert_eq!(minted, boot(500));
    assert_ne!(fingerprint, token().fingerprint());
}

#[tokio::test]
async fn mints_for_lost_tokens_are_counted_in_a_row() {
    let ctx = ctx(api_server(|_, _| no(500)).0, || SILENCE);
    let mut sight = Sight::healthy(LEGACY);
    let counted = |sight: &mut Sight, why| {
        let mut started = started(false, false);
        started.call.wanted.why = why;
        sight.view(500, |view| ctx.count_mint(view, &started.call));
        app(&ctx, sight).urgent_in_a_row
    };
    assert_eq!(counted(&mut sight, Why::NoToken), 0, "an app's first mint replaces no lost token");
    sight.app.mints = Mints { last_time: Some(Time(at(400))), ..Mints::default() };
    assert_eq!(counted(&mut sight, Why::TargetMissing), 1);
    assert_eq!(counted(&mut sight, Why::TargetMissing), 2);
    assert_eq!(counted(&mut sight, Why::Time), 0, "the row ends");
}

#[test]
fn a_whole_life_is_counted_from_the_first_call_and_what_is_left_from_this_one() {
    let times = |life: fn(Duration) -> Life, seconds| {
        let grant = Grant { token: token(), life: life(Duration::from_secs(seconds)) };
        let facts = Sight::healthy(STABLE).view(3600, |view| facts(view, &grant, at(3600)));
        (facts.issued, facts.expires)
    };
    assert_eq!(times(Life::Whole, LIFE), (at(0), at(LIFE)));
    // It may be that the response reports what is left after all.
    assert_eq!(times(Life::Whole, 60), (at(0), at(3660)));
    assert_eq!(times(Life::Left, LIFE), (at(0), at(3600 + LIFE)));
}

#[tokio::test]
async fn two_reported_tokens_in_a_row_are_announced_as_another_caller_where_calls_end_tokens() {
    for (mode, announced) in [(LEGACY, true), (STABLE, false)] {
        let ctx = asked(Sight::healthy(mode), started(mode == STABLE, false), || NEW).await;
        let events = || events_of_call(&Sight::healthy(mode).mp, &recall(&ctx).calls);
        assert_eq!(events(), [], "one report may be a mistake");
        ask(&ctx, Sight::healthy(mode), started(mode == STABLE, false)).await;
        let reasons: Vec<_> = events().iter().map(|event| event.reason).collect();
        assert_eq!(reasons == ["AnotherCaller"], announced, "{mode:?}: {reasons:?}");
    }
}

#[tokio::test]
async fn only_a_changed_app_secret_is_announced_as_accepted() {
    let same = asked(Sight::healthy(STABLE), started(false, false), || NEW).await;
    assert_eq!(recall(&same).calls.accepted, None);
    let mut changed = Sight::healthy(STABLE);
    changed.target().sent.digest = "of-another".into();
    let mp = changed.mp.clone();
    let ctx = asked(changed, started(false, false), || NEW).await;
    let calls = recall(&ctx).calls;
    assert_eq!(calls.accepted, Some(now().wall));
    let reasons: Vec<_> = events_of_call(&mp, &calls).iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["CredentialAccepted"]);
}
