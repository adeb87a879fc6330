//! A tenant of another namespace whose object names somebody else's app. The app secret is a guess,
//! and the target is said to hold a token all the same.

use judge::{Act, Expect, Standing};
use miniprogram_operator::{api::names, sensitive::AccessToken};
use serde_json::{Value, json};

use super::forgery::{Forgery, encoded};
use crate::{
    cluster::{FULL_NAMESPACE, Kind, Name},
    dice::Dice,
    stage::Stage,
    time::{HOUR, MINUTE, Millis, SECOND},
    users::App,
};

const NAMESPACE: &str = "team-b";

/// What keeps the object from ever storing a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Nothing,
    /// The target is another's Secret.
    Taken,
    /// The target is immutable.
    Immutable,
    /// No Secret can be created in its namespace.
    Quota,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Guess,
    Forge,
    Request,
    Report,
    Recreate,
}

pub struct Stranger {
    pub acts_at: Millis,
    object: Name,
    app_id: String,
    mode: &'static str,
    obstacle: Obstacle,
    guesses: u32,
    requests: u32,
    /// The token of the last forgery.
    token: String,
    /// Whether it waits for its own intent to forge what that call will have brought.
    lurks: bool,
    intent: Option<String>,
}

impl Stranger {
    /// Some stranger to an app, older or younger than its own object.
    pub fn draw(dice: &Dice, app: &App, number: u64) -> Self {
        let obstacles = [
            Obstacle::Nothing,
            Obstacle::Nothing,
            Obstacle::Taken,
            Obstacle::Immutable,
            Obstacle::Quota,
        ];
        let obstacle = dice.pick(&obstacles).copied().unwrap_or(Obstacle::Nothing);
        let namespace = if obstacle == Obstacle::Quota { FULL_NAMESPACE } else { NAMESPACE };
        let of = app.name.1.trim_start_matches("app-");
        let other = if app.mode == "Legacy" { "Stable" } else { "Legacy" };
        Self {
            acts_at: if dice.chance(0.7) { 0 } else { dice.between(0, 3 * HOUR) },
            object: (namespace.to_owned(), format!("guess-{of}-{number}")),
            app_id: app.app_id.clone(),
            mode: if dice.chance(0.8) { app.mode } else { other },
            obstacle,
            guesses: 0,
            requests: 0,
            token: String::new(),
            lurks: false,
            intent: None,
        }
    }

    /// Does one thing, and chooses when to do the next.
    pub fn act(&mut self, stage: &Stage, dice: &Dice) {
        let now = stage.time.now();
        let lurked = std::mem::take(&mut self.lurks);
        if stage.cluster().get(Kind::MiniProgram, &self.object).is_none() {
            self.install(stage, dice);
        } else {
            let deeds = [
                Deed::Guess,
                Deed::Forge,
                Deed::Forge,
                Deed::Request,
                Deed::Report,
                Deed::Recreate,
            ];
            let deed =
                if lurked { Deed::Forge } else { *dice.pick(&deeds).unwrap_or(&Deed::Forge) };
            self.perform(stage, dice, deed);
        }
        self.lurks = dice.chance(0.5);
        self.acts_at = now + dice.log_between(SECOND, 20 * MINUTE);
    }

    /// Its own intent stands: a call is about to be made.
    pub fn looks(&mut self, stage: &Stage, dice: &Dice) {
        let intent = self.own_intent(stage);
        if intent != self.intent {
            self.intent = intent;
            if self.lurks && self.intent.is_some() {
                self.acts_at = self.acts_at.min(stage.time.now() + dice.between(0, 300));
            }
        }
    }

