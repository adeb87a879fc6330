//! Reconciles one object: observe, plan, one act, and again until nothing is to do. Each step
//! returns a value and calls no other step; every decision is the plan's.

mod acts;
pub mod api_error;
pub mod apply;
pub mod call;
pub mod events;
mod farewell;
pub mod fetch;
pub mod memory;
mod observe;
pub mod observed;
pub mod plan;
mod queues;
pub mod reads;
pub mod status;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::Client;

pub use self::farewell::farewell;
use self::{
    acts::{StartedCall, is_alone},
    api_error::ApiError,
    events::Events,
    fetch::{
        Platforms,
        slots::{Slot, Slots, Turn},
    },
    memory::{Memories, Recall},
    observed::{CredentialRead, LiveRead, Observed, ReadFor, Spec, TargetLookup},
    plan::{Act, Planned, backoff::backoff, view::View},
    reads::{Errand, Reads},
};
use crate::{
    api::MiniProgram,
    controller::Action,
    platform,
    shell::{
        chance::Chance,
        clock::{Clock, Now},
        leader::Term,
        metrics::{Metrics, Outcome},
    },
    template::AllowedMetadata,
    world::{Gone, ObjectName, World},
};

/// A pass takes a handful of iterations; more than this means that two of its acts undo each other.
const ITERATIONS: usize = 24;
/// After this many lost races with other writers in one pass, the object backs off as after any
/// failure.
const RACES: u32 = 3;
/// The first wait after a failed request. It doubles with each further failure, up to a minute.
const BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// The wait when there is no room for a call.
const SOON: Duration = Duration::from_secs(1);

/// Everything that a reconcile works with.
pub struct Ctx {
    /// The client of the API server.
    pub client: Client,
    /// The reads of Secrets.
    pub reads: Reads,
    /// What the watches and our own writes show of the cluster.
    pub world: Arc<Mutex<World>>,
    /// What the process remembers.
    pub memories: Memories,
    /// The hosts of the platforms and the door to them.
    pub platforms: Platforms,
    /// Room for calls.
    pub slots: Slots,
    /// The term of leadership.
    pub term: Term,
    /// The clocks.
    pub clock: Clock,
    /// The source of randomness.
    pub chance: Chance,
    /// The metrics.
    pub metrics: Metrics,
    /// The Events.
    pub events: Events,
    /// The labels and annotations that a spec may give its target.
    pub allowed: AllowedMetadata,
}

/// What a reconcile pass owns, from one iteration to the next.
#[derive(Default)]
struct Pass {
    /// The uid of the object.
    of: Option<String>,
    credential: Option<ReadFor>,
    live: Option<LiveRead>,
    /// Whether the reads of the last observation must not be used again.
    is_live_stale: bool,
    is_credential_stale: bool,
    started: Option<StartedCall>,
    /// The app's turn: held until there is a slot, and again after the call until the pass ends.
    turn: Option<Turn>,
    slot: Option<Slot>,
    /// The number of writes that lost a race.
    lost_races: u32,
}

/// What follows an act.
enum Next {
    Continue,
    Requeue(Duration, Outcome),
}

/// There is no room or no time for a call now; there may be a moment later.
const REQUEUE_SOON: Next = Next::Requeue(SOON, Outcome::RequeueAfter);

/// Reconciles one object in one pass.
pub async fn reconcile(ctx: Arc<Ctx>, name: ObjectName) -> Action {
    let _active = ctx.metrics.reconciling();
    let began = ctx.clock.now().boot;
    let mut pass = Pass::default();
    let (action, outcome) = run_pass(&ctx, &name, &mut pass).await;
    ctx.forget_if_gone(&name, pass.of.as_deref());
    ctx.metrics.reconciled(outcome, ctx.clock.now().boot.saturating_sub(began));
    action
}

