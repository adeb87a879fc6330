//! Every ticket of every platform against the simulator: the same one until its end, and what each
//! refusal is read as.

use std::time::Duration;

use platform_simulator::{
    Millis,
    model::{Fault, FaultRule, On, Outcome, Refused, Reply},
};
use serde_json::{Value, json};

use super::{SECRET, Scene, add, change, on_the_wire};
use crate::{
    api::Reason,
    platform::{ALL, Certainty, Code, Grant, Life, Refusal, Response, Ticket},
    sensitive::AccessToken,
};

const LIFE: Duration = Duration::from_secs(7200);
const LIFE_MS: Millis = 7_200_000;

/// A scene for every ticket of every platform.
fn scenes() -> impl Iterator<Item = (Scene, &'static Ticket)> {
    ALL.iter().flat_map(|platform| {
        let scene = |ticket| (Scene::new(platform, &platform.endpoints[0]), ticket);
        platform.tickets.iter().map(scene)
    })
}

fn token(scene: &mut Scene, now: Millis) -> AccessToken {
    scene.call(now, SECRET).unwrap_or_else(|refusal| panic!("{refusal:?}")).token
}

fn reply(scene: &mut Scene, ticket: &Ticket, now: Millis, token: &AccessToken) -> Reply {
    let request = on_the_wire(scene.platform.name, &(ticket.request)(token));
    let course = scene.model.arrive(now, &request).expect("the simulator serves this path");
    match scene.model.execute(now, &request, &course) {
        Outcome::Answer(reply) => reply,
        other => panic!("{}: {other:?}", scene.platform.name),
    }
}

fn read(ticket: &Ticket, reply: &Reply, token: &AccessToken) -> Result<Grant, Refusal> {
    let Reply { status, body, .. } = reply;
    ticket.ticket(&Response { status: *status, content_type: "", body }, token)
}

fn call(scene: &mut Scene, ticket: &Ticket, now: Millis) -> Result<Grant, Refusal> {
    let token = token(scene, now);
    let reply = reply(scene, ticket, now, &token);
    read(ticket, &reply, &token)
}

#[test]
fn a_ticket_is_the_same_until_its_end_and_always_said_to_live_its_whole_life() {
    for (mut scene, ticket) in scenes() {
        let name = format!("{} {}", scene.platform.name, ticket.kind.as_str());
        let mut seen = Vec::new();
        for turn in 0..3 {
            let begin = turn * LIFE_MS;
            let first = call(&mut scene, ticket, begin).expect("a ticket");
            let last = call(&mut scene, ticket, begin + LIFE_MS - 1).expect("a ticket");
            assert_eq!(first.token.expose(), last.token.expose(), "{name}");
            assert_eq!((first.life, last.life), (Life::Whole(LIFE), Life::Whole(LIFE)), "{name}");
            let text = first.token.expose().to_owned();
            assert!(!seen.contains(&text), "{name}: an old ticket");
            seen.push(text);
        }
        assert!(ticket.hosts.iter().all(|host| host.starts_with("https://")), "{name}");
    }
}

#[test]
fn the_tickets_of_a_platform_are_different() {
    for platform in ALL.iter().filter(|platform| platform.tickets.len() > 1) {
        let mut scene = Scene::new(platform, &platform.endpoints[0]);
        let tickets: Vec<_> = platform
            .tickets
            .iter()
            .map(|ticket| call(&mut scene, ticket, 0).expect("a ticket").token.fingerprint())
            .collect();
        assert_ne!(tickets[0], tickets[1], "{}", platform.name);
    }
}

#[test]
fn a_token_that_is_not_valid_is_refused_as_such() {
    for (mut scene, ticket) in scenes() {
        let expired = token(&mut scene, 0);
        let unknown = AccessToken::parse("no-such-token").expect("plausible");
        for (token, now) in [(expired, 2 * LIFE_MS), (unknown, 0)] {
            let reply = reply(&mut scene, ticket, now, &token);
            let refusal = read(ticket, &reply, &token).err().expect("a refusal");
            let seen = (refusal.reason, refusal.certainty);
            assert_eq!(seen, (Reason::TokenRejected, Certainty::Refused));
        }
    }
}

/// The refusal of a call that meets this fault.
fn refusal(scene: &mut Scene, ticket: &Ticket, fault: Fault) -> Refusal {
    let rule = FaultRule::from(fault).times(1).on(On::Ticket);
    scene.model.set_faults(Some(scene.platform.app_id.example), vec![rule]);
    call(scene, ticket, 0).err().expect("a refusal")
}

#[test]
fn refusals_have_their_reason_and_what_is_no_answer_has_no_code() {
    let code = |code| Fault::Code { code, msg: None };
    for (fault, reason, said) in [
        (code(-1), Reason::PlatformBusy, "-1"),
        (code(45009), Reason::QuotaExhausted, "45009"),
        (code(45011), Reason::Throttled, "45011"),
        (code(48001), Reason::BadResponse, "48001"),
        (code(40164), Reason::IpNotAllowed, "40164"),
        (Fault::Refusal { why: Refused::Busy }, Reason::PlatformBusy, "-1"),
        (Fault::TruncatedJson, Reason::BadResponse, ""),
        (Fault::Html, Reason::BadResponse, ""),
        (Fault::Empty, Reason::BadResponse, ""),
        (Fault::EmptyToken, Reason::BadResponse, ""),
        (Fault::Status { status: 502 }, Reason::PlatformBusy, ""),
    ] {
        for (mut scene, ticket) in scenes() {
            let refusal = refusal(&mut scene, ticket, fault.clone());
            let found = refusal.code.as_ref().map(Code::to_string).unwrap_or_default();
            assert_eq!((refusal.reason, found.as_str()), (reason, said), "{fault:?}");
        }
    }
}

#[test]
fn numbers_may_be_text_unknown_fields_do_not_matter_and_no_code_shows_the_token() {
    for (mut scene, ticket) in scenes() {
        let token = token(&mut scene, 0);
        let reply = reply(&mut scene, ticket, 0, &token);
        let plain = read(ticket, &reply, &token).expect("a ticket");
        let mut body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        change(&mut body, &|value| {
            if let Value::Number(number) = value {
                *value = json!(number.to_string());
            }
        });
        add(&mut body, &json!({ "hint": { "list": [1, null] } }));
        let odd = Reply { body: body.to_string().into_bytes(), ..reply.clone() };
        let odd = read(ticket, &odd, &token).expect("a ticket");
        assert_eq!(odd.token.expose(), plain.token.expose());
        body["errcode"] = json!(token.expose());
        let echo = Reply { body: body.to_string().into_bytes(), ..reply };
        let said = match read(ticket, &echo, &token) {
            Ok(grant) => format!("{:?}", grant.life),
            Err(refusal) => format!("{refusal:?}"),
        };
        assert!(!said.contains(&token.expose()[..8]), "{said}");
    }
}
