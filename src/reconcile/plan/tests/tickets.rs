//! Tickets: when one is requested, what its end means for the next call, and what the status says.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, LIFE, STABLE, Sight, at, boot, due_at, now, token};
use crate::{
    api::{
        ConditionType::{Ready, TicketsFresh, TokenFresh},
        LastFailure, Reason, TicketStatus, TicketType, names,
    },
    platform::{Code, Grant, Life, Refusal},
    projection::TicketFacts,
    reconcile::{
        memory::{LastTicketCall, Refused, TicketCalls, TicketEnd},
        observed::Held,
        plan::{Act, tickets, view::View},
    },
    sensitive::AccessToken,
};

type Change = fn(&mut Sight);

const HOURS_2: Duration = Duration::from_secs(LIFE);

fn ticket(text: &str) -> AccessToken {
    AccessToken::parse(text).expect("plausible")
}

/// A healthy object whose spec asks for a ticket that it does not have yet, as its status reports.
fn asking(mode: crate::api::TokenMode) -> Sight {
    let mut sight = Sight::healthy(mode);
    sight.mp.spec.tickets = vec![TicketType::JsApi];
    sight
}

fn facts(text: &str, issued: u64) -> TicketFacts {
    TicketFacts {
        kind: TicketType::JsApi,
        fingerprint: ticket(text).fingerprint(),
        issue_time: Time(at(issued)),
        expiration_time: Time(at(issued + LIFE)),
    }
}

/// The same with a ticket in the target, and a next call from this second on.
fn holding(issued: u64, next: u64) -> Sight {
    let mut sight = asking(STABLE);
    let facts = facts("first", issued);
    let target = sight.target();
    target.tickets = vec![facts.clone()];
    target.data_keys.extend(TicketType::JsApi.keys().map(str::to_owned));
    sight.recall.tickets = vec![TicketCalls {
        kind: TicketType::JsApi,
        last: LastTicketCall {
            fingerprint: Some(facts.fingerprint.clone()),
            sent: at(issued),
            boot: boot(issued),
        },
        ended: Some(TicketEnd::Ticket { facts, next: at(next) }),
    }];
    let Act::Status(status) = sight.plan(issued).act else { panic!("a new ticket is reported") };
    sight.mp.status = Some(*status);
    sight.recall.tickets[0].ended = None;
    sight
}

#[track_caller]
fn renews(sight: &mut Sight, seconds: u64) {
    let act = sight.plan(seconds).act;
    assert!(matches!(&act, Act::RenewTickets(due) if due.len() == 1), "at {seconds}: {act:?}");
}

#[track_caller]
fn rests(sight: &mut Sight, seconds: u64) {
    let act = sight.plan(seconds).act;
    assert!(!matches!(act, Act::RenewTickets(_)), "at {seconds}");
}

#[test]
fn a_ticket_is_requested_once_the_token_is_stored_and_reported() {
    renews(&mut asking(STABLE), 10);
    renews(&mut asking(LEGACY), 10);
    let cases: [(&str, Change); 9] = [
        ("nobody asks for one", |sight| sight.mp.spec.tickets.clear()),
        ("the platform has no such ticket", |sight| {
            sight.mp.spec.tickets = vec![TicketType::AgentConfig];
        }),
        ("the object is suspended", |sight| sight.mp.spec.suspend = true),
        ("the status does not report the token yet", |sight| sight.just_stored(0)),
        ("the Secret is edited", |sight| sight.target().edited = true),
        ("the token may be replaced", |sight| sight.target().unconfirmed = true),
        ("the token is reported invalid", |sight| {
            sight.annotate(names::INVALID_TOKEN, &token().fingerprint());
        }),
        ("an intent is open", |sight| sight.intends("another", false)),
        ("the last write was refused", |sight| {
            sight.recall.writes.refused = Some(Refused {
                reason: Reason::WriteFailed,
                said: None,
                attempts: 1,
                retry: boot(20),
            });
        }),
    ];
    for (what, change) in cases {
        let act = asking(STABLE).with(change).plan(10).act;
        assert!(!matches!(act, Act::RenewTickets(_)), "{what}: {act:?}");
    }
}

#[test]
fn a_call_for_the_token_comes_first_and_a_token_about_to_end_is_not_used() {
    let due = due_at(STABLE);
    rests(&mut asking(STABLE), due);
    rests(&mut asking(STABLE), LIFE);
    let mut failing = asking(STABLE);
    failing.fails(Reason::PlatformBusy, due, due + 60);
    renews(&mut failing, due + 10);
    failing.fails(Reason::PlatformBusy, LIFE - 50, LIFE);
    rests(&mut failing, LIFE - 30);
}

#[test]
fn the_first_ticket_is_looked_at_every_two_minutes_and_the_next_at_its_end() {
    let mut unknown = holding(100, 220);
    unknown.rests(101, 119);
    renews(&mut unknown, 220);
    unknown.recall.tickets[0].last.boot = boot(220);
    rests(&mut unknown, 339);
    renews(&mut unknown, 340);
    let mut known = holding(100, 7000);
    rests(&mut known, 600);
    rests(&mut known, 3000);
}

