//! A tenant whose app secret was right once, so that his object has a token, and is not any more:
//! he reports that token dead over and over, and has calls forced that the platform refuses.

use judge::{Act, Expect, Standing};

use super::claim::Claim;
use crate::{
    cluster::{Kind, Name},
    dice::Dice,
    stage::Stage,
    time::{HOUR, MINUTE, Millis, SECOND},
    users::App,
};

const NAMESPACE: &str = "team-c";
/// In vain forced calls come so far apart at most, and a request that comes sooner is answered by a
/// call that is not forced.
const APART: Millis = 305 * SECOND;

pub struct Leaver {
    pub acts_at: Millis,
    claim: Claim,
    /// The object of those who have the right app secret.
    app: Name,
    app_secret: String,
    has_left: bool,
    guesses: u32,
}

impl Leaver {
    pub fn draw(dice: &Dice, app: &App) -> Self {
        let of = app.name.1.trim_start_matches("app-");
        Self {
            acts_at: dice.between(10 * MINUTE, HOUR),
            claim: Claim::new(NAMESPACE, format!("leaver-{of}"), app),
            app: app.name.clone(),
            app_secret: app.right_secret(),
            has_left: false,
            guesses: 0,
        }
    }

    /// Does one thing, and chooses when to do the next.
    pub fn act(&mut self, stage: &Stage, dice: &Dice) {
        let token = self.claim.said(stage, "/token/fingerprint");
        let rest = match token {
            _ if stage.cluster().get(Kind::MiniProgram, &self.app).is_none() => MINUTE,
            _ if !self.claim.stands(stage) => self.join(stage, dice),
            None => MINUTE,
            Some(_) if !self.has_left || dice.chance(0.1) => self.leave(stage),
            Some(token) => self.ask(stage, &token),
        };
        self.acts_at = stage.time.now() + rest + dice.log_between(SECOND, MINUTE);
    }

    /// Creates an object with the right app secret: its calls are the app's own.
    fn join(&self, stage: &Stage, dice: &Dice) -> Millis {
        self.claim.write_credential(stage, &self.app_secret);
        self.claim.create(stage);
        self.expect(stage, Standing::Served, "joins");
        stage.record().acted(stage.time.now(), &self.claim.app_id, Act::Edit);
        dice.between(MINUTE, HOUR)
    }

    /// Has another app secret from now on, that is wrong.
    fn leave(&mut self, stage: &Stage) -> Millis {
        self.has_left = true;
        self.guesses += 1;
        self.claim.write_credential(stage, &format!("{}-{}", self.claim.object.1, self.guesses));
        self.expect(stage, Standing::Strange, "has a wrong app secret");
        MINUTE
    }

    /// Has the platform asked, and a call forced.
    fn ask(&mut self, stage: &Stage, token: &str) -> Millis {
        self.claim.report(stage, token);
        self.claim.request(stage);
        self.expect(stage, Standing::Strange, "reports his token");
        APART
    }

    fn expect(&self, stage: &Stage, standing: Standing, what: &str) {
        let (now, name) = (stage.time.now(), &self.claim.object.1);
        stage.trace.note("leaver", format_args!("{what}: {name} of {}", self.claim.app_id));
        let names = Some(self.claim.app_id.clone());
        let expect = Expect { standing, names, ..Expect::default() };
        let mut record = stage.record();
        record.expects(now, &self.claim.object, &self.claim.app_id, expect);
        record.acted(now, name, Act::Edit);
    }
}
