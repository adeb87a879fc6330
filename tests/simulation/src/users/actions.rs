//! What people do to their objects, one action at a time, and how they set it right in the end.

use judge::Act;
use miniprogram_operator::api::names;
use serde_json::json;

use super::App;
use crate::{
    cluster::{
        Kind,
        apply::edit,
        fields::{Fields, fields_of},
    },
    platform::outside,
    stage::Stage,
    time::{DAY, MINUTE},
};

const KUBECTL: &str = "kubectl-edit";

#[derive(Clone, Copy, Debug)]
pub enum UserAction {
    WrongCredential,
    ResetSecret,
    DropCredential,
    DeleteTarget,
    BreakToken,
    StripLabel,
    StripOwner,
    AddLabel,
    BackUp,
    Restore,
    Request,
    ReportDead,
    ReportNonsense,
    Suspend,
    SwitchMode,
    Rename,
    RenameOntoForeign,
    ToggleRetain,
    Delete,
    Recreate,
    Tune,
    SetRight,
}

pub const ACTIONS: [UserAction; 22] = [
    UserAction::WrongCredential,
    UserAction::ResetSecret,
    UserAction::DropCredential,
    UserAction::DeleteTarget,
    UserAction::BreakToken,
    UserAction::StripLabel,
    UserAction::StripOwner,
    UserAction::AddLabel,
    UserAction::BackUp,
    UserAction::Restore,
    UserAction::Request,
    UserAction::ReportDead,
    UserAction::ReportNonsense,
    UserAction::Suspend,
    UserAction::SwitchMode,
    UserAction::Rename,
    UserAction::RenameOntoForeign,
    UserAction::ToggleRetain,
    UserAction::Delete,
    UserAction::Recreate,
    UserAction::Tune,
    UserAction::SetRight,
];

