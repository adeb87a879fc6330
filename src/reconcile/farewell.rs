//! Reports in an object's status that its labels no longer match `--selector`, since otherwise no
//! status would say when its token expires.

use kube::Api;

use super::{
    Ctx,
    api_error::{ApiError, within},
    plan::unplanned,
    status,
};
use crate::{api::MiniProgram, world::Gone};

/// Writes the last status of an object that left the selector, if the object still exists. A status
/// that another operator has written since is kept.
pub async fn farewell(ctx: &Ctx, gone: &Gone) {
    let minis = Api::<MiniProgram>::namespaced(ctx.client.clone(), gone.name.namespace());
    let (namespace, name) = (gone.name.namespace(), gone.name.name());
    let untold = |error: ApiError| {
        let what_to_do =
            "see that another operator selects it: its status may call it Ready for ever";
        tracing::warn!(namespace, name, %error, what_to_do, "an object left the selector, and its status could not say so");
    };
    let mp = match within(minis.get_opt(name)).await {
        Ok(Some(mp)) => mp,
        Ok(None) => return,
        Err(error) => return untold(error),
    };
    let is_it = mp.metadata.uid.as_deref() == Some(gone.uid.as_str())
        && mp.metadata.deletion_timestamp.is_none();
    // The object may match the selector again.
    let is_back = ctx.world().uid_of(&gone.name).is_some();
    if !is_it || is_back || !ctx.term.leads() {
        return;
    }
    match status::write(&ctx.client, &mp, unplanned::of_farewell(&mp, ctx.clock.now())).await {
        Ok(_) => tracing::info!(
            namespace,
            name,
            "the object does not match the selector any more: its status says so"
        ),
        // Another writer changed or deleted the object: its status is no longer ours to write.
        Err(ApiError::Conflict | ApiError::NotFound) => {}
        Err(error) => untold(error),
    }
}
