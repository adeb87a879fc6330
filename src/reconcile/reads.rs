//! Reads Secrets from the API server; no other step does. The number of concurrent reads is
//! limited, since each may be a megabyte, and values that are not needed are wiped before the next
//! read. Decides nothing.

mod flights;
mod room;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::{ListParams, PartialObjectMeta},
};
use zeroize::Zeroizing;

pub use self::room::Errand;
use self::{
    flights::{Answer, Depart, Flights, Found},
    room::Room,
};
use super::{
    api_error::{ApiError, within},
    observed::{CredentialRead, Held, LiveRead, Spec, TargetLookup},
};
use crate::{
    api::{CredentialStatus, MiniProgram, TargetKeys, names},
    projection::{Projection, TicketFacts, TokenFacts},
    sensitive::{AccessToken, AppSecret},
    token_json::token_json,
    world::ObjectName,
};

/// A Secret of our type, as read.
struct TargetRead {
    target: Projection,
    immutable: bool,
    held: Held,
    /// Whether its data matches its annotations.
    is_intact: bool,
}

impl TargetRead {
    fn of(secret: Secret, known: Option<&str>, keys: &TargetKeys) -> Self {
        let target = Projection::of(&secret.metadata);
        let reported = target.token.as_ref().map(|token| token.fingerprint.as_str());
        let tickets = target.tickets.iter().map(|ticket| ticket.fingerprint.as_str());
        let fingerprints: Vec<&str> = reported.into_iter().chain(known).chain(tickets).collect();
        let immutable = secret.immutable == Some(true);
        // A version that did not write the JSON has left no annotation that names it.
        let json = keys.json().filter(|_| target.token_json.is_some());
        let is_intact = target
            .token
            .as_ref()
            .is_some_and(|token| is_intact(&secret, token, &target.sent.app_id, keys, json))
            && target.tickets.iter().all(|ticket| has_ticket(&secret, ticket));
        let held = Held::of(secret, &fingerprints);
        Self { target, immutable, held, is_intact }
    }
}

/// Whether the data matches the annotations. A writer that applies a target under the operator's
/// name can change the data and leave the annotations as they are.
fn is_intact(
    secret: &Secret,
    token: &TokenFacts,
    app_id: &str,
    keys: &TargetKeys,
    json: Option<&str>,
) -> bool {
    let bytes = |key: &str| Some(&secret.data.as_ref()?.get(key)?.0);
    let value = |key: &str| str::from_utf8(bytes(key)?).ok();
    let held = value(&keys.access_token).and_then(AccessToken::parse);
    let held = held.filter(|held| held.fingerprint() == token.fingerprint);
    let says = |held: &AccessToken, key: &str| {
        bytes(key).is_some_and(|json| *json == *Zeroizing::new(token_json(held, token, app_id)))
    };
    held.is_some_and(|held| json.is_none_or(|key| says(&held, key)))
        && value(&keys.expiration_time) == Some(&token.expires.to_string())
        && value(names::KEY_EXPIRES_AT_UNIX) == Some(&token.expires.as_second().to_string())
        && value(names::KEY_APP_ID) == Some(app_id)
}

/// Whether the data holds the ticket that the annotation describes.
fn has_ticket(secret: &Secret, ticket: &TicketFacts) -> bool {
    let value = |key: &str| str::from_utf8(&secret.data.as_ref()?.get(key)?.0).ok();
    let [key, expiration_time, unix] = ticket.kind.keys();
    let held = value(key).and_then(AccessToken::parse);
    let expires = ticket.expiration_time.0;
    held.is_some_and(|held| held.fingerprint() == ticket.fingerprint)
        && value(expiration_time) == Some(&expires.to_string())
        && value(unix) == Some(&expires.as_second().to_string())
}

/// Reads Secrets during one term; cheap to clone.
#[derive(Clone)]
pub struct Reads {
    client: Client,
    room: Room,
    credentials: Flights,
}

