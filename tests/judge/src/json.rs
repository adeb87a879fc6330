//! Reads a status as the API has it. Judges nothing.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::log::{Failure, Fresh, Status};

impl Status {
    /// What a status says; the caller knows which moment a time is.
    #[must_use]
    pub fn of(status: &Value, moment: impl Fn(Timestamp) -> i64) -> Self {
        let conditions = || status["conditions"].as_array().into_iter().flatten();
        let condition = |kind| conditions().find(|condition| condition["type"] == kind);
        let is = |kind, value: &str| condition(kind).is_some_and(|it| it["status"] == value);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let time = |value: &Value| value.as_str()?.parse().ok().map(&moment);
        let reason = condition("TokenFresh").and_then(|fresh| text(&fresh["reason"]));
        let (failure, intent) = (&status["lastFailure"], &status["intent"]);
        Self {
            ready: is("Ready", "True"),
            fresh: Fresh {
                is_false: is("TokenFresh", "False"),
                reason: reason.unwrap_or_default(),
            },
            rejected: is("CredentialValid", "False"),
            accepted: is("CredentialValid", "True"),
            unsynced: is("TargetSynced", "False"),
            target: text(&status["targetRef"]["name"]),
            token: text(&status["token"]["fingerprint"]),
            expires: time(&status["token"]["expirationTime"]),
            next_refresh: time(&status["token"]["nextRefreshTime"]),
            failure: time(&failure["time"]).map(|time_sent| Failure {
                time: time_sent,
                reason: text(&failure["reason"]).unwrap_or_default(),
                next_attempt: time(&failure["nextAttemptTime"]),
            }),
            handled_request: text(&status["handledRefreshRequest"]),
            intent: text(&intent["id"]).map(|id| (id, intent["outcomeUnknown"] == true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use crate::log::{Failure, Fresh, Status};

    #[test]
    fn a_status_is_read() {
        let status = json!({
            "targetRef": { "name": "shop-token" },
            "token": {
                "fingerprint": "sha256:0123456789ab",
                "expirationTime": "1970-01-01T00:00:02Z",
                "nextRefreshTime": "1970-01-01T00:00:01Z",
            },
            "intent": { "id": "i", "outcomeUnknown": true },
            "lastFailure": { "time": "1970-01-01T00:00:03Z", "reason": "PlatformBusy" },
            "conditions": [
                { "type": "Ready", "status": "True", "reason": "TokenAvailable" },
                { "type": "TokenFresh", "status": "False", "reason": "PlatformBusy" },
                { "type": "CredentialValid", "status": "False", "reason": "KeyMissing" },
                { "type": "TargetSynced", "status": "False", "reason": "Conflict" },
            ],
        });
        let failure = Failure { time: 3000, reason: "PlatformBusy".into(), next_attempt: None };
        let expected = Status {
            ready: true,
            fresh: Fresh { is_false: true, reason: "PlatformBusy".into() },
            rejected: true,
            accepted: false,
            unsynced: true,
            target: Some("shop-token".into()),
            token: Some("sha256:0123456789ab".into()),
            expires: Some(2000),
            next_refresh: Some(1000),
            failure: Some(failure),
            handled_request: None,
            intent: Some(("i".into(), true)),
        };
        assert_eq!(Status::of(&status, Timestamp::as_millisecond), expected);
    }
}
