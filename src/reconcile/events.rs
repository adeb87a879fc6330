//! Kubernetes Events: each change is published once, after the write that makes it. The notes are
//! constant, and a failed Event fails nothing else.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::plan::advice;
use crate::{
    api::{ConditionType, MiniProgram, MiniProgramStatus, Reason, conditions},
    platform::Refusal,
    shell::clock::Clock,
};

/// The longest that a pass waits for an Event to be published.
const DEADLINE: Duration = Duration::from_secs(5);
/// Routine Events are published at most so many at once, and one a second after that: in a crowd
/// each would cost the API server as much as a write.
const ROUTINE_AT_ONCE: NonZeroU32 = NonZeroU32::new(50).expect("not zero");

/// An Event to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its reason, from a fixed list.
    pub reason: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its note.
    pub note: String,
}

/// The kind of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reports what happens by itself, over and over. Its type is Normal.
    Routine,
    /// It answers what a person did. Its type is Normal.
    Normal,
    /// A person should act.
    Warning,
}

impl Announcement {
    /// An Event about what happens by itself.
    pub fn routine(reason: &'static str, note: &str) -> Self {
        Self { reason, kind: Kind::Routine, note: note.into() }
    }

    /// An Event about what a person did.
    pub fn normal(reason: &'static str, note: &str) -> Self {
        Self { reason, kind: Kind::Normal, note: note.into() }
    }

    /// An Event that a person should see.
    pub fn warning(reason: &'static str, note: &str) -> Self {
        Self { reason, kind: Kind::Warning, note: note.into() }
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

/// A changed app secret was accepted.
pub fn credential_accepted(secret: &str) -> Announcement {
    Announcement::normal(
        "CredentialAccepted",
        &format!("The platform accepts the changed app secret in Secret {secret}"),
    )
}

/// Two tokens in a row were reported invalid before their end.
pub fn another_caller(platform: &str) -> Announcement {
    Announcement::warning(Reason::AnotherCaller.as_str(), &advice::another_caller(platform))
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
        (None, Some(_)) => announcements.push(Announcement::routine(
            "TokenIssued",
            "The first token is stored in the target Secret",
        )),
        (Some(before), Some(now)) if *before != now => {
            announcements.push(Announcement::routine(
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

/// Adds the platform's id of the request to the Event about its refusal: the conditions must not
/// have it, since it differs each time.
pub fn add_request_id(announcements: &mut [Announcement], refusal: &Refusal) {
    let Some(id) = &refusal.request_id else { return };
    for announcement in announcements {
        if announcement.reason == refusal.reason.as_str() {
            announcement.note = format!("{} (request {id})", announcement.note);
        }
    }
}

/// Publishes Events.
pub struct Events {
    recorder: Recorder,
    routine: RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Duration>>,
}

impl Events {
    /// The process has one recorder, which counts repeated Events in series.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>, clock: &Clock) -> Self {
        let reporter = Reporter { controller: "miniprogram-operator".into(), instance };
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(ROUTINE_AT_ONCE);
        Self {
            recorder: Recorder::new(client, reporter),
            routine: RateLimiter::direct_with_clock(quota, clock.clone()),
        }
    }

    /// Publishes Events about an object.
    pub async fn publish(&self, mp: &MiniProgram, announcements: &[Announcement]) {
        for announcement in announcements {
            let type_ = match announcement.kind {
                Kind::Routine if self.routine.check().is_err() => continue,
                Kind::Routine | Kind::Normal => EventType::Normal,
                Kind::Warning => EventType::Warning,
            };
            let event = Event {
                type_,
                reason: announcement.reason.into(),
                note: Some(announcement.note.chars().take(1024).collect()),
                action: "Reconcile".into(),
                secondary: None,
            };
            let about = mp.object_ref(&());
            let published =
                tokio::time::timeout(DEADLINE, self.recorder.publish(&event, &about)).await;
            if !matches!(published, Ok(Ok(()))) {
                tracing::debug!(reason = announcement.reason, "an Event could not be published");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use serde_json::json;

    use super::{Announcement, Events, ROUTINE_AT_ONCE, already_replaced};
    use crate::{
        reconcile::{
            plan::tests::sight::{STABLE, mini_program, now},
            tests::api_server,
        },
        shell::clock::{Clock, Now},
    };

    #[tokio::test]
    async fn routine_events_are_bounded_and_others_are_not() {
        let (client, requests) = api_server(|_, _| (201, json!({})));
        let boot = Arc::new(Mutex::new(Duration::ZERO));
        let shown = Arc::clone(&boot);
        let clock = Clock::from_fn(move || Now { boot: *shown.lock().unwrap(), ..now(0) });
        let events = Events::new(client, None, &clock);
        let published = async |announcement: Announcement, times: u32| {
            for number in 0..times {
                let mut mp = mini_program(STABLE);
                mp.metadata.name = Some(format!("shop-{number}"));
                events.publish(&mp, std::slice::from_ref(&announcement)).await;
            }
            std::mem::take(&mut *requests.lock().unwrap()).len()
        };
        let routine = Announcement::routine("TokenIssued", "The first token is stored");
        let at_once = ROUTINE_AT_ONCE.get();
        assert_eq!(published(routine.clone(), 2 * at_once).await, at_once as usize);
        assert_eq!(published(already_replaced(), 7).await, 7);
        *boot.lock().unwrap() += Duration::from_secs(3);
        assert_eq!(published(routine, at_once).await, 3, "one a second");
    }
}
