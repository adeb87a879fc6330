//! The target Secret: what is written is read back the same, and what others write into one is read
//! without harm.

use arbitrary::Unstructured;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, Time},
    jiff::Timestamp,
};
use miniprogram_operator::{
    api::{TicketType, names},
    projection::{Projection, Sent, TicketFacts, TokenFacts},
    reconcile::{
        apply::secret::{Content, target_secret},
        memory::Precondition,
        observed::{Held, HeldTicket},
    },
    sensitive::AccessToken,
    template::Template,
};
use serde_json::{Value, json};

use crate::choices;

/// The bytes are choices.
pub fn judge(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    // Bytes that end too early choose nothing.
    let _ = written_is_read_back(&mut choices);
    let _ = anything_is_read(&mut choices);
}

fn written_is_read_back(choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let Some(token) =
        AccessToken::parse(&format!("{}{}", choices::TOKENS[0], choices::text(choices, 64)?))
    else {
        return Ok(());
    };
    let issued = choices::time(choices)?;
    let facts =
        TokenFacts { fingerprint: token.fingerprint(), issued, expires: choices::time(choices)? };
    let sent = Sent {
        platform: "WeChat".into(),
        app_id: choices::text(choices, 128)?,
        mode: (*choices.choose(&["Stable", "Legacy", ""])?).into(),
        digest: choices::text(choices, 32)?,
        salt: choices::text(choices, 32)?,
    };
    let (call, handled) = (
        choices::text(choices, 64)?,
        choices.arbitrary::<bool>()?.then(|| choices::text(choices, 80)).transpose()?,
    );
    let unconfirmed = choices.arbitrary()?;
    let labels = choices::map(choices)?;
    let annotations = choices::map(choices)?;
    let mp = choices::mini_program(json!({
        "target": {
            "deletionPolicy": choices.choose(&["Delete", "Retain"])?,
            "keys": choices.choose(&[json!({}), json!({ "accessToken": "t", "expirationTime": "e" })])?,
            "template": { "metadata": { "labels": labels, "annotations": annotations } },
        }
    }));
    let tickets = tickets(choices)?;
    let template =
        Template { labels: labels.clone(), annotations: annotations.clone(), refused: vec![] };
    let content = Content {
        template: &template,
        token: &token,
        facts: &facts,
        sent: &sent,
        issued_for: &call,
        handled: handled.as_deref(),
        unconfirmed,
        operator: "system/lease",
        tickets: &tickets,
    };
    let precondition =
        Precondition::Is { uid: "uid".into(), version: "7".into(), issued_for: None };
    let secret = stored(&target_secret(&mp, "shop-token", &precondition, &content));
    let read = Projection::of(&secret.metadata);
    assert!(!read.edited, "{read:?}");
    assert_eq!(read.token.as_ref(), Some(&facts));
    assert_eq!(
        (&read.sent, read.issued_for.as_deref(), read.handled.as_ref()),
        (&sent, Some(call.as_str()), handled.as_ref())
    );
    assert_eq!((read.unconfirmed, read.operator.as_deref()), (unconfirmed, Some("system/lease")));
    assert_eq!((&read.labels, &read.annotations), (&labels, &annotations));
    let described: Vec<_> = tickets.iter().map(|held| held.facts.clone()).collect();
    assert_eq!(read.tickets, described);
    assert!(
        Held::of(secret.clone(), &[&facts.fingerprint])
            .token(&facts.fingerprint)
            .is_some_and(|held| *held == token)
    );
    // Unless it was chosen for one of them, the token stands nowhere but in the data.
    let chosen = format!("{sent:?} {call} {handled:?} {:?} {:?}", read.labels, read.annotations);
    assert!(
        chosen.contains(choices::TOKENS[0])
            || !json!(secret.metadata).to_string().contains(choices::TOKENS[0])
    );
    Ok(())
}

/// Any of the tickets, each once.
fn tickets(choices: &mut Unstructured<'_>) -> arbitrary::Result<Vec<HeldTicket>> {
    let mut tickets = vec![];
    for kind in [TicketType::JsApi, TicketType::WxCard, TicketType::AgentConfig] {
        let text = format!("ticket-{}", choices::text(choices, 64)?);
        if let Some(ticket) = AccessToken::parse(&text).filter(|_| text.len() % 2 == 0) {
            // In whole seconds, as a status has them, and not of another century.
            let time = |time: Timestamp| {
                let seconds = time.as_second().max(0);
                Time(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
            };
            let facts = TicketFacts {
                kind,
                fingerprint: ticket.fingerprint(),
                issue_time: time(choices::time(choices)?),
                expiration_time: time(choices::time(choices)?),
            };
            tickets.push(HeldTicket { ticket, facts });
        }
    }
    Ok(tickets)
}

/// The Secret as the API server returns it after our apply: through JSON, and every field that was
/// sent is ours.
fn stored(secret: &Secret) -> Secret {
    let mut secret: Secret = serde_json::from_value(json!(secret)).expect("a Secret");
    let owned = |keys: Vec<&String>| -> Value {
        keys.into_iter()
            .map(|key| (format!("f:{key}"), json!({})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let fields = json!({
        "f:metadata": {
            "f:labels": owned(secret.metadata.labels.iter().flatten().map(|(key, _)| key).collect()),
            "f:annotations": owned(secret.metadata.annotations.iter().flatten().map(|(key, _)| key).collect()),
        },
        "f:data": owned(secret.data.iter().flatten().map(|(key, _)| key).collect()),
        "f:type": {},
    });
    secret.metadata.managed_fields = Some(vec![ManagedFieldsEntry {
        manager: Some(names::FIELD_MANAGER.into()),
        operation: Some("Apply".into()),
        fields_v1: Some(FieldsV1(fields)),
        ..ManagedFieldsEntry::default()
    }]);
    secret
}

/// Metadata and data of anybody's.
fn anything_is_read(choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let metadata = choices::metadata(choices)?;
    let read = Projection::of(&metadata);
    assert!(
        metadata.managed_fields.is_some() || read.edited,
        "without a word of ours it is not ours"
    );
    let data = [("access_token", choices.arbitrary::<Vec<u8>>()?), ("b", choices.arbitrary()?)];
    let data = data.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value))).collect();
    let secret = Secret { metadata, data: Some(data), ..Secret::default() };
    let fingerprint = read.token.map(|token| token.fingerprint).unwrap_or_default();
    let held = Held::of(secret, &[&fingerprint]);
    assert!(held.token(&fingerprint).is_none_or(|token| token.fingerprint() == fingerprint));
    Ok(())
}
