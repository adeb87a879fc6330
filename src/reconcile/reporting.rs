//! Carries out the act that writes the status: what the process remembers of it, and what comes of a write that was refused.

use std::sync::Arc;

use super::{
    Carry, Ctx, LONGEST_SETBACK, Next,
    api_error::{self, ApiError},
    events, status, telling,
};
use crate::{
    api::{MiniProgram, MiniProgramStatus},
    shell::metrics::Outcome,
};

impl Ctx {
    pub(super) async fn write_status(&self, mp: &MiniProgram, status: MiniProgramStatus, carry: &mut Carry) -> Next {
        let notices = events::of_status(mp.status.as_ref(), &status);
        match status::write(&self.client, mp, status).await {
            Ok(written) => {
                self.metrics.status_written();
                telling::log_changes(mp, &written);
                self.told(&written);
                let told = written.status.as_ref().and_then(|status| status.credential.as_ref());
                self.recall(mp, |recall| {
                    recall.ended = None;
                    recall.setbacks = 0;
                    recall.noted.take_if(|noted| told == Some(&noted.version));
                });
                self.world().wrote_mini_program(written);
                self.events.tell(mp, &notices).await;
                Next::Round
            }
            Err(error) => self.set_back_on_write(mp, &error, carry).await,
        }
    }

    /// Remembers the status that stands now, so that it shows when somebody else writes over it.
    pub(super) fn told(&self, written: &MiniProgram) {
        let boot = self.clock.now().boot;
        self.recall(written, |recall| recall.told = written.status.clone().map(|status| (Arc::new(status), boot)));
    }

    /// A status write that lost a race is planned again from what stands there now.
    pub(super) async fn set_back_on_write(&self, mp: &MiniProgram, error: &ApiError, carry: &mut Carry) -> Next {
        if !matches!(error, ApiError::Conflict | ApiError::Unanswered) || !carry.may_race_again() {
            return self.set_back(mp, error, "write the status");
        }
        let minis =
            kube::Api::<MiniProgram>::namespaced(self.client.clone(), mp.metadata.namespace.as_deref().unwrap_or_default());
        match api_error::within(minis.get_opt(mp.metadata.name.as_deref().unwrap_or_default())).await {
            Ok(Some(current)) if current.metadata.uid == mp.metadata.uid => {
                self.world().read_mini_program(current);
                Next::Round
            }
            // Gone, or another object of the name: the watch is about to show it, and looks again then.
            Ok(_) => Next::Rest(LONGEST_SETBACK, Outcome::Success),
            Err(error) => self.set_back(mp, &error, "read the object"),
        }
    }
}
