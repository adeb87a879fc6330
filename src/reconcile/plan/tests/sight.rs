//! Builds observations for the tables: each case changes a healthy object whose token lives for two
//! hours.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::ResourceExt;
use serde_json::json;

use crate::{
    api::{
        ConditionType, CredentialStatus, Intent, LastFailure, MiniProgram, MiniProgramStatus,
        Reason, TokenMode, names,
    },
    platform::{ConfiguredEndpoints, Platform},
    projection::{Owner, Projection, Sent, TokenFacts},
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{AppMints, Ended, How, Recall, Stored, UnstoredFacts},
        observed::{
            CredentialRead, EndpointLookup, Held, LiveRead, Observed, ReadFor, Spec, TargetLookup,
        },
        plan::{
            Act, Planned, plan,
            time::after,
            unknown_outcome::another_call_may_land,
            view::{View, version_of},
        },
    },
    sensitive::{AccessToken, AppSecret},
    shell::clock::Now,
    template::AllowedMetadata,
    world::{Lookup, Siblings},
};

/// When the stored token was issued; it lives 7200 s.
pub const ISSUED: &str = "2026-05-01T10:00:00Z";
pub const LIFE: u64 = 7200;
/// The boot time of the token's issue.
const BOOT: Duration = Duration::from_secs(100_000);
pub const APP: &str = "wx0123456789abcdef";

pub fn at(seconds: u64) -> Timestamp {
    after(ISSUED.parse().expect("a time"), Duration::from_secs(seconds))
}

pub fn boot(seconds: u64) -> Duration {
    BOOT + Duration::from_secs(seconds)
}

/// Both clocks, this many seconds after the stored token's issue.
pub fn now(seconds: u64) -> Now {
    Now { wall: at(seconds), boot: boot(seconds) }
}

pub fn token() -> AccessToken {
    AccessToken::parse("76_stored").expect("plausible")
}

pub fn secret() -> AppSecret {
    AppSecret::parse(b"hunter2").expect("plausible")
}

pub fn credential() -> CredentialStatus {
    CredentialStatus { uid: "credential-uid".into(), resource_version: "7".into() }
}

/// An observation that a case changes and then plans.
pub struct Sight {
    pub mp: MiniProgram,
    pub target: Option<Projection>,
    pub foreign: bool,
    pub old: Vec<Projection>,
    pub credential: Option<CredentialStatus>,
    pub shown: Vec<MiniProgram>,
    /// What is known of the app's objects besides `shown`.
    pub siblings: Siblings,
    pub recall: Recall,
    pub started: Option<Wanted>,
    pub live: Option<CredentialRead>,
    /// The credential, if this pass has read it alone.
    pub credential_read: Option<CredentialRead>,
    pub held: Held,
    pub old_held: Held,
    pub immutable: bool,
    /// The unstored token.
    pub unstored: Option<UnstoredFacts>,
    /// Whether the lists of the namespace are complete.
    pub listed: bool,
    /// What this process remembers of the app's mints.
    pub app: AppMints,
    /// The labels and annotations that the administrator allows.
    pub allowed: AllowedMetadata,
    pub configured: ConfiguredEndpoints,
    pub stopped_until: Option<Duration>,
}

pub fn mini_program(mode: TokenMode) -> MiniProgram {
    let mode = if mode == TokenMode::Legacy { "Legacy" } else { "Stable" };
    serde_json::from_value(json!({
        "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
        "metadata": { "name": "shop", "namespace": "team-a", "uid": "shop-uid", "resourceVersion": "10", "generation": 1,
                      "creationTimestamp": "2026-05-01T00:00:00Z" },
        "spec": { "platform": "WeChat", "appID": APP, "credentialRef": { "name": "shop-credential", "key": "appSecret" },
                  "tokenMode": mode },
    }))
    .expect("a MiniProgram")
}

