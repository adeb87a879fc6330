//! The handle that a test or the program holds: starts the server, stops it when dropped, and
//! mirrors the control API.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Millis;
use crate::clock::{self, Clock};
use crate::model::{
    AllCounts, AppSettings, Calendar, Call, Counts, DAY_MS, FaultRule, LiveToken, Model,
    SecretRule, Standing, World,
};
use crate::server::{self, Shared};

#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    /// What holds for every app that does not say otherwise.
    pub defaults: AppSettings,
    pub apps: Vec<(String, AppSettings)>,
    /// Takes in every app id that asks.
    pub accept_any_app: Option<SecretRule>,
    pub day_ms: Millis,
    /// When the first day ends; left out, at the coming midnight of UTC+8.
    pub day_turns_in_ms: Option<Millis>,
    /// Of the token strings; left out, another one at each start.
    pub seed: Option<u64>,
    pub token_length: usize,
    /// One line per call on stdout.
    pub print_calls: bool,
}

/// A running simulator; ends when dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    servers: Mutex<JoinSet<Infallible>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            defaults: AppSettings::default(),
            apps: Vec::new(),
            accept_any_app: None,
            day_ms: DAY_MS,
            day_turns_in_ms: None,
            seed: None,
            token_length: World::default().token_length,
            print_calls: false,
        }
    }
}

impl Simulator {
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let mut model = Model::new(World {
            defaults: settings.defaults,
            accept_any_app: settings.accept_any_app,
            calendar: Calendar {
                day_ms: settings.day_ms,
                first_midnight_ms: settings.day_turns_in_ms.unwrap_or_else(clock::until_midnight),
            },
            seed: settings.seed.unwrap_or_else(clock::fresh_seed),
            token_length: settings.token_length,
        });
        for (app_id, app) in &settings.apps {
            model.set_app(app_id, app);
        }
        let shared = Arc::new(Shared::new(model, Clock::start(), settings.print_calls));
        let mut servers = JoinSet::new();
        servers.spawn(server::serve(listener, None, Arc::clone(&shared)));
        Ok(Self { address, shared, servers: Mutex::new(servers) })
    }

    /// Serves the same platform at one more address. Each call says which port it came to, so a
    /// caller with an address of its own is known by it.
    pub async fn serve_also_at(&self, listen: SocketAddr) -> io::Result<SocketAddr> {
        self.serve(listen, None).await
    }

    /// Serves one platform alone at one more address: some platforms have the same paths.
    pub async fn serve_platform_at(
        &self,
        platform: &'static str,
        listen: SocketAddr,
    ) -> io::Result<SocketAddr> {
        self.serve(listen, Some(platform)).await
    }

    async fn serve(
        &self,
        listen: SocketAddr,
        platform: Option<&'static str>,
    ) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.spawn(server::serve(listener, platform, Arc::clone(&self.shared)));
        Ok(address)
    }

    /// `http://127.0.0.1:8088`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For what has no method here.
    pub fn with_model<T>(&self, act: impl FnOnce(&mut Model, Millis) -> T) -> T {
        self.shared.with(act)
    }

    #[must_use]
    pub fn now_ms(&self) -> Millis {
        self.with_model(|_, now| now)
    }

    /// Creates or updates an app; what `settings` leaves out stays as it was.
    pub fn set_app(&self, app_id: &str, settings: &AppSettings) {
        self.with_model(|model, _| model.set_app(app_id, settings));
    }

    pub fn set_secret(&self, app_id: &str, secret: &str) {
        self.set_app(app_id, &AppSettings::with_secret(secret));
    }

    pub fn remove_app(&self, app_id: &str) {
        self.with_model(|model, _| model.remove_app(app_id));
    }

    /// One fault from now on, instead of those set before.
    pub fn fault(&self, app_id: &str, rule: impl Into<FaultRule>) {
        self.faults(app_id, vec![rule.into()]);
    }

    /// Faults that are used up one after the other.
    pub fn faults(&self, app_id: &str, rules: Vec<FaultRule>) {
        self.with_model(|model, _| model.set_faults(Some(app_id), rules));
    }

    pub fn fault_for_all(&self, rule: impl Into<FaultRule>) {
        self.with_model(|model, _| model.set_faults(None, vec![rule.into()]));
    }

    pub fn clear_faults(&self, app_id: &str) {
        self.faults(app_id, Vec::new());
    }

    pub fn clear_faults_for_all(&self) {
        self.with_model(|model, _| model.set_faults(None, Vec::new()));
    }

    #[must_use]
    pub fn calls(&self, app_id: &str) -> Vec<Call> {
        self.with_model(|model, _| model.log().calls(app_id).cloned().collect())
    }

    #[must_use]
    pub fn counts(&self, app_id: &str) -> Counts {
        self.with_model(|model, _| model.log().counts(app_id))
    }

    #[must_use]
    pub fn all_counts(&self) -> AllCounts {
        self.with_model(|model, _| model.log().all_counts())
    }

    pub fn forget_calls(&self, app_id: &str) {
        self.with_model(|model, _| model.log_mut().reset(Some(app_id)));
    }

    pub fn forget_all_calls(&self) {
        self.with_model(|model, _| model.log_mut().reset(None));
    }

    #[must_use]
    pub fn live_tokens(&self, app_id: &str) -> Vec<LiveToken> {
        self.with_model(|model, now| model.live_tokens(now, app_id))
    }

    /// Ends all tokens of an app before their time.
    pub fn kill_tokens(&self, app_id: &str) {
        self.with_model(|model, now| model.kill_tokens(now, app_id));
    }

    #[must_use]
    pub fn standing(&self, token: &str) -> Standing {
        self.with_model(|model, now| model.standing(now, token).1)
    }
}