impl App {
    /// Does one thing.
    #[allow(clippy::too_many_lines, reason = "a short arm for each action")]
    pub fn act(&mut self, stage: &Stage, action: UserAction) {
        let now = stage.time.now();
        let mut done = Act::Edit;
        match action {
            _ if self.deleted && !matches!(action, UserAction::SetRight) => return,
            // A report would be lost with its object, or with a false one in its place.
            UserAction::Delete | UserAction::Recreate | UserAction::ReportNonsense
                if self.reported > 0 && now < self.reported + 60 * MINUTE =>
            {
                return;
            }
            // Under which clock a token was stored is known of an object, and forgotten with it:
            // nobody could tell a dead one that outlives its object.
            UserAction::ToggleRetain if stage.fault_rates.steps_clock() => return,
            UserAction::WrongCredential => {
                self.right = false;
                self.write_credential(stage, "wrong");
            }
            // A second object's user knows nothing of the platform's console.
            UserAction::ResetSecret if !self.second => {
                self.secret += 1;
                self.right = false;
                self.tell_platform(stage);
            }
            UserAction::DropCredential => {
                self.right = false;
                stage.cluster().delete(now, Kind::Secret, &self.credential);
            }
            UserAction::DeleteTarget => {
                stage.cluster().delete(now, Kind::Secret, &self.target_name());
            }
            UserAction::BreakToken => self.edit_target(stage, |fields| {
                fields.insert(path(&["data", "access_token"]), json!("YnJva2Vu"));
            }),
            UserAction::StripLabel => {
                done = Act::Touch;
                self.edit_target(stage, |fields| {
                    fields.remove(&path(&["metadata", "labels", names::NAME]));
                });
            }
            UserAction::StripOwner => self.edit_target(stage, |fields| {
                fields.retain(|path, _| path.get(1).is_none_or(|step| step != "f:ownerReferences"));
            }),
            UserAction::AddLabel => {
                done = Act::Touch;
                self.edit_target(stage, |fields| {
                    fields.insert(path(&["metadata", "labels", "team"]), json!(now.to_string()));
                });
            }
            UserAction::BackUp => {
                self.backup = stage
                    .cluster()
                    .get(Kind::Secret, &self.target_name())
                    .map(|secret| fields_of(secret));
                return;
            }
            UserAction::Restore => {
                let Some(backup) = self.backup.clone() else { return };
                self.edit_target(stage, |fields| *fields = backup);
            }
            UserAction::Request => {
                self.requests += 1;
                let value = format!("request-{}", self.requests);
                self.annotate(stage, names::REFRESH_REQUESTED, &value);
                done = Act::Request(value);
            }
            UserAction::ReportDead => {
                // A report that nobody can act on is lost with the object.
                if now < self.reported + 30 * MINUTE
                    || self.paired
                    || !self.endpoint.replaces_reported()
                    || !self.is_served(stage)
                    || self.is_out_of_mints(stage)
                {
                    return;
                }
                outside(stage, &self.app_id, |model, now| model.kill_tokens(now, &self.app_id));
                return self.report_dead(stage);
            }
            UserAction::ReportNonsense if stage.dice.chance(0.5) => return self.report(stage),
            UserAction::ReportNonsense => {
                done = Act::Touch;
                self.annotate(stage, names::INVALID_TOKEN, "sha256:000000000000");
            }
            UserAction::Suspend => {
                self.suspended = !self.suspended;
                self.write_spec(stage);
            }
            UserAction::SwitchMode => {
                let Some(other) = self.endpoint.other() else { return };
                self.endpoint = other;
                (self.lead, self.interval) = (None, None);
                self.write_spec(stage);
            }
            UserAction::Rename if self.squatted.is_none() => {
                // The new target is filled from the one before it.
                done = Act::Touch;
                self.renames += 1;
                self.write_spec(stage);
            }
            UserAction::RenameOntoForeign if self.squatted.is_none() && self.is_in_use(stage) => {
                let before = self.wanted_target();
                self.renames += 1;
                self.squatted = Some(before);
                let foreign = json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} });
                let name = (self.name.0.clone(), self.wanted_target());
                stage.cluster().put(now, Kind::Secret, &name, foreign);
                self.write_spec(stage);
            }
            UserAction::ToggleRetain if !self.paired => {
                self.retained = !self.retained;
                self.write_spec(stage);
            }
            UserAction::Delete | UserAction::Recreate => {
                stage.cluster().delete(now, Kind::MiniProgram, &self.name);
                // A new object knows nothing of the names that the one before it had.
                self.squatted = None;
                if matches!(action, UserAction::Delete) {
                    self.deleted = true;
                } else {
                    self.remove_foreign(stage);
                    self.create(stage);
                }
            }
            UserAction::Tune => {
                let (most, least_interval) = self.endpoint.bounds();
                self.lead = stage.dice.chance(0.5).then(|| stage.dice.between(120, most + 1));
                self.interval =
                    stage.dice.chance(0.5).then(|| stage.dice.log_between(least_interval, 10_000));
                self.write_spec(stage);
            }
            UserAction::SetRight => return self.set_right(stage),
            UserAction::ResetSecret
            | UserAction::Rename
            | UserAction::RenameOntoForeign
            | UserAction::ToggleRetain => {
                return;
            }
        }
        self.expect(stage, done, &format!("{action:?}"));
    }

    /// Puts everything right that this user broke.
    pub fn set_right(&mut self, stage: &Stage) {
        if !self.right {
            self.right = true;
            self.write_credential(stage, &self.right_secret());
            self.expect(stage, Act::Edit, "writes the right credential");
        }
        if self.deleted {
            self.deleted = false;
            self.remove_foreign(stage);
            self.create(stage);
            self.expect(stage, Act::Edit, "creates again");
        }
        if self.suspended {
            self.suspended = false;
            self.write_spec(stage);
            self.expect(stage, Act::Edit, "resumes");
        }
        if self.remove_foreign(stage) {
            self.squatted = None;
            self.expect(stage, Act::Edit, "makes room for the target");
        }
    }

    /// Removes a Secret of the wanted name that is not the operator's.
    fn remove_foreign(&self, stage: &Stage) -> bool {
        let foreign = self.is_foreign(stage, &self.wanted_target());
        if foreign {
            let name = (self.name.0.clone(), self.wanted_target());
            stage.cluster().delete(stage.time.now(), Kind::Secret, &name);
        }
        foreign
    }

    /// The app secret was reset by the user of another object of the same app.
    pub fn hear_of_reset(&mut self, stage: &Stage, secret: u32) {
        if self.secret != secret {
            self.secret = secret;
            self.right = false;
            self.expect(stage, Act::Edit, "does not know of the reset");
        }
    }

    /// The platform has ended the app's tokens: everybody who holds one says so.
    pub fn report_dead(&mut self, stage: &Stage) {
        self.reported = stage.time.now();
        self.expect(stage, Act::Edit, "loses its tokens");
        self.report(stage);
    }

    /// Whether the operator knows the target for its own: only then does it stay in use when the
    /// next one is taken.
    fn is_in_use(&self, stage: &Stage) -> bool {
        let cluster = stage.cluster();
        let Some(object) = cluster.get(Kind::MiniProgram, &self.name) else { return false };
        let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        ready && object["status"]["targetRef"]["name"] == self.target()
    }

    /// Whether lost answers, or other reports, have spent what a day allows for mints that no clock
    /// asks for.
    fn is_out_of_mints(&self, stage: &Stage) -> bool {
        let since = stage.time.now().saturating_sub(DAY);
        let (unanswered, forced) = stage.record().costly_calls(&self.app_id, since);
        unanswered > 60 || forced > 12
    }

    fn report(&self, stage: &Stage) {
        let held = stage.record().held(&self.target_name());
        if let Some(held) = held {
            self.annotate(stage, names::INVALID_TOKEN, &held);
            self.expect(stage, Act::Report(held), "reports the token");
        }
    }

    fn edit_target(&self, stage: &Stage, change: impl FnOnce(&mut Fields)) {
        edit(&mut stage.cluster(), stage.time.now(), &self.target_name(), KUBECTL, change);
    }
}

fn path(steps: &[&str]) -> Vec<String> {
    steps.iter().map(|step| format!("f:{step}")).collect()
}
