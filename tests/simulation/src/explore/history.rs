//! What stood in the target and in the status, from when on, as far as it tells whether the token
//! is known to be in doubt. Judges nothing.

use judge::facts::Since;
use k8s_openapi::{ByteString, jiff::Timestamp};
use miniprogram_operator::api::names;
use platform_simulator::model::fingerprint;
use serde_json::Value;

use crate::{
    cluster::{Kind, Name},
    time::{Millis, millis_of},
    users::App,
};

/// What the target says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The token in its data.
    pub token: Option<String>,
    /// Whether that is the token that its annotations speak of.
    pub whole: bool,
    pub unconfirmed: bool,
    pub issued_for: Option<String>,
    /// When the token was issued and expires by the annotations.
    pub issued: Millis,
    pub expires: Millis,
}

/// What the object and its status say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    pub ready: bool,
    /// The intent that stands, and whether it stands for an older doubt.
    pub intent: Option<(String, bool)>,
    pub failing: bool,
    /// When the token was issued that the status knows, if it knows one.
    pub issued: Option<Millis>,
    /// The token that somebody reports dead.
    pub reported: Option<String>,
}

/// Both, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub target: Option<Target>,
    pub object: Object,
}

pub struct History {
    target: Name,
    object: Name,
    pub scenes: Vec<Since<Snapshot>>,
}

impl History {
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self {
            target: (app.name.0.clone(), app.target()),
            object: app.name.clone(),
            scenes: Vec::new(),
        }
    }

    pub fn saw(&mut self, now: Millis, kind: Kind, name: &Name, object: Option<&Value>) {
        let mut snapshot = self.now();
        match kind {
            Kind::Secret if *name == self.target => snapshot.target = object.map(target),
            Kind::MiniProgram if *name == self.object => {
                snapshot.object = object.map(told).unwrap_or_default();
            }
            _ => return,
        }
        if self.scenes.last().is_none_or(|last| last.is != snapshot) {
            self.scenes.push(Since { from: now, is: snapshot });
        }
    }

    /// How it stands.
    #[must_use]
    pub fn now(&self) -> Snapshot {
        self.scenes.last().map(|last| last.is.clone()).unwrap_or_default()
    }
}

fn target(secret: &Value) -> Target {
    let annotation = |key: &str| secret["metadata"]["annotations"][key].as_str().map(str::to_owned);
    let bytes: Option<ByteString> =
        serde_json::from_value(secret["data"][names::KEY_ACCESS_TOKEN].clone()).ok();
    let token = bytes.and_then(|bytes| Some(fingerprint(str::from_utf8(&bytes.0).ok()?)));
    let time = |key: &str| annotation(key).and_then(|text| moment(&text)).unwrap_or_default();
    Target {
        whole: token.is_some() && token == annotation(names::FINGERPRINT),
        token,
        unconfirmed: annotation(names::UNCONFIRMED).is_some(),
        issued_for: annotation(names::ISSUED_FOR),
        issued: time(names::ISSUE_TIME),
        expires: time(names::EXPIRATION_TIME),
    }
}

fn moment(text: &str) -> Option<Millis> {
    Millis::try_from(millis_of(text.parse::<Timestamp>().ok()?)).ok()
}

fn told(mini: &Value) -> Object {
    let status = &mini["status"];
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let intent = &status["intent"];
    Object {
        ready: conditions
            .into_iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True"),
        intent: intent["id"].as_str().map(|id| (id.to_owned(), intent["outcomeUnknown"] == true)),
        failing: status["lastFailure"].is_object(),
        issued: status["token"]["issueTime"].as_str().and_then(moment),
        reported: mini["metadata"]["annotations"][names::INVALID_TOKEN].as_str().map(str::to_owned),
    }
}
