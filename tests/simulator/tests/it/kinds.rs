//! The four things that a call does to the tokens before it, by the made-up platforms: as requests
//! and answers, on invented time.

use platform_simulator::Millis;
use platform_simulator::model::{
    AppSettings, Fault, FaultRule, Kind, Model, Outcome, Refused, Reply, Request, Standing, World,
};
use serde_json::{Value, json};

const HOUR: Millis = 3_600_000;
const END: Millis = 2 * HOUR;

fn model() -> Model {
    let mut model = Model::new(World::default());
    model.set_app("app", &AppSettings::with_secret("right"));
    model
}

fn ask(path: &str, secret: &str, force: bool) -> Request {
    let body = json!({ "appid": "app", "secret": secret, "force_refresh": force });
    Request::post(&format!("/made-up/{path}"), &body)
}

fn call(model: &mut Model, now: Millis, request: &Request) -> (u16, Value) {
    let course = model.arrive(now, request).expect("a known path");
    let Outcome::Answer(Reply { status, body, .. }) = model.execute(now, request, &course) else {
        panic!("no answer to {request:?}");
    };
    (status, serde_json::from_slice(&body).expect("JSON"))
}

/// A token and the seconds that are left of it.
fn granted(model: &mut Model, now: Millis, path: &str) -> (String, u64) {
    let (status, body) = call(model, now, &ask(path, "right", false));
    assert_eq!(status, 200, "{body}");
    let token = body["token"].as_str().expect("a token").to_owned();
    (token, body["life"].as_u64().expect("a life"))
}

/// Calls at these times, numbered by the tokens that they return, with the seconds left; and then
/// when each of these tokens ends.
type Row = (&'static str, &'static [(Millis, usize, u64)], &'static [Millis]);

const ROWS: &[Row] = &[
    ("token", &[(0, 0, 7200), (HOUR, 1, 7200)], &[HOUR + 300_000, HOUR + END]),
    (
        "lasting",
        &[(0, 0, 7200), (HOUR, 0, 3600), (END - 300_000, 1, 7200)],
        &[END, END - 300_000 + END],
    ),
    (
        "renewing",
        &[(0, 0, 7200), (HOUR, 0, 7200), (HOUR + END - 1, 0, 7200)],
        &[HOUR + END - 1 + END],
    ),
    ("renewing", &[(0, 0, 7200), (END, 1, 7200)], &[END, 2 * END]),
    ("adding", &[(0, 0, 7200), (1000, 1, 7200), (HOUR, 2, 7200)], &[END, 1000 + END, HOUR + END]),
];

#[test]
fn a_call_replaces_returns_renews_or_adds() {
    for (path, calls, ends) in ROWS {
        let mut model = model();
        let mut tokens = Vec::new();
        for (now, number, left) in *calls {
            let (token, life) = granted(&mut model, *now, path);
            if *number == tokens.len() {
                assert!(!tokens.contains(&token), "{path} at {now}");
                tokens.push(token);
            } else {
                assert_eq!(token, tokens[*number], "{path} at {now}");
            }
            assert_eq!(life, *left, "{path} at {now}");
        }
        for (token, end) in tokens.iter().zip(*ends) {
            assert_eq!(model.standing(end - 1, token).1, Standing::Live, "{path} until {end}");
            assert_ne!(model.standing(*end, token).1, Standing::Live, "{path} from {end}");
        }
        assert_eq!(tokens.len(), ends.len(), "{path}");
    }
}

#[test]
fn the_log_says_when_each_token_ends() {
    let mut model = model();
    granted(&mut model, 0, "token");
    granted(&mut model, HOUR, "token");
    granted(&mut model, HOUR, "renewing");
    granted(&mut model, END, "renewing");
    granted(&mut model, END, "adding");
    let calls = model.log().calls("app");
    let ends: Vec<_> = calls.map(|call| (call.endpoint, call.ends_ms, call.leaves_ms)).collect();
    assert_eq!(
        ends,
        [
            (Kind::Legacy, Some(END), Some(300_000)),
            (Kind::Legacy, Some(HOUR + END), Some(300_000)),
            (Kind::Renewing, Some(HOUR + END), None),
            (Kind::Renewing, Some(2 * END), None),
            (Kind::Adding, Some(2 * END), None),
        ]
    );
    let counts = model.log().counts("app");
    assert_eq!((counts.legacy, counts.renewing, counts.adding, counts.minted), (2, 2, 1, 4));
}

#[test]
fn many_tokens_that_add_up_are_all_remembered() {
    let mut model = model();
    let tokens: Vec<_> = (0..40).map(|n| granted(&mut model, n, "adding").0).collect();
    assert!(tokens.iter().all(|token| model.standing(HOUR, token).1 == Standing::Live));
}

#[test]
fn a_call_is_forced_only_where_the_platform_has_such_calls() {
    for (path, another) in [("lasting", true), ("renewing", false)] {
        let mut model = model();
        let first = granted(&mut model, 0, path).0;
        let (_, body) = call(&mut model, HOUR, &ask(path, "right", true));
        assert_eq!(body["token"] != json!(first), another, "{path}");
    }
}

#[test]
fn refusals_are_in_the_platforms_own_form_whoever_asks_for_them() {
    let mut model = model();
    let refused = |status: u16, error: &str| (status, json!(error));
    let said = |model: &mut Model, request: &Request| {
        let (status, body) = call(model, 0, request);
        (status, body["error"].clone())
    };
    assert_eq!(said(&mut model, &ask("adding", "wrong", false)), refused(401, "invalid_client"));
    assert_eq!(said(&mut model, &ask("adding", "", false)), refused(400, "invalid_request"));
    for (why, wanted) in [
        (Refused::Busy, refused(503, "busy")),
        (Refused::TooOften, refused(429, "slow_down")),
        (Refused::DayQuota, refused(403, "used_up")),
    ] {
        let rule = FaultRule::from(Fault::Refusal { why }).times(1);
        model.set_faults(Some("app"), vec![rule]);
        assert_eq!(said(&mut model, &ask("lasting", "right", false)), wanted);
    }
    model.set_faults(Some("app"), vec![FaultRule::from(Fault::EmptyToken).times(1)]);
    let (status, body) = call(&mut model, 0, &ask("renewing", "right", false));
    assert_eq!((status, &body["token"], &body["life"]), (200, &json!(""), &json!(0)));
    assert_eq!(model.log().counts("app").minted, 1, "an empty token was made and is lost");
}

#[test]
fn a_limit_of_calls_is_lifted_with_its_period() {
    let mut model = model();
    model.set_app("app", &AppSettings { per_period: Some(1), ..AppSettings::default() });
    granted(&mut model, 0, "adding");
    assert_eq!(call(&mut model, 59_999, &ask("adding", "right", false)).0, 429);
    granted(&mut model, 60_000, "adding");
}
