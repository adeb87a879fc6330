//! What a seed stands for: how many apps, how long, and how much goes wrong. Carries nothing out.

use crate::{
    dice::Dice,
    fault_rates::{API_KINDS, Climate, PLATFORM_KINDS},
    process::Leads,
    time::{DAY, HOUR, MINUTE, Millis},
    users::actions::{ACTIONS, UserAction},
};

/// The plan of one run. A mean time of 0 stands for never.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub focus: Focus,
    pub apps: u64,
    /// How long tokens live.
    pub life: Millis,
    /// How likely an app has two objects.
    pub second_objects: f64,
    pub climate: Climate,
    /// Who runs the operator.
    pub population: Vec<Leads>,
    /// Mean time between two times that a process stands still.
    pub pause_every: Millis,
    /// Mean time between crashes out of nothing.
    pub crash_every: Millis,
    /// Mean time between outages of the API server.
    pub api_outage_every: Millis,
    /// Mean time between two times that objects are hidden from lists and watches.
    pub hidden_every: Millis,
    /// Mean time between outages of the platform.
    pub platform_outage_every: Millis,
    /// Mean time between two things that users do.
    pub user_every: Millis,
    /// What they do: all there is to do, or a few things again and again.
    pub actions: Vec<UserAction>,
    /// Whether what a user does is done again at once, more often than not.
    pub nags: bool,
    /// Mean time between two steps of the node's clock.
    pub clock_every: Millis,
    /// When the API server's storage is copied, and when that copy is put back, again and again.
    pub restores: Vec<(Millis, Millis)>,
    /// Whether tenants act against the apps, in calm too.
    pub adversary: bool,
    pub end: Millis,
}

/// What goes wrong, if it is one thing only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// A year, with something now and then.
    Year,
    Users,
    Crashes,
    Platform,
    ApiServer,
    Clock,
    /// Two candidates for one Lease.
    Election,
    /// Two releases that know nothing of each other.
    Twins,
    /// The API server's storage is restored from a copy.
    Restored,
    /// Objects can be neither listed nor watched, for hours.
    Hidden,
    /// Tenants who have no app secret act against the apps of others.
    Adversary,
    Everything,
}

impl Focus {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        match seed % 12 {
            0 if seed.is_multiple_of(24) => Self::Year,
            0 => Self::Restored,
            // First, since nothing else shows what it shows.
            1 => Self::Hidden,
            2 => Self::Users,
            3 => Self::Crashes,
            4 => Self::Platform,
            5 => Self::ApiServer,
            6 => Self::Clock,
            7 => Self::Election,
            8 => Self::Twins,
            9 => Self::Adversary,
            _ => Self::Everything,
        }
    }
}

