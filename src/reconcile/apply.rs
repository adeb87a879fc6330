//! Writes and deletes target Secrets; no other step does. Knows no HTTP to platforms and decides
//! nothing about tokens.

pub mod altered;
pub mod secret;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::json;
use zeroize::Zeroize;

use self::secret::{Content, target_secret};
use super::{
    api_error::{ApiError, within, within_dry_run},
    memory::{Precondition, UnstoredFacts},
    observed::{TargetLookup, Whose, whose},
    reads::{Errand, Reads},
};
use crate::{
    api::{MiniProgram, names},
    projection::{Owner, Projection, Sent, TokenFacts},
    sensitive::AccessToken,
    template::Template,
};

/// Proof that the token of a call can be stored: a live read found the target, a dry run of the
/// write passed, or the plan found that it would say nothing new.
pub struct Preflight(());

#[cfg(test)]
impl Preflight {
    /// For tests of a call that has no target.
    pub fn for_test() -> Self {
        Self(())
    }
}

/// Checks that the token of a call can be stored, with a dry run where the plan wants one: quota,
/// admission, a terminating namespace and a Secret that the watch does not show yet then refuse the
/// dry run and not the token. Whether the object still exists is not read: the intent of a call that
/// ends tokens has just been stored in it, and another call does no harm.
pub async fn preflight(
    client: &Client,
    mp: &MiniProgram,
    name: &str,
    precondition: &Precondition,
    template: &Template,
    dry_run: bool,
) -> Result<Preflight, ApiError> {
    if dry_run {
        let placeholder = AccessToken::parse("placeholder").ok_or(ApiError::NotFound)?;
        let facts = TokenFacts {
            fingerprint: placeholder.fingerprint(),
            issued: Timestamp::UNIX_EPOCH,
            expires: Timestamp::UNIX_EPOCH,
        };
        let sent = Sent { app_id: mp.spec.app_id.clone(), ..Sent::default() };
        let content = Content {
            token: &placeholder,
            facts: &facts,
            sent: &sent,
            issued_for: "",
            handled: None,
            unconfirmed: false,
            operator: "",
            tickets: &[],
            template,
        };
        let sent = target_secret(mp, name, precondition, &content);
        let params = PatchParams { dry_run: true, ..params() };
        let answer =
            within_dry_run(secrets(client, mp).patch(name, &params, &Patch::Apply(&sent))).await?;
        altered::check(&sent, &answer)?;
    }
    Ok(Preflight(()))
}

/// Writes the target as a whole, by one forced server-side apply with preconditions.
pub async fn write(
    client: &Client,
    mp: &MiniProgram,
    name: &str,
    precondition: &Precondition,
    content: &Content<'_>,
) -> Result<Projection, ApiError> {
    let sent = target_secret(mp, name, precondition, content);
    let answer = within(secrets(client, mp).patch(name, &params(), &Patch::Apply(&sent))).await;
    let tickets = || content.tickets.iter().map(|held| &held.ticket);
    let mut answer =
        answer.map_err(|error| tickets().fold(error.without(content.token), ApiError::without))?;
    let checked = altered::check(&sent, &answer);
    // The token is known, so its copy in the answer is wiped.
    answer.data.iter_mut().flat_map(|data| data.values_mut()).for_each(|value| value.0.zeroize());
    checked?;
    let written = Projection::of(&answer.metadata);
    let owned = matches!(&written.owner, Owner::MiniProgram { uid, .. } if Some(uid) == mp.metadata.uid.as_ref());
    if owned && sent.metadata.owner_references.is_none() {
        disown(client, mp, &written).await
    } else {
        Ok(written)
    }
}

