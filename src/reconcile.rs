//! Drives one object: observe, plan, one act, again, until there is nothing to do. Each step returns a value and none calls
//! another; every decision is the plan's.

mod admittance;
pub mod api_error;
pub mod apply;
pub mod call;
mod calling;
pub mod events;
mod farewell;
pub mod fetch;
mod gather;
pub mod memory;
pub mod observe;
pub mod plan;
mod queues;
pub mod reads;
mod refusal;
mod reporting;
pub mod status;
mod storing;
mod telling;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::Client;

pub use self::farewell::farewell;
use self::{
    api_error::ApiError,
    calling::Begin,
    events::Events,
    fetch::{
        Platforms,
        slots::{Slot, Slots, Turn},
    },
    memory::{Memories, Recall},
    observe::{Close, CredentialRead, Observed, ReadFor, Spec, TargetSeen},
    plan::{Act, Planned, case::Case},
    reads::{Errand, Reads},
};
use crate::{
    api::MiniProgram,
    controller::Looked,
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

/// A look takes a handful of rounds; more means that two of its acts undo each other.
const ROUNDS: usize = 24;
/// So many races with other writers are met at once in one pass; then the object waits, as after any failure.
const RACES: u32 = 3;
/// What cannot be done now is tried again after so long, doubled each time up to a minute.
const SETBACK: Duration = Duration::from_millis(500);
const LONGEST_SETBACK: Duration = Duration::from_secs(60);
/// No room for a call at the moment.
const NO_SLOT: Duration = Duration::from_secs(1);

/// All that a reconcile works with.
pub struct Ctx {
    /// The door to the API server.
    pub client: Client,
    /// The reads of Secrets.
    pub reads: Reads,
    /// What the watches have seen.
    pub world: Arc<Mutex<World>>,
    /// What the process remembers.
    pub memories: Memories,
    /// The door to the platforms.
    pub platforms: Platforms,
    /// Room for calls.
    pub slots: Slots,
    /// Leadership.
    pub term: Term,
    /// The clocks.
    pub clock: Clock,
    /// What must differ each time.
    pub chance: Chance,
    /// The metrics.
    pub metrics: Metrics,
    /// The Events.
    pub events: Events,
    /// The labels and annotations that targets may get.
    pub allowed: AllowedMetadata,
}

/// What one look carries from round to round.
#[derive(Default)]
struct Carry {
    /// The uid of the object.
    of: Option<String>,
    credential: Option<ReadFor>,
    close: Option<Close>,
    begin: Option<Begin>,
    /// The app's turn: until there is a slot, and after its call until the pass ends.
    turn: Option<Turn>,
    slot: Option<Slot>,
    /// How many writes lost a race.
    lost_races: u32,
}

/// What comes after an act.
enum Next {
    Round,
    Rest(Duration, Outcome),
}

/// No room or no time for a call: a moment later there may be.
const LATER: Next = Next::Rest(NO_SLOT, Outcome::RequeueAfter);

/// Looks at one object and does what there is to do.
pub async fn reconcile(ctx: Arc<Ctx>, name: ObjectName) -> Looked {
    let _active = ctx.metrics.reconciling();
    let began = ctx.clock.now().boot;
    let mut carry = Carry::default();
    let (looked, outcome) = look(&ctx, &name, &mut carry).await;
    ctx.forget_if_gone(&name, carry.of.as_deref());
    ctx.metrics.reconciled(outcome, ctx.clock.now().boot.saturating_sub(began));
    looked
}

async fn look(ctx: &Ctx, name: &ObjectName, carry: &mut Carry) -> (Looked, Outcome) {
    let mut overdue_since = None;
    for round in 0..ROUNDS {
        // A leader that wakes late must neither write nor call.
        if !ctx.term.leads() {
            return (Looked::GONE, Outcome::Success);
        }
        let now = ctx.clock.now();
        let Some(mut seen) = gather::observe(ctx, name, now, carry) else { return (Looked::GONE, Outcome::Success) };
        let pause = seen.recall.no_pass_before.saturating_sub(now.boot);
        if round == 0 && !pause.is_zero() {
            return (Looked { again: pause, overdue_since: seen.recall.due_since }, Outcome::RequeueAfter);
        }
        ctx.notice_foreign_write(&seen).await;
        let Planned { act, wake, due, waits } = plan::plan(&seen, now);
        overdue_since = note_since(ctx, &seen, due, waits, now);
        carry.credential = seen.credential_read.take();
        carry.close = seen.close.take();
        if let Act::Rest = act {
            ctx.recall(&seen.mini_program, |recall| recall.diverged = 0);
            ctx.expose(name, &seen.mini_program);
            ctx.events.tell(&seen.mini_program, &ctx.wishes_answered(&seen.mini_program)).await;
            return (Looked { again: wake, overdue_since }, Outcome::RequeueAfter);
        }
        if let Next::Rest(again, outcome) = ctx.perform(act, &seen, carry, now).await {
            return (Looked { again, overdue_since }, outcome);
        }
    }
    let again = ctx.diverged(name);
    (Looked { again, overdue_since }, Outcome::Error)
}

/// A look panicked: that object waits and says so, all others go on.
pub fn panicked(ctx: &Arc<Ctx>, name: &ObjectName) -> Duration {
    tracing::error!(
        namespace = name.namespace,
        name = name.name,
        "the look at an object panicked; it is tried again in a minute"
    );
    ctx.metrics.reconcile_panicked();
    let mp = ctx.world().mini_program(name);
    if let Some(mp) = mp {
        let (ctx, name) = (Arc::clone(ctx), name.clone());
        tokio::spawn(async move {
            let status = plan::report::of_panic(&mp, ctx.clock.now());
            ctx.write_status(&mp, status, &mut Carry::default()).await;
            ctx.forget_if_gone(&name, mp.metadata.uid.as_deref());
        });
    }
    LONGEST_SETBACK
}

/// Since when a call is due and not made: what `RefreshOverdue` and the metric of the same name tell. And since when another
/// object is waited for.
fn note_since(ctx: &Ctx, seen: &Observed, due: bool, waits: bool, now: Now) -> Option<Duration> {
    let uid = seen.mini_program.metadata.uid.as_deref().unwrap_or_default();
    ctx.memories.with(uid, |memory| {
        let recall = &mut memory.recall;
        recall.waiting_since = waits.then(|| recall.waiting_since.unwrap_or(now.boot));
        recall.due_since = due.then(|| recall.due_since.unwrap_or(now.boot));
        recall.due_since
    })
}

/// The app's key in the process's counts.
fn app_key(mp: &MiniProgram) -> Option<memory::AppKey> {
    let platform = platform::find(mp.spec.platform.as_str())?;
    let mode = plan::case::mode_name(platform.endpoint(mp.spec.token_mode)?);
    Some((platform.name, mp.spec.app_id.clone(), mode.to_owned()))
}

impl Ctx {
    /// Drops what is known of an object that is gone.
    pub fn forget(&self, gone: &Gone) {
        self.memories.forget(&gone.uid);
        self.metrics.forget(&gone.name.namespace, &gone.name.name);
    }

    /// An object that ended during a pass was remembered anew by what the pass did after that.
    fn forget_if_gone(&self, name: &ObjectName, uid: Option<&str>) {
        let current = self.world().mini_program(name);
        if current.is_none() {
            self.metrics.forget(&name.namespace, &name.name);
        }
        let is_current = current.is_some_and(|mp| mp.metadata.uid.as_deref().unwrap_or_default() == uid.unwrap_or_default());
        if let Some(gone) = uid.filter(|_| !is_current) {
            self.memories.forget(gone);
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall<T>(&self, mp: &MiniProgram, change: impl FnOnce(&mut Recall) -> T) -> T {
        self.memories.with(mp.metadata.uid.as_deref().unwrap_or_default(), |memory| change(&mut memory.recall))
    }

    async fn perform(&self, act: Act, seen: &Observed, carry: &mut Carry, now: Now) -> Next {
        let mp = &*seen.mini_program;
        match act {
            Act::Rest => Next::Round,
            Act::Status(status) => self.write_status(mp, *status, carry).await,
            Act::LookCloser { for_call: true, .. } if !self.has_turn(mp, carry) => self.wait_for_turn(mp, carry).await,
            Act::LookCloser { old, for_call } => {
                if for_call && let Err(instead) = self.admit(seen, carry, now).await {
                    return instead;
                }
                let errand = if for_call { Errand::Call } else { Errand::Object };
                let read = carry.credential.take().map(|read| read.credential);
                match self.reads.look_closer(mp, old.as_deref(), read, errand).await {
                    Ok(close) => {
                        self.saw_closely(mp, &close);
                        carry.close = Some(close);
                        Next::Round
                    }
                    Err(error) => self.set_back(mp, &error, "read the target and the credential"),
                }
            }
            Act::ReadCredential => match self.reads.credential(mp).await {
                Ok(credential) => {
                    self.saw_credential(mp, &credential);
                    carry.credential = Some(ReadFor { of: Spec::of(mp), credential });
                    Next::Round
                }
                Err(error) => self.set_back(mp, &error, "read the credential"),
            },
            Act::NoteCredential(noted) => {
                self.recall(mp, |recall| recall.noted = Some(noted));
                Next::Round
            }
            Act::Begin(wanted) => self.begin(seen, carry, wanted, now).await,
            Act::Ask(wanted) => self.ask(seen, carry, wanted, now).await,
            Act::Withdraw => {
                if let Some(begin) = carry.begin.take() {
                    self.take_back(mp, begin);
                }
                Next::Round
            }
            Act::Store => {
                carry.close = None;
                self.store(mp).await
            }
            Act::Keep { early } => self.keep(mp, early).await,
            Act::Drop => {
                self.memories.with(mp.metadata.uid.as_deref().unwrap_or_default(), |memory| memory.in_hand = None);
                Next::Round
            }
            Act::Rewrite(rewrite) => self.rewrite(seen, carry, &rewrite, now).await,
            Act::Unmatched(version) => {
                self.recall(mp, |recall| recall.unmatched = Some(version));
                Next::Round
            }
            Act::Forget(old) => match apply::forget(&self.client, mp, &old).await {
                Ok(()) => {
                    self.metrics.secret_written("delete");
                    self.world().removed_target(mp.metadata.namespace.as_deref().unwrap_or_default(), &old.name, &old.uid);
                    tracing::info!(
                        namespace = mp.metadata.namespace,
                        name = mp.metadata.name,
                        secret = old.name,
                        "deleted the Secret that was the target before"
                    );
                    self.events.tell(mp, &[events::old_target_deleted(&old.name)]).await;
                    Next::Round
                }
                Err(error) => self.set_back(mp, &error, "delete the Secret that was the target before"),
            },
        }
    }

    /// Strong reads are as good as a watch event. Without this, what the platform says of a credential that the watch has yet
    /// to show would count as said of another one, and the platform be asked again.
    fn saw_closely(&self, mp: &MiniProgram, close: &Close) {
        if let TargetSeen::Is(target) = &close.target {
            let namespace = mp.metadata.namespace.as_deref().unwrap_or_default();
            self.world().wrote_target(namespace, target.as_ref().clone());
        }
        let boot = self.clock.now().boot;
        self.recall(mp, |recall| {
            recall.read_at = Some(boot);
            recall.verified = close.intact.clone().or(recall.verified.take());
        });
        self.saw_credential(mp, &close.credential);
    }

    fn saw_credential(&self, mp: &MiniProgram, read: &CredentialRead) {
        let CredentialRead::Is { version, .. } = read else { return };
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let reader = ObjectName { namespace: name(&mp.metadata.namespace), name: name(&mp.metadata.name) };
        self.world().read_secret(&reader, &mp.spec.credential_ref.name, &version.uid, &version.resource_version);
    }

    /// The acts of a pass undo each other: a failure, and the next pass over the object waits, longer each time.
    fn diverged(&self, name: &ObjectName) -> Duration {
        let now = self.clock.now();
        let Some(mp) = self.world().mini_program(name) else { return NO_SLOT };
        let (wait, times) = self.recall(&mp, |recall| {
            recall.diverged = recall.diverged.saturating_add(1);
            let wait = backoff(recall.diverged);
            recall.no_pass_before = now.boot + wait;
            (wait, recall.diverged)
        });
        let (namespace, name) = (&name.namespace, &name.name);
        tracing::warn!(namespace, name, times, "a pass over an object did not come to rest; the next one waits");
        wait
    }

    /// Something could not be done: everything about the object waits, longer each time.
    fn set_back(&self, mp: &MiniProgram, error: &ApiError, doing: &'static str) -> Next {
        let now = self.clock.now();
        let (wait, times) = self.recall(mp, |recall| {
            recall.setbacks = recall.setbacks.saturating_add(1);
            let wait = backoff(recall.setbacks);
            recall.not_before = now.boot + wait;
            (wait, recall.setbacks)
        });
        let (namespace, name) = (mp.metadata.namespace.as_deref(), mp.metadata.name.as_deref());
        tracing::warn!(namespace, name, %error, times, "could not {doing}; it is tried again");
        Next::Rest(wait, Outcome::Error)
    }
}

impl Carry {
    /// Whether a write that lost a race is planned anew at once.
    fn may_race_again(&mut self) -> bool {
        self.lost_races += 1;
        self.lost_races <= RACES
    }
}

/// How long to wait after so many failures in a row.
fn backoff(failures: u32) -> Duration {
    (SETBACK * 2_u32.pow(failures.clamp(1, 8) - 1)).min(LONGEST_SETBACK)
}

/// The case of an observation that the plan has just judged.
fn case(seen: &Observed, now: Now) -> Option<Case<'_>> {
    Case::of(seen, now)
}
