//! Runs the watches and passes their events to the world. Knows how a watch fails, and nothing
//! about the objects.
//!
//! Watches on Secrets request metadata only, so that no watch brings a Secret's data into this
//! process.

mod gaps;
#[cfg(test)]
mod tests;
pub mod trial;

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    Stream, StreamExt,
    future::{BoxFuture, FutureExt, join_all},
};
use http::Request;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Secret};
use kube::{
    Api, Client, Resource,
    api::ListParams,
    client::Body,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        utils::Backoff,
        watcher::{self, Config, DefaultBackoff, Event, watcher},
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub use self::gaps::Gaps;
use crate::{
    api::{MiniProgram, names},
    shell::{cause, clock::Clock, stall::Stalled},
    world::{Change, Scope, World},
};

/// A `MiniProgram` with its managedFields has about 15 kB, and a page is in memory as a whole.
const MINI_PROGRAMS_PER_PAGE: u32 = 200;

/// For this long after a restore was handled, a known version that is newer than the API server's
/// is not taken for another restore: the lists have replaced the old versions.
const RESTORE_CHECK_PAUSE: Duration = Duration::from_mins(10);

/// The watches of one term.
pub struct Watches {
    /// The client of the API server.
    pub client: Client,
    /// The namespaces to watch.
    pub scopes: Vec<Scope>,
    /// The label selector of the `MiniProgram`s.
    pub selector: Option<String>,
    /// The seconds after which the API server ends a watch, which is then resumed.
    pub seconds: u32,
    /// The watches that do not work at the moment.
    pub gaps: Gaps,
    /// The clock for the start of a gap.
    pub clock: Clock,
}

impl Watches {
    /// Runs the watches on three kinds of objects in each scope until `stop`. `changed` is called
    /// with the change of each event, also with an empty one, since the event may have completed a
    /// list. The world is not locked during the call.
    ///
    /// Lists are read from etcd and not from the API server's cache: a list that is older than the
    /// events before it would bring back deleted objects.
    pub async fn run(
        self,
        world: Arc<Mutex<World>>,
        changed: impl Fn(Change) + Send + Sync,
        stop: CancellationToken,
    ) {
        let (world, changed) = (&*world, &changed);
        let restored = Restored::new(());
        let config = Config::default().timeout(self.seconds);
        let mut mini_programs = config.clone().page_size(MINI_PROGRAMS_PER_PAGE);
        mini_programs.label_selector.clone_from(&self.selector);
        let targets = config.clone().fields(&format!("type={}", names::SECRET_TYPE));
        let (mini_programs, secrets, targets) = (&mini_programs, &config, &targets);
        // Each guard is dropped before `changed` is called, which may lock the world.
        let all = self.scopes.iter().flat_map(|scope| -> [BoxFuture<'_, ()>; 3] {
            let watch =
                |kind| Watch { kind, scope, gaps: &self.gaps, clock: &self.clock, stop: &stop };
            let [of_objects, of_secrets, of_targets] =
                [Kind::MiniPrograms, Kind::Secrets, Kind::Targets].map(watch);
            let client = of_objects.client(&self.client);
            let objects = move || {
                watcher(api::<DeserializeGuard<MiniProgram>>(&client, scope), mini_programs.clone())
            };
            let objects =
                of_objects.follow_with_restarts(objects, restored.subscribe(), move |event| {
                    let change = lock(world).mini_program_event(scope, event);
                    publish(change, changed);
                });
            let client = of_secrets.client(&self.client);
            let secrets =
                move || watcher(api::<PartialObjectMeta<Secret>>(&client, scope), secrets.clone());
            let secrets =
                of_secrets.follow_with_restarts(secrets, restored.subscribe(), move |event| {
                    let change = lock(world).secret_event(scope, event);
                    publish(change, changed);
                });
            let client = of_targets.client(&self.client);
            let targets =
                move || watcher(api::<PartialObjectMeta<Secret>>(&client, scope), targets.clone());
            let targets =
                of_targets.follow_with_restarts(targets, restored.subscribe(), move |event| {
                    let change = lock(world).target_event(scope, event);
                    publish(change, changed);
                });
            [objects.boxed(), secrets.boxed(), targets.boxed()]
        });
        let watching = join_all(all);
        tokio::select! {
            _ = watching => {}
            () = self.detect_restores(world, &restored) => {}
        }
    }

    /// Reads the API server's newest resourceVersion periodically. It only increases, unless the
    /// cluster was restored from a backup: a watch then waits for a later version without an error,
    /// so all objects are listed again.
    async fn detect_restores(&self, world: &Mutex<World>, restored: &Restored) {
        let mut newest = 0;
        let mut check_again_at = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_secs(self.seconds.into()));
        loop {
            ticks.tick().await;
            // Read before the request: a version that the API server has shown is not newer than
            // its response.
            let known = lock(world).newest_version().max(newest);
            let Some(version) = self.newest_version().await else { continue };
            let is_newer_than_server =
                lock(world).take_newer_than_server() && check_again_at <= Instant::now();
            if is_newer_than_server || version < known {
                check_again_at = Instant::now() + RESTORE_CHECK_PAUSE;
                warn!(
                    version,
                    known, "the cluster was restored from a backup; listing all objects again"
                );
                lock(world).record_restore();
                restored.send_replace(());
            }
            newest = version;
        }
    }

    /// The resourceVersion of a list of one object, in the first scope in which the list succeeds.
    async fn newest_version(&self) -> Option<u64> {
        for scope in &self.scopes {
            let minis = api::<PartialObjectMeta<MiniProgram>>(&self.client, scope);
            let list = minis.list(&ListParams::default().limit(1)).await.ok();
            let version = list.and_then(|list| list.metadata.resource_version?.parse().ok());
            if version.is_some() {
                return version;
            }
        }
        None
    }
}

