//! Turns the API server's watches into events of the world. Knows how a watch fails, not what its
//! objects mean.
//!
//! Of a Secret only metadata is asked for, so that its data never reaches this process by way of a
//! watch.

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

/// A `MiniProgram` comes with managedFields, some 15 kB in all, and each page is held at once.
const MINI_PROGRAMS_PER_PAGE: u32 = 200;

/// Lists heal a restore. Who is still ahead of the API server after them is so for another reason.
const AHEAD_AGAIN: Duration = Duration::from_mins(10);

/// The watches of one term.
pub struct Watches {
    /// The way to the API server.
    pub client: Client,
    /// Where to watch.
    pub scopes: Vec<Scope>,
    /// The label selector of the `MiniProgram`s.
    pub selector: Option<String>,
    /// After how many seconds the API server ends a watch, which is then resumed.
    pub seconds: u32,
    /// Where it is told which of them show nothing.
    pub gaps: Gaps,
    /// The clock that gaps are measured by.
    pub clock: Clock,
}

impl Watches {
    /// Follows the three kinds of objects in each scope until told to stop. `changed` hears what
    /// follows from each event, also if that is nothing: the event may have completed a list. The
    /// world is not locked while it does.
    ///
    /// Lists are read from the API server's newest state, not from whatever a cache holds: a list
    /// that is older than what was seen before it would bring back what is gone.
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
        // Each guard is dropped before `changed` is called: it may want to ask the world.
        let all = self.scopes.iter().flat_map(|scope| -> [BoxFuture<'_, ()>; 3] {
            let watch =
                |kind| Watch { kind, scope, gaps: &self.gaps, clock: &self.clock, stop: &stop };
            let [of_objects, of_secrets, of_targets] =
                [Kind::MiniPrograms, Kind::Secrets, Kind::Targets].map(watch);
            let client = of_objects.client(&self.client);
            let objects = move || {
                watcher(api::<DeserializeGuard<MiniProgram>>(&client, scope), mini_programs.clone())
            };
            let objects = of_objects.follow_again(objects, restored.subscribe(), move |event| {
                let change = lock(world).mini_program_event(scope, event);
                tell(change, changed);
            });
            let client = of_secrets.client(&self.client);
            let secrets =
                move || watcher(api::<PartialObjectMeta<Secret>>(&client, scope), secrets.clone());
            let secrets = of_secrets.follow_again(secrets, restored.subscribe(), move |event| {
                let change = lock(world).secret_event(scope, event);
                tell(change, changed);
            });
            let client = of_targets.client(&self.client);
            let targets =
                move || watcher(api::<PartialObjectMeta<Secret>>(&client, scope), targets.clone());
            let targets = of_targets.follow_again(targets, restored.subscribe(), move |event| {
                let change = lock(world).target_event(scope, event);
                tell(change, changed);
            });
            [objects.boxed(), secrets.boxed(), targets.boxed()]
        });
        let watching = join_all(all);
        tokio::select! {
            _ = watching => {}
            () = self.probe_history(world, &restored) => {}
        }
    }

    /// Asks from time to time for the API server's newest version. Versions only grow, unless the
    /// cluster was restored from a copy: a watch then waits, without a word, for versions that are
    /// yet to come, so everything is listed again.
    async fn probe_history(&self, world: &Mutex<World>, restored: &Restored) {
        let mut newest = 0;
        let mut believes_from = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_secs(self.seconds.into()));
        loop {
            ticks.tick().await;
            // What the API server has told of by now, it cannot have yet to reach.
            let known = lock(world).newest_version().max(newest);
            let Some(version) = self.newest_version().await else { continue };
            let is_newer_than_server =
                lock(world).take_newer_than_server() && believes_from <= Instant::now();
            if is_newer_than_server || version < known {
                believes_from = Instant::now() + AHEAD_AGAIN;
                warn!(
                    version,
                    known, "the cluster was restored from a copy: everything is listed again"
                );
                lock(world).went_back();
                restored.send_replace(());
            }
            newest = version;
        }
    }

    /// The version of a list of one object, from the first scope that answers.
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

/// Tells the watches that versions have begun anew.
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
    /// The client, which notes when the API server begins to serve the watch: kube's watcher says
    /// nothing of a watch that was resumed until something changes.
    fn client(&self, client: &Client) -> Client {
        let (client, gaps, what) = (client.clone(), self.gaps.clone(), self.to_string());
        let namespace = client.default_namespace().to_owned();
        let noting = tower::service_fn(move |request: Request<Body>| {
            let (client, gaps, what) = (client.clone(), gaps.clone(), what.clone());
            let is_watch = request
                .uri()
                .query()
                .is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
            async move {
                let answer = client.send(request).await?;
                if is_watch && answer.status().is_success() {
                    gaps.end(&what);
                }
                Ok::<_, kube::Error>(answer)
            }
        });
        Client::new(noting, namespace)
    }

    /// Follows a watch, and begins with another list each time that the cluster was restored.
    async fn follow_again<K, S: Stream<Item = watcher::Result<Event<K>>>>(
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

    /// Each watch waits for itself alone: one that is forbidden must not hold the others.
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
                    // `Init` says that a list will be asked for, not that one was answered. kube's
                    // own back-off takes it for a success, and asks a server that forbids the list
                    // every second.
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
                        reason = "a watch waits for its own back-off, not inside a look"
                    )]
                    self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
    }

    /// One line when a watch begins to fail, fails in another way, or works again.
    fn report(&self, failing: &mut Option<Failure>, error: Option<&watcher::Error>) {
        let failure = error.map(Failure::of);
        if *failing == failure {
            return;
        }
        let (scope, kind) = (self.scope, self.kind.name());
        if let (Some(failure), Some(error)) = (failure, error) {
            let (cause, what_to_do) = (text(error), self.what_to_do(failure));
            if failure == Failure::NotReached {
                // One line for all of them tells of it.
                debug!(%scope, kind, cause, what_to_do, "a watch fails and is tried again");
            } else {
                warn!(%scope, kind, cause, what_to_do, "a watch fails and is tried again");
            }
        } else {
            info!(%scope, kind, "a watch that failed works again");
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
            _ => "see whether the API server is well and can be reached".to_owned(),
        }
    }
}

impl fmt::Display for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.within(self.scope))
    }
}

/// What a watch of `MiniProgram`s in a scope is called.
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

/// How a watch fails, as far as it makes a difference to a person.
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

/// Whether the request was not answered at all. An answer that stops in the middle, and one that
/// does not begin in time, are for each watch to tell of.
fn not_reached(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Service(why))
        | watcher::Error::WatchStartFailed(kube::Error::Service(why)) => !why.is::<Stalled>(),
        _ => false,
    }
}

/// The error in words, unless it may quote an object.
fn text(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(kube::Error::SerdeError(_))
        | watcher::Error::WatchStartFailed(kube::Error::SerdeError(_))
        | watcher::Error::WatchFailed(kube::Error::SerdeError(_)) => {
            "the answer cannot be read".to_owned()
        }
        other => cause::text(other),
    }
}

fn tell(change: Change, changed: &impl Fn(Change)) {
    for object in &change.unreadable {
        let (namespace, name) = (&object.namespace, &object.name);
        warn!(
            namespace,
            name, "this version of the operator cannot read this MiniProgram, and leaves it alone"
        );
    }
    changed(change);
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    // A panic while it was held is a bug, but the next relist puts right what it left undone.
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
