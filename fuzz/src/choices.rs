//! Objects made from a fuzzer's choices: near what is healthy, and off it in every field. Judges
//! nothing.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};
use miniprogram_operator::{
    api::{MiniProgram, Reason, names},
    sensitive::AccessToken,
};
use serde_json::{Map, Value, json};

/// The app secret of every made object: it must show nowhere.
pub const SECRET: &str = "canary-app-secret-9f31";
/// The tokens of every made object: they must show nowhere but in a target.
pub const TOKENS: [&str; 2] = ["canary-token-current-77ab", "canary-token-before-02cd"];
/// About when everything happens, in seconds since 1970.
pub const ABOUT: i64 = 1_777_629_600;

/// Any text, often an empty or a plain one.
pub fn text(choices: &mut Unstructured<'_>, longest: usize) -> Result<String> {
    if choices.arbitrary()? {
        return Ok((*choices.choose(&[
            "",
            "a",
            "call-0",
            "7",
            "2026-05-01",
            "Stable",
            "76_token",
        ])?)
        .to_owned());
    }
    let text: &str = choices.arbitrary()?;
    Ok(text.chars().take_while(|c| *c != '\0').take(longest / 4).collect())
}

/// Any time in whole seconds, often one that floors and lives are measured in.
pub fn time(choices: &mut Unstructured<'_>) -> Result<Timestamp> {
    const FAR: [i64; 4] = [0, -62_135_596_800, 253_402_207_200, 4_102_444_800];
    let offset = match choices.int_in_range(0..=9)? {
        0 => {
            return Ok(
                Timestamp::from_second(*choices.choose(&FAR)?).unwrap_or(Timestamp::UNIX_EPOCH)
            );
        }
        1 => i64::from(choices.arbitrary::<i32>()?),
        2..=4 => *choices.choose(&[0, 1, 15, 30, 60, 300, 7200, 86_400])?,
        5..=7 => -*choices.choose(&[1, 15, 30, 60, 299, 300, 3600, 7199])?,
        _ => i64::from(choices.arbitrary::<i16>()?),
    };
    Ok(Timestamp::from_second(ABOUT + offset).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// A short length of time, in milliseconds.
pub fn millis(choices: &mut Unstructured<'_>) -> Result<u64> {
    choices.int_in_range(0..=400_000)
}

/// Labels or annotations of a user's.
pub fn map(choices: &mut Unstructured<'_>) -> Result<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for key in ["team", "example.com/note"] {
        if choices.arbitrary()? {
            map.insert(key.to_owned(), text(choices, 64)?);
        }
    }
    Ok(map)
}

pub fn fingerprint(choices: &mut Unstructured<'_>, longest: usize) -> Result<String> {
    if choices.ratio(1, 8)? {
        return text(choices, longest);
    }
    of_a_token(choices)
}

/// A fingerprint as the schema of the status asks for.
fn of_a_token(choices: &mut Unstructured<'_>) -> Result<String> {
    let token = *choices.choose(&TOKENS)?;
    Ok(AccessToken::parse(token).map(|token| token.fingerprint()).unwrap_or_default())
}

/// Metadata of a Secret of our type: mostly as we write it, and with somebody's hand in it.
pub fn metadata(choices: &mut Unstructured<'_>) -> Result<ObjectMeta> {
    let mut annotations = Map::new();
    let mut owned = Map::new();
    for key in [
        names::APP_ID,
        names::PLATFORM,
        names::TOKEN_MODE,
        names::CREDENTIAL_DIGEST,
        names::CREDENTIAL_SALT,
        names::ISSUE_TIME,
        names::EXPIRATION_TIME,
        names::FINGERPRINT,
        names::ISSUED_FOR,
        names::OPERATOR,
        names::HANDLED_REFRESH_REQUEST,
        names::UNCONFIRMED,
    ] {
        let sometimes = [names::HANDLED_REFRESH_REQUEST, names::UNCONFIRMED].contains(&key);
        if choices.ratio(if sometimes { 3 } else { 1 }, if sometimes { 4 } else { 32 })? {
            continue;
        }
        let value = match key {
            names::ISSUE_TIME | names::EXPIRATION_TIME if choices.ratio(15, 16)? => {
                time(choices)?.to_string()
            }
            names::FINGERPRINT => fingerprint(choices, 600)?,
            names::APP_ID if choices.ratio(15, 16)? => "wx0123456789abcdef".to_owned(),
            names::PLATFORM if choices.ratio(15, 16)? => "WeChat".to_owned(),
            names::TOKEN_MODE if choices.ratio(15, 16)? => {
                (*choices.choose(&["Stable", "Legacy"])?).to_owned()
            }
            _ => text(choices, 600)?,
        };
        annotations.insert(key.to_owned(), json!(value));
        if choices.ratio(31, 32)? {
            owned.insert(format!("f:{key}"), json!({}));
        }
    }
    let fields = json!({
        "f:metadata": { "f:annotations": owned, "f:labels": { "f:app.kubernetes.io/managed-by": {}, "f:miniprogram.dev/name": {} } },
        "f:data": { "f:access_token": {}, "f:app_id": {}, "f:expires_at": {}, "f:expires_at_unix": {} },
        "f:type": {},
    });
    let owner = choices.choose(&[
        ("MiniProgram", "shop", "shop-uid"),
        ("MiniProgram", "shop", "former"),
        ("Pod", "x", "y"),
    ])?;
    let mut metadata = json!({
        "name": choices.choose(&["shop-token", "shop-token", "before"])?,
        "namespace": "team-a", "uid": "target-uid", "resourceVersion": "20",
        "labels": { "app.kubernetes.io/managed-by": "miniprogram-operator", "miniprogram.dev/name": "shop" },
        "annotations": annotations,
    });
    if choices.ratio(7, 8)? {
        let owner = if choices.ratio(7, 8)? { &("MiniProgram", "shop", "shop-uid") } else { owner };
        metadata["ownerReferences"] = json!([{
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": owner.0, "name": owner.1, "uid": owner.2, "controller": true,
        }]);
    }
    if choices.ratio(15, 16)? {
        metadata["managedFields"] = json!([{
            "manager": "miniprogram-operator", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
        }]);
    }
    if choices.ratio(1, 32)? {
        metadata["deletionTimestamp"] = json!(time(choices)?.to_string());
    }
    Ok(serde_json::from_value(metadata).unwrap_or_default())
}

/// An object with this in its spec.
pub fn mini_program(spec: Value) -> MiniProgram {
    let mut whole = json!({ "platform": "WeChat", "appID": "wx0123456789abcdef", "credentialRef": { "name": "shop-credential" } });
    if let (Value::Object(whole), Value::Object(spec)) = (&mut whole, spec) {
        whole.extend(spec);
    }
    serde_json::from_value(json!({
        "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
        "metadata": { "name": "shop", "namespace": "team-a", "uid": "shop-uid", "resourceVersion": "10", "generation": 1,
                      "creationTimestamp": "2026-05-01T00:00:00Z" },
        "spec": whole,
    }))
    .expect("a MiniProgram")
}

/// An object with any spec, annotations and status that the API server takes.
pub fn any_mini_program(choices: &mut Unstructured<'_>) -> Result<MiniProgram> {
    let mut spec = json!({ "suspend": choices.ratio(1, 16)? });
    if choices.arbitrary()? {
        spec["tokenMode"] = json!(choices.choose(&["Stable", "Legacy", "Legacy", "Odd"])?);
    }
    if choices.ratio(1, 32)? {
        spec["platform"] = json!("Odd");
    }
    if choices.ratio(1, 4)? {
        spec["refreshBeforeSeconds"] = json!(choices.int_in_range(120..=86_400)?);
    }
    if choices.ratio(1, 4)? {
        spec["refreshIntervalSeconds"] = json!(choices.int_in_range(60..=2_592_000)?);
    }
    if choices.ratio(1, 8)? {
        spec["target"] = json!({ "deletionPolicy": choices.choose(&["Delete", "Retain", "Odd"])? });
    }
    if choices.ratio(1, 4)? {
        spec["tickets"] = json!([choices.choose(&["JsApi", "WxCard", "AgentConfig", "Odd"])?]);
    }
    let mut mp = mini_program(spec);
    mp.metadata.generation = Some(choices.int_in_range(1..=2)?);
    let annotations = mp.metadata.annotations.get_or_insert_default();
    if choices.ratio(1, 3)? {
        annotations.insert(names::REFRESH_REQUESTED.into(), text(choices, 1000)?);
    }
    if choices.ratio(1, 3)? {
        annotations.insert(names::INVALID_TOKEN.into(), fingerprint(choices, 600)?);
    }
    if choices.ratio(7, 8)? {
        mp.status = serde_json::from_value(status(choices)?).ok();
    }
    Ok(mp)
}

fn status(choices: &mut Unstructured<'_>) -> Result<Value> {
    let mut status = json!({ "observedGeneration": choices.int_in_range(1..=2)?, "targetRef": { "name": "shop-token" } });
    if choices.ratio(7, 8)? {
        status["token"] = json!({
            "fingerprint": of_a_token(choices)?,
            "issueTime": time(choices)?.to_string(),
            "expirationTime": time(choices)?.to_string(),
            "checkTime": time(choices)?.to_string(),
        });
    }
    if choices.ratio(7, 8)? {
        status["credential"] = json!({ "uid": "credential-uid", "resourceVersion": choices.choose(&["7", "7", "8"])? });
    }
    if choices.ratio(1, 3)? {
        let id = text(choices, 64)?;
        status["intent"] = json!({ "id": id, "time": time(choices)?.to_string(), "outcomeUnknown": choices.arbitrary::<bool>()? });
    }
    if choices.ratio(1, 2)? {
        let forced = choices.int_in_range(0..=20)?;
        let forced: Vec<String> =
            (0..forced).map(|_| Ok(time(choices)?.to_string())).collect::<Result<_>>()?;
        status["mints"] = json!({
            "day": choices.choose(&["2026-05-01", "2026-04-30", ""])?,
            "count": choices.choose(&[0, 1, 199, 200, 1_000_000])?,
            "lastTime": time(choices)?.to_string(),
            "forcedTimes": forced,
        });
    }
    if choices.ratio(1, 2)? {
        let time = time(choices)?;
        let wait = SignedDuration::from_secs(*choices.choose(&[1, 15, 60, 300, 1800, 86_400])?);
        status["lastFailure"] = json!({
            "time": time.to_string(),
            "reason": reason(choices)?,
            "platformCode": choices.arbitrary::<i64>()?,
            "attempts": choices.choose(&[1, 2, 100, i32::MAX])?,
            "nextAttemptTime": time.checked_add(wait).unwrap_or(time).to_string(),
        });
    }
    let mut conditions = vec![];
    for kind in ["Ready", "CredentialValid", "TokenFresh", "TargetSynced", "Stalled"] {
        if choices.ratio(3, 4)? {
            conditions.push(json!({
                "type": kind, "status": choices.choose(&["True", "False", "Unknown"])?, "reason": reason(choices)?, "message": "",
                "observedGeneration": choices.int_in_range(1..=2)?, "lastTransitionTime": time(choices)?.to_string(),
            }));
        }
    }
    status["conditions"] = json!(conditions);
    Ok(status)
}

fn reason(choices: &mut Unstructured<'_>) -> Result<&'static str> {
    const REASONS: [Reason; 16] = [
        Reason::Accepted,
        Reason::NotTested,
        Reason::SecretNotFound,
        Reason::CredentialRejected,
        Reason::TokenAvailable,
        Reason::Fresh,
        Reason::Synced,
        Reason::PlatformBusy,
        Reason::PlatformUnreachable,
        Reason::QuotaExhausted,
        Reason::Throttled,
        Reason::BadResponse,
        Reason::AppIdConflict,
        Reason::RefreshOverdue,
        Reason::Immutable,
        Reason::WriteFailed,
    ];
    Ok(choices.choose(&REASONS)?.as_str())
}