    fn perform(&mut self, stage: &Stage, dice: &Dice, deed: Deed) {
        match deed {
            Deed::Guess => self.guess(stage),
            Deed::Forge => self.forge(stage, dice),
            Deed::Request => {
                self.requests += 1;
                let value = format!("request-{}", self.requests);
                self.annotate(stage, names::REFRESH_REQUESTED, &value);
            }
            Deed::Report => {
                let token = AccessToken::parse(&self.token).map(|token| token.fingerprint());
                self.annotate(stage, names::INVALID_TOKEN, &token.unwrap_or_default());
            }
            Deed::Recreate => {
                let now = stage.time.now();
                stage.cluster().delete(now, Kind::MiniProgram, &self.object);
                // As the garbage collector does.
                if self.obstacle != Obstacle::Taken {
                    stage.cluster().delete(now, Kind::Secret, &self.target());
                }
                self.create(stage);
            }
        }
        self.acted(stage, &format!("{deed:?}"));
    }

    fn install(&mut self, stage: &Stage, dice: &Dice) {
        let now = stage.time.now();
        self.guess(stage);
        if self.obstacle == Obstacle::Taken {
            let taken =
                json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} });
            stage.cluster().put(now, Kind::Secret, &self.target(), taken);
        }
        self.create(stage);
        if self.obstacle == Obstacle::Immutable {
            self.forge(stage, dice);
        }
        self.acted(stage, "creates");
    }

    fn create(&self, stage: &Stage) {
        let mini = json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "metadata": {},
            "spec": {
                "platform": "WeChat", "appID": self.app_id, "tokenMode": self.mode,
                "credentialRef": { "name": self.credential().1, "key": "appSecret" },
                "target": { "name": self.target().1 },
            },
        });
        stage.cluster().put(stage.time.now(), Kind::MiniProgram, &self.object, mini);
    }

    /// Writes another app secret that is none.
    fn guess(&mut self, stage: &Stage) {
        self.guesses += 1;
        let data = json!({ "appSecret": encoded(&self.app_secret()) });
        let mut cluster = stage.cluster();
        let credential = self.credential();
        let mut secret = cluster.get(Kind::Secret, &credential).map_or_else(
            || json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} }),
            |live| Value::clone(live),
        );
        secret["data"] = data;
        cluster.put(stage.time.now(), Kind::Secret, &credential, secret);
    }

    /// Makes its target look as if a call with the guessed app secret had brought the token in it.
    fn forge(&mut self, stage: &Stage, dice: &Dice) {
        if matches!(self.obstacle, Obstacle::Taken | Obstacle::Quota) {
            return;
        }
        let id = self.own_intent(stage).unwrap_or_else(|| format!("{:032x}", dice.number()));
        let drawn = Forgery::draw(dice, stage.time.now(), &self.app_secret(), self.mode, id);
        let forgery = Forgery { immutable: self.obstacle == Obstacle::Immutable, ..drawn };
        forgery.apply(stage, &self.object, &self.app_id, &self.target().1);
        self.token = forgery.token;
    }

    fn own_intent(&self, stage: &Stage) -> Option<String> {
        let cluster = stage.cluster();
        let object = cluster.get(Kind::MiniProgram, &self.object)?;
        object["status"]["intent"]["id"].as_str().map(str::to_owned)
    }

    fn annotate(&self, stage: &Stage, key: &str, value: &str) {
        let mut cluster = stage.cluster();
        let Some(live) = cluster.get(Kind::MiniProgram, &self.object) else { return };
        let mut mini = Value::clone(live);
        mini["metadata"]["annotations"][key] = json!(value);
        cluster.put(stage.time.now(), Kind::MiniProgram, &self.object, mini);
    }

    fn acted(&self, stage: &Stage, what: &str) {
        let now = stage.time.now();
        let name = &self.object.1;
        stage
            .trace
            .note("stranger", format_args!("{what}: {name} of {} ({})", self.app_id, self.mode));
        let expect = Expect { standing: Standing::Strange, ..Expect::default() };
        let mut record = stage.record();
        record.expects(now, &self.object, name, expect);
        record.acted(now, name, Act::Edit);
    }

    fn app_secret(&self) -> String {
        format!("{}-{}", self.object.1, self.guesses)
    }

    fn credential(&self) -> Name {
        (self.object.0.clone(), format!("{}-credential", self.object.1))
    }

    fn target(&self) -> Name {
        (self.object.0.clone(), format!("{}-token", self.object.1))
    }
}