#[test]
fn after_its_end_a_ticket_is_asked_for_at_growing_intervals() {
    let mut sight = holding(100, 300);
    for (last, next) in [(310, 340), (400, 450), (1300, 1600)] {
        (sight.recall.tickets[0].last.sent, sight.recall.tickets[0].last.boot) =
            (at(last), boot(last));
        rests(&mut sight, next - 1);
        renews(&mut sight, next);
    }
}

/// What becomes of a response with this ticket, sent at this second.
fn response(sight: &mut Sight, text: &str, sent: u64) -> (TicketFacts, u64) {
    let grant = Grant { token: ticket(text), life: Life::Whole(HOURS_2) };
    let seen = sight.observed();
    let view = View::of(&seen, now(sent)).expect("a view");
    let (facts, next) = tickets::after_response(&view, TicketType::JsApi, &grant, at(sent));
    (facts, u64::try_from(next.as_second() - at(0).as_second()).expect("later"))
}

#[test]
fn the_life_of_a_ticket_is_counted_from_the_first_response_with_it() {
    assert_eq!(response(&mut asking(STABLE), "first", 50), (facts("first", 50), 170));
    let same = response(&mut holding(100, 220), "first", 220);
    assert_eq!(same, (facts("first", 100), 220), "its times stay");
    let mut sight = holding(100, 220);
    sight.recall.tickets[0].last.sent = at(1000);
    let another = response(&mut sight, "second", 1120);
    assert_eq!(another, (facts("second", 1120), 1000 + LIFE), "it was made after the last call");
    sight.recall.tickets.clear();
    let unseen = response(&mut sight, "second", 1120);
    assert_eq!(unseen, (facts("second", 1120), 1240), "nobody knows since when it is there");
}

#[test]
fn a_ticket_that_no_status_confirms_is_neither_kept_nor_believed() {
    let held = || Held::from_tokens(vec![token(), ticket("first")]);
    let kept = |sight: &mut Sight| {
        let target = sight.target().clone();
        sight.view(600, |view| tickets::kept(view, &target, &held()).len())
    };
    assert_eq!(kept(&mut holding(100, 220)), 1);
    let mut forged = holding(100, 220);
    forged.target().tickets[0].expiration_time = Time(at(9 * LIFE));
    assert_eq!(kept(&mut forged), 0);
    renews(&mut forged, 600);
    let mut unwanted = holding(100, 220);
    unwanted.mp.spec.tickets.clear();
    assert_eq!(kept(&mut unwanted), 0);
    assert!(matches!(unwanted.plan(600).act, Act::ReadLive { .. }), "its keys are removed");
}

fn refusal(reason: Reason, code: i64) -> Refusal {
    Refusal::refused(reason, Code::Number(code))
}

fn fail(sight: &mut Sight, refusal: &Refusal, seconds: u64) -> LastFailure {
    let failure = sight.view(seconds, |view| {
        tickets::after_refusal(view, TicketType::JsApi, refusal, view.now.wall)
    });
    let known = sight.status().tickets.pop();
    let known = known.unwrap_or_else(not_yet);
    let last_failure = Some(failure.clone());
    sight.status().tickets.push(TicketStatus { last_failure, ..known });
    failure
}

#[test]
fn a_failure_takes_nothing_from_the_token_and_is_repeated_less_and_less_often() {
    let mut sight = asking(STABLE);
    let busy = refusal(Reason::PlatformBusy, -1);
    let mut seconds = 10;
    for (attempts, wait) in [(1, 30), (2, 60), (3, 120), (4, 240), (5, 300), (6, 300)] {
        let failure = fail(&mut sight, &busy, seconds);
        assert_eq!(failure.attempts, attempts);
        let next = whole_seconds_since_issue(&failure);
        assert!((wait..=wait + wait / 8 + 1).contains(&(next - seconds)), "{attempts}: {next}");
        rests(&mut sight, next - 1);
        renews(&mut sight, next);
        seconds = next;
    }
    let waiting = seconds - 1;
    sight.says_of(waiting, TicketsFresh, "False", Reason::PlatformBusy);
    sight.says_of(waiting, TokenFresh, "True", Reason::Fresh);
    sight.says_of(waiting, Ready, "True", Reason::TokenAvailable);
    for (reason, wait) in [
        (Reason::Throttled, 60),
        (Reason::TokenRejected, 60),
        (Reason::BadResponse, 60),
        (Reason::QuotaExhausted, 1800),
    ] {
        let failure = fail(&mut asking(STABLE), &refusal(reason, 1), 10);
        let next = whole_seconds_since_issue(&failure);
        assert!((wait..=wait + wait / 8 + 1).contains(&(next - 10)), "{reason}: {next}");
    }
    // Those that come mixed count together.
    fail(&mut sight, &refusal(Reason::PlatformUnreachable, 1), waiting);
    assert_eq!(fail(&mut sight, &busy, waiting).attempts, 8);
}

