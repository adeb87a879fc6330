//! The platform as a value: apps, tokens, quotas, faults, calls. It is told the time, and never
//! waits or does IO.
//!
//! There are two ways in. [`Model::legacy`] and [`Model::stable`] apply WeChat's bare rules.
//! [`Model::arrive`] and [`Model::execute`] take a request as it is on the wire, faults and log
//! included; between the two, whoever drives the model lets [`Course::before_ms`] pass, by a sleep
//! or by turning a virtual clock.

mod allow_list;
mod app;
mod call_log;
mod exchange;
mod fault;
mod names;
mod raw;
mod rules;
mod time;
mod tokens;
mod wire;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::allow_list::Allowed;
pub use self::app::{Granted, Refused};
pub use self::call_log::{AllCounts, Call, CallLog, Counts, NOBODY, Tried};
pub use self::exchange::{Course, Outcome};
pub use self::fault::{Fault, FaultRule, On};
pub use self::names::fingerprint;
pub use self::raw::{FORGED_TOKEN, Raw};
pub use self::rules::{AppSettings, Rules};
pub use self::time::{Calendar, DAY_MS};
pub use self::tokens::{Family, Standing, Token};
pub use self::wire::{Reply, Request};
pub use crate::platforms::Kind;

use self::app::App;
use self::names::Names;
use self::rules::Terms;
use crate::Millis;
use crate::platforms::{self, Endpoint, TokenEndpoint};

/// How long a ticket lives.
const TICKET_LIFE_MS: Millis = 7_200_000;

/// What a model is made of before anything happens.
#[derive(Debug, Clone)]
pub struct World {
    /// What holds for every app that does not say otherwise.
    pub defaults: AppSettings,
    /// Takes in every app id that asks, with this secret.
    pub accept_any_app: Option<SecretRule>,
    pub calendar: Calendar,
    pub seed: u64,
    pub token_length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRule {
    Any,
    /// `secret-of-` and the app id.
    SecretOf,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveToken {
    pub token: String,
    pub fingerprint: String,
    pub family: Family,
    pub issued_ms: Millis,
    pub dies_ms: Millis,
}

#[derive(Debug)]
pub struct Model {
    world: World,
    apps: BTreeMap<String, App>,
    faults: BTreeMap<String, Vec<FaultRule>>,
    faults_for_all: Vec<FaultRule>,
    log: CallLog,
    names: Names,
}

impl Default for World {
    fn default() -> Self {
        Self {
            defaults: AppSettings::default(),
            accept_any_app: None,
            calendar: Calendar::default(),
            seed: 0,
            // WeChat's tokens have some 150 characters, though a caller is to reserve 512.
            token_length: 150,
        }
    }
}

impl SecretRule {
    fn secret(self, app_id: &str) -> Option<String> {
        match self {
            Self::Any => None,
            Self::SecretOf => Some(format!("secret-of-{app_id}")),
        }
    }
}

impl Model {
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            names: Names::new(world.seed, world.token_length),
            world,
            apps: BTreeMap::new(),
            faults: BTreeMap::new(),
            faults_for_all: Vec::new(),
            log: CallLog::default(),
        }
    }

    /// Creates or updates an app; what `settings` leaves out stays as it was, the secret of
    /// [`World::accept_any_app`] included. Tokens that exist keep their end.
    pub fn set_app(&mut self, app_id: &str, settings: &AppSettings) {
        self.register(app_id);
        let app = self.apps.entry(app_id.to_owned()).or_default();
        app.settings = settings.or(&app.settings);
    }

    /// Removes an app with its tokens; its calls and faults stay.
    pub fn remove_app(&mut self, app_id: &str) -> bool {
        self.apps.remove(app_id).is_some()
    }

    pub fn app_ids(&self) -> impl Iterator<Item = &str> {
        self.apps.keys().map(String::as_str)
    }

    #[must_use]
    pub fn settings(&self, app_id: &str) -> Option<&AppSettings> {
        self.apps.get(app_id).map(|app| &app.settings)
    }

    /// What an app's settings and the defaults say together.
    pub(crate) fn settings_of(&self, app_id: &str) -> AppSettings {
        match self.apps.get(app_id) {
            Some(app) => app.settings.or(&self.world.defaults),
            None => self.world.defaults.clone(),
        }
    }

    /// The rules that hold for an app at WeChat.
    #[must_use]
    pub fn rules(&self, app_id: &str) -> Rules {
        self.settings_of(app_id).rules()
    }

    /// A token of WeChat's legacy endpoint.
    pub fn legacy(&mut self, now: Millis, app_id: &str, secret: &str) -> Result<Granted, Refused> {
        self.issue(now, app_id, secret, platforms::WECHAT[0], false)
    }

    /// A token of WeChat's stable endpoint.
    pub fn stable(
        &mut self,
        now: Millis,
        app_id: &str,
        secret: &str,
        force: bool,
    ) -> Result<Granted, Refused> {
        self.issue(now, app_id, secret, platforms::WECHAT[1], force)
    }

