//! Takes the app's turn and then a slot for the call that the plan leads to.

use std::task::Poll;

use futures::FutureExt;

use crate::api::Reason;
use crate::reconcile::{
    Ctx, Next, Pass, REQUEUE_SOON, app_key,
    fetch::slots::{Claimant, Urgency},
    plan::{
        due,
        view::{Credential, View},
    },
};

impl Ctx {
    /// Takes the app's turn and a slot for the call that the plan leads to, if both are free. The
    /// error is what follows instead: a wait, after which the object is planned again since the
    /// call may no longer be wanted.
    pub(in crate::reconcile) async fn admit<'a>(
        &'a self,
        view: &View<'_>,
        pass: &mut Pass,
        urgency: Urgency,
    ) -> Result<(), Next<'a>> {
        let alone = is_alone(view);
        pass.leave_shared(alone);
        if pass.slot.is_some() {
            return Ok(());
        }
        let Some(key) = app_key(view.mp) else { return Err(REQUEUE_SOON) };
        let turn = pass.turn.take().or_else(|| self.slots.try_turn(&key, alone));
        if turn.is_none() {
            let has_token = view.status.token.is_some();
            return Err(Next::AwaitTurn(self.slots.turn(key, alone, has_token).boxed()));
        }
        let claimant = Claimant {
            key,
            namespace: view.mp.namespace().to_owned(),
            urgency,
            accepted: view.credential == Credential::Known(Reason::Accepted),
            alone,
        };
        let Some(entering) = self.slots.enter(&claimant, turn, view.now.boot) else {
            return Err(REQUEUE_SOON);
        };
        let mut entering = entering.boxed();
        match futures::poll!(entering.as_mut()) {
            Poll::Ready(Some(slot)) => {
                pass.slot = Some(slot);
                Ok(())
            }
            Poll::Ready(None) => Err(REQUEUE_SOON),
            Poll::Pending => Err(Next::AwaitSlot(entering)),
        }
    }
}

/// Whether the call that is due ends other tokens of the app.
fn is_alone(view: &View<'_>) -> bool {
    due::due(view).any(|wanted| wanted.mints)
}

/// The urgency of the call for a token that is due.
pub(super) fn urgency(view: &View<'_>) -> Urgency {
    if view.status.last_failure.is_some() {
        Urgency::Failing
    } else if view.status.token.is_some() {
        Urgency::Refresh
    } else {
        Urgency::First
    }
}