/// Removes our owner reference where another manager applied it too, as a restored backup does: no
/// apply of ours would remove it.
async fn disown(
    client: &Client,
    mp: &MiniProgram,
    written: &Projection,
) -> Result<Projection, ApiError> {
    let secrets = secrets(client, mp);
    let patch = Patch::Strategic(json!({
        "metadata": {
            "uid": written.uid,
            "resourceVersion": written.version,
            "ownerReferences": [{ "$patch": "delete", "uid": mp.metadata.uid }],
        },
    }));
    let params = PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    Ok(Projection::of(
        &within(secrets.patch_metadata(&written.name, &params, &patch)).await?.metadata,
    ))
}

fn params() -> PatchParams {
    PatchParams::apply(names::FIELD_MANAGER).force()
}

fn secrets(client: &Client, mp: &MiniProgram) -> Api<Secret> {
    Api::namespaced(client.clone(), mp.namespace())
}

/// What a refused or unanswered write of an unstored token leads to.
#[derive(Debug)]
pub enum Resolution {
    /// The token was stored after all.
    AlreadyWritten(Box<Projection>),
    /// No other caller has stored a token: write the same token again with this precondition.
    Retry(Precondition),
    /// Another caller has stored a token, or the Secret's name belongs to another owner now.
    Superseded,
}

/// Reads the target after a write that was refused or not answered. A label edit is not a lost
/// race.
pub async fn resolve(
    client: &Client,
    reads: &Reads,
    mp: &MiniProgram,
    name: &str,
    unstored: &UnstoredFacts,
) -> Result<Resolution, ApiError> {
    let (target, held) =
        reads.target(mp, name, Some(&unstored.token.fingerprint), Errand::Call).await?;
    let before = match &unstored.precondition {
        Precondition::Absent => None,
        Precondition::Is { issued_for, .. } => issued_for.as_deref(),
    };
    let precondition = target.precondition();
    let mut is_written = false;
    match &target {
        TargetLookup::Is(found) if whose(found, mp) == Whose::Ours => {
            let id = found.issued_for.as_deref();
            is_written = id == Some(unstored.call.id.as_str());
            if is_written
                && !found.edited
                && tells_of(found, unstored)
                && held.token(&unstored.token.fingerprint).is_some()
            {
                return Ok(Resolution::AlreadyWritten(Box::new(found.as_ref().clone())));
            }
            if id != before && !is_written {
                return Ok(Resolution::Superseded);
            }
        }
        TargetLookup::Absent => {}
        TargetLookup::Is(_) | TargetLookup::Foreign => return Ok(Resolution::Superseded),
    }
    let minis = Api::<MiniProgram>::namespaced(client.clone(), mp.namespace());
    let current = within(minis.get_opt(mp.name())).await?;
    let Some(current) = current.filter(|current| {
        current.metadata.uid == mp.metadata.uid && current.metadata.deletion_timestamp.is_none()
    }) else {
        return Ok(Resolution::Superseded);
    };
    let intent = current.status.as_ref().and_then(|status| status.intent.as_ref());
    // A write whose result admission altered has closed the intent.
    let still_ours = is_written
        || !unstored.call.wanted.mints
        || intent.is_some_and(|intent| intent.id == unstored.call.id);
    Ok(if still_ours { Resolution::Retry(precondition) } else { Resolution::Superseded })
}

/// Whether a target has the unstored token's annotations as they were written: admission may have
/// changed them.
fn tells_of(found: &Projection, unstored: &UnstoredFacts) -> bool {
    found.token.as_ref() == Some(&unstored.token)
        && found.sent == unstored.sent
        && found.unconfirmed == unstored.unconfirmed
}

/// Deletes a Secret that was the target before, with its uid and resourceVersion as preconditions.
pub async fn forget(client: &Client, mp: &MiniProgram, old: &Projection) -> Result<(), ApiError> {
    let secrets = secrets(client, mp);
    let preconditions =
        Preconditions { uid: Some(old.uid.clone()), resource_version: Some(old.version.clone()) };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match within(secrets.delete(&old.name, &params)).await {
        Ok(_) | Err(ApiError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
