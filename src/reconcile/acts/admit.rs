//! Takes the app's turn and then a slot for the call that the plan leads to.

use std::{pin::pin, task::Poll};

use crate::api::{MiniProgram, Reason};
use crate::reconcile::{
    Ctx, Next, Pass, REQUEUE_SOON, app_key,
    fetch::slots::{Claimant, Urgency},
    plan::{
        due,
        view::{Credential, View},
    },
};

impl Ctx {
    /// Waits for the app's turn while siblings call. The next iteration plans again, since the call
    /// may no longer be wanted.
    pub(in crate::reconcile) async fn wait_for_turn(
        &self,
        mp: &MiniProgram,
        alone: bool,
        pass: &mut Pass,
    ) -> Next {
        let Some(key) = app_key(mp) else { return REQUEUE_SOON };
        let has_token = mp.status.as_ref().is_some_and(|status| status.token.is_some());
        pass.turn = self.slots.turn(&key, alone, has_token).await;
        if pass.turn.is_some() { Next::Continue } else { REQUEUE_SOON }
    }

    /// Whether this object has the app's turn, or can take it without waiting.
    pub(in crate::reconcile) fn has_turn(
        &self,
        mp: &MiniProgram,
        alone: bool,
        pass: &mut Pass,
    ) -> bool {
        pass.leave_shared(alone);
        if pass.slot.is_none() && pass.turn.is_none() {
            pass.turn = app_key(mp).and_then(|key| self.slots.try_turn(&key, alone));
        }
        pass.slot.is_some() || pass.turn.is_some()
    }

    /// Waits for a slot for the call that the plan leads to. The error is what follows instead:
    /// another plan after a wait, or a requeue if there is no slot.
    pub(in crate::reconcile) async fn admit(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
    ) -> Result<(), Next> {
        let alone = is_alone(view);
        pass.leave_shared(alone);
        if pass.slot.is_some() {
            return Ok(());
        }
        let Some(key) = app_key(view.mp) else { return Err(REQUEUE_SOON) };
        let claimant = Claimant {
            key: &key,
            namespace: view.mp.namespace(),
            urgency: urgency(view),
            accepted: view.credential == Credential::Known(Reason::Accepted),
            alone,
        };
        let mut entering = pin!(self.slots.enter(&claimant, pass.turn.take(), view.now.boot));
        if let Poll::Ready(slot) = futures::poll!(entering.as_mut()) {
            pass.slot = slot;
            return if pass.slot.is_some() { Ok(()) } else { Err(REQUEUE_SOON) };
        }
        pass.slot = entering.await;
        // The reads of this pass are older than the wait.
        pass.drop_reads();
        Err(if pass.slot.is_some() { Next::Continue } else { REQUEUE_SOON })
    }
}

/// Whether the call that is due ends other tokens of the app.
pub(super) fn is_alone(view: &View<'_>) -> bool {
    due::due(view).any(|wanted| wanted.mints)
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
