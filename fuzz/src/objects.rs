//! A `MiniProgram` as JSON, as any client may send it and any version may have stored it.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use miniprogram_operator::{
    api::MiniProgram,
    platform::ConfiguredEndpoints,
    reconcile::{
        memory::{AppMints, Recall},
        observed::{EndpointLookup, Observed, TargetLookup},
        plan::{Act, plan},
    },
    shell::clock::Now,
    template::AllowedMetadata,
    world::{Lookup, Siblings, Version},
};
use serde_json::json;

use crate::choices::ABOUT;

/// The bytes are JSON: what can be read is written the same, and planned.
pub fn judge(bytes: &[u8]) {
    let Ok(mp) = serde_json::from_slice::<MiniProgram>(bytes) else { return };
    let again: MiniProgram = serde_json::from_value(json!(mp)).expect("what was written is read");
    assert!(json!(again) == json!(mp), "it is not read as it was written");
    let now = Now {
        wall: Timestamp::from_second(ABOUT).unwrap_or_default(),
        boot: Duration::from_secs(100_000),
    };
    let seen = Observed {
        template: AllowedMetadata::default().template(&mp),
        endpoint: EndpointLookup::of(&mp, &ConfiguredEndpoints::default()),
        mini_program: Arc::new(mp),
        listed: true,
        target: TargetLookup::Absent,
        old: vec![],
        credential: Lookup::Found(Version::of("credential-uid", "7")),
        siblings: Siblings::default(),
        recall: Recall::default(),
        unstored: None,
        app: AppMints::default(),
        patience: Duration::from_secs(15),
        stopped_until: None,
        started: None,
        credential_read: None,
        live: None,
    };
    let act = plan(&seen, now).act;
    assert!(!matches!(act, Act::Call(_) | Act::RecordIntent(_)), "a call without a strong read");
}
