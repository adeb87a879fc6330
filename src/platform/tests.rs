//! Every endpoint of every platform against the simulator, on invented time: one table of cases for
//! all, whose rows are in the platforms' files. A platform without its rows does not compile.

mod language;
mod overview;
mod pages;
mod tickets;

use std::{net::IpAddr, time::Duration};

use platform_simulator::{
    Millis,
    model::{AppSettings, Fault, FaultRule, Model, Outcome, Refused, Reply, Standing, World},
};
use serde_json::{Value, json};

use super::{
    ALL, Body, CASES, Certainty, Code, Endpoint, Life, Pairs, Platform, Reissue, Request, Response,
    TokenRequest,
};
use crate::{
    api::{Reason, TokenMode},
    platform::{Grant, Refusal},
    sensitive::AppSecret,
};

/// What an endpoint's refusals must be read as.
pub(super) struct Cases {
    pub mode: Option<TokenMode>,
    pub wrong_secret: Case,
    pub wrong_id: Case,
    pub ip_refused: Case,
    pub too_often: Case,
    pub day_quota: Case,
    pub frozen: Case,
    pub busy: Case,
    pub malformed: Case,
}

/// What one refusal must be read as.
#[derive(Clone, Copy)]
pub(super) enum Case {
    /// This reason, with this code.
    Means(Reason, &'static str),
    /// The same, with the address that the platform saw.
    Names(Reason, &'static str),
    /// The platform documents no such refusal of this endpoint.
    Never,
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CALLER: &str = "203.0.113.7";

/// An app at the simulator, and the endpoint that is called for it.
struct Scene {
    platform: &'static Platform,
    endpoint: &'static Endpoint,
    model: Model,
}

/// A scene for every endpoint, with its cases.
fn scenes() -> impl Iterator<Item = (Scene, &'static Cases)> {
    let platforms = ALL.iter().zip(CASES);
    platforms.flat_map(|(platform, cases)| {
        assert_eq!(platform.endpoints.len(), cases.len(), "{}", platform.name);
        platform.endpoints.iter().zip(*cases).map(|(endpoint, cases)| {
            assert_eq!(endpoint.mode, cases.mode, "{}", platform.name);
            (Scene::new(platform, endpoint), cases)
        })
    })
}

impl Scene {
    fn new(platform: &'static Platform, endpoint: &'static Endpoint) -> Self {
        let mut model = Model::new(World::default());
        let settings = AppSettings {
            secret: Some(SECRET.into()),
            caller_ip: CALLER.parse().ok(),
            ..AppSettings::default()
        };
        model.set_app(platform.app_id.example, &settings);
        Self { platform, endpoint, model }
    }

    fn name(&self) -> String {
        format!("{} {:?}", self.platform.name, self.endpoint.mode)
    }

    fn reply(&mut self, now: Millis, secret: &AppSecret) -> Reply {
        let app_id = self.platform.app_id.example;
        let wanted = TokenRequest { app_id, secret, force: false };
        let request = on_the_wire(self.platform.name, &(self.endpoint.request)(&wanted));
        let course = self.model.arrive(now, &request).expect("the simulator serves this path");
        match self.model.execute(now, &request, &course) {
            Outcome::Answer(reply) => reply,
            other => panic!("{}: {other:?}", self.name()),
        }
    }

    fn read(&self, reply: &Reply, secret: &AppSecret) -> Result<Grant, Refusal> {
        let Reply { status, body, .. } = reply;
        self.endpoint.token(&Response { status: *status, content_type: "", body }, secret)
    }

    fn call(&mut self, now: Millis, secret: &str) -> Result<Grant, Refusal> {
        let secret = AppSecret::parse(secret.as_bytes()).expect("plausible");
        let reply = self.reply(now, &secret);
        self.read(&reply, &secret)
    }

    /// A token, and the life that its response reports.
    fn grant(&mut self, now: Millis) -> (String, Life) {
        let grant = self.call(now, SECRET);
        let grant = grant.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", self.name()));
        (grant.token.expose().to_owned(), grant.life)
    }

    #[track_caller]
    fn lives(&self, now: Millis, token: &str, lives: bool) {
        let standing = self.model.standing(now, token).1;
        assert_eq!(standing == Standing::Live, lives, "{} at {now}", self.name());
    }

    /// The refusal of a call that meets this fault.
    fn refusal(&mut self, fault: Fault) -> Refusal {
        let rule = FaultRule::from(fault).times(1);
        self.model.set_faults(Some(self.platform.app_id.example), vec![rule]);
        let name = self.name();
        self.call(0, SECRET).err().unwrap_or_else(|| panic!("{name}: a token"))
    }
}

/// The request as the simulator receives it.
fn on_the_wire(platform: &str, request: &Request) -> platform_simulator::model::Request {
    let encoded = |pairs: &Pairs| {
        let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
        let url = reqwest::Url::parse_with_params("http://encoded/", pairs).expect("pairs");
        url.query().unwrap_or_default().to_owned()
    };
    let (method, body) = match &request.body {
        Body::None => ("GET", vec![]),
        Body::Json(json) => ("POST", json.to_vec()),
        Body::Form(fields) => ("POST", encoded(fields).into_bytes()),
    };
    // Only a configured URL has its path itself.
    let path = if request.path.is_empty() { "/oauth2/token" } else { request.path };
    let headers = request.headers.iter();
    platform_simulator::model::Request {
        method: method.into(),
        query: encoded(&request.query),
        headers: headers.map(|(name, value)| ((*name).into(), value.to_string())).collect(),
        body,
        platform: Some(platform.into()),
        ..platform_simulator::model::Request::get(path)
    }
}

fn millis(span: Duration) -> Millis {
    Millis::try_from(span.as_millis()).expect("a life")
}

#[test]
fn tokens_are_reissued_as_the_endpoint_says_and_live_as_long_as_they_are_believed_to() {
    for (mut scene, _) in scenes() {
        let mut now = 0;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (token, life) = scene.grant(now);
            assert!(!seen.contains(&token), "{}: an old token", scene.name());
            let mut end = now + millis(life.span());
            scene.lives(end - 1000, &token, true);
            now += millis(life.span()) / 2;
            let (again, second) = scene.grant(now);
            let left = now + millis(second.span());
            match (scene.endpoint.reissue, second) {
                (Reissue::Replaces { overlap }, _) => {
                    assert_ne!(again, token, "{}", scene.name());
                    let overlap = millis(overlap);
                    (overlap > 0).then(|| scene.lives(now + overlap - 1, &token, true));
                    end = left;
                }
                (Reissue::SameUntil { .. }, Life::Whole(_)) => {
                    assert_eq!(again, token, "{}", scene.name());
                    assert!(left >= end, "{}: it was counted from the first call", scene.name());
                }
                (Reissue::SameUntil { .. }, Life::Left(_)) => {
                    assert_eq!((&again, left), (&token, end), "{}", scene.name());
                }
                (Reissue::Renews, _) => {
                    assert_eq!(again, token, "{}", scene.name());
                    scene.lives(end, &token, true);
                    end = left;
                }
                (Reissue::Adds, _) => {
                    assert_ne!(again, token, "{}", scene.name());
                    scene.lives(end - 1000, &token, true);
                    end = left;
                }
            }
            scene.lives(end - 1000, &again, true);
            scene.lives(end, &again, false);
            seen.extend([token, again]);
            now = end;
        }
    }
}

#[test]
fn a_call_in_the_window_costs_the_stored_token_none_of_its_life() {
    for (mut scene, _) in scenes() {
        let Some(window) = scene.endpoint.reissue.window() else { continue };
        let (token, life) = scene.grant(0);
        let end = millis(life.span());
        scene.grant(end - millis(window) + 1000);
        scene.lives(end - 1000, &token, true);
    }
}

/// What a refusal is of a case, and how it comes about.
type Way = (&'static str, fn(&Cases) -> Case, fn(&mut Scene) -> Refusal);

const WAYS: &[Way] = &[
    (
        "wrong secret",
        |cases| cases.wrong_secret,
        |scene| scene.call(0, "fedcba9876543210").err().expect("a refusal"),
    ),
    (
        "wrong id",
        |cases| cases.wrong_id,
        |scene| {
            scene.model.remove_app(scene.platform.app_id.example);
            scene.call(0, SECRET).err().expect("a refusal")
        },
    ),
    (
        "IP refused",
        |cases| cases.ip_refused,
        |scene| scene.refusal(Fault::Refusal { why: Refused::IpNotAllowed }),
    ),
    (
        "too often",
        |cases| cases.too_often,
        |scene| scene.refusal(Fault::Refusal { why: Refused::TooOften }),
    ),
    (
        "day quota",
        |cases| cases.day_quota,
        |scene| scene.refusal(Fault::Refusal { why: Refused::DayQuota }),
    ),
    (
        "frozen",
        |cases| cases.frozen,
        |scene| scene.refusal(Fault::Refusal { why: Refused::Frozen }),
    ),
    ("busy", |cases| cases.busy, |scene| scene.refusal(Fault::Refusal { why: Refused::Busy })),
    (
        "malformed",
        |cases| cases.malformed,
        |scene| scene.refusal(Fault::Refusal { why: Refused::Body }),
    ),
];

#[test]
fn every_refusal_has_its_reason_its_code_and_the_address_where_the_platform_names_it() {
    for (what, case, refuse) in WAYS {
        for (mut scene, cases) in scenes() {
            let name = format!("{}: {what}", scene.name());
            let (reason, code, ip) = match case(cases) {
                Case::Means(reason, code) => (reason, code, None),
                Case::Names(reason, code) => (reason, code, CALLER.parse::<IpAddr>().ok()),
                Case::Never => continue,
            };
            let refusal = refuse(&mut scene);
            let said = refusal.code.as_ref().map(Code::to_string).unwrap_or_default();
            assert_eq!(
                (refusal.reason, said.as_str(), refusal.caller_ip),
                (reason, code, ip),
                "{name}"
            );
            let certain = if code.is_empty() { Certainty::Unknown } else { Certainty::Refused };
            assert_eq!(refusal.certainty, certain, "{name}");
        }
    }
}

#[test]
fn what_is_no_answer_of_the_platform_says_nothing_of_the_credential() {
    let body = |status: u16, content: &str| Fault::Body {
        content: content.into(),
        status,
        content_type: None,
    };
    for (fault, reason) in [
        (Fault::TruncatedJson, Reason::BadResponse),
        (Fault::Html, Reason::BadResponse),
        (Fault::Empty, Reason::BadResponse),
        (Fault::EmptyToken, Reason::BadResponse),
        (body(200, ""), Reason::BadResponse),
        (body(400, "<html>400</html>"), Reason::BadResponse),
        (body(401, "Unauthorized"), Reason::BadResponse),
        (body(404, "404 page not found"), Reason::BadResponse),
        (body(429, "{}"), Reason::Throttled),
        (Fault::Status { status: 502 }, Reason::PlatformBusy),
    ] {
        for (mut scene, _) in scenes() {
            let refusal = scene.refusal(fault.clone());
            let seen = (refusal.reason, refusal.certainty, refusal.code);
            assert_eq!(seen, (reason, Certainty::Unknown, None), "{} {fault:?}", scene.name());
        }
    }
}

/// Changes every value of a body that is not an object.
fn change(value: &mut Value, how: &dyn Fn(&mut Value)) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| change(value, how)),
        value => how(value),
    }
}

