//! Tenants who act against apps that others use, with all that RBAC lets them do: they write
//! objects and Secrets of their own namespaces, and one in each app's namespace writes Secrets and
//! nothing else. None has the app secret, or not for long. Lets each act in its time, and judges
//! nothing.

mod claim;
pub mod forgery;
mod insider;
mod leaver;
mod stranger;

use self::{insider::Insider, leaver::Leaver, stranger::Stranger};
use crate::{dice::Dice, endpoint::Endpoint, stage::Stage, time::Millis, users::App};

/// All of them.
pub struct Adversary {
    dice: Dice,
    strangers: Vec<Stranger>,
    insiders: Vec<Insider>,
    leavers: Vec<Leaver>,
}

impl Adversary {
    /// Some against each of these apps. Whoever is to be waited for where each call ends the token
    /// before shows best where there is nobody else. A leader believes what is stored under the id
    /// of an intent that one before it left open: only where none follows another may the ids be
    /// known to those who write an app's target.
    pub fn new(dice: &Dice, apps: &[App], has_one_leader: bool) -> Self {
        let dice = dice.fork();
        let (mut strangers, mut insiders, mut leavers) = (Vec::new(), Vec::new(), Vec::new());
        for app in apps {
            match dice.between(0, 3) {
                0 if app.endpoint.replaces() => strangers.push(Stranger::shut_out(&dice, app)),
                1 if app.endpoint.replaces() => strangers.extend(Stranger::knocking(&dice, app)),
                _ => {
                    let count = dice.between(0, 4);
                    strangers.extend((0..count).map(|number| Stranger::draw(&dice, app, number)));
                }
            }
            if app.endpoint == Endpoint::Stable && dice.chance(0.9) {
                leavers.push(Leaver::draw(&dice, app));
            }
            if dice.chance(0.7) {
                insiders.push(Insider::new(&dice, app, has_one_leader));
            }
        }
        Self { dice, strangers, insiders, leavers }
    }

    /// When the next of them acts.
    pub fn acts_at(&self) -> Millis {
        let strangers = self.strangers.iter().map(|stranger| stranger.acts_at);
        let insiders = self.insiders.iter().map(|insider| insider.acts_at);
        let leavers = self.leavers.iter().map(|leaver| leaver.acts_at);
        strangers.chain(insiders).chain(leavers).min().unwrap_or(Millis::MAX)
    }

    /// Lets act whose time has come.
    pub fn act(&mut self, stage: &Stage, now: Millis) {
        for stranger in self.strangers.iter_mut().filter(|stranger| stranger.acts_at <= now) {
            stranger.act(stage, &self.dice);
        }
        for insider in self.insiders.iter_mut().filter(|insider| insider.acts_at <= now) {
            insider.act(stage, &self.dice);
        }
        for leaver in self.leavers.iter_mut().filter(|leaver| leaver.acts_at <= now) {
            leaver.act(stage, &self.dice);
        }
    }

    /// Something has changed in the cluster: some have waited for that, and act a moment later.
    pub fn looks(&mut self, stage: &Stage) {
        for stranger in &mut self.strangers {
            stranger.looks(stage, &self.dice);
        }
        for insider in &mut self.insiders {
            insider.looks(stage, &self.dice);
        }
    }

    /// A process has died: what it was doing is half done.
    pub fn hears_of_a_death(&mut self, now: Millis) {
        let soon = |dice: &Dice| now + dice.log_between(1, 20_000);
        for stranger in self.strangers.iter_mut().filter(|_| self.dice.chance(0.5)) {
            stranger.acts_at = stranger.acts_at.min(soon(&self.dice));
        }
        for insider in self.insiders.iter_mut().filter(|_| self.dice.chance(0.5)) {
            insider.acts_at = insider.acts_at.min(soon(&self.dice));
        }
    }
}