async fn run_pass(ctx: &Ctx, name: &ObjectName, pass: &mut Pass) -> (Action, Outcome) {
    let mut overdue_since = None;
    for iteration in 0..ITERATIONS {
        // A process that is paused and resumes after its term has ended must neither write nor
        // call.
        if !ctx.term.leads() {
            return (Action::AWAIT_CHANGE, Outcome::Success);
        }
        let now = ctx.clock.now();
        let Some(seen) = observe::observe(ctx, name, now, pass) else {
            return (Action::AWAIT_CHANGE, Outcome::Success);
        };
        let pause = seen.recall.no_pass_before.saturating_sub(now.boot);
        if iteration == 0 && !pause.is_zero() {
            return (
                Action { requeue_after: pause, overdue_since: seen.recall.due_since },
                Outcome::RequeueAfter,
            );
        }
        ctx.report_foreign_write(&seen).await;
        let (Planned { act, wake, due, waits }, view) = plan::plan_and_view(&seen, now);
        overdue_since = note_since(ctx, &seen, due, waits, now);
        if let Act::Rest = act {
            ctx.recall(&seen.mini_program, |recall| recall.diverged = 0);
            ctx.expose(name, &seen.mini_program);
            ctx.events
                .publish(&seen.mini_program, &ctx.answers_to_reports(&seen.mini_program))
                .await;
            return (Action { requeue_after: wake, overdue_since }, Outcome::RequeueAfter);
        }
        let next = ctx.perform(act, &seen, view.as_ref(), pass).await;
        if let Next::Requeue(again, outcome) = next {
            return (Action { requeue_after: again, overdue_since }, outcome);
        }
        drop(view);
        pass.keep_reads(seen);
    }
    let again = ctx.diverged(name);
    (Action { requeue_after: again, overdue_since }, Outcome::Error)
}

/// A reconcile pass panicked: the object reports it and is requeued, and all others continue.
pub fn panicked(ctx: &Arc<Ctx>, name: &ObjectName) -> Duration {
    tracing::error!(
        namespace = name.namespace,
        name = name.name,
        "a reconcile panicked; requeueing the object in a minute"
    );
    ctx.metrics.reconcile_panicked();
    let mp = ctx.world().mini_program(name);
    if let Some(mp) = mp {
        let (ctx, name) = (Arc::clone(ctx), name.clone());
        tokio::spawn(async move {
            let status = plan::report::of_panic(&mp, ctx.clock.now());
            ctx.write_status(&mp, status, &mut Pass::default()).await;
            ctx.forget_if_gone(&name, mp.metadata.uid.as_deref());
        });
    }
    LONGEST_BACK_OFF
}

/// Records since when a call is due and has not been made, which `RefreshOverdue` and the metric of
/// that name report, and since when an older object of the app is waited for.
fn note_since(ctx: &Ctx, seen: &Observed, due: bool, waits: bool, now: Now) -> Option<Duration> {
    let uid = seen.mini_program.metadata.uid.as_deref().unwrap_or_default();
    ctx.memories.with(uid, |memory| {
        let recall = &mut memory.recall;
        recall.waiting_since = waits.then(|| recall.waiting_since.unwrap_or(now.boot));
        recall.due_since = due.then(|| recall.due_since.unwrap_or(now.boot));
        recall.due_since
    })
}

/// The key of the app in the process's memory.
fn app_key(mp: &MiniProgram) -> Option<memory::AppKey> {
    let platform = platform::find(mp.spec.platform.as_str())?;
    let mode = plan::view::mode_name(platform.endpoint(mp.spec.token_mode)?);
    Some((platform.name, mp.spec.app_id.clone(), mode.to_owned()))
}

impl Ctx {
    /// Drops what is remembered of a deleted object.
    pub fn forget(&self, gone: &Gone) {
        self.memories.forget(&gone.uid);
        self.metrics.forget(&gone.name.namespace, &gone.name.name);
    }