/// Adds fields to every object of a body.
fn add(value: &mut Value, fields: &Value) {
    if let Value::Object(object) = value {
        object.values_mut().for_each(|value| add(value, fields));
        for (name, value) in fields.as_object().into_iter().flatten() {
            object.insert(name.clone(), value.clone());
        }
    }
}

#[test]
fn numbers_may_be_text_and_unknown_fields_do_not_matter() {
    let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
    for (mut scene, _) in scenes() {
        let reply = scene.reply(0, &secret);
        let plain = scene.read(&reply, &secret).expect("a token");
        let mut body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        change(&mut body, &|value| {
            if let Value::Number(number) = value {
                *value = json!(number.to_string());
            }
        });
        add(&mut body, &json!({ "warning_msg": "old TLS", "hint": { "list": [1, null] } }));
        let odd = Reply { body: body.to_string().into_bytes(), ..reply };
        let read =
            scene.read(&odd, &secret).unwrap_or_else(|refusal| panic!("{refusal:?}: {body}"));
        assert_eq!(read.token.expose(), plain.token.expose(), "{}", scene.name());
        assert_eq!(read.life, plain.life, "{}", scene.name());
    }
}

#[test]
fn a_token_is_taken_only_from_an_answer_that_is_a_success_in_every_way() {
    let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
    for (mut scene, _) in scenes() {
        let reply = scene.reply(0, &secret);
        let failed = Reply { status: 500, ..reply.clone() };
        let refused = scene.read(&failed, &secret).err().expect("status 500 is no success");
        assert_eq!(refused.reason, Reason::PlatformBusy, "{}", scene.name());
        let mut body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        body["error"] = json!("invalid_grant");
        let both = Reply { body: body.to_string().into_bytes(), ..reply };
        assert!(scene.read(&both, &secret).is_err(), "{}: an error beside it", scene.name());
    }
}

