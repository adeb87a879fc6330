//! An unstored token stays in memory until its Secret holds it, or holds another call's token.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::{
    api::{Reason, TicketType},
    platform::Cause,
    projection::TicketFacts,
    reconcile::{
        Ctx, Next,
        call::{Call, Wanted, Why},
        fetch::door::TransportError,
        memory::{Ended, How, UnstoredFacts, UnstoredToken},
        observed::HeldTicket,
        plan::tests::sight::{LEGACY, Sight, token},
        tests::{ECHO, api_server, ctx, no, now},
    },
};

/// A context with an unstored token that `call-1` returned for this object.
fn holding(sight: &mut Sight, answer: fn(&str, &str) -> (u16, serde_json::Value)) -> Ctx {
    let ctx = ctx(api_server(answer).0, || Err(TransportError::NotSent(Cause::ConnectionRefused)));
    let wanted = Wanted { why: Why::Time, force: false, mints: true };
    let call = Call::for_test(wanted);
    let facts = sight.target().token.clone().expect("a token");
    let (token_facts, sent) = (facts.clone(), now().wall);
    let how =
        How::Token { token: token_facts, sent, stored: false, same: false, unconfirmed: false };
    let unstored = UnstoredFacts {
        name: "shop-token".into(),
        call: call.clone(),
        token: facts,
        asked_at: sent,
        sent: sight.target().sent.clone(),
        unconfirmed: false,
        precondition: sight.observed().target.precondition(),
        refused: None,
    };
    let ticket = TicketFacts {
        kind: TicketType::JsApi,
        fingerprint: token().fingerprint(),
        issue_time: Time(sent),
        expiration_time: Time(sent),
    };
    let tickets = vec![HeldTicket { ticket: token(), facts: ticket }];
    ctx.memories.with("shop-uid", |memory| {
        memory.unstored =
            Some(Box::new(UnstoredToken { token: token(), tickets, facts: unstored }));
        let (generation, credential, mints_before) = (Some(1), None, None);
        let ended = Ended { call, generation, credential, mints_before, how };
        memory.recall.calls.ended = Some(Box::new(ended));
    });
    ctx
}

#[tokio::test]
async fn a_token_whose_write_was_refused_stays_in_hand_and_is_tried_again() {
    let mut sight = Sight::healthy(LEGACY);
    let ctx = holding(&mut sight, |_, _| no(403));
    for attempts in [1, 2] {
        assert!(matches!(ctx.store(&sight.mp).await, Next::Continue));
        let unstored = ctx.memories.with("shop-uid", |memory| memory.unstored.take());
        let unstored = unstored.expect("the token is kept");
        let refused = unstored.facts.refused.clone().expect("the refusal is remembered");
        assert_eq!((refused.reason, refused.attempts), (Reason::WriteFailed, attempts));
        assert!(refused.retry > now().boot);
        assert!(unstored.tickets.is_empty(), "what refuses a ticket does not keep the token out");
        ctx.memories.with("shop-uid", |memory| memory.unstored = Some(unstored));
    }
}

#[tokio::test]
async fn a_token_that_lies_in_its_secret_is_in_hand_no_more() {
    let mut sight = Sight::healthy(LEGACY);
    let ctx = holding(&mut sight, |_, _| (200, ECHO));
    assert!(matches!(ctx.store(&sight.mp).await, Next::Continue));
    ctx.memories.with("shop-uid", |memory| {
        assert!(memory.unstored.is_none());
        let how = &memory.recall.calls.ended.as_ref().expect("the status has yet to say it").how;
        assert!(matches!(how, How::Token { stored: true, .. }), "{how:?}");
    });
}

#[tokio::test]
async fn a_token_that_came_after_another_calls_is_dropped_and_the_next_call_waits() {
    let mut sight = Sight::healthy(LEGACY);
    let ctx = holding(&mut sight, |method, path| match (method, path.ends_with("/secrets")) {
        ("PATCH", _) => no(409),
        (_, true) => (200, json!({ "kind": "SecretList", "metadata": {}, "items": [] })),
        // A Secret of this name exists and is foreign.
        _ => (200, json!({ "metadata": { "name": "shop-token" } })),
    });
    assert!(matches!(ctx.store(&sight.mp).await, Next::Requeue(..)));
    ctx.memories.with("shop-uid", |memory| {
        assert!(memory.unstored.is_none() && memory.recall.calls.ended.is_none());
        assert_eq!(memory.recall.backoffs.requests.failures, 1, "each time it waits longer");
    });
}