fn whole_seconds_since_issue(failure: &LastFailure) -> u64 {
    let next = failure.next_attempt_time.0.as_second() - at(0).as_second();
    u64::try_from(next).expect("later")
}

#[test]
fn a_refused_token_is_no_reason_to_wait_once_there_is_another() {
    let mut sight = asking(STABLE);
    fail(&mut sight, &refusal(Reason::TokenRejected, 40001), 10);
    rests(&mut sight, 45);
    sight.date(20, LIFE);
    renews(&mut sight, 45);
    called(&mut sight, 40);
    rests(&mut sight, 45);
    renews(&mut sight, 70);
}

/// The last call for the ticket was sent at this second, and returned none.
fn called(sight: &mut Sight, seconds: u64) {
    let last = LastTicketCall { fingerprint: None, sent: at(seconds), boot: boot(seconds) };
    sight.recall.tickets = vec![TicketCalls { kind: TicketType::JsApi, last, ended: None }];
}

#[test]
fn no_two_calls_are_closer_than_half_a_minute_whatever_the_clock_and_the_secret_say() {
    let mut failed = asking(STABLE).with(|sight| called(sight, 100));
    // By a clock that has been set back since.
    fail(&mut failed, &refusal(Reason::PlatformBusy, -1), 5000);
    let mut lost = asking(STABLE).with(|sight| called(sight, 100));
    let mut future = holding(100, 220);
    future.recall.tickets[0].last.boot = boot(0);
    for sight in [&mut failed, &mut lost] {
        rests(sight, 129);
        renews(sight, 130);
    }
    let (facts, _) = response(&mut future, "first", 20);
    assert_eq!(facts.issue_time.0, at(20), "a time of the future is not kept");
}

#[test]
fn a_clock_that_is_set_back_delays_no_call() {
    let mut sight = holding(100, 7000);
    let last = &mut sight.recall.tickets[0].last;
    (last.sent, last.boot) = (at(6000), boot(6000));
    let mut seen = sight.observed();
    seen.recall.tickets[0].last.boot = boot(0);
    let act = crate::reconcile::plan::plan(&seen, now(1100)).act;
    assert!(matches!(act, Act::RenewTickets(_)), "1000 s of boot time after the call: {act:?}");
}

#[test]
fn a_ticket_that_cannot_be_stored_has_a_back_off_of_its_own() {
    let mut sight = asking(STABLE);
    let failure = sight.view(10, |view| {
        tickets::after_failure(view, TicketType::JsApi, Reason::WriteFailed, None, view.now.wall)
    });
    assert!(whole_seconds_since_issue(&failure) >= 70);
    let status = TicketStatus { last_failure: Some(failure), ..not_yet() };
    sight.status().tickets.push(status);
    sight.says_of(11, TicketsFresh, "False", Reason::WriteFailed);
    sight.says_of(11, Ready, "True", Reason::TokenAvailable);
    assert!(sight.message(11, TicketsFresh).contains("could not be written with the ticket JsApi"));
}

fn not_yet() -> TicketStatus {
    TicketStatus {
        kind: TicketType::JsApi,
        fingerprint: None,
        issue_time: None,
        expiration_time: None,
        next_refresh_time: None,
        last_failure: None,
    }
}

#[test]
fn the_condition_says_what_each_ticket_waits_for() {
    let absent = Sight::healthy(STABLE).says(10);
    assert!(absent.iter().all(|(kind, ..)| *kind != "TicketsFresh"), "{absent:?}");
    holding(100, 220).says_of(101, TicketsFresh, "True", Reason::Fresh);
    let cases: [(Change, &str, Reason, &str); 5] = [
        (|sight| sight.mp.spec.suspend = true, "False", Reason::Suspended, "spec.suspend"),
        (
            |sight| sight.mp.spec.tickets = vec![TicketType::AgentConfig],
            "False",
            Reason::Unsupported,
            "JsApi, WxCard",
        ),
        (
            |sight| sight.annotate(names::INVALID_TOKEN, &token().fingerprint()),
            "Unknown",
            Reason::Pending,
            "waits for a valid token",
        ),
        (
            |sight| drop(fail(sight, &refusal(Reason::BadResponse, 48001), 5)),
            "False",
            Reason::BadResponse,
            "no ticket JsApi (48001): it documents it for official and service accounts",
        ),
        (
            |sight| drop(fail(sight, &refusal(Reason::TokenRejected, 40001), 5)),
            "False",
            Reason::TokenRejected,
            "refuses the token",
        ),
    ];
    for (change, truth, reason, words) in cases {
        let reported = asking(STABLE).with(change).view(10, |view| {
            let statuses = tickets::statuses(view);
            tickets::verdict(view, &statuses).expect("a condition")
        });
        let said: &str = reported.truth.into();
        assert_eq!((said, reported.reason), (truth, reason));
        assert!(reported.message.contains(words), "{}", reported.message);
    }
    let mut expired = holding(100, 220);
    expired.recall.tickets[0].last.boot = boot(100 + LIFE);
    expired.date(LIFE, 3 * LIFE);
    expired.says_of(101 + LIFE, TicketsFresh, "False", Reason::Expired);
}