impl RunPlan {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let dice = Dice::from_seed(seed ^ 0x5eed);
        let focus = Focus::of(seed);
        let candidates = focus == Focus::Election || focus == Focus::Everything && dice.chance(0.3);
        let has = |what: Focus, probability: f64| {
            focus == what || focus == Focus::Everything && dice.chance(probability)
        };
        let mean = |has: bool, low: Millis, high: Millis| {
            if has { dice.log_between(low, high) } else { 0 }
        };
        let rate =
            |has: bool| if has { *dice.pick(&[0.01, 0.05, 0.2, 0.4]).unwrap_or(&0.0) } else { 0.0 };
        // One world in four is a crowd, as a cluster is: years of apps pass in days.
        let apps = match focus {
            Focus::Year => 1,
            _ if dice.chance(0.25) => dice.between(10, 41),
            _ => dice.between(1, 5),
        };
        // The platform says two hours, and that it may change its mind.
        let life =
            if dice.chance(if focus == Focus::Year { 0.9 } else { 0.1 }) { DAY } else { 2 * HOUR };
        let (calm_from, quiet) = match focus {
            Focus::Year => (270 * DAY, 95 * DAY),
            _ => (dice.between(12 * HOUR, 3 * DAY), 4 * life + HOUR),
        };
        let between = Dice::from_seed(seed ^ 0xca1);
        let climate = Climate {
            calm_from,
            bout: between.between(HOUR, 6 * HOUR),
            calm: between.between(20 * MINUTE, HOUR),
            api: rate(has(Focus::ApiServer, 0.4)),
            platform: rate(has(Focus::Platform, 0.5)),
            api_kinds: kinds(&Dice::from_seed(seed ^ 0xa91), API_KINDS),
            platform_kinds: kinds(&Dice::from_seed(seed ^ 0x91a7), PLATFORM_KINDS),
            // A start costs as much as a day of work.
            crash: rate(candidates && dice.chance(0.5) || has(Focus::Crashes, 0.4))
                / if apps < 5 { 4.0 } else { 40.0 },
            streams: rate(has(Focus::ApiServer, 0.4)),
            short_streams: dice.chance(0.1),
            steps_clock: false,
            hides: false,
        };
        // Whose token nobody refreshes sees it die by a clock that is wrong.
        let suspends = focus == Focus::Clock && Dice::from_seed(seed ^ 0x5a5).chance(0.5);
        // Only who reads it closely knows a credential that a late watch has yet to show.
        let hurries = focus == Focus::ApiServer && Dice::from_seed(seed ^ 0x4057).chance(0.5);
        let users = has(Focus::Users, 0.5) || suspends || hurries;
        let crash_every = mean(candidates || has(Focus::Crashes, 0.4), 10 * MINUTE, 12 * HOUR);
        let api_outage_every = mean(has(Focus::ApiServer, 0.3), HOUR, DAY);
        // What a process that is gone knew of a clock that has been put right since, nobody can
        // know.
        let restarts = crash_every > 0 || climate.crash > 0.0;
        // A limit, and what is counted over restarts, shows only to those who come near it.
        let nags = users && restarts && Dice::from_seed(seed ^ 0x4a9).chance(0.45);
        let actions = if nags {
            vec![UserAction::ReportNonsense, UserAction::DeleteTarget, UserAction::SetRight]
        } else if suspends {
            vec![UserAction::Suspend, UserAction::SetRight]
        } else if hurries {
            vec![UserAction::WrongCredential, UserAction::DeleteTarget, UserAction::SetRight]
        } else {
            habits(&Dice::from_seed(seed ^ 0xdeed))
        };
        let mut run_plan = Self {
            focus,
            population: match focus {
                Focus::Twins => vec![Leads::Alone("east/operator"), Leads::Alone("west/operator")],
                _ if candidates => vec![Leads::ByElection; 2],
                _ => vec![Leads::Alone("mp-system/operator")],
            },
            pause_every: mean(candidates && dice.chance(0.7), 10 * MINUTE, 6 * HOUR),
            apps,
            life,
            second_objects: if users && !restarts && dice.chance(0.6) { 0.5 } else { 0.0 },
            crash_every,
            api_outage_every,
            hidden_every: 0,
            platform_outage_every: mean(has(Focus::Platform, 0.3), HOUR, DAY),
            user_every: mean(users, MINUTE, if nags || hurries { 10 * MINUTE } else { 6 * HOUR }),
            actions,
            nags,
            clock_every: mean(has(Focus::Clock, 0.3) && !restarts, HOUR, DAY),
            restores: Vec::new(),
            adversary: false,
            end: calm_from + quiet,
            climate,
        };
        if focus == Focus::Restored {
            run_plan.restore(&Dice::from_seed(seed ^ 0xe7cd));
        }
        if focus == Focus::Hidden {
            run_plan.hide(&Dice::from_seed(seed ^ 0xb11d));
        }
        if focus == Focus::Adversary {
            run_plan.beset(&Dice::from_seed(seed ^ 0xbad));
        }
        run_plan.climate.steps_clock = run_plan.clock_every > 0;
        if focus == Focus::Year {
            run_plan.pass_a_year();
        }
        run_plan
    }

    /// For hours, so that tokens end meanwhile, and over restarts.
    fn hide(&mut self, dice: &Dice) {
        (self.climate.bout, self.climate.calm) = (dice.between(4 * HOUR, 8 * HOUR), HOUR);
        self.climate.hides = true;
        // What one object shows, forty show no better.
        self.apps = self.apps.min(5);
        self.hidden_every = 20 * MINUTE;
        self.crash_every = dice.between(HOUR, 3 * HOUR);
        if dice.chance(0.15) {
            self.population = vec![Leads::ByElection; 2];
        }
    }

    /// By tenants only, more often than not, while users report tokens; and crashes and lost calls
    /// leave things half done.
    fn beset(&mut self, dice: &Dice) {
        self.adversary = true;
        (self.apps, self.life) = (dice.between(4, 8), 2 * HOUR);
        self.climate.calm_from = dice.between(6 * HOUR, 9 * HOUR);
        self.end = self.climate.calm_from + 4 * HOUR;
        self.crash_every = if dice.chance(0.5) { dice.between(20 * MINUTE, 2 * HOUR) } else { 0 };
        if dice.chance(0.3) {
            (self.climate.platform, self.climate.crash) = (0.2, 0.01);
        }
        if dice.chance(0.2) {
            self.population = vec![Leads::ByElection; 2];
        }
        self.actions = vec![UserAction::ReportDead];
        self.user_every = HOUR / 2;
    }

    /// Once between two refreshes or over some of them, and then over one at least each time. The
    /// operator asks for the newest version as often as a watch ends, in 30 s: a copy so young that
    /// its versions are caught up with meanwhile shows nothing of itself.
    fn restore(&mut self, dice: &Dice) {
        self.climate.short_streams = true;
        let calm_from = self.climate.calm_from;
        let mut copied = dice.between(MINUTE, calm_from - 7 * HOUR);
        let mut restored = copied + dice.log_between(2 * MINUTE, 6 * HOUR);
        while restored < calm_from {
            self.restores.push((copied, restored));
            copied = restored + dice.between(MINUTE, 4 * HOUR);
            restored = copied + dice.between(2 * HOUR, 4 * HOUR);
        }
    }

    /// In an ordinary year something happens every few days.
    fn pass_a_year(&mut self) {
        self.climate = Climate {
            calm_from: self.climate.calm_from,
            api: 0.002,
            platform: 0.01,
            ..Climate::default()
        };
        self.crash_every = 10 * DAY;
        self.api_outage_every = 30 * DAY;
        self.platform_outage_every = 30 * DAY;
        self.user_every = 4 * DAY;
        // Whoever wants a token every few minutes makes a year of it expensive.
        self.actions.retain(|action| !matches!(action, UserAction::Tune));
        // And what is broken is mended within weeks.
        self.actions.extend([UserAction::SetRight; ACTIONS.len() / 2]);
    }

    /// Whether one process leads from the beginning to the end.
    #[must_use]
    pub fn has_one_leader(&self) -> bool {
        self.population.len() == 1 && self.crash_every == 0 && self.climate.crash == 0.0
    }

    /// How many operators there are that know nothing of each other.
    #[must_use]
    pub fn operators(&self) -> u64 {
        let alone =
            self.population.iter().filter(|leads| matches!(leads, Leads::Alone(_))).count() as u64;
        alone.max(1)
    }
}

/// Any kind of fault, or a few kinds again and again.
fn kinds(dice: &Dice, all: u64) -> Vec<u64> {
    if dice.chance(0.5) {
        Vec::new()
    } else {
        (0..dice.between(1, 4)).map(|_| dice.between(0, all)).collect()
    }
}

/// What the users of one world do.
fn habits(dice: &Dice) -> Vec<UserAction> {
    if dice.chance(0.5) {
        return ACTIONS.to_vec();
    }
    let few = (0..dice.between(1, 5)).filter_map(|_| dice.pick(&ACTIONS).copied());
    // What is broken is mended now and then.
    few.chain([UserAction::SetRight]).collect()
}