/// Restarts the watches with a list after a restore of the cluster.
type Restored = tokio::sync::watch::Sender<()>;

fn api<K>(client: &Client, scope: &Scope) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scope {
        Scope::All => Api::all(client.clone()),
        Scope::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    MiniPrograms,
    Secrets,
    Targets,
}

#[derive(Clone, Copy)]
struct Watch<'a> {
    kind: Kind,
    scope: &'a Scope,
    gaps: &'a Gaps,
    clock: &'a Clock,
    stop: &'a CancellationToken,
}

impl Watch<'_> {
    /// A client that ends the gap when the API server serves the watch: kube's watcher yields
    /// nothing for a resumed watch until an object changes.
    fn client(&self, client: &Client) -> Client {
        let (client, gaps, what) = (client.clone(), self.gaps.clone(), self.to_string());
        let namespace = client.default_namespace().to_owned();
        let observed = tower::service_fn(move |request: Request<Body>| {
            let (client, gaps, what) = (client.clone(), gaps.clone(), what.clone());
            let is_watch = request
                .uri()
                .query()
                .is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
            async move {
                let response = client.send(request).await?;
                if is_watch && response.status().is_success() {
                    gaps.end(&what);
                }
                Ok::<_, kube::Error>(response)
            }
        });
        Client::new(observed, namespace)
    }

    /// Runs a watch, and restarts it with a list each time the cluster is restored.
    async fn follow_with_restarts<K, S: Stream<Item = watcher::Result<Event<K>>>>(
        self,
        watch: impl Fn() -> S,
        mut restored: tokio::sync::watch::Receiver<()>,
        take: impl Fn(Event<K>),
    ) {
        loop {
            tokio::select! {
                () = self.follow(watch(), &take) => return,
                Ok(()) = restored.changed() => {}
            }
        }
    }

    /// Each watch has its own back-off, so that a forbidden one does not delay the others.
    async fn follow<K>(
        self,
        events: impl Stream<Item = watcher::Result<Event<K>>>,
        take: impl Fn(Event<K>),
    ) {
        let mut events = pin!(events);
        let mut backoff = DefaultBackoff::default();
        let mut failing = None;
        self.gaps.begin(&self.to_string(), self.clock.now().boot);
        while let Some(Some(event)) = self.stop.run_until_cancelled(events.next()).await {
            match event {
                Ok(event) => {
                    // `Init` means that a list will be requested. kube's own back-off takes it for
                    // a success, and would request a forbidden list every second.
                    if !matches!(event, Event::Init) {
                        backoff.reset();
                        self.report(&mut failing, None);
                    }
                    if matches!(event, Event::InitDone) {
                        self.gaps.end(&self.to_string());
                    }
                    take(event);
                }
                Err(error) => {
                    self.report(&mut failing, Some(&error));
                    self.gaps.begin(&self.to_string(), self.clock.now().boot);
                    let pause = backoff.next().unwrap_or_default();
                    #[allow(
                        clippy::disallowed_methods,
                        reason = "a watch waits for its back-off, outside any reconcile"
                    )]
                    self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
    }

    /// Logs when a watch begins to fail, fails in another way, or works again.
    fn report(&self, failing: &mut Option<Failure>, error: Option<&watcher::Error>) {
        let failure = error.map(Failure::of);
        if *failing == failure {
            return;
        }
        let (scope, kind) = (self.scope, self.kind.name());
        if let (Some(failure), Some(error)) = (failure, error) {
            let (cause, what_to_do) = (text(error), self.what_to_do(failure));
            if failure == Failure::NotReached {
                // `outage` logs it once for all watches.
                debug!(%scope, kind, cause, what_to_do, "watch failed; retrying with back-off");
            } else {
                warn!(%scope, kind, cause, what_to_do, "watch failed; retrying with back-off");
            }
        } else {
            info!(%scope, kind, "watch recovered");
        }
        *failing = failure;
    }

    fn what_to_do(&self, failure: Failure) -> String {
        let (scope, resource) = (self.scope, self.kind.resource());
        match (failure, self.kind) {
            (Failure::Forbidden, _) => {
                format!(
                    "grant list and watch on {resource} in {scope} to this operator's ServiceAccount"
                )
            }
            (Failure::Missing, Kind::MiniPrograms) => {
                "apply crds/: the cluster has no MiniProgram resource".to_owned()
            }
            (Failure::Unauthorized, _) => "check the ServiceAccount and its token".to_owned(),
            _ => "check the API server's health and the network to it".to_owned(),
        }
    }
}

