//! WeChat's endpoints as requests and answers, still without a socket: codes, texts, and what the
//! log keeps of them.

use platform_simulator::Millis;
use platform_simulator::model::{
    AppSettings, Fault, FaultRule, Kind, Model, Outcome, Reply, Request, Tried, World, fingerprint,
};
use serde_json::{Value, json};

fn model() -> Model {
    let mut model = Model::new(World::default());
    model.set_app("wx1", &AppSettings::with_secret("right"));
    model
}

/// One call from arrival to answer, on virtual time.
fn call(model: &mut Model, now: Millis, request: &Request) -> Value {
    let course = model.arrive(now, request).expect("a known path");
    let Outcome::Answer(Reply { status, body, .. }) = model.execute(now, request, &course) else {
        panic!("no answer to {request:?}");
    };
    model.answered(&course, status);
    serde_json::from_slice(&body).expect("JSON")
}

fn get(query: &str) -> Request {
    Request::get(&format!("/cgi-bin/token?{query}"))
}

fn post(body: &Value) -> Request {
    Request::post("/cgi-bin/stable_token", body)
}

fn ask(secret: &str) -> Value {
    json!({ "grant_type": "client_credential", "appid": "wx1", "secret": secret })
}

const GOOD: &str = "grant_type=client_credential&appid=wx1&secret=right";

#[test]
fn each_wrong_request_gets_its_code() {
    let stable = |field: &str, value: Value| {
        let mut body = ask("right");
        body[field] = value;
        post(&body)
    };
    let table = [
        (get("grant_type=client_credentials&appid=wx1&secret=right"), 40002, "invalid grant_type"),
        (get("grant_type=client_credential&secret=right"), 41002, "appid missing"),
        (get("grant_type=client_credential&appid=wx1&secret="), 41004, "appsecret missing"),
        (get("grant_type=client_credential&appid=wx1&appsecret=right"), 41004, "appsecret missing"),
        (get("grant_type=client_credential&appid=WX1&secret=right"), 40013, "invalid appid"),
        (get("grant_type=client_credential&appid=wx1&secret=wrong"), 40125, "invalid appsecret"),
        (Request { method: "POST".to_owned(), ..get(GOOD) }, 43001, "require GET method"),
        (stable("grant_type", json!("client")), 40002, "invalid grant_type"),
        (stable("appid", json!("")), 41002, "appid missing"),
        (stable("appid", json!("wx2")), 40013, "invalid appid"),
        (stable("secret", json!("")), 41004, "appsecret missing"),
        (stable("secret", json!("right\n")), 40125, "invalid appsecret"),
        (stable("force_refresh", json!("yes")), 47001, "data format error"),
        (Request::get(&format!("/cgi-bin/stable_token?{GOOD}")), 43002, "require POST method"),
        (Request::get("/cgi-bin/get_api_domain_ip"), 41001, "access_token missing"),
        (Request::get("/cgi-bin/get_api_domain_ip?access_token=x"), 40014, "invalid access_token"),
    ];
    let mut model = model();
    for (request, code, text) in table {
        let body = call(&mut model, 0, &request);
        assert_eq!(body["errcode"], code, "{request:?}");
        let message = body["errmsg"].as_str().expect("a message");
        assert!(message.starts_with(&format!("{text} rid: ")), "{message}");
    }
    assert!(model.live_tokens(0, "wx1").is_empty());
}

#[test]
fn every_refusal_has_its_own_request_id() {
    let mut model = model();
    let wrong = post(&ask("wrong"));
    assert_ne!(call(&mut model, 0, &wrong), call(&mut model, 0, &wrong));
}

