//! Gathers what the plan needs: the world's projections, the process's memory and, when the plan said *look closer*, strong
//! reads. Decides nothing, and reads from the API server only in `look_closer`.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::{ListParams, PartialObjectMeta},
};
use zeroize::Zeroizing;

use super::{
    api_error::{ApiError, within},
    call::Wanted,
    memory::{AppMints, Base, HandFacts, Recall},
};
use crate::{
    api::{CredentialStatus, MiniProgram, names},
    projection::{Owner, Projection},
    sensitive::{AccessToken, AppSecret, Implausible},
    world::{Seen, Version},
};

/// All that the plan knows.
pub struct Observed {
    /// The object: the newer of the watch's and our own last write.
    pub mini_program: Arc<MiniProgram>,
    /// Whether the lists of its namespace are complete.
    pub listed: bool,
    /// The Secret that the spec's target names.
    pub target: TargetSeen,
    /// Other Secrets of our type that this object controls.
    pub old: Vec<Arc<Projection>>,
    /// The credential Secret.
    pub credential: Seen<Version>,
    /// The other objects of the same platform and app id.
    pub rivals: Vec<Arc<MiniProgram>>,
    /// What the process remembers.
    pub recall: Recall,
    /// The token in hand.
    pub in_hand: Option<HandFacts>,
    /// The app's mints in this process.
    pub app: AppMints,
    /// How long an open intent of somebody else is left alone: connect and request timeout.
    pub patience: Duration,
    /// The call whose intent stands in status, if this reconcile wrote it.
    pub begun: Option<Wanted>,
    /// Strong reads, when the plan asked for them.
    pub close: Option<Close>,
}

/// The Secret of the target's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSeen {
    /// There is none.
    Absent,
    /// There is one, and it is not of our type.
    Foreign,
    /// There is one of our type.
    Is(Arc<Projection>),
}

impl TargetSeen {
    /// What a write of it has to replace.
    #[must_use]
    pub fn base(&self) -> Base {
        match self {
            Self::Is(target) => {
                Base::Is { uid: target.uid.clone(), version: target.version.clone(), issued_for: target.issued_for.clone() }
            }
            Self::Absent | Self::Foreign => Base::Absent,
        }
    }
}

/// Strong reads of what an irreversible step depends on. Has no `Debug`: it holds the app secret and tokens.
pub struct Close {
    /// The uid and generation of the object that they were made for: another spec names other Secrets.
    pub of: (Option<String>, Option<i64>),
    /// The Secret of the target's name.
    pub target: TargetSeen,
    /// Whether it is marked immutable.
    pub immutable: bool,
    /// The values in the target's data that may be tokens.
    pub held: Held,
    /// The same of the Secret that the target is filled from.
    pub old_held: Held,
    /// The credential.
    pub credential: CredentialRead,
}

/// The values of a Secret's data that could be a token.
#[derive(Default)]
pub struct Held(Vec<AccessToken>);

/// A credential, as read.
pub enum CredentialRead {
    /// There is no such Secret.
    Absent,
    /// It could not be read.
    Unreadable,
    /// It was read.
    Is {
        /// Which one.
        version: CredentialStatus,
        /// What stands under the key; none if the key is missing.
        value: Option<Result<AppSecret, Implausible>>,
    },
}

impl Held {
    /// These tokens.
    #[cfg(test)]
    pub fn from_tokens(tokens: Vec<AccessToken>) -> Self {
        Self(tokens)
    }

    /// The values of this Secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        let values = secret.data.iter().flatten();
        Self(values.filter_map(|(_, value)| AccessToken::parse(str::from_utf8(&value.0).ok()?)).collect())
    }

    /// The value that has this fingerprint.
    #[must_use]
    pub fn token(&self, fingerprint: &str) -> Option<&AccessToken> {
        self.0.iter().find(|token| token.fingerprint() == fingerprint)
    }
}

impl Close {
    /// Whether they were made for this very spec.
    #[must_use]
    pub fn is_of(&self, mp: &MiniProgram) -> bool {
        (&self.of.0, self.of.1) == (&mp.metadata.uid, mp.metadata.generation)
    }

    /// The tokens of this Secret: the target, or the one that it is filled from.
    #[must_use]
    pub fn held_by(&self, from: &Projection, mp: &MiniProgram) -> &Held {
        if from.name == mp.target_name() { &self.held } else { &self.old_held }
    }