#[test]
fn no_refusal_shows_an_app_secret_that_the_platform_echoes() {
    let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
    for (mut scene, _) in scenes() {
        let rule = FaultRule::from(Fault::Refusal { why: Refused::Body }).times(1);
        scene.model.set_faults(Some(scene.platform.app_id.example), vec![rule]);
        let reply = scene.reply(0, &secret);
        let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { continue };
        change(&mut body, &|value| *value = json!(SECRET));
        let echo = Reply { body: body.to_string().into_bytes(), ..reply };
        let refusal = scene.read(&echo, &secret).err().expect("a refusal");
        assert!(!format!("{refusal:?}").contains(&SECRET[..6]), "{}", scene.name());
    }
}

#[test]
fn leads_lives_and_modes_are_possible() {
    for platform in ALL {
        let modes: Vec<_> = platform.endpoints.iter().map(|endpoint| endpoint.mode).collect();
        assert_eq!(modes.contains(&None), modes.len() == 1, "{}: {modes:?}", platform.name);
        for endpoint in platform.endpoints {
            let lead = endpoint.lead;
            assert!(lead.default <= lead.longest, "{}", platform.name);
            assert!(lead.longest < endpoint.longest_life, "{}", platform.name);
            if let Some(window) = endpoint.reissue.window() {
                assert!(lead.longest <= window, "{}: an earlier call is in vain", platform.name);
            }
            assert!(endpoint.hosts.iter().all(|host| host.starts_with("https://")));
        }
    }
}
