//! Kubernetes Events: each change is published once, after the write that makes it. The notes are
//! constant, and a failed Event fails nothing else.

use std::time::Duration;

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::api::{ConditionType, MiniProgram, MiniProgramStatus, Reason, conditions};

/// The longest that a pass waits for an Event to be published.
const DEADLINE: Duration = Duration::from_secs(5);

/// An Event to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its reason, from a fixed list.
    pub reason: &'static str,
    /// Whether its type is Warning: a person should act.
    pub warning: bool,
    /// Its note.
    pub note: String,
}

impl Announcement {
    /// An Event about what went as it should.
    pub fn normal(reason: &'static str, note: &str) -> Self {
        Self { reason, warning: false, note: note.into() }
    }

    /// An Event that a person should see.
    pub fn warning(reason: &'static str, note: &str) -> Self {
        Self { reason, warning: true, note: note.into() }
    }
}

/// An edit of the target was corrected.
pub fn drift_corrected() -> Announcement {
    Announcement::warning(
        "SecretDriftCorrected",
        "Somebody had changed the target Secret; it is as the spec asks again",
    )
}

/// The reported token has already been replaced.
pub fn already_replaced() -> Announcement {
    Announcement::normal(
        "TokenAlreadyReplaced",
        "The token that the annotation invalid-token names is not the current one: read the Secret again",
    )
}

/// The report names no token.
pub fn names_no_token() -> Announcement {
    Announcement::warning(
        "InvalidTokenMalformed",
        "The annotation invalid-token names no token: it takes sha256: and twelve hexadecimal digits, as in status.token.fingerprint",
    )
}

/// The report contains the token itself.
pub fn token_shown() -> Announcement {
    Announcement::warning(
        "TokenInAnnotation",
        "The annotation invalid-token holds the token itself, for all to see who may read this object: put status.token.fingerprint \
         in its place, and the token is replaced",
    )
}

/// The platform does not replace the reported token before its end.
pub fn not_replaceable() -> Announcement {
    Announcement::warning(
        "TokenNotReplaceable",
        "The platform returns the same token until its end, and knows no call that makes another: \
         reset the app secret if it is in the wrong hands",
    )
}

/// A requested refresh returned the same token.
pub fn same_token() -> Announcement {
    Announcement::normal(
        "TokenUnchanged",
        "The platform returned the same token; status.token.expirationTime says until when it is valid",
    )
}

/// Forced refreshes return the same token.
pub fn forced_refresh_ineffective() -> Announcement {
    Announcement::warning(
        "ForcedRefreshIneffective",
        "Two forced refreshes brought the same token: the platform holds it to be valid",
    )
}

/// Another operator wrote our target.
pub fn foreign_write() -> Announcement {
    Announcement::warning(
        "ForeignWrite",
        "Another operator wrote the target Secret: two releases must not watch the same objects",
    )
}

/// The Secret that was the target before a rename is deleted.
pub fn old_target_deleted(secret: &str) -> Announcement {
    Announcement::normal(
        "OldTargetDeleted",
        &format!(
            "Secret {secret} was the target before and is deleted: the new target holds its token"
        ),
    )
}

/// The Events that a status write gives rise to.
#[must_use]
pub fn of_status(old: Option<&MiniProgramStatus>, new: &MiniProgramStatus) -> Vec<Announcement> {
    let mut announcements = Vec::new();
    let fingerprint =
        |status: &MiniProgramStatus| status.token.as_ref().map(|token| token.fingerprint.clone());
    let before = old.and_then(fingerprint);
    match (&before, fingerprint(new)) {
        (None, Some(_)) => announcements.push(Announcement::normal(
            "TokenIssued",
            "The first token is stored in the target Secret",
        )),
        (Some(before), Some(now)) if *before != now => {
            announcements.push(Announcement::normal(
                "TokenRefreshed",
                "A new token is stored in the target Secret",
            ));
        }
        _ => {}
    }
    let reported = |status: Option<&MiniProgramStatus>, kind| {
        let condition = conditions::find(&status?.conditions, kind)?;
        Some((condition.status.clone(), Reason::of(condition)?, condition.message.clone()))
    };
    let changed = |kind| {
        let (status, reason, message) = reported(Some(new), kind)?;
        let same =
            reported(old, kind).is_some_and(|(was, because, _)| was == status && because == reason);
        (status == "False" && !same).then_some((reason, message))
    };
    if let Some((Reason::Expired, message)) = changed(ConditionType::Ready) {
        announcements.push(Announcement::warning("TokenExpired", &message));
    }
    for kind in
        [ConditionType::CredentialValid, ConditionType::TargetSynced, ConditionType::TokenFresh]
    {
        match changed(kind) {
            // These only refer to another condition, or to what the spec asks for.
            None | Some((Reason::Blocked | Reason::Suspended | Reason::Expired, _)) => {}
            Some((reason, message)) => {
                announcements.push(Announcement::warning(reason.as_str(), &message));
            }
        }
    }
    announcements
}

/// Publishes Events.
pub struct Events(Recorder);

impl Events {
    /// The process has one recorder, which counts repeated Events in series.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>) -> Self {
        Self(Recorder::new(
            client,
            Reporter { controller: "miniprogram-operator".into(), instance },
        ))
    }

    /// Publishes Events about an object.
    pub async fn publish(&self, mp: &MiniProgram, announcements: &[Announcement]) {
        for announcement in announcements {
            let event = Event {
                type_: if announcement.warning { EventType::Warning } else { EventType::Normal },
                reason: announcement.reason.into(),
                note: Some(announcement.note.chars().take(1024).collect()),
                action: "Reconcile".into(),
                secondary: None,
            };
            let about = mp.object_ref(&());
            let published = tokio::time::timeout(DEADLINE, self.0.publish(&event, &about)).await;
            if !matches!(published, Ok(Ok(()))) {
                tracing::debug!(reason = announcement.reason, "an Event could not be published");
            }
        }
    }
}
