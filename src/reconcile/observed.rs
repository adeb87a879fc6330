//! What the plan needs: the world's projections, the process's memory and, when the plan asked for
//! it, a live read. Decides nothing and reads nothing: the file `reads.rs` does.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Secret;
use zeroize::Zeroizing;

use super::{
    call::Wanted,
    memory::{AppMints, Precondition, Recall, UnstoredFacts},
};
use crate::{
    api::{CredentialStatus, MiniProgram},
    platform::{ConfiguredEndpoints, Endpoint, Platform},
    projection::{Owner, Projection, TicketFacts},
    sensitive::{AccessToken, AppSecret, Implausible},
    template::Template,
    world::{Lookup, Siblings, Version},
};

/// Everything that the plan knows.
pub struct Observed {
    /// The object: the newer one of the watch's version and our own last write.
    pub mini_program: Arc<MiniProgram>,
    /// The endpoint that its token is requested from.
    pub endpoint: EndpointLookup,
    /// Whether the lists of its namespace are complete.
    pub listed: bool,
    /// The Secret that the spec's target names.
    pub target: TargetLookup,
    /// Other Secrets of our type that belong to this object.
    pub old: Vec<Arc<Projection>>,
    /// The credential Secret.
    pub credential: Lookup<Version>,
    /// The other objects of the same platform and app id that the plan needs.
    pub siblings: Siblings,
    /// The target's template, without what the administrator does not allow.
    pub template: Template,
    /// What the process remembers.
    pub recall: Recall,
    /// The unstored token.
    pub unstored: Option<UnstoredFacts>,
    /// The app's mints, as this process remembers them.
    pub app: AppMints,
    /// How long the open intent of another process is waited for: connect and request timeout.
    pub patience: Duration,
    /// The boot time until which the platform is sent no app secret that it has not accepted.
    pub stopped_until: Option<Duration>,
    /// The call whose intent this pass has recorded.
    pub started: Option<Wanted>,
    /// A read of the credential alone, if the plan asked for it.
    pub credential_read: Option<ReadFor>,
    /// The live read, if the plan asked for it.
    pub live: Option<Arc<LiveRead>>,
}

/// The endpoint that a spec chooses.
#[derive(Clone, Copy, Debug)]
pub enum EndpointLookup {
    /// This version does not know it.
    Unsupported,
    /// The administrator has not configured it.
    NotConfigured,
    /// It is known.
    Is(&'static Platform, &'static Endpoint),
}

impl EndpointLookup {
    /// The endpoint of this object.
    #[must_use]
    pub fn of(mp: &MiniProgram, configured: &ConfiguredEndpoints) -> Self {
        match mp.endpoint() {
            None => Self::Unsupported,
            Some((platform, endpoint)) if platform.has_hosts() => Self::Is(platform, endpoint),
            Some((platform, _)) => match configured.of(platform, &mp.spec.app_id) {
                None => Self::NotConfigured,
                Some(configured) => Self::Is(platform, configured.endpoint()),
            },
        }
    }
}

/// The Secret of the target's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetLookup {
    /// It does not exist.
    Absent,
    /// It exists and is not of our type.
    Foreign,
    /// It exists and is of our type.
    Is(Arc<Projection>),
}

impl TargetLookup {
    /// The precondition of a write to it.
    #[must_use]
    pub fn precondition(&self) -> Precondition {
        match self {
            Self::Is(target) => Precondition::Is {
                uid: target.uid.clone(),
                version: target.version.clone(),
                issued_for: target.issued_for.clone(),
            },
            Self::Absent | Self::Foreign => Precondition::Absent,
        }
    }
}

/// The live read of what an irreversible step depends on. Has no `Debug`: it holds the app secret
/// and tokens.
pub struct LiveRead {
    /// The spec that it was made for.
    pub of: Spec,
    /// The Secret of the target's name: as it was read, or as the world shows it.
    pub target: TargetLookup,
    /// Whether it was read.
    pub is_target_read: bool,
    /// Whether it is marked immutable.
    pub immutable: bool,
    /// The tokens in the target's data.
    pub held: Held,
    /// The tokens in the data of the old target.
    pub old_held: Held,
    /// The version of the Secret in use, if its data matches its annotations.
    pub intact: Option<String>,
    /// The credential.
    pub credential: Arc<CredentialRead>,
}

