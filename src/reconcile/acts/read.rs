//! Carries out the acts that read: the credential alone, or all that an irreversible step depends
//! on.

use std::sync::Arc;

use super::admit::is_alone;
use crate::{
    api::MiniProgram,
    projection::Projection,
    reconcile::{
        Ctx, Next, Pass,
        observed::{CredentialRead, LiveRead, ReadFor, Spec, TargetLookup},
        plan::view::View,
        reads::Errand,
    },
    world::ObjectName,
};

impl Ctx {
    /// Reads the target, the old target and the credential; for a call only with a slot.
    pub(in crate::reconcile) async fn read_live(
        &self,
        view: &View<'_>,
        old: Option<Arc<Projection>>,
        for_call: bool,
        pass: &mut Pass,
    ) -> Next {
        let mp = view.mp;
        if for_call {
            let alone = is_alone(view);
            if !self.has_turn(mp, alone, pass) {
                return self.wait_for_turn(mp, alone, pass).await;
            }
            if let Err(instead) = self.admit(view, pass).await {
                return instead;
            }
        }
        let errand = if for_call { Errand::Call } else { Errand::Object };
        // The live read takes over what was read of the credential: its act drops both.
        let credential = pass.credential.take().map(|read| read.credential);
        match self.reads.read_live(mp, old.as_deref(), credential, errand).await {
            Ok(live) => {
                self.record_live_read(mp, &live);
                pass.live = Some(Arc::new(live));
                Next::Continue
            }
            Err(error) => self.back_off(mp, &error, "read the target and the credential"),
        }
    }

    pub(in crate::reconcile) async fn read_credential(
        &self,
        mp: &MiniProgram,
        pass: &mut Pass,
    ) -> Next {
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
        if let TargetLookup::Is(target) = &live.target {
            let namespace = mp.namespace();
            self.world().record_own_write(namespace, target.as_ref().clone());
        }
        let boot = self.clock.now().boot;
        self.recall(mp, |recall| {
            recall.writes.read_at = Some(boot);
            recall.writes.verified = live.intact.clone().or(recall.writes.verified.take());
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
}
