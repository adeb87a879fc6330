//! Carries out the act that writes the status: what the process remembers of it, and what follows a
//! refused write.

use super::publish;
use crate::reconcile::{
    Ctx, Next, Pass,
    api_error::{self, ApiError},
    events,
    memory::{How, LONGEST_BACK_OFF, WrittenStatus},
    status,
};
use crate::{
    api::{MiniProgram, MiniProgramStatus},
    shell::metrics::Outcome,
};

impl Ctx {
    pub(in crate::reconcile) async fn write_status(
        &self,
        mp: &MiniProgram,
        status: MiniProgramStatus,
        pass: &mut Pass,
    ) -> Next<'_> {
        let mut announcements = events::of_status(mp.status.as_ref(), &status);
        let calls = self.recall(mp, |recall| recall.calls.clone());
        announcements.extend(publish::events_of_call(mp, &calls));
        if let Some(How::Failed { refusal, .. }) = calls.ended.as_ref().map(|ended| &ended.how) {
            events::add_request_id(&mut announcements, refusal);
        }
        match status::write(&self.client, mp, status).await {
            Ok(written) => {
                self.metrics.status_written();
                publish::log_changes(mp, &written, calls.ended.as_deref());
                self.note_answered_report(mp, &written);
                let written = self.world().record_status_write(written);
                self.remember_status(&written);
                let reported =
                    written.status.as_ref().and_then(|status| status.credential.as_ref());
                self.recall(mp, |recall| {
                    (recall.calls.ended, recall.calls.accepted) = (None, None);
                    for calls in &mut recall.tickets {
                        calls.ended = None;
                    }
                    recall.backoffs.requests.failures = 0;
                    recall.reports.noted.take_if(|noted| reported == Some(&noted.version));
                });
                self.events.publish(mp, &announcements).await;
                Next::Continue
            }
            Err(error) => self.back_off_on_write(mp, &error, pass).await,
        }
    }

    /// Remembers the status that was written, so that another writer's change of it is noticed.
    pub(in crate::reconcile) fn remember_status(&self, written: &MiniProgram) {
        let status = WrittenStatus::of(written.status.as_ref(), self.clock.now().boot);
        self.recall(written, |recall| recall.reports.written_status = Some(status));
    }

    /// A status write that lost a race is planned again from the object as it is stored now.
    pub(in crate::reconcile) async fn back_off_on_write(
        &self,
        mp: &MiniProgram,
        error: &ApiError,
        pass: &mut Pass,
    ) -> Next<'_> {
        if !matches!(error, ApiError::Conflict | ApiError::Unanswered) || !pass.may_race_again() {
            return self.back_off(mp, error, "write the status");
        }
        let minis = kube::Api::<MiniProgram>::namespaced(self.client.clone(), mp.namespace());
        match api_error::within(minis.get_opt(mp.name())).await {
            Ok(Some(current)) if current.metadata.uid == mp.metadata.uid => {
                self.world().record_object_read(current);
                Next::Continue
            }
            // The object was deleted, or another one has its name: the watch is about to show that,
            // and its event requeues the object.
            Ok(_) => Next::Requeue(LONGEST_BACK_OFF, Outcome::Success),
            Err(error) => self.back_off(mp, &error, "read the object"),
        }
    }
}
