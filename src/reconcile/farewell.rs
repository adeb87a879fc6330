//! Says in an object's status that this operator works on it no more: its labels do not match
//! `--selector` now, and nobody would notice when its token ends.

use kube::Api;

use super::{Ctx, api_error::within, plan::report, status};
use crate::{api::MiniProgram, world::Gone};

/// Tells of an object that went out of sight, if it still exists: another operator may have taken it
/// over meanwhile, and its status then stands.
pub async fn farewell(ctx: &Ctx, gone: &Gone) {
    let minis = Api::<MiniProgram>::namespaced(ctx.client.clone(), &gone.name.namespace);
    let Ok(Some(mp)) = within(minis.get_opt(&gone.name.name)).await else { return };
    let is_it = mp.metadata.uid.as_deref() == Some(gone.uid.as_str()) && mp.metadata.deletion_timestamp.is_none();
    // It may match again by now.
    let is_back = ctx.world().mini_program(&gone.name).is_some();
    if !is_it || is_back || !ctx.term.leads() {
        return;
    }
    let (namespace, name) = (&gone.name.namespace, &gone.name.name);
    match status::write(&ctx.client, &mp, report::of_farewell(&mp, ctx.clock.now())).await {
        Ok(_) => tracing::info!(namespace, name, "the object does not match the selector any more: its status says so"),
        Err(error) => tracing::debug!(namespace, name, %error, "another writes the status of an object that left the selector"),
    }
}