#[test]
fn an_unlisted_address_is_named_before_anything_else_is_checked() {
    let mut model = model();
    for (list, caller, allowed) in [
        (r#"["203.0.113.5"]"#, "203.0.113.5", true),
        (r#"["203.0.113.*"]"#, "203.0.113.77", true),
        (r#"["10.0.0.0/8", "203.0.113.64/26"]"#, "203.0.113.65", true),
        (r#"["203.0.113.64/26"]"#, "203.0.113.5", false),
        (r#"["0.0.0.0/0"]"#, "203.0.113.5", true),
        ("[]", "203.0.113.5", true),
    ] {
        let settings = format!(r#"{{"allowed_ips": {list}, "caller_ip": "{caller}"}}"#);
        model.set_app("wx1", &serde_json::from_str(&settings).expect("settings"));
        let body = call(&mut model, 0, &post(&ask(if allowed { "right" } else { "" })));
        let message = body["errmsg"].as_str().unwrap_or_default();
        let named = format!("invalid ip {caller} ipv6 ::ffff:{caller}, not in whitelist rid: ");
        assert_eq!(message.starts_with(&named), !allowed, "{settings}: {body}");
    }
    for wrong in ["1.2.3", "1.2.3.4:80", "1.2.3.4/33", "example.com"] {
        assert!(serde_json::from_value::<AppSettings>(json!({ "allowed_ips": [wrong] })).is_err());
    }
}

#[test]
fn the_business_endpoint_tells_live_replaced_and_expired_apart() {
    let mut model = model();
    let token = call(&mut model, 0, &get(GOOD))["access_token"].as_str().expect("token").to_owned();
    call(&mut model, 1000, &get(GOOD));
    let business = Request::get(&format!("/cgi-bin/get_api_domain_ip?access_token={token}"));
    for (now, code) in [(300_999, 0), (301_000, 40001), (7_200_000, 42001)] {
        assert_eq!(call(&mut model, now, &business)["errcode"], code, "at {now}");
    }
    let counts = model.log().counts("wx1");
    assert_eq!((counts.legacy, counts.minted, counts.business, counts.dead_tokens), (2, 2, 3, 2));
}

#[test]
fn the_log_keeps_what_was_asked_and_what_came_of_it() {
    let mut model = model();
    let mut force = ask("right");
    force["force_refresh"] = json!(true);
    let granted = call(&mut model, 7, &post(&force));
    call(&mut model, 8, &post(&ask("right")));
    call(&mut model, 9, &post(&ask("wrong")));
    let calls: Vec<_> = model.log().calls("wx1").cloned().collect();
    let token = fingerprint(granted["access_token"].as_str().expect("token"));
    assert_eq!(token.len(), "sha256:".len() + 12);
    let rows: Vec<_> = calls
        .iter()
        .map(|c| {
            (c.arrived_ms, c.endpoint, c.forced, c.secret, c.errcode, c.minted, c.token.as_deref())
        })
        .collect();
    let (right, wrong) = (Some(Tried::Match), Some(Tried::Mismatch));
    assert_eq!(
        rows,
        [
            (7, Kind::Stable, true, right, Some(0), true, Some(token.as_str())),
            (8, Kind::Stable, false, right, Some(0), false, Some(token.as_str())),
            (9, Kind::Stable, false, wrong, Some(40125), false, None),
        ]
    );
    assert!(calls.iter().all(|call| call.http == Some(200)));
    model.log_mut().reset(Some("wx1"));
    assert_eq!(model.log().counts("wx1").calls, 0);
}

#[test]
fn a_late_call_takes_effect_when_it_is_let_and_not_when_it_came() {
    let mut model = model();
    model.set_faults(Some("wx1"), vec![FaultRule::from(Fault::Late { ms: 5000 }).times(1)]);
    let request = get(GOOD);
    let late = model.arrive(0, &request).expect("a known path");
    assert_eq!((late.before_ms, late.outlives_caller), (5000, true));
    let early = call(&mut model, 1000, &request);
    model.execute(5000, &request, &late);
    let newest = model.live_tokens(5000, "wx1").pop().expect("two tokens");
    assert_ne!(newest.token, early["access_token"].as_str().expect("token"));
    assert_eq!(newest.issued_ms, 5000);
}
