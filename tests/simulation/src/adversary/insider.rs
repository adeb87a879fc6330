//! A tenant of an app's own namespace who may write Secrets there, and nothing else: forges the
//! app's target, or takes its data away.

use judge::Act;
use miniprogram_operator::api::names;
use serde_json::{Value, json};

use super::forgery::{Forgery, apply_as_operator, as_applied, encoded};
use crate::{
    cluster::{Kind, Name},
    dice::Dice,
    endpoint::Endpoint,
    stage::Stage,
    time::{HOUR, MINUTE, Millis, SECOND},
    users::App,
};

#[derive(Clone, Copy, Debug)]
enum InsiderAction {
    /// Another token, below annotations that say so.
    Whole,
    /// The same, and the app secret's digest and the call as the target has them.
    Faithful,
    /// Another token, below the annotations that stand there.
    Data,
    /// Another end, in annotations and data.
    End,
    /// The target as it was before.
    Replay,
    /// Another app's target, in the place of this one.
    Anothers,
    /// The target once more, under another name.
    Copy,
    /// Only the mark of a token that a lost call may have replaced.
    Mark,
    Delete,
}

const ACTIONS: [InsiderAction; 10] = [
    InsiderAction::Whole,
    InsiderAction::Faithful,
    InsiderAction::Data,
    InsiderAction::Data,
    InsiderAction::End,
    InsiderAction::Replay,
    InsiderAction::Anothers,
    InsiderAction::Copy,
    InsiderAction::Mark,
    InsiderAction::Delete,
];

pub struct Insider {
    pub acts_at: Millis,
    object: Name,
    app_id: String,
    endpoint: Endpoint,
    target: Name,
    /// A target of this app as it was.
    before: Option<Value>,
    /// Whether the next write of the target, by whomever, is waited for.
    lurks: bool,
    /// The version of the target and the id of the object's intent.
    seen: (Option<String>, Option<String>),
    /// Whether the id of an intent is known while its call is made.
    reads: bool,
    /// Whether what stands under the id of an intent that may be a former leader's is left alone.
    spares: bool,
}

impl Insider {
    /// One who may know the ids of intents, or is not to use those that stand open.
    pub fn new(dice: &Dice, app: &App, knows: bool) -> Self {
        Self {
            acts_at: dice.between(10 * MINUTE, 4 * HOUR),
            object: app.name.clone(),
            app_id: app.app_id.clone(),
            endpoint: app.endpoint,
            target: (app.name.0.clone(), app.wanted_target()),
            before: None,
            lurks: false,
            seen: (None, None),
            reads: knows && dice.chance(0.5),
            spares: !knows,
        }
    }

    /// Does one thing, and chooses when to do the next: mostly when the last call no longer holds
    /// up the next one.
    pub fn act(&mut self, stage: &Stage, dice: &Dice) {
        let now = stage.time.now();
        let live = stage.cluster().get(Kind::Secret, &self.target).cloned();
        if let Some(live) = live.filter(|live| !self.spares || !self.is_untold(stage, live)) {
            let action = *dice.pick(&ACTIONS).unwrap_or(&InsiderAction::Whole);
            stage.trace.note("insider", format_args!("{action:?}: {}", self.target.1));
            stage.record().acted(now, &self.app_id, Act::Forge);
            self.perform(stage, dice, action, &live);
            self.before =
                Some(as_applied(&live)).filter(|_| dice.chance(0.3)).or(self.before.take());
        }
        let rest = if dice.chance(0.2) { SECOND } else { 6 * MINUTE };
        self.acts_at = now + rest + dice.log_between(SECOND, HOUR);
        self.lurks = dice.chance(0.5);
    }

    /// A call is about to be made, or the target has been written and its status may not tell of
    /// that yet.
    pub fn looks(&mut self, stage: &Stage, dice: &Dice) {
        let seen = (self.version_of_target(stage), self.intent(stage));
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        let now = stage.time.now();
        // A forgery of its own is none of these.
        if self.lurks && now + MINUTE < self.acts_at && dice.chance(0.5) {
            self.lurks = false;
            self.acts_at = now + dice.log_between(1, 1000);
        }
    }

    fn perform(&self, stage: &Stage, dice: &Dice, action: InsiderAction, live: &Value) {
        let now = stage.time.now();
        let annotation = |key| live["metadata"]["annotations"][key].as_str().unwrap_or_default();
        let stamped = annotation(names::ISSUED_FOR).to_owned();
        let mut secret = as_applied(live);
        match action {
            InsiderAction::Whole => {
                let known = if dice.chance(0.5) { Some(stamped) } else { None };
                let id = self.intent(stage).or(known);
                let id = id.unwrap_or_else(|| format!("{:032x}", dice.number()));
                let forgery = Forgery::draw(dice, now, "forged", self.endpoint, id);
                return forgery.apply(stage, &self.object, &self.app_id, &self.target.1);
            }
            InsiderAction::Faithful => {
                let forgery = Forgery::draw(dice, now, "forged", self.endpoint, stamped);
                return forgery.apply_over(stage, &self.target, secret);
            }
            InsiderAction::Data => {
                secret["data"][names::KEY_ACCESS_TOKEN] = encoded("another-token");
            }
            InsiderAction::End => {
                let forgery = Forgery::draw(dice, now, "forged", self.endpoint, stamped);
                forgery.set_times(&mut secret);
            }
            InsiderAction::Replay => match &self.before {
                Some(before) => secret = before.clone(),
                None => return,
            },
            InsiderAction::Anothers => {
                let cluster = stage.cluster();
                let others = cluster.list(Kind::Secret).filter(|(name, secret)| {
                    **name != self.target
                        && secret["type"] == live["type"]
                        && name.0 == self.target.0
                });
                let others: Vec<_> = others.map(|(_, secret)| secret.clone()).collect();
                drop(cluster);
                let Some(other) = dice.pick(&others) else { return };
                secret["data"] = other["data"].clone();
                secret["metadata"]["annotations"] = other["metadata"]["annotations"].clone();
            }
            InsiderAction::Copy => {
                let of = self.object.1.trim_start_matches("app-");
                let name = (self.target.0.clone(), format!("copy-{of}-{}", dice.between(0, 3)));
                secret["metadata"]["name"] = json!(name.1);
                return apply_as_operator(stage, &name, secret);
            }
            InsiderAction::Mark => {
                let key = names::UNCONFIRMED;
                secret["metadata"]["annotations"][key] = json!("true");
            }
            InsiderAction::Delete => {
                stage.cluster().delete(now, Kind::Secret, &self.target);
                return;
            }
        }
        apply_as_operator(stage, &self.target, secret);
    }

    /// Whether a target stands under the id of an intent.
    fn is_untold(&self, stage: &Stage, target: &Value) -> bool {
        let stamped = target["metadata"]["annotations"][names::ISSUED_FOR].as_str();
        stamped.is_some() && self.open_intent(stage).as_deref() == stamped
    }

    /// The id of the object's intent, as far as it can be read.
    fn intent(&self, stage: &Stage) -> Option<String> {
        self.open_intent(stage).filter(|_| self.reads)
    }

    fn open_intent(&self, stage: &Stage) -> Option<String> {
        let cluster = stage.cluster();
        let object = cluster.get(Kind::MiniProgram, &self.object)?;
        object["status"]["intent"]["id"].as_str().map(str::to_owned)
    }

    fn version_of_target(&self, stage: &Stage) -> Option<String> {
        let cluster = stage.cluster();
        let target = cluster.get(Kind::Secret, &self.target)?;
        target["metadata"]["resourceVersion"].as_str().map(str::to_owned)
    }
}
