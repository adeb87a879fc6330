//! Takes the room for the call that the plan is heading for: first the app's turn, then a slot.

use super::{
    Carry, Ctx, LATER, Next, app_key, case,
    fetch::slots::Claimant,
    observe::Observed,
    plan::case::{Case, Credential},
};
use crate::{
    api::{MiniProgram, Reason},
    shell::clock::Now,
};

impl Ctx {
    /// Waits for the app's turn, if others of its objects ask, and then plans anew: the call may not be wanted any more.
    pub(super) async fn wait_for_turn(&self, mp: &MiniProgram, carry: &mut Carry) -> Next {
        let Some(key) = app_key(mp) else { return LATER };
        carry.turn = self.slots.turn(&key).await;
        if carry.turn.is_some() { Next::Round } else { LATER }
    }

    /// Whether it is the object's turn to ask for its app, as far as that can be told without waiting.
    pub(super) fn has_turn(&self, mp: &MiniProgram, carry: &mut Carry) -> bool {
        if carry.slot.is_none() && carry.turn.is_none() {
            carry.turn = app_key(mp).and_then(|key| self.slots.try_turn(&key));
        }
        carry.slot.is_some() || carry.turn.is_some()
    }

    /// Whether there is room for the call that the plan is heading for.
    pub(super) fn has_room(&self, seen: &Observed, carry: &mut Carry, now: Now) -> bool {
        case(seen, now).is_some_and(|case| self.take_slot(&case, carry, now))
    }

    pub(super) fn take_slot(&self, case: &Case<'_>, carry: &mut Carry, now: Now) -> bool {
        if carry.slot.is_none() {
            let Some(key) = app_key(case.mp) else { return false };
            let claimant = Claimant {
                key: &key,
                namespace: case.mp.metadata.namespace.as_deref().unwrap_or_default(),
                failing: case.status.last_failure.is_some(),
                accepted: case.credential == Credential::Known(Reason::Accepted),
            };
            carry.slot = self.slots.take(&claimant, carry.turn.take(), now.boot);
        }
        carry.slot.is_some()
    }
}
