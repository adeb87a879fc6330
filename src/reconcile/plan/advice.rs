//! The message of each reason, for the person who must act: what happened, and what to do next. A
//! message is constant for its reason except for names and what the rest of the status holds, since
//! each change of a message is a status write.

use std::time::Duration;

use super::{expired, target, unreachable, view::View};
use crate::{
    api::{MiniProgram, Reason, TokenMode, names},
    reconcile::{api_error::admission::Said, memory::Refused, observed::TargetLookup},
    world::MOST_OF_AN_APP,
};

/// How late a running pod may see a new token, with the kubelet's defaults. docs/consumers.md has
/// what was seen.
const PODS_LAG: Duration = Duration::from_secs(90);

/// The message of `InternalError`, which no observation leads to.
pub const INTERNAL_ERROR: &str =
    "The operator failed on this object and tries again. Its log says where: please report it";

/// The message of an object whose token expired while the operator could not list what a new one
/// needs.
pub const UNLISTED: &str = "The token has expired, and the operator cannot list the Secrets and MiniPrograms that it needs for a \
                            new one. Its log and its /readyz?verbose say what it waits for";
/// The message of an object that no longer matches the operator's selector.
pub const NOT_SELECTED: &str = "The labels of this object do not match the operator's --selector any more: nobody keeps its token, \
                                unless another operator does";
/// The message of a suspended object.
pub const SUSPENDED: &str =
    "spec.suspend is set: the platform is not asked. Set it to false to go on";

/// The message of a reason for one object.
pub fn advice(view: &View<'_>, reason: Reason) -> String {
    let message = of_reason(view, reason);
    let may_end_it = matches!(
        reason,
        Reason::CredentialRejected | Reason::AppIdRejected | Reason::NotTested | Reason::Issuing
    );
    if !may_end_it || view.stopped().is_zero() {
        return message;
    }
    format!(
        "{message}. Many app secrets have been rejected, and {platform} bans the operator's address for too many: it is sent none \
         that it has not accepted until status.nextCall.time. Correct or delete the MiniPrograms whose app secrets are rejected",
        platform = view.platform.name
    )
}

fn of_reason(view: &View<'_>, reason: Reason) -> String {
    let platform = view.platform.name;
    let secret = &view.mp.spec.credential_ref.name;
    let key = &view.mp.spec.credential_ref.key;
    let target = view.mp.target_name();
    match reason {
        Reason::Pending => "Waiting for the operator".into(),
        Reason::TokenAvailable => format!("Secret {target_in_use} holds a valid token", target_in_use = in_use(view)),
        Reason::Issuing => format!("A token is being asked for at {platform}"),
        Reason::Suspended => SUSPENDED.into(),
        Reason::Expired => expired::sentence(view),
        Reason::Unsupported => unsupported(view.mp),
        Reason::EndpointNotConfigured => not_configured(view.mp),
        Reason::InternalError => INTERNAL_ERROR.into(),
        Reason::NotSelected => NOT_SELECTED.into(),
        Reason::Accepted => format!("{platform} accepts the app secret in Secret {secret}"),
        Reason::NotTested => format!("{platform} has not been asked with the app secret in Secret {secret} yet"),
        Reason::SecretNotFound => {
            format!("Secret {secret} does not exist in this namespace. Create it with the app secret under key {key}")
        }
        Reason::KeyMissing => {
            format!("Secret {secret} has no key {key}. Add the app secret under it, or name its key in spec.credentialRef.key")
        }
        Reason::ValueEmpty => format!("Key {key} of Secret {secret} is empty. Put the app secret there"),
        Reason::ValueInvalid => format!(
            "Key {key} of Secret {secret} holds no app secret: it is longer than 128 bytes or not printable ASCII, and was not \
             sent to {platform}. Store the app secret alone, as text"
        ),
        Reason::CredentialUnreadable => {
            format!("Secret {secret} could not be read. Check that the operator may get Secrets in this namespace")
        }
        Reason::CredentialRejected => rejected(view),
        Reason::AppIdRejected => format!(
            "{platform} does not know app id {app_id}, or does not allow it here. Compare it with the platform's console: appID is \
             immutable, so a mistyped one needs a new MiniProgram",
            app_id = view.mp.spec.app_id
        ),
        Reason::AppSecretFrozen => format!(
            "{platform} has frozen the app secret or the account. Unfreeze it in the platform's console; this takes about 10 \
             minutes to work"
        ),
        Reason::Fresh => fresh(view),
        Reason::Blocked => "The platform is not asked: another condition says why".into(),
        Reason::RefreshOverdue => {
            "A refresh is due and was not made for over 60 seconds. The operator's metrics and log say what it waits for".into()
        }
        Reason::IpNotAllowed => ip_not_allowed(view),
        Reason::AwaitingAdminApproval => format!(
            "{platform} waits for the app's administrator to confirm this caller. Confirm it in the message that {platform} sent"
        ),
        Reason::QuotaExhausted => format!(
            "The app's daily quota of token calls at {platform} is used up. Find who else fetches tokens of this app, or clear \
             the quota in the platform's console"
        ),
        Reason::Throttled => format!("{platform} asks for fewer calls a minute. It is asked again in a minute"),
        Reason::PlatformBusy => format!("{platform} answers that it is busy. It is asked again"),
        Reason::PlatformUnreachable => {
            let failure = view.status.last_failure.as_ref();
            let cause = failure.and_then(|failure| failure.cause.as_deref()?.parse().ok());
            unreachable::sentence(platform, cause)
        }
        Reason::BadResponse => bad_response(view),
        Reason::TokenRejected => {
            format!("{platform} refuses the token that a ticket is asked for with")
        }
        Reason::AppIdConflict => conflict_of_apps(view),
        Reason::WaitingForOlderObject => waiting(view),
        Reason::ReportedInvalid => "The token was reported invalid".into(),
        Reason::AnotherCaller => another_caller(platform),
        Reason::TooManyObjects => format!(
            "{MOST_OF_AN_APP} older MiniPrograms of this namespace name app id {app_id}, and no more are served. Let pods share \
             the token of one of them, and delete this one",
            app_id = view.mp.spec.app_id
        ),
        Reason::Synced => format!("Secret {} is as the spec asks", in_use(view)),
        Reason::Conflict => conflict(view, &target),
        Reason::Forbidden => {
            format!("The operator may not write Secret {target}. Grant it create and patch on Secrets in this namespace")
        }
        Reason::WriteFailed => {
            format!("Secret {target} could not be written. The operator's log has the API server's answer; it is tried again")
        }
        Reason::Immutable => {
            format!(
                "Secret {target} is marked immutable and cannot take a new token. Choose another spec.target.name and mount that: \
                 nodes that have mounted this Secret show its old token even when it is deleted and made again"
            )
        }
        Reason::Altered => format!(
            "Secret {target} holds the token, but its labels or annotations are not as spec.target.template asks: an admission \
             webhook or policy, or another field manager, sets them"
        ),
        Reason::MetadataNotAllowed => not_allowed(view, &target),
        Reason::Terminating => terminating(view, &target),
    }
}