impl fmt::Display for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.within(self.scope))
    }
}

/// The name of the watch on `MiniProgram`s in a scope.
#[must_use]
pub fn of_objects(scope: &Scope) -> String {
    Kind::MiniPrograms.within(scope)
}

impl Kind {
    fn within(self, scope: &Scope) -> String {
        format!("{} in {scope}", self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::MiniPrograms => "MiniPrograms",
            Self::Secrets => "Secrets",
            Self::Targets => "access token Secrets",
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::MiniPrograms => "miniprograms.miniprogram.dev",
            Self::Secrets | Self::Targets => "secrets",
        }
    }
}

/// How a watch fails, as far as the advice differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Forbidden,
    Unauthorized,
    Missing,
    Refused(u16),
    NotReached,
    NoAnswer,
}

impl Failure {
    fn of(error: &watcher::Error) -> Self {
        match code(error) {
            Some(401) => Self::Unauthorized,
            Some(403) => Self::Forbidden,
            Some(404) => Self::Missing,
            Some(code) => Self::Refused(code),
            None if not_reached(error) => Self::NotReached,
            None => Self::NoAnswer,
        }
    }
}

fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

/// Whether the API server did not respond at all. Each watch logs a response that stops in the
/// middle or does not begin in time.
fn not_reached(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Service(why))
        | watcher::Error::WatchStartFailed(kube::Error::Service(why)) => !why.is::<Stalled>(),
        _ => false,
    }
}

/// The error as text, unless it may quote an object.
fn text(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(kube::Error::SerdeError(_))
        | watcher::Error::WatchStartFailed(kube::Error::SerdeError(_))
        | watcher::Error::WatchFailed(kube::Error::SerdeError(_)) => {
            "the response cannot be deserialized".to_owned()
        }
        other => cause::text(other),
    }
}

fn publish(change: Change, changed: &impl Fn(Change)) {
    for object in &change.unreadable {
        let (namespace, name) = (object.namespace(), object.name());
        warn!(
            namespace,
            name,
            "cannot deserialize this MiniProgram; ignoring it until it changes or the operator is upgraded"
        );
    }
    changed(change);
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    // After a panic in another thread the world may be incomplete; the next list repairs it.
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