impl Reads {
    /// Makes all reads with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, room: Room::default(), credentials: Flights::default() }
    }

    /// Reads what an irreversible step depends on: the target, the old target if there is one, and
    /// the credential unless this pass has just read it.
    pub async fn read_live(
        &self,
        mp: &MiniProgram,
        old: Option<&Projection>,
        credential: Option<Arc<CredentialRead>>,
        errand: Errand,
    ) -> Result<LiveRead, ApiError> {
        let namespace = mp.namespace();
        let known =
            mp.status.as_ref().and_then(|status| Some(status.token.as_ref()?.fingerprint.as_str()));
        let keys = mp.target_keys();
        let target = self.ours(namespace, &mp.target_name(), known, &keys, errand).await?;
        let old = match old {
            Some(old) => self.ours(namespace, &old.name, known, &keys, errand).await?,
            None => None,
        };
        let in_use = target.as_ref().or(old.as_ref()).filter(|in_use| in_use.is_intact);
        let intact = in_use.map(|in_use| in_use.target.version.clone());
        let old_held = old.map(|old| old.held).unwrap_or_default();
        let (target, immutable, held) = match target {
            Some(read) => (TargetLookup::Is(Arc::new(read.target)), read.immutable, read.held),
            None => {
                (self.anothers(namespace, &mp.target_name(), errand).await?, false, Held::default())
            }
        };
        let credential = match (credential, errand) {
            (Some(credential), _) => credential,
            (None, Errand::Call) => Arc::new(self.own_credential(mp).await?),
            (None, Errand::Object) => Arc::new(self.credential(mp).await?),
        };
        Ok(LiveRead {
            of: Spec::of(mp),
            target,
            is_target_read: true,
            immutable,
            held,
            old_held,
            intact,
            credential,
        })
    }

    /// The live read for a call that the target is known well enough for: only the credential is
    /// read.
    pub async fn read_without_target(
        &self,
        mp: &MiniProgram,
        target: TargetLookup,
        credential: Option<Arc<CredentialRead>>,
    ) -> Result<LiveRead, ApiError> {
        let credential = match credential {
            Some(credential) => credential,
            None => Arc::new(self.own_credential(mp).await?),
        };
        Ok(LiveRead {
            of: Spec::of(mp),
            target,
            is_target_read: false,
            immutable: false,
            held: Held::default(),
            old_held: Held::default(),
            intact: None,
            credential,
        })
    }

    /// Reads the target so that a foreign Secret's data never leaves the API server: by a list with
    /// name and type, and then metadata only. Of its values, only those are kept whose fingerprint
    /// is in its own annotation or is `known`.
    pub async fn target(
        &self,
        mp: &MiniProgram,
        name: &str,
        known: Option<&str>,
        errand: Errand,
    ) -> Result<(TargetLookup, Held), ApiError> {
        match self.ours(mp.namespace(), name, known, &mp.target_keys(), errand).await? {
            Some(read) => Ok((TargetLookup::Is(Arc::new(read.target)), read.held)),
            None => Ok((self.anothers(mp.namespace(), name, errand).await?, Held::default())),
        }
    }

    async fn anothers(
        &self,
        namespace: &str,
        name: &str,
        errand: Errand,
    ) -> Result<TargetLookup, ApiError> {
        let _permit = self.room.enter(namespace, errand).await?;
        let metadata = Api::<PartialObjectMeta<Secret>>::namespaced(self.client.clone(), namespace);
        Ok(match within(metadata.get_opt(name)).await? {
            Some(_) => TargetLookup::Foreign,
            None => TargetLookup::Absent,
        })
    }

    async fn ours(
        &self,
        namespace: &str,
        name: &str,
        known: Option<&str>,
        keys: &TargetKeys,
        errand: Errand,
    ) -> Result<Option<TargetRead>, ApiError> {
        let _permit = self.room.enter(namespace, errand).await?;
        let secrets = Api::<Secret>::namespaced(self.client.clone(), namespace);
        let ours = ListParams::default()
            .fields(&format!("metadata.name={name},type={}", names::SECRET_TYPE));
        let secret = within(secrets.list(&ours)).await?.items.into_iter().next();
        Ok(secret.map(|secret| TargetRead::of(secret, known, keys)))
    }

    /// Reads the credential, in one request for all objects that ask before it is sent.
    pub async fn credential(&self, mp: &MiniProgram) -> Result<CredentialRead, ApiError> {
        let reference = &mp.spec.credential_ref;
        let secret = ObjectName::new(mp.namespace(), &reference.name);
        let (of, reads) = (secret.clone(), self.clone());
        let send = |depart: Depart| {
            let read = async move {
                let Ok(_permit) = reads.room.enter(of.namespace(), Errand::Object).await else {
                    return Answer::NoRoom;
                };
                reads.get(&of, depart()).await
            };
            read.boxed()
        };
        self.credentials.ask(secret, &reference.key, send).await.of(&reference.key)
    }

    /// Reads the credential for a call of one object, without waiting for other objects' reads.
    async fn own_credential(&self, mp: &MiniProgram) -> Result<CredentialRead, ApiError> {
        let reference = &mp.spec.credential_ref;
        let secret = ObjectName::new(mp.namespace(), &reference.name);
        let _permit = self.room.enter(secret.namespace(), Errand::Call).await?;
        self.get(&secret, BTreeSet::from([reference.key.clone()])).await.of(&reference.key)
    }

    /// Reads a Secret and keeps the values of these keys.
    async fn get(&self, name: &ObjectName, keys: BTreeSet<String>) -> Answer {
        let secrets = Api::<Secret>::namespaced(self.client.clone(), name.namespace());
        let secret = match within(secrets.get_opt(name.name())).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Answer::Absent,
            Err(_) => return Answer::Unreadable,
        };
        let version = CredentialStatus {
            uid: secret.metadata.uid.unwrap_or_default(),
            resource_version: secret.metadata.resource_version.unwrap_or_default(),
        };
        let data =
            secret.data.into_iter().flatten().map(|(key, bytes)| (key, Zeroizing::new(bytes.0)));
        let values = data
            .filter(|(key, _)| keys.contains(key))
            .map(|(key, bytes)| (key, AppSecret::parse(&bytes)));
        Answer::Found(Arc::new(Found { version, values: values.collect() }))
    }
}