/// The message for two tokens in a row that died before their time.
pub fn another_caller(platform: &str) -> String {
    format!(
        "This token and the one before were reported invalid before their end. Another caller probably asks {platform} for \
         tokens of this app, and each call ends the token before it: stop that caller, or set tokenMode: Stable"
    )
}

/// The message for a spec with a value that this version does not know.
pub fn unsupported(mp: &MiniProgram) -> String {
    format!(
        "This version of the operator does not know platform {}, its tokenMode or its deletionPolicy. Upgrade the operator",
        mp.spec.platform.as_str()
    )
}

/// The message for a spec with an endpoint that the administrator has not configured.
pub fn not_configured(mp: &MiniProgram) -> String {
    let app_id = &mp.spec.app_id;
    let name = app_id.split('/').next().unwrap_or_default();
    format!(
        "The operator has no endpoint {name}, which spec.appID {app_id} names. Ask the operator's administrator to add it \
         (oauth2Endpoints of the chart, or --oauth2-endpoint). appID is immutable, so a mistyped one needs a new MiniProgram"
    )
}

/// The message for a refused write of the target: which check refused it, and what happens
/// meanwhile.
pub fn refused_write(view: &View<'_>, refused: &Refused) -> String {
    let target = view.mp.target_name();
    let said = refused.said.as_ref().map(Said::sentence);
    let what = match (refused.reason, said) {
        (Reason::WriteFailed, Some(said)) => {
            format!("Secret {target} could not be written: {said}. It is tried again")
        }
        (Reason::Altered, Some(what)) => format!(
            "An admission webhook or policy takes away or changes {what} of Secret {target}. Exempt Secrets of type {kind} from \
             it; the write is tried again",
            kind = names::SECRET_TYPE
        ),
        (reason, _) => advice(view, reason),
    };
    match target::stays_in_use(view) {
        Some(old) => format!("{what}. Secret {} stays in use and is kept fresh", old.name),
        None => what,
    }
}

/// Where a token ends sooner than a mounted file changes, pods meet it.
fn fresh(view: &View<'_>) -> String {
    let fresh = "The token is as new as it should be";
    match view.endpoint.reissue.both_valid() {
        Some(overlap) if overlap < PODS_LAG => format!(
            "{fresh}. When it changes, the one before works for {} s at most, and a mounted file may lag behind by {}: on a \
             refusal pods read the file again",
            overlap.as_secs(),
            PODS_LAG.as_secs()
        ),
        _ => fresh.into(),
    }
}