/// A read of the credential alone. Has no `Debug`: it holds the app secret.
#[derive(Clone)]
pub struct ReadFor {
    /// The spec that it was made for.
    pub of: Spec,
    /// What was read.
    pub credential: Arc<CredentialRead>,
}

/// A spec, by its object's uid and generation: another spec may name other Secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec(Option<String>, Option<i64>);

impl Spec {
    /// The spec of this object.
    #[must_use]
    pub fn of(mp: &MiniProgram) -> Self {
        Self(mp.metadata.uid.clone(), mp.metadata.generation)
    }
}

/// The values in a Secret's data that are known tokens or tickets.
#[derive(Default)]
pub struct Held(Vec<AccessToken>);

/// A ticket with its value. Has no `Debug`.
#[derive(Clone)]
pub struct HeldTicket {
    /// The ticket; wiped when dropped.
    pub ticket: AccessToken,
    /// Its type, fingerprint and times.
    pub facts: TicketFacts,
}

/// The result of reading a credential.
pub enum CredentialRead {
    /// The Secret does not exist.
    Absent,
    /// It could not be read.
    Unreadable,
    /// It exists.
    Is {
        /// Its uid and resourceVersion.
        version: CredentialStatus,
        /// The value of the key; none if the key is missing.
        value: Option<Result<AppSecret, Implausible>>,
    },
}

impl Held {
    /// These tokens.
    #[cfg(test)]
    pub fn from_tokens(tokens: Vec<AccessToken>) -> Self {
        Self(tokens)
    }

    /// The values of this Secret that have one of these fingerprints. The others, which may have a
    /// megabyte, are wiped.
    #[must_use]
    pub fn of(secret: Secret, fingerprints: &[&str]) -> Self {
        let values = secret.data.into_iter().flatten().map(|(_, value)| Zeroizing::new(value.0));
        let tokens = values.filter_map(|value| AccessToken::parse(str::from_utf8(&value).ok()?));
        Self(tokens.filter(|token| fingerprints.contains(&token.fingerprint().as_str())).collect())
    }

    /// The value that has this fingerprint.
    #[must_use]
    pub fn token(&self, fingerprint: &str) -> Option<&AccessToken> {
        self.0.iter().find(|token| token.fingerprint() == fingerprint)
    }
}

impl LiveRead {
    /// The tokens of this Secret: the target or the old target.
    #[must_use]
    pub fn held_by(&self, from: &Projection, mp: &MiniProgram) -> &Held {
        if from.name == mp.target_name() { &self.held } else { &self.old_held }
    }

    /// The plausible app secret of the credential, and the version it was read from.
    #[must_use]
    pub fn app_secret(&self) -> Option<(&CredentialStatus, &AppSecret)> {
        match &*self.credential {
            CredentialRead::Is { version, value: Some(Ok(secret)) } => Some((version, secret)),
            _ => None,
        }
    }
}

/// The owner of a Secret of our type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This object.
    Ours,
    /// A former object of the same name: the garbage collector is about to delete the Secret.
    Former,
    /// Another object or a person.
    Theirs,
}

/// The owner of a target.
#[must_use]
pub fn whose(target: &Projection, mp: &MiniProgram) -> Whose {
    let name = mp.metadata.name.as_deref();
    match &target.owner {
        Owner::MiniProgram { uid, .. } if Some(uid.as_str()) == mp.metadata.uid.as_deref() => {
            Whose::Ours
        }
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

/// Whether the status reports this token in this Secret, so that a label that another writer
/// removed is restored.
fn is_remembered(target: &Projection, mp: &MiniProgram) -> bool {
    let Some(status) = &mp.status else { return false };
    let in_use = status.target_ref.as_ref().is_some_and(|in_use| in_use.name == target.name);
    let token = status.token.as_ref().map(|token| &token.fingerprint);
    in_use && token.is_some() && token == target.token.as_ref().map(|token| &token.fingerprint)
}