    /// A token of any endpoint.
    pub(crate) fn issue(
        &mut self,
        now: Millis,
        app_id: &str,
        secret: &str,
        endpoint: &TokenEndpoint,
        force: bool,
    ) -> Result<Granted, Refused> {
        self.register(app_id);
        let (settings, at) = (self.settings_of(app_id), self.world.calendar.at(now));
        let app = self.apps.get_mut(app_id).ok_or(Refused::UnknownApp)?;
        app.admit(secret, settings.frozen.unwrap_or(false))?;
        let terms = Terms::of(endpoint.family, &endpoint.figures, &settings);
        app.issue(at, force, &terms, &mut self.names)
    }

    /// The app's ticket of this name: the same one until its end.
    pub(crate) fn ticket(&mut self, now: Millis, app_id: &str, name: &str) -> Option<Granted> {
        let life_ms = self.settings_of(app_id).ticket_life_ms.unwrap_or(TICKET_LIFE_MS);
        Some(self.apps.get_mut(app_id)?.ticket(now, name, life_ms, &mut self.names))
    }

    /// The app that a request names, at whichever platform.
    #[must_use]
    pub fn app_of(&self, request: &Request) -> Option<String> {
        Endpoint::at(request.platform.as_deref(), &request.path)?.look(self, request).app_id
    }

    fn register(&mut self, app_id: &str) {
        if let Some(rule) = self.world.accept_any_app {
            self.apps.entry(app_id.to_owned()).or_insert_with(|| App::new(rule.secret(app_id)));
        }
    }

    /// Whose token it is, and whether it is worth anything.
    #[must_use]
    pub fn standing(&self, now: Millis, token: &str) -> (Option<&str>, Standing) {
        self.apps
            .iter()
            .map(|(app_id, app)| (Some(app_id.as_str()), app.standing(now, token)))
            .find(|(_, standing)| *standing != Standing::NeverSeen)
            .unwrap_or((None, Standing::NeverSeen))
    }

    /// Whether a consumer who calls a platform with a token is let in.
    pub fn opens(&mut self, now: Millis, platform: &str, token: &str) -> bool {
        let Some(request) = platforms::consumer(platform, token) else { return false };
        let Some(course) = self.arrive(now, &request) else { return false };
        let outcome = self.execute(now, &request, &course);
        matches!(outcome, Outcome::Answer(reply) if reply.status == 200)
            && self.log.get(&course.call).is_some_and(|call| call.errcode == Some(0))
    }

    #[must_use]
    pub fn live_tokens(&self, now: Millis, app_id: &str) -> Vec<LiveToken> {
        let tokens = self.apps.get(app_id).into_iter().flat_map(|app| app.live_tokens(now));
        tokens
            .map(|(family, token)| LiveToken {
                token: token.text.clone(),
                fingerprint: fingerprint(&token.text),
                family,
                issued_ms: token.issued_ms,
                dies_ms: token.dies_ms,
            })
            .collect()
    }

    /// Ends all tokens of an app before their time.
    pub fn kill_tokens(&mut self, now: Millis, app_id: &str) {
        if let Some(app) = self.apps.get_mut(app_id) {
            app.kill_tokens(now);
        }
    }

    /// Replaces the faults of one app, or those of all apps. They are used up in their order, an
    /// app's own first.
    pub fn set_faults(&mut self, app_id: Option<&str>, rules: Vec<FaultRule>) {
        match app_id {
            Some(app_id) => drop(self.faults.insert(app_id.to_owned(), rules)),
            None => self.faults_for_all = rules,
        }
    }

    /// The faults of one app, or those of all apps, as far as they are not used up.
    #[must_use]
    pub fn faults(&self, app_id: Option<&str>) -> Vec<FaultRule> {
        let rules = match app_id {
            Some(app_id) => self.faults.get(app_id).map_or(&[][..], Vec::as_slice),
            None => &self.faults_for_all,
        };
        rules.iter().filter(|rule| rule.times != Some(0)).cloned().collect()
    }

    #[must_use]
    pub fn log(&self) -> &CallLog {
        &self.log
    }

    pub fn log_mut(&mut self) -> &mut CallLog {
        &mut self.log
    }

    /// Compares a secret without taking anybody in; nothing for an app that is unknown.
    pub(crate) fn try_secret(&self, app_id: &str, secret: &str) -> Option<Tried> {
        let matches = match (self.apps.get(app_id), self.world.accept_any_app) {
            (Some(app), _) => app.secret_is(secret),
            (None, Some(rule)) => rule.secret(app_id).is_none_or(|right| right == secret),
            (None, None) => return None,
        };
        Some(if matches { Tried::Match } else { Tried::Mismatch })
    }

    /// The caller's address as the platform sees it, and whether this app lets it in.
    pub(crate) fn caller(&self, app_id: &str, from: IpAddr) -> (IpAddr, bool) {
        let rules = self.rules(app_id);
        let seen = rules.caller_ip.unwrap_or(from);
        (
            seen,
            rules.allowed_ips.is_empty() || rules.allowed_ips.iter().any(|entry| entry.lets(seen)),
        )
    }

    pub(crate) fn request_id(&mut self, now: Millis) -> String {
        self.names.request_id(now)
    }
}
