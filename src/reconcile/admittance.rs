//! Takes the room for the call that the plan is heading for: first the app's turn, then a slot.

use std::{pin::pin, task::Poll};

use super::{
    Carry, Ctx, LATER, Next, app_key, case,
    fetch::slots::{Claimant, Urgency},
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

    /// Waits for room for the call that the plan is heading for. The error is what comes instead: another plan after a wait,
    /// or a pause if there is no room.
    pub(super) async fn admit(&self, seen: &Observed, carry: &mut Carry, now: Now) -> Result<(), Next> {
        if carry.slot.is_some() {
            return Ok(());
        }
        let (Some(case), Some(key)) = (case(seen, now), app_key(&seen.mini_program)) else { return Err(LATER) };
        let claimant = Claimant {
            key: &key,
            namespace: case.mp.metadata.namespace.as_deref().unwrap_or_default(),
            urgency: urgency(&case),
            accepted: case.credential == Credential::Known(Reason::Accepted),
        };
        let mut entering = pin!(self.slots.enter(&claimant, carry.turn.take(), now.boot));
        if let Poll::Ready(slot) = futures::poll!(entering.as_mut()) {
            carry.slot = slot;
            return if carry.slot.is_some() { Ok(()) } else { Err(LATER) };
        }
        carry.slot = entering.await;
        // What was read before is older than the wait.
        (carry.close, carry.credential) = (None, None);
        Err(if carry.slot.is_some() { Next::Round } else { LATER })
    }
}

fn urgency(case: &Case<'_>) -> Urgency {
    if case.status.last_failure.is_some() {
        Urgency::Failing
    } else if case.status.token.is_some() {
        Urgency::Refresh
    } else {
        Urgency::First
    }
}