/// Some platforms do not say whether the app id or the app secret is wrong.
fn rejected(view: &View<'_>) -> String {
    let (platform, secret) = (view.platform.name, &view.mp.spec.credential_ref.name);
    if view.platform.tells_id_from_secret {
        return format!(
            "{platform} rejects the app secret in Secret {secret}: key {key} is not the app secret of {app_id}. Compare both with \
             the platform's console, and reset the app secret only if it is lost. A changed Secret is tried at once",
            key = view.mp.spec.credential_ref.key,
            app_id = view.mp.spec.app_id
        );
    }
    format!(
        "{platform} rejects app id {app_id} with the app secret in Secret {secret}, and does not say which of the two is wrong. \
         Compare both with the platform's console; another app secret is tried at once",
        app_id = view.mp.spec.app_id
    )
}

fn not_allowed(view: &View<'_>, target: &str) -> String {
    let keys = view.seen.template.refused.join(", ");
    format!(
        "Secret {target} holds the token, without what spec.target.template may not set here: {keys}. Other controllers act on \
         such labels and annotations; an administrator allows them by --allow-template-metadata"
    )
}

fn terminating(view: &View<'_>, target: &str) -> String {
    let finalizers = target::terminating(view)
        .map(|terminating| terminating.finalizers.join(", "))
        .unwrap_or_default();
    format!(
        "Secret {target} is being deleted and waits for its finalizers ({finalizers}). It is kept fresh meanwhile; when whoever \
         set them removes them, the Secret is made anew"
    )
}

fn in_use(view: &View<'_>) -> String {
    view.in_use.map_or_else(|| view.mp.target_name(), |target| target.name.clone())
}

fn bad_response(view: &View<'_>) -> String {
    let platform = view.platform.name;
    let code = view.status.last_failure.as_ref().and_then(|last| last.platform_code.as_deref());
    match code {
        Some(code) => format!(
            "{platform} refused with {code}, which this version does not know. Look it up in the platform's documentation; \
             {platform} is asked again"
        ),
        None if !view.platform.has_hosts() => {
            "The endpoint gave no answer with a bearer token and its life. Ask the operator's administrator to check the \
             endpoint's URL, and to set the life of its tokens if its answers have no expires_in"
                .into()
        }
        None => format!(
            "{platform} gave an answer without a token. Check that the endpoint is the platform and not a portal or a proxy"
        ),
    }
}

fn ip_not_allowed(view: &View<'_>) -> String {
    let platform = view.platform.name;
    let ip = view.status.last_failure.as_ref().and_then(|failure| failure.caller_ip.as_deref());
    match ip {
        Some(ip) => format!(
            "{platform} refuses calls from {ip}. Add {ip} to the app's IP allow-list in the platform's console"
        ),
        None => format!(
            "{platform} refuses this cluster's IP. Add the cluster's outgoing IP to the app's allow-list in the platform's console"
        ),
    }
}

/// Names the older object only if it is in the same namespace: a tenant must not learn the names of
/// others.
fn waiting(view: &View<'_>) -> String {
    format!(
        "An older MiniProgram names app id {app_id} too, and {platform} is asked with its app secret first, since in this mode \
         every call ends the token before it. This object's turn comes within a minute",
        app_id = view.mp.spec.app_id,
        platform = view.platform.name,
    )
}

/// Names the other object only if it is in the same namespace: a tenant must not learn the names of
/// others.
fn conflict_of_apps(view: &View<'_>) -> String {
    let other = match super::ownership::owner(view) {
        super::ownership::AppOwner::This => {
            return "Another MiniProgram kept the token of this app and may have ended this one's. A new token is asked for; \
                    status.lastFailure says why none has come"
                .into();
        }
        super::ownership::AppOwner::Other(other) if other.namespace() == view.mp.namespace() => {
            format!("MiniProgram {}", other.name())
        }
        _ => "A MiniProgram of another namespace".into(),
    };
    let has_stable = view.platform.endpoint(Some(TokenMode::Stable)).is_some();
    let instead = if has_stable { ", or set tokenMode: Stable" } else { "" };
    format!(
        "{other} keeps the token of this app, and in this mode every call ends the token before it. Delete one of the two{instead}"
    )
}

fn conflict(view: &View<'_>, target: &str) -> String {
    use crate::projection::Owner;
    let owner = match &view.seen.target {
        TargetLookup::Is(theirs) => match &theirs.owner {
            Owner::MiniProgram { name, .. } => Some(name),
            Owner::Nobody | Owner::Other => None,
        },
        TargetLookup::Absent | TargetLookup::Foreign => None,
    };
    match owner {
        Some(owner) => {
            format!(
                "Secret {target} belongs to MiniProgram {owner}. Choose another spec.target.name, or delete that object"
            )
        }
        None => format!(
            "Secret {target} exists and is not this operator's: it was neither read nor changed. Delete it, or choose another \
             spec.target.name"
        ),
    }
}