    /// The credential's plausible app secret and where it was read.
    #[must_use]
    pub fn app_secret(&self) -> Option<(&CredentialStatus, &AppSecret)> {
        match &self.credential {
            CredentialRead::Is { version, value: Some(Ok(secret)) } => Some((version, secret)),
            _ => None,
        }
    }
}

/// Reads the target and the credential from the API server itself.
pub async fn look_closer(client: &Client, mp: &MiniProgram, old: Option<&Projection>) -> Result<Close, ApiError> {
    let namespace = mp.metadata.namespace.as_deref().unwrap_or_default();
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    let (target, immutable, held) = read_target(client, namespace, &mp.target_name()).await?;
    let old_held = match old {
        Some(old) => read_ours(&secrets, &old.name).await?.map(|secret| Held::of(&secret)).unwrap_or_default(),
        None => Held::default(),
    };
    let credential = read_credential(&secrets, mp).await;
    let of = (mp.metadata.uid.clone(), mp.metadata.generation);
    Ok(Close { of, target, immutable, held, old_held, credential })
}

/// Reads the target so that another's data never leaves the API server: a list by name and type, then metadata only.
pub async fn read_target(client: &Client, namespace: &str, name: &str) -> Result<(TargetSeen, bool, Held), ApiError> {
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    if let Some(secret) = read_ours(&secrets, name).await? {
        let held = Held::of(&secret);
        let target = TargetSeen::Is(Arc::new(Projection::of(&secret.metadata)));
        return Ok((target, secret.immutable == Some(true), held));
    }
    let metadata = Api::<PartialObjectMeta<Secret>>::namespaced(client.clone(), namespace);
    let target = match within(metadata.get_opt(name)).await? {
        Some(_) => TargetSeen::Foreign,
        None => TargetSeen::Absent,
    };
    Ok((target, false, Held::default()))
}

async fn read_ours(secrets: &Api<Secret>, name: &str) -> Result<Option<Secret>, ApiError> {
    let ours = ListParams::default().fields(&format!("metadata.name={name},type={}", names::SECRET_TYPE));
    Ok(within(secrets.list(&ours)).await?.items.into_iter().next())
}

async fn read_credential(secrets: &Api<Secret>, mp: &MiniProgram) -> CredentialRead {
    let reference = &mp.spec.credential_ref;
    let secret = match within(secrets.get_opt(&reference.name)).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return CredentialRead::Absent,
        Err(_) => return CredentialRead::Unreadable,
    };
    let version = CredentialStatus {
        uid: secret.metadata.uid.unwrap_or_default(),
        resource_version: secret.metadata.resource_version.unwrap_or_default(),
    };
    let bytes = secret.data.and_then(|mut data| data.remove(&reference.key)).map(|bytes| Zeroizing::new(bytes.0));
    CredentialRead::Is { version, value: bytes.map(|bytes| AppSecret::parse(&bytes)) }
}

/// Whose a Secret of our type is, for an object of this uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This object's.
    Ours,
    /// A former object's of the same name: the garbage collector is about to take it.
    Former,
    /// Somebody else's.
    Theirs,
}

/// Whose a target is.
#[must_use]
pub fn whose(target: &Projection, mp: &MiniProgram) -> Whose {
    let name = mp.metadata.name.as_deref();
    match &target.owner {
        Owner::MiniProgram { uid, .. } if Some(uid.as_str()) == mp.metadata.uid.as_deref() => Whose::Ours,
        Owner::MiniProgram { name: owner, .. } if Some(owner.as_str()) == name => Whose::Former,
        Owner::Nobody
            if (target.label.as_deref() == name || is_remembered(target, mp))
                && target.sent.platform == mp.spec.platform.as_str()
                && target.sent.app_id == mp.spec.app_id =>
        {
            Whose::Ours
        }
        Owner::Nobody | Owner::MiniProgram { .. } | Owner::Other => Whose::Theirs,
    }
}

/// Whether the status tells of this very token in this very Secret: a label that somebody removed is then put back.
fn is_remembered(target: &Projection, mp: &MiniProgram) -> bool {
    let Some(status) = &mp.status else { return false };
    let in_use = status.target_ref.as_ref().is_some_and(|in_use| in_use.name == target.name);
    let token = status.token.as_ref().map(|token| &token.fingerprint);
    in_use && token.is_some() && token == target.token.as_ref().map(|token| &token.fingerprint)
}
