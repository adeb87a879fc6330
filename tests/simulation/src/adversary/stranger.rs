//! A tenant of another namespace whose object names somebody else's app. The app secret is a guess,
//! and the target is said to hold a token all the same.

use judge::{Act, Expect, Standing};
use miniprogram_operator::sensitive::AccessToken;
use serde_json::json;

use super::{claim::Claim, forgery::Forgery};
use crate::{
    cluster::{FULL_NAMESPACE, Kind},
    dice::Dice,
    stage::Stage,
    time::{HOUR, MINUTE, Millis, SECOND},
    users::App,
};

const NAMESPACE: &str = "team-b";
/// Where so many app secrets are rejected that the next ones are left untried for a while.
const SPENT_NAMESPACE: &str = "team-d";
/// Until all apps have come.
const KNOCKS_UNTIL: Millis = 3 * HOUR;

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
enum StrangerAction {
    Guess,
    Forge,
    Request,
    Report,
    Recreate,
}

pub struct Stranger {
    pub acts_at: Millis,
    claim: Claim,
    obstacle: Obstacle,
    /// Whether it does nothing but create its object anew, every few minutes.
    knocks: bool,
    guesses: u32,
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
        let other = app.endpoint.other().unwrap_or(app.endpoint);
        let mut stranger = Self::new(app, &number.to_string(), obstacle);
        stranger.claim.endpoint = if dice.chance(0.8) { app.endpoint } else { other };
        stranger.acts_at = if dice.chance(0.7) { 0 } else { dice.between(0, 3 * HOUR) };
        stranger
    }

    /// One who is there from the beginning and could not store a token: nobody is to wait for that.
    pub fn shut_out(dice: &Dice, app: &App) -> Self {
        let obstacles = [Obstacle::Taken, Obstacle::Immutable, Obstacle::Quota];
        let obstacle = dice.pick(&obstacles).copied().unwrap_or(Obstacle::Taken);
        Self { acts_at: 0, ..Self::new(app, "x", obstacle) }
    }

    /// Some who create their objects anew so often that the rejections that their namespace may
    /// have are spent, and some of them are untested at any time: a younger object would wait for
    /// minutes.
    pub fn knocking(dice: &Dice, app: &App) -> Vec<Self> {
        let one = |name| {
            let mut one = Self::new(app, name, Obstacle::Nothing);
            SPENT_NAMESPACE.clone_into(&mut one.claim.object.0);
            Self { acts_at: dice.between(0, MINUTE), knocks: true, ..one }
        };
        ["k1", "k2", "k3", "k4", "k5", "k6"].map(one).into()
    }

    fn new(app: &App, name: &str, obstacle: Obstacle) -> Self {
        let namespace = if obstacle == Obstacle::Quota { FULL_NAMESPACE } else { NAMESPACE };
        let of = app.name.1.trim_start_matches("app-");
        Self {
            acts_at: 0,
            claim: Claim::new(namespace, format!("guess-{of}-{name}"), app),
            obstacle,
            knocks: false,
            guesses: 0,
            token: String::new(),
            lurks: false,
            intent: None,
        }
    }

    /// Does one thing, and chooses when to do the next.
    pub fn act(&mut self, stage: &Stage, dice: &Dice) {
        let now = stage.time.now();
        let lurked = std::mem::take(&mut self.lurks);
        if !self.claim.stands(stage) {
            self.install(stage, dice);
        } else if self.knocks {
            self.perform(stage, dice, StrangerAction::Recreate);
        } else {
            let actions = [
                StrangerAction::Guess,
                StrangerAction::Forge,
                StrangerAction::Forge,
                StrangerAction::Request,
                StrangerAction::Report,
                StrangerAction::Recreate,
            ];
            let action = if lurked {
                StrangerAction::Forge
            } else {
                *dice.pick(&actions).unwrap_or(&StrangerAction::Forge)
            };
            self.perform(stage, dice, action);
        }
        self.lurks = !self.knocks && dice.chance(0.5);
        self.acts_at = match self.knocks {
            true if now >= KNOCKS_UNTIL => Millis::MAX,
            true => now + dice.between(3 * MINUTE, 6 * MINUTE),
            false => now + dice.log_between(SECOND, 20 * MINUTE),
        };
    }

    /// Its own intent stands: a call is about to be made.
    pub fn looks(&mut self, stage: &Stage, dice: &Dice) {
        let intent = self.claim.said(stage, "/intent/id");
        if intent != self.intent {
            self.intent = intent;
            if self.lurks && self.intent.is_some() {
                self.acts_at = self.acts_at.min(stage.time.now() + dice.between(0, 300));
            }
        }
    }

    fn perform(&mut self, stage: &Stage, dice: &Dice, action: StrangerAction) {
        match action {
            StrangerAction::Guess => self.guess(stage),
            StrangerAction::Forge => self.forge(stage, dice),
            StrangerAction::Request => self.claim.request(stage),
            StrangerAction::Report => {
                let token = AccessToken::parse(&self.token).map(|token| token.fingerprint());
                self.claim.report(stage, &token.unwrap_or_default());
            }
            StrangerAction::Recreate => {
                let now = stage.time.now();
                stage.cluster().delete(now, Kind::MiniProgram, &self.claim.object);
                // As the garbage collector does.
                if self.obstacle != Obstacle::Taken {
                    stage.cluster().delete(now, Kind::Secret, &self.claim.target());
                }
                self.claim.create(stage);
            }
        }
        self.acted(stage, &format!("{action:?}"));
    }

    fn install(&mut self, stage: &Stage, dice: &Dice) {
        let now = stage.time.now();
        self.guess(stage);
        if self.obstacle == Obstacle::Taken {
            let taken =
                json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} });
            stage.cluster().put(now, Kind::Secret, &self.claim.target(), taken);
        }
        self.claim.create(stage);
        if self.obstacle == Obstacle::Immutable {
            self.forge(stage, dice);
        }
        self.acted(stage, "creates");
    }

    /// Writes another app secret that is none.
    fn guess(&mut self, stage: &Stage) {
        self.guesses += 1;
        self.claim.write_credential(stage, &self.app_secret());
    }

    /// Makes its target look as if a call with the guessed app secret had brought the token in it.
    fn forge(&mut self, stage: &Stage, dice: &Dice) {
        if matches!(self.obstacle, Obstacle::Taken | Obstacle::Quota) {
            return;
        }
        let id = self
            .claim
            .said(stage, "/intent/id")
            .unwrap_or_else(|| format!("{:032x}", dice.number()));
        let drawn =
            Forgery::draw(dice, stage.time.now(), &self.app_secret(), self.claim.endpoint, id);
        let forgery = Forgery { immutable: self.obstacle == Obstacle::Immutable, ..drawn };
        forgery.apply(stage, &self.claim.object, &self.claim.app_id, &self.claim.target().1);
        self.token = forgery.token;
    }

    fn acted(&self, stage: &Stage, what: &str) {
        let now = stage.time.now();
        let Claim { object, app_id, endpoint, .. } = &self.claim;
        let name = &object.1;
        stage.trace.note("stranger", format_args!("{what}: {name} of {app_id} ({endpoint:?})"));
        let names = Some(app_id.clone());
        let expect = Expect { standing: Standing::Strange, names, ..Expect::default() };
        let mut record = stage.record();
        record.expects(now, object, name, expect);
        record.acted(now, name, Act::Edit);
    }

    fn app_secret(&self) -> String {
        format!("{}-{}", self.claim.object.1, self.guesses)
    }
}
