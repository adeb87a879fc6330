//! Writes target Secrets: the only step that does. Knows no HTTP to platforms and decides nothing about tokens.

pub mod secret;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DeleteParams, PartialObjectMeta, Patch, PatchParams, Preconditions},
};
use serde_json::json;

use self::secret::{Content, target_secret};
use super::{
    api_error::{ApiError, within},
    memory::{Base, HandFacts},
    observe::{TargetSeen, Whose, read_target, whose},
};
use crate::{
    api::{MiniProgram, names},
    projection::{Owner, Projection, Sent, TokenFacts},
    sensitive::AccessToken,
};

/// Proof that the answer to a call can be stored: the target was read strongly, or a dry run of its creation passed.
pub struct Cleared(());

#[cfg(test)]
impl Cleared {
    /// Tests of a call have no target.
    pub fn for_test() -> Self {
        Self(())
    }
}

/// Clears the way for a call. A target that does not exist yet costs one dry run: quota, webhooks and a terminating namespace
/// refuse that, and not the token.
pub async fn clear(client: &Client, mp: &MiniProgram, name: &str, base: &Base) -> Result<Cleared, ApiError> {
    if *base == Base::Absent {
        let minis = Api::<PartialObjectMeta<MiniProgram>>::namespaced(client.clone(), namespace(mp));
        let current = within(minis.get_opt(mp.metadata.name.as_deref().unwrap_or_default())).await?;
        if current.and_then(|current| current.metadata.uid) != mp.metadata.uid {
            return Err(ApiError::NotFound);
        }
        let placeholder = AccessToken::parse("placeholder").ok_or(ApiError::NotFound)?;
        let facts =
            TokenFacts { fingerprint: placeholder.fingerprint(), issued: Timestamp::UNIX_EPOCH, expires: Timestamp::UNIX_EPOCH };
        let sent = Sent { app_id: mp.spec.app_id.clone(), ..Sent::default() };
        let content = Content {
            token: &placeholder,
            facts: &facts,
            sent: &sent,
            issued_for: "",
            handled: None,
            unsettled: false,
            operator: "",
        };
        let params = PatchParams { dry_run: true, ..params() };
        patch(client, &target_secret(mp, name, base, &content), &params).await?;
    }
    Ok(Cleared(()))
}

/// Writes the target as one whole, forced, fenced server-side apply.
pub async fn write(
    client: &Client,
    mp: &MiniProgram,
    name: &str,
    base: &Base,
    content: &Content<'_>,
) -> Result<Projection, ApiError> {
    let secret = target_secret(mp, name, base, content);
    let written = Projection::of(&patch(client, &secret, &params()).await?.metadata);
    let owned = matches!(&written.owner, Owner::MiniProgram { uid, .. } if Some(uid) == mp.metadata.uid.as_ref());
    if owned && secret.metadata.owner_references.is_none() { disown(client, mp, &written).await } else { Ok(written) }
}

/// Takes our owner reference away where somebody else applied it too, as a restored backup does: no apply of ours would.
async fn disown(client: &Client, mp: &MiniProgram, written: &Projection) -> Result<Projection, ApiError> {
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace(mp));
    let patch = Patch::Strategic(json!({
        "metadata": {
            "uid": written.uid,
            "resourceVersion": written.version,
            "ownerReferences": [{ "$patch": "delete", "uid": mp.metadata.uid }],
        },
    }));
    let params = PatchParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    Ok(Projection::of(&within(secrets.patch_metadata(&written.name, &params, &patch)).await?.metadata))
}

fn params() -> PatchParams {
    PatchParams::apply(names::FIELD_MANAGER).force()
}

async fn patch(client: &Client, secret: &Secret, params: &PatchParams) -> Result<PartialObjectMeta<Secret>, ApiError> {
    let namespace = secret.metadata.namespace.as_deref().unwrap_or_default();
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    // The answer is asked for as metadata only: nothing needs the data that was just sent.
    within(secrets.patch_metadata(name, params, &Patch::Apply(secret))).await
}

/// What a refused or unanswered write of a token in hand comes down to.
#[derive(Debug)]
pub enum Settle {
    /// It was written after all.
    Done(Box<Projection>),
    /// Nobody else's call has been written: the same token again, on this base.
    Again(Base),
    /// Somebody else has asked, or the name is somebody else's now.
    Lost,
}

/// Reads the target after a write that was refused or not answered. A label edit is not a lost race.
pub async fn settle(client: &Client, mp: &MiniProgram, name: &str, hand: &HandFacts) -> Result<Settle, ApiError> {
    let (target, _, _) = read_target(client, namespace(mp), name).await?;
    let before = match &hand.base {
        Base::Absent => None,
        Base::Is { issued_for, .. } => issued_for.as_deref(),
    };
    let base = target.base();
    match &target {
        TargetSeen::Is(found) if whose(found, mp) == Whose::Ours => {
            let id = found.issued_for.as_deref();
            if id == Some(hand.call.id.as_str()) && !found.edited {
                return Ok(Settle::Done(Box::new(found.as_ref().clone())));
            }
            if id != before && !(found.edited && id == Some(hand.call.id.as_str())) {
                return Ok(Settle::Lost);
            }
        }
        TargetSeen::Absent => {}
        TargetSeen::Is(_) | TargetSeen::Foreign => return Ok(Settle::Lost),
    }
    let minis = Api::<MiniProgram>::namespaced(client.clone(), namespace(mp));
    let current = within(minis.get_opt(mp.metadata.name.as_deref().unwrap_or_default())).await?;
    let Some(current) =
        current.filter(|current| current.metadata.uid == mp.metadata.uid && current.metadata.deletion_timestamp.is_none())
    else {
        return Ok(Settle::Lost);
    };
    let intent = current.status.as_ref().and_then(|status| status.intent.as_ref());
    let still_ours = !hand.call.wanted.mints || intent.is_some_and(|intent| intent.id == hand.call.id);
    Ok(if still_ours { Settle::Again(base) } else { Settle::Lost })
}

/// Deletes a Secret that was the target once, and only that very object.
pub async fn forget(client: &Client, mp: &MiniProgram, old: &Projection) -> Result<(), ApiError> {
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace(mp));
    let preconditions = Preconditions { uid: Some(old.uid.clone()), resource_version: Some(old.version.clone()) };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match within(secrets.delete(&old.name, &params)).await {
        Ok(_) | Err(ApiError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

fn namespace(mp: &MiniProgram) -> &str {
    mp.metadata.namespace.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
