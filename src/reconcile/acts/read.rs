//! Carries out the acts that read: the credential alone, or all that an irreversible step depends
//! on.

use std::sync::Arc;

use super::admit::urgency;
use crate::{
    api::MiniProgram,
    projection::Projection,
    reconcile::{
        Ctx, Next, Pass,
        api_error::ApiError,
        observed::{CredentialRead, LiveRead, ReadFor, Spec, TargetLookup},
        plan::view::View,
        reads::Errand,
    },
    world::ObjectName,
};

impl Ctx {
    /// Reads the target, if it is asked for, the old target and the credential; for a call only with
    /// a slot.
    pub(in crate::reconcile) async fn read_live(
        &self,
        view: &View<'_>,
        target: bool,
        old: Option<Arc<Projection>>,
        for_call: bool,
        pass: &mut Pass,
    ) -> Next<'_> {
        let mp = view.mp;
        if for_call && let Err(instead) = self.admit(view, pass, urgency(view)).await {
            return instead;
        }
        // The live read takes over what was read of the credential: its act drops both.
        let credential = pass.credential.take().map(|read| read.credential);
        let errand = if for_call { Errand::Call } else { Errand::Object };
        match self.make_live_read(view, target, old.as_deref(), credential, errand).await {
            Ok(live) => {
                self.record_live_read(mp, &live);
                pass.live = Some(Arc::new(live));
                Next::Continue
            }
            Err(error) => self.back_off(mp, &error, "read the target and the credential"),
        }
    }

    /// Makes a live read. Of a target that is not read, it has what the world shows.
    pub(super) async fn make_live_read(
        &self,
        view: &View<'_>,
        target: bool,
        old: Option<&Projection>,
        credential: Option<Arc<CredentialRead>>,
        errand: Errand,
    ) -> Result<LiveRead, ApiError> {
        if target {
            self.reads.read_live(view.mp, old, credential, errand).await
        } else {
            self.reads.read_without_target(view.mp, view.seen.target.clone(), credential).await
        }
    }

    pub(in crate::reconcile) async fn read_credential(
        &self,
        mp: &MiniProgram,
        pass: &mut Pass,
    ) -> Next<'_> {
        match self.reads.credential(mp).await {
            Ok(credential) => {
                self.record_credential_read(mp, &credential);
                let credential = Arc::new(credential);
                pass.credential = Some(ReadFor { of: Spec::of(mp), credential });
                Next::Continue
            }
            Err(error) => self.back_off(mp, &error, "read the credential"),
        }
    }

    /// Puts what a live read found into the world, like a watch event. Otherwise the platform's
    /// verdict on a version of the credential that the watch has yet to show would count for
    /// another version, and the platform would be called again.
    pub(in crate::reconcile) fn record_live_read(&self, mp: &MiniProgram, live: &LiveRead) {
        // What was not read is no news: the world may have learned of a restored cluster meanwhile.
        if live.is_target_read {
            if let TargetLookup::Is(target) = &live.target {
                self.world().record_own_write(mp.namespace(), target);
            }
            let boot = self.clock.now().boot;
            self.recall(mp, |recall| {
                recall.writes.read_at = Some(boot);
                recall.writes.verified = live.intact.clone().or(recall.writes.verified.take());
            });
        }
        self.record_credential_read(mp, &live.credential);
    }

    fn record_credential_read(&self, mp: &MiniProgram, read: &CredentialRead) {
        let CredentialRead::Is { version, .. } = read else { return };
        let reader = ObjectName::new(mp.namespace(), mp.name());
        let secret = &mp.spec.credential_ref.name;
        self.world().record_read(&reader, secret, &version.uid, &version.resource_version);
    }
}