pub fn projection(mode: TokenMode) -> Projection {
    Projection {
        name: "shop-token".into(),
        uid: "target-uid".into(),
        version: "20".into(),
        owner: Owner::MiniProgram { uid: "shop-uid".into(), name: "shop".into() },
        label: Some("shop".into()),
        applied: true,
        edited: false,
        terminating: None,
        token: Some(TokenFacts {
            fingerprint: token().fingerprint(),
            issued: at(0),
            expires: at(LIFE),
        }),
        sent: Sent {
            platform: "WeChat".into(),
            app_id: APP.into(),
            mode: if mode == TokenMode::Legacy { "Legacy".into() } else { "Stable".into() },
            digest: secret().digest("salt"),
            salt: "salt".into(),
        },
        issued_for: Some("call-0".into()),
        stamped: true,
        handled: None,
        unconfirmed: false,
        operator: Some("system/lease".into()),
        data_keys: ["access_token", "app_id", "expires_at", "expires_at_unix", "token.json"]
            .map(str::to_owned)
            .to_vec(),
        token_json: Some("token.json".into()),
        tickets: vec![],
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

impl Sight {
    /// A healthy object: its status is the one that the plan reports right after the token was
    /// stored.
    pub fn healthy(mode: TokenMode) -> Self {
        Self::with_token(mini_program(mode), projection(mode))
    }

    /// A healthy object of a platform that has no modes.
    pub fn of_platform(platform: &Platform) -> Self {
        let mut mp = mini_program(STABLE);
        mp.spec.platform = serde_json::from_value(json!(platform.name)).expect("a name");
        mp.spec.token_mode = None;
        let mut target = projection(STABLE);
        (target.sent.platform, target.sent.mode) = (platform.name.into(), String::new());
        Self::with_token(mp, target)
    }

    fn with_token(mp: MiniProgram, target: Projection) -> Self {
        let mut sight = Self {
            mp,
            target: Some(target),
            credential: Some(credential()),
            live: Some(CredentialRead::Is { version: credential(), value: Some(Ok(secret())) }),
            ..Self::new(STABLE)
        };
        sight.just_stored(0);
        let Act::Status(status) = sight.plan(1).act else { panic!("a new token is reported") };
        sight.mp.status = Some(*status);
        sight.recall = Recall::default();
        sight.live = None;
        sight
    }

    /// An object that was never reconciled.
    pub fn new(mode: TokenMode) -> Self {
        Self {
            mp: mini_program(mode),
            target: None,
            foreign: false,
            old: vec![],
            credential: Some(credential()),
            shown: vec![],
            siblings: Siblings::default(),
            recall: Recall::default(),
            started: None,
            live: None,
            credential_read: None,
            held: Held::default(),
            old_held: Held::default(),
            immutable: false,
            unstored: None,
            listed: true,
            app: AppMints::default(),
            allowed: AllowedMetadata::default(),
            configured: ConfiguredEndpoints::default(),
            stopped_until: None,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// This process has just stored the target's token, and the status does not report it yet.
    pub fn just_stored(&mut self, sent: u64) {
        let target = self.target.as_ref().expect("a target");
        let known = self.mp.status.as_ref().and_then(|status| status.token.as_ref());
        let call = Call {
            id: target.issued_for.clone().expect("an id"),
            known: known.map(|token| token.fingerprint.clone()),
            ..Call::for_test(Wanted { why: Why::NoToken, force: false, mints: false })
        };
        let token = target.token.clone().expect("a token");
        let stored = Stored { call: call.id.clone(), token: token.clone(), asked_at: at(sent) };
        self.recall.writes.stored = Some(stored);
        self.recall.writes.verified = Some(target.version.clone());
        let how =
            How::Token { token, sent: at(sent), stored: true, same: false, unconfirmed: false };
        let ended = Ended {
            call,
            generation: Some(1),
            credential: Some(credential()),
            mints_before: None,
            how,
        };
        self.recall.calls.ended = Some(Box::new(ended));
    }

    pub fn status(&mut self) -> &mut MiniProgramStatus {
        self.mp.status.get_or_insert_default()
    }

    pub fn target(&mut self) -> &mut Projection {
        self.target.as_mut().expect("a target")
    }

    /// Sets the times of the stored token, in the target and in the status.
    pub fn date(&mut self, issued: u64, expires: u64) {
        let token = self.target().token.as_mut().expect("a token");
        (token.issued, token.expires) = (at(issued), at(expires));
        let token = self.status().token.as_mut().expect("a token");
        (token.issue_time, token.expiration_time) = (Time(at(issued)), Time(at(expires)));
    }

    pub fn annotate(&mut self, key: &str, value: &str) {
        self.mp.annotations_mut().insert(key.into(), value.into());
    }

    pub fn fails(&mut self, reason: Reason, sent: u64, next: u64) {
        self.status().last_failure = Some(LastFailure {
            time: Time(at(sent)),
            reason: reason.as_str().into(),
            platform_code: None,
            cause: None,
            caller_ip: None,
            attempts: 1,
            next_attempt_time: Time(at(next)),
        });
    }

    pub fn intends(&mut self, id: &str, outcome_unknown: bool) {
        self.status().intent = Some(Intent { id: id.into(), time: Time(at(0)), outcome_unknown });
    }

    /// The intent of a call that this process made and whose token it has stored.
    pub fn closed_intent(&mut self, id: &str) {
        self.intends(id, false);
        self.recall.calls.own_intent = Some(id.into());
        let token = self.target().token.clone().expect("a token");
        self.recall.writes.stored = Some(Stored { call: id.into(), asked_at: token.issued, token });
    }

    /// A live read of the target and the credential has just been made.
    pub fn read_live(&mut self) {
        self.live = Some(self.read());
        self.held = Held::from_tokens(vec![token()]);
        self.old_held = Held::from_tokens(vec![token()]);
    }

    /// The credential alone has just been read.
    pub fn read_credential(&mut self) {
        self.credential_read = Some(self.read());
    }

    fn read(&self) -> CredentialRead {
        let is = |version| CredentialRead::Is { version, value: Some(Ok(secret())) };
        self.credential.clone().map_or(CredentialRead::Absent, is)
    }

    /// Plans this many seconds after the stored token's issue.
    pub fn plan(&mut self, seconds: u64) -> Planned {
        plan(&self.observed(), now(seconds))
    }

    /// Plans, after remembering the result of the credential's read if there was one.
    pub fn plan_noted(&mut self, seconds: u64) -> Planned {
        let mut seen = self.observed();
        let mut planned = plan(&seen, now(seconds));
        if let Act::NoteCredential(noted) = planned.act {
            (self.recall.reports.noted, seen.recall.reports.noted) =
                (Some(noted.clone()), Some(noted));
            planned = plan(&seen, now(seconds));
        }
        planned
    }

    /// Whether an earlier call may be executed after a call that starts this many seconds after the
    /// stored token's issue.
    pub fn doubts(&mut self, seconds: u64) -> bool {
        self.view(seconds, another_call_may_land)
    }

    /// The result of `judge` for the view this many seconds after the stored token's issue.
    pub fn view<T>(&mut self, seconds: u64, judge: impl FnOnce(&View<'_>) -> T) -> T {
        let seen = self.observed();
        judge(&View::of(&seen, now(seconds)).expect("a known platform"))
    }

    pub fn observed(&mut self) -> Observed {
        let target = match &self.target {
            Some(target) => TargetLookup::Is(Arc::new(target.clone())),
            None if self.foreign => TargetLookup::Foreign,
            None => TargetLookup::Absent,
        };
        let live = self.live.take().map(|credential| LiveRead {
            of: Spec::of(&self.mp),
            target: target.clone(),
            is_target_read: true,
            immutable: self.immutable,
            held: std::mem::take(&mut self.held),
            old_held: std::mem::take(&mut self.old_held),
            intact: self.target.as_ref().or(self.old.first()).map(|target| target.version.clone()),
            credential: Arc::new(credential),
        });
        Observed {
            mini_program: Arc::new(self.mp.clone()),
            endpoint: EndpointLookup::of(&self.mp, &self.configured),
            listed: self.listed,
            target,
            old: self.old.iter().cloned().map(Arc::new).collect(),
            credential: self
                .credential
                .as_ref()
                .map_or(Lookup::NotFound, |version| Lookup::Found(version_of(version))),
            siblings: Siblings {
                shown: self.shown.iter().cloned().map(Arc::new).collect(),
                ..self.siblings.clone()
            },
            template: self.allowed.template(&self.mp),
            recall: self.recall.clone(),
            unstored: self.unstored.clone(),
            app: self.app.clone(),
            patience: Duration::from_secs(15),
            stopped_until: self.stopped_until,
            started: self.started,
            credential_read: self.credential_read.take().map(|credential| ReadFor {
                of: Spec::of(&self.mp),
                credential: Arc::new(credential),
            }),
            live: live.map(Arc::new),
        }
    }

    /// The act that follows a live read at this time, after the status write if one comes first.
    #[track_caller]
    pub fn plan_live(&mut self, seconds: u64) -> Act {
        let (mut read, mut looked) = (false, false);
        for _ in 0..6 {
            match self.plan(seconds).act {
                Act::ReadCredential if !read => read = true,
                Act::NoteCredential(noted) => self.recall.reports.noted = Some(noted),
                Act::ReadLive { .. } => looked = true,
                Act::Status(status) if self.mp.status.as_ref() != Some(&*status) => {
                    self.mp.status = Some(*status);
                }
                act => {
                    assert!(looked, "at {seconds}, without strong reads: {act:?}");
                    return act;
                }
            }
            if read {
                self.read_credential();
            }
            if looked {
                self.read_live();
            }
        }
        panic!("at {seconds}: nothing comes of a closer look");
    }

    /// Asserts that nothing is to do for this long, within a second.
    #[track_caller]
    pub fn rests(&mut self, seconds: u64, wake: u64) {
        let planned = self.plan(seconds);
        assert!(matches!(planned.act, Act::Rest), "at {seconds}: {:?}", planned.act);
        let least = Duration::from_secs(wake);
        assert!(
            planned.wake >= least && planned.wake < least + Duration::from_secs(1),
            "at {seconds}: wakes after {:?}",
            planned.wake
        );
    }

    /// Asserts that a call without force follows a live read, for this reason.
    #[track_caller]
    pub fn asks(&mut self, seconds: u64, why: Why) {
        match self.plan_live(seconds) {
            Act::Call(wanted) | Act::RecordIntent(wanted) => {
                assert_eq!((wanted.why, wanted.force), (why, false), "at {seconds}");
            }
            other => panic!("at {seconds}: {other:?}"),
        }
    }

    /// Asserts that no call is made, before or after a live read; the status may be written.
    #[track_caller]
    pub fn keeps_silent(&mut self, seconds: u64) -> Planned {
        let mut planned = self.plan_noted(seconds);
        if matches!(planned.act, Act::ReadCredential) {
            self.read_credential();
            planned = self.plan_noted(seconds);
        }
        if matches!(planned.act, Act::ReadLive { .. }) {
            self.read_live();
            planned = self.plan_noted(seconds);
        }
        assert!(
            matches!(planned.act, Act::Rest | Act::Status(_)),
            "at {seconds}: {:?}",
            planned.act
        );
        planned
    }

    /// The conditions after a status write at this time.
    #[track_caller]
    pub fn says(&mut self, seconds: u64) -> Vec<(&'static str, String, String)> {
        let status = match self.plan(seconds).act {
            Act::Status(status) => *status,
            Act::Rest => self.mp.status.clone().expect("a status"),
            other => panic!("at {seconds}: {other:?}"),
        };
        let reported = <ConditionType as strum::IntoEnumIterator>::iter().filter_map(|kind| {
            let condition = crate::api::conditions::find(&status.conditions, kind)?;
            Some((kind.into(), condition.status.clone(), condition.reason.clone()))
        });
        reported.collect()
    }

    /// The message of a condition after a status write at this time.
    #[track_caller]
    pub fn message(&mut self, seconds: u64, kind: ConditionType) -> String {
        let status = match self.plan(seconds).act {
            Act::Status(status) => *status,
            Act::Rest => self.mp.status.clone().expect("a status"),
            other => panic!("at {seconds}: {other:?}"),
        };
        crate::api::conditions::find(&status.conditions, kind).expect("a condition").message.clone()
    }

    #[track_caller]
    pub fn says_of(&mut self, seconds: u64, kind: ConditionType, truth: &str, reason: Reason) {
        let name: &str = kind.into();
        let said = self.says(seconds);
        let found = said.iter().find(|(kind, ..)| *kind == name);
        assert_eq!(
            found,
            Some(&(name, truth.to_owned(), reason.as_str().to_owned())),
            "at {seconds}: {said:?}"
        );
    }
}

/// The annotation that requests a refresh.
pub const REQUEST: &str = names::REFRESH_REQUESTED;

pub const STABLE: TokenMode = TokenMode::Stable;
pub const LEGACY: TokenMode = TokenMode::Legacy;
pub const MODES: [TokenMode; 2] = [STABLE, LEGACY];

/// The first second in which a call is due for the healthy object.
pub fn due_at(mode: TokenMode) -> u64 {
    let mut sight = Sight::healthy(mode);
    let mut now = 10;
    loop {
        let planned = sight.plan(now);
        match planned.act {
            Act::Rest => now += planned.wake.as_secs() + 1,
            _ => return now,
        }
    }
}