    /// Drops it again if the object was deleted during a pass, since the rest of the pass remembers
    /// it anew.
    fn forget_if_gone(&self, name: &ObjectName, uid: Option<&str>) {
        let current = self.world().mini_program(name);
        if current.is_none() {
            self.metrics.forget(&name.namespace, &name.name);
        }
        let is_current = current.is_some_and(|mp| {
            mp.metadata.uid.as_deref().unwrap_or_default() == uid.unwrap_or_default()
        });
        if let Some(gone) = uid.filter(|_| !is_current) {
            self.memories.forget(gone);
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall<T>(&self, mp: &MiniProgram, change: impl FnOnce(&mut Recall) -> T) -> T {
        self.memories.with(mp.metadata.uid.as_deref().unwrap_or_default(), |memory| {
            change(&mut memory.recall)
        })
    }

    async fn perform(
        &self,
        act: Act,
        seen: &Observed,
        view: Option<&View<'_>>,
        pass: &mut Pass,
    ) -> Next {
        let mp = &*seen.mini_program;
        let alone = view.is_some_and(is_alone);
        match act {
            Act::Rest => Next::Continue,
            Act::Status(status) => self.write_status(mp, *status, pass).await,
            Act::ReadLive { for_call: true, .. } if !self.has_turn(mp, alone, pass) => {
                self.wait_for_turn(mp, alone, pass).await
            }
            Act::ReadLive { old, for_call } => {
                if for_call
                    && let Some(view) = view
                    && let Err(instead) = self.admit(view, pass).await
                {
                    return instead;
                }
                let errand = if for_call { Errand::Call } else { Errand::Object };
                let read = seen.credential_read.as_ref();
                let read = read.map(|read| Arc::clone(&read.credential));
                match self.reads.read_live(mp, old.as_deref(), read, errand).await {
                    Ok(live) => {
                        self.record_live_read(mp, &live);
                        // The live read has it, and is dropped by the act that uses it.
                        pass.drop_credential();
                        pass.live = Some(live);
                        Next::Continue
                    }
                    Err(error) => self.back_off(mp, &error, "read the target and the credential"),
                }
            }
            Act::ReadCredential => match self.reads.credential(mp).await {
                Ok(credential) => {
                    self.record_credential_read(mp, &credential);
                    let credential = Arc::new(credential);
                    pass.credential = Some(ReadFor { of: Spec::of(mp), credential });
                    Next::Continue
                }
                Err(error) => self.back_off(mp, &error, "read the credential"),
            },
            Act::NoteCredential(noted) => {
                self.recall(mp, |recall| recall.noted = Some(noted));
                Next::Continue
            }
            Act::RecordIntent(wanted) => match view {
                Some(view) => self.record_intent(view, pass, wanted).await,
                None => REQUEUE_SOON,
            },
            Act::Call(wanted) => match view {
                Some(view) => self.call(view, pass, wanted).await,
                None => REQUEUE_SOON,
            },
            Act::Withdraw => {
                if let Some(started) = pass.started.take() {
                    self.take_back(mp, started);
                }
                Next::Continue
            }
            Act::Store => {
                pass.drop_live();
                self.store(mp).await
            }
            Act::Keep { early } => self.keep(mp, early).await,
            Act::Drop => {
                self.memories.with(mp.metadata.uid.as_deref().unwrap_or_default(), |memory| {
                    memory.unstored = None;
                });
                Next::Continue
            }
            Act::Rewrite(rewrite) => match view {
                Some(view) => self.rewrite(view, pass, &rewrite).await,
                None => REQUEUE_SOON,
            },
            Act::Unmatched(version) => {
                self.recall(mp, |recall| recall.unmatched = Some(version));
                Next::Continue
            }
            Act::Forget(old) => match apply::forget(&self.client, mp, &old).await {
                Ok(()) => {
                    self.metrics.secret_written("delete");
                    self.world().record_own_delete(
                        mp.metadata.namespace.as_deref().unwrap_or_default(),
                        &old.name,
                        &old.uid,
                    );
                    tracing::info!(
                        namespace = mp.metadata.namespace,
                        name = mp.metadata.name,
                        secret = old.name,
                        "deleted the Secret that was the target before"
                    );
                    self.events.publish(mp, &[events::old_target_deleted(&old.name)]).await;
                    Next::Continue
                }
                Err(error) => {
                    self.back_off(mp, &error, "delete the Secret that was the target before")
                }
            },
        }
    }

    /// Puts what a live read found into the world, like a watch event. Otherwise the platform's
    /// verdict on a version of the credential that the watch has yet to show would count for
    /// another version, and the platform would be called again.
    fn record_live_read(&self, mp: &MiniProgram, live: &LiveRead) {
        if let TargetLookup::Is(target) = &live.target {
            let namespace = mp.metadata.namespace.as_deref().unwrap_or_default();
            self.world().record_own_write(namespace, target.as_ref().clone());
        }
        let boot = self.clock.now().boot;
        self.recall(mp, |recall| {
            recall.read_at = Some(boot);
            recall.verified = live.intact.clone().or(recall.verified.take());
        });
        self.record_credential_read(mp, &live.credential);
    }

    fn record_credential_read(&self, mp: &MiniProgram, read: &CredentialRead) {
        let CredentialRead::Is { version, .. } = read else { return };
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let reader =
            ObjectName { namespace: name(&mp.metadata.namespace), name: name(&mp.metadata.name) };
        let secret = &mp.spec.credential_ref.name;
        self.world().record_read(&reader, secret, &version.uid, &version.resource_version);
    }

    /// Backs off after a pass that did not converge: two of its acts undo each other. The wait
    /// grows with each such pass.
    fn diverged(&self, name: &ObjectName) -> Duration {
        let now = self.clock.now();
        let Some(mp) = self.world().mini_program(name) else { return SOON };
        let (wait, times) = self.recall(&mp, |recall| {
            recall.diverged = recall.diverged.saturating_add(1);
            let wait = backoff(recall.diverged, BACK_OFF, LONGEST_BACK_OFF);
            recall.no_pass_before = now.boot + wait;
            (wait, recall.diverged)
        });
        let (namespace, name) = (&name.namespace, &name.name);
        tracing::warn!(
            namespace,
            name,
            times,
            "a reconcile did not converge; requeueing the object with a back-off"
        );
        wait
    }

    /// Backs off after a failed request: everything about the object waits, longer each time.
    fn back_off(&self, mp: &MiniProgram, error: &ApiError, doing: &'static str) -> Next {
        let now = self.clock.now();
        let (wait, times) = self.recall(mp, |recall| {
            recall.errors = recall.errors.saturating_add(1);
            let wait = backoff(recall.errors, BACK_OFF, LONGEST_BACK_OFF);
            recall.not_before = now.boot + wait;
            (wait, recall.errors)
        });
        let (namespace, name) = (mp.metadata.namespace.as_deref(), mp.metadata.name.as_deref());
        tracing::warn!(namespace, name, %error, times, "could not {doing}; it is tried again");
        Next::Requeue(wait, Outcome::Error)
    }
}

impl Pass {
    /// Drops the reads of this pass: they are older than what has happened since.
    fn drop_reads(&mut self) {
        self.drop_live();
        self.drop_credential();
    }

    fn drop_credential(&mut self) {
        (self.credential, self.is_credential_stale) = (None, true);
    }

    fn drop_live(&mut self) {
        (self.live, self.is_live_stale) = (None, true);
    }

    /// Keeps an observation's reads for the next iteration, unless an act has dropped or repeated
    /// them.
    fn keep_reads(&mut self, seen: Observed) {
        if !std::mem::take(&mut self.is_credential_stale) {
            self.credential = self.credential.take().or(seen.credential_read);
        }
        if !std::mem::take(&mut self.is_live_stale) {
            self.live = self.live.take().or(seen.live);
        }
    }

    /// Whether a write that lost a race is planned again at once.
    fn may_race_again(&mut self) -> bool {
        self.lost_races += 1;
        self.lost_races <= RACES
    }
}
