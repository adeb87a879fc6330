//! Takes the room for the call that the plan is heading for: first the app's turn, then a slot.

use std::{pin::pin, task::Poll};

use crate::api::{MiniProgram, Reason};
use crate::reconcile::{
    Ctx, Next, Pass, REQUEUE_SOON, app_key,
    fetch::slots::{Claimant, Urgency},
    plan::view::{Credential, View},
};

impl Ctx {
    /// Waits for the app's turn, if others of its objects ask, and then plans anew: the call may
    /// not be wanted any more.
    pub(in crate::reconcile) async fn wait_for_turn(
        &self,
        mp: &MiniProgram,
        pass: &mut Pass,
    ) -> Next {
        let Some(key) = app_key(mp) else { return REQUEUE_SOON };
        pass.turn = self.slots.turn(&key).await;
        if pass.turn.is_some() { Next::Continue } else { REQUEUE_SOON }
    }

    /// Whether it is the object's turn to ask for its app, as far as that can be told without
    /// waiting.
    pub(in crate::reconcile) fn has_turn(&self, mp: &MiniProgram, pass: &mut Pass) -> bool {
        if pass.slot.is_none() && pass.turn.is_none() {
            pass.turn = app_key(mp).and_then(|key| self.slots.try_turn(&key));
        }
        pass.slot.is_some() || pass.turn.is_some()
    }

    /// Waits for room for the call that the plan is heading for. The error is what comes instead:
    /// another plan after a wait, or a pause if there is no room.
    pub(in crate::reconcile) async fn admit(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
    ) -> Result<(), Next> {
        if pass.slot.is_some() {
            return Ok(());
        }
        let Some(key) = app_key(view.mp) else { return Err(REQUEUE_SOON) };
        let claimant = Claimant {
            key: &key,
            namespace: view.mp.metadata.namespace.as_deref().unwrap_or_default(),
            urgency: urgency(view),
            accepted: view.credential == Credential::Known(Reason::Accepted),
        };
        let mut entering = pin!(self.slots.enter(&claimant, pass.turn.take(), view.now.boot));
        if let Poll::Ready(slot) = futures::poll!(entering.as_mut()) {
            pass.slot = slot;
            return if pass.slot.is_some() { Ok(()) } else { Err(REQUEUE_SOON) };
        }
        pass.slot = entering.await;
        // What was read before is older than the wait.
        pass.drop_reads();
        Err(if pass.slot.is_some() { Next::Continue } else { REQUEUE_SOON })
    }
}

fn urgency(view: &View<'_>) -> Urgency {
    if view.status.last_failure.is_some() {
        Urgency::Failing
    } else if view.status.token.is_some() {
        Urgency::Refresh
    } else {
        Urgency::First
    }
}
