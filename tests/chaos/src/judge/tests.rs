//! Small stories with their judgement: a judge that finds nothing must be seen to find something.

use platform_simulator::model::{Call, Kind};

use super::{Evidence, Seen, calls, lease, tokens};
use crate::{
    audit::{What, Write},
    pace::Pace,
    record::{Held, Struck, Told, Whom},
    script::Blow,
    stage::App,
};

/// What became of a call: when it came, the token that it brought, when that was in the Secret, and whether it was unsettled.
type Asked = (u64, &'static str, Option<u64>, bool);

const PORTS: [u16; 2] = [1001, 1002];

/// The longest-lived Legacy app: due after 200 s, confirmed after 120 s.
fn app() -> App {
    let lives = Pace::of(600_000).lives().last().expect("some");
    App { name: "shop".into(), id: "wx1".into(), kind: Kind::Legacy, lives }
}

fn call(kind: Kind, at: u64, token: &str, live: bool) -> Call {
    Call {
        app_id: "wx1".into(),
        arrived_ms: at,
        port: PORTS[0],
        executed_ms: Some(at),
        endpoint: kind,
        forced: false,
        secret: None,
        fault: None,
        http: Some(200),
        errcode: Some(if live { 0 } else { 40001 }),
        minted: kind != Kind::Business,
        token: Some(token.into()),
    }
}

fn kill(from: u64) -> Struck {
    let blow = Blow::Kill { away: 3_000 };
    Struck { whom: Whom::Operator(0), blow, from, gone: from, back: from + 3_000, in_call: true, idle: false, led: true }
}

fn stop(from: u64, back: u64) -> Struck {
    Struck { blow: Blow::Stop { lasts: back - from }, back, ..kill(from) }
}

/// Judges a story: what was asked, which presentations were live, who was hit.
fn with_evidence<T>(
    asked: &[Asked],
    shown: &[(u64, &str, bool)],
    struck: Vec<Struck>,
    judge: impl FnOnce(&Evidence<'_>) -> T,
) -> T {
    let (app, pace, mut told) = (app(), Pace::of(600_000), Told { struck, ..Told::default() });
    let held = asked.iter().filter_map(|(_, token, from, unsettled)| {
        Some(Held { fingerprint: (*token).to_owned(), from: (*from)?, unsettled: *unsettled })
    });
    told.held.insert("wx1".into(), held.collect());
    let calls = asked.iter().map(|(at, token, ..)| call(Kind::Legacy, *at, token, true));
    let shown = shown.iter().map(|(at, token, live)| call(Kind::Business, *at, token, *live));
    let lease = |at, by| Write { at, by, what: What::Lease, name: "lease".into() };
    judge(&Evidence {
        pace: &pace,
        told: &told,
        apps: vec![Seen::of(&app, calls.chain(shown).collect())],
        writes: vec![lease(0, 0), lease(400_000, 1), Write { at: 431_000, by: 0, what: What::Secret, name: "shop-token".into() }],
        ports: PORTS.to_vec(),
        end: 600_000,
    })
}

fn calls_of(asked: &[Asked], struck: Vec<Struck>) -> calls::Calls {
    with_evidence(asked, &[], struck, |evidence| calls::judge(evidence, &evidence.apps[0]))
}

fn dead_in(asked: &[Asked], shown: &[(u64, &str, bool)], struck: Vec<Struck>) -> (u64, u64, usize) {
    let dead = with_evidence(asked, shown, struck, |evidence| tokens::judge(evidence, &evidence.apps[0]));
    (dead.millis, dead.excused, dead.blames.len())
}

#[test]
fn rotations_that_were_due_are_ideal() {
    let calls = calls_of(&[(0, "t1", Some(500), false), (199_500, "t2", Some(200_000), false)], vec![]);
    assert_eq!((calls.ideal, calls.beyond.len(), calls.blames.len()), (2, 0, 0));
}

#[test]
fn a_call_before_its_time_has_no_cause() {
    let calls = calls_of(&[(0, "t1", Some(500), false), (100_000, "t2", Some(100_500), false)], vec![kill(99_000)]);
    assert_eq!((calls.ideal, calls.blames.len()), (1, 1));
}

#[test]
fn an_answer_that_died_with_its_process_costs_one_call_and_one_confirmation() {
    let lost = [(0, "t1", None, false), (40_000, "t2", Some(40_500), true), (170_000, "t3", Some(170_500), false)];
    let calls = calls_of(&lost, vec![kill(100)]);
    assert_eq!((calls.ideal, calls.beyond.values().sum::<usize>()), (1, 2));
    assert_eq!(calls.blames, Vec::<String>::new());
    // Nobody was hit, so nothing may be lost.
    assert_eq!(calls_of(&lost, vec![]).blames.len(), 2);
    // Told to end, it had to store the answer.
    assert_eq!(calls_of(&lost, vec![Struck { blow: Blow::Terminate { away: 0 }, ..kill(100) }]).blames.len(), 1);
}

#[test]
fn a_token_is_confirmed_once_and_not_early() {
    let early = [(0, "t1", None, false), (40_000, "t2", Some(40_500), true), (100_000, "t3", Some(100_500), false)];
    assert_eq!(calls_of(&early, vec![kill(100)]).blames.len(), 1);
    let twice = [
        (0, "t1", None, false),
        (40_000, "t2", Some(40_500), true),
        (170_000, "t3", Some(170_500), true),
        (300_000, "t4", Some(300_500), false),
    ];
    assert_eq!(calls_of(&twice, vec![kill(100)]).blames.len(), 1, "three at worst for one fault");
}

#[test]
fn a_dead_token_that_somebody_could_have_replaced_is_beyond_physics() {
    let asked = [(0, "t1", Some(500), false), (330_000, "t2", Some(330_500), false)];
    let shown = [(319_000, "t1", true), (320_250, "t1", false), (330_750, "t2", true)];
    assert_eq!(dead_in(&asked, &shown, vec![]), (10_500, 0, 1));
    // Hit again and again from when it was due, there was no chance.
    let storm: Vec<_> = (0..7).map(|nth| kill(200_000 + nth * 20_000)).collect();
    assert_eq!(dead_in(&asked, &shown, storm), (10_500, 10_500, 0));
}

#[test]
fn the_answer_that_replaces_a_lost_one_may_be_on_its_way_and_no_longer() {
    let asked = [(0, "t1", Some(500), false), (200_000, "t2", None, false), (290_000, "t3", Some(290_500), true)];
    let shown = |again| [(289_900, "t1", true), (290_100, "t1", false), (again, "t3", true)];
    assert_eq!(dead_in(&asked, &shown(290_900), vec![kill(200_100)]), (800, 800, 0));
    assert_eq!(dead_in(&asked, &shown(299_000), vec![kill(200_100)]).2, 1);
}

#[test]
fn who_calls_without_the_lease_or_wakes_up_late_is_found() {
    let judged = |at, struck| with_evidence(&[(at, "t1", Some(at + 500), false)], &[], struck, lease::judge);
    let good = judged(399_000, vec![]);
    assert_eq!((good.calls, good.stray_calls, good.blames.len()), (1, 0, 0));
    assert_eq!(judged(401_000, vec![]).stray_calls, 1);
    let late = judged(432_000, vec![stop(390_000, 430_000)]);
    assert_eq!((late.late, late.late_calls, late.late_writes), (1, 1, 1));
    let in_time = judged(399_000, vec![stop(390_000, 398_000)]);
    assert_eq!((in_time.late, in_time.blames.len()), (0, 0));
}
