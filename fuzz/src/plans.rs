//! One look at an object in any state, round by round as the driver makes it: it comes to rest,
//! calls no earlier than the floors allow, and says nothing secret. The floors are written down
//! here once more, from the outside.

use std::{sync::Arc, time::Duration};

use arbitrary::{Result, Unstructured};
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};
use miniprogram_operator::{
    api::{CredentialStatus, Intent, MiniProgram, MiniProgramStatus, Reason, names},
    platform::ConfiguredEndpoints,
    projection::Projection,
    reconcile::{
        call::Wanted,
        memory::{AppMints, Recall},
        observed::{
            CredentialRead, EndpointLookup, Held, LiveRead, Observed, ReadFor, Spec, TargetLookup,
        },
        plan::{Act, plan},
    },
    sensitive::{AccessToken, AppSecret},
    shell::clock::Now,
    template::AllowedMetadata,
    world::{Lookup, Siblings, Version},
};

use crate::{
    choices::{self, SECRET, TOKENS},
    status,
};

/// No look needs more; the driver itself gives up later.
const ITERATIONS: usize = 12;

/// The bytes are choices.
pub fn judge(bytes: &[u8]) {
    // Bytes that end too early choose nothing.
    let _ = look(&mut Unstructured::new(bytes));
}

fn look(choices: &mut Unstructured<'_>) -> Result<()> {
    let now = Now {
        wall: Timestamp::from_second(choices::ABOUT).unwrap_or_default(),
        boot: Duration::from_secs(100_000),
    };
    let mut seen = observed(choices, now)?;
    let (target, immutable) = (seen.target.clone(), choices.ratio(1, 16)?);
    let credential = choices.int_in_range(0..=9)?;
    let (mut started, mut live): (_, Option<()>) = (None, None);
    let mut credential_was_read = false;
    for _ in 0..ITERATIONS {
        seen.started = started;
        let credential_read =
            || ReadFor { of: Spec::of(&seen.mini_program), credential: read(credential).into() };
        seen.credential_read = credential_was_read.then(credential_read);
        let live_read = live.map(|()| LiveRead {
            immutable,
            credential: read(credential).into(),
            ..closer(&seen.mini_program, &target)
        });
        seen.live = live_read.map(Arc::new);
        let planned = plan(&seen, now);
        assert!(planned.wake <= Duration::from_secs(3600), "it sleeps for {:?}", planned.wake);
        match planned.act {
            Act::Status(status) => {
                status::check(&status);
                let mut mp = seen.mini_program.as_ref().clone();
                assert!(mp.status.as_ref() != Some(&*status), "a write that writes nothing");
                mp.status = Some(*status);
                seen.mini_program = Arc::new(mp);
            }
            Act::ReadCredential => {
                assert!(
                    !credential_was_read && live.is_none(),
                    "it reads the credential again and again"
                );
                credential_was_read = true;
            }
            Act::ReadLive { .. } => {
                assert!(live.is_none(), "it looks closer and closer");
                live = Some(());
            }
            Act::RecordIntent(wanted) => {
                assert!(wanted.mints && started.is_none() && live.is_some());
                may_call(&seen, now, wanted);
                started = Some(wanted);
                intend(&mut seen, now);
            }
            Act::Call(wanted) => {
                assert_eq!(
                    started.is_some(),
                    wanted.mints,
                    "an intent stands exactly where a token may be lost"
                );
                assert!(
                    live.is_some() && !(1..=5).contains(&credential),
                    "a call without a credential that was read"
                );
                if started.is_none() {
                    may_call(&seen, now, wanted);
                }
                return Ok(());
            }
            Act::Withdraw => {
                assert!(started.is_some(), "nothing was begun");
                return Ok(());
            }
            Act::RenewTickets(due) => {
                let kinds: Vec<_> = due.iter().map(|ticket| ticket.kind).collect();
                let mp = &seen.mini_program;
                assert!(!mp.spec.suspend && mp.spec.tickets == kinds && started.is_none());
                return Ok(());
            }
            Act::Rest | Act::Rewrite(_) | Act::Forget(_) => return Ok(()),
            Act::NoteCredential(noted) => {
                assert!(
                    seen.recall.reports.noted.as_ref() != Some(&noted),
                    "it notes the same again"
                );
                seen.recall.reports.noted = Some(noted);
            }
            Act::Unmatched(version) => seen.recall.writes.unmatched = Some(version),
            Act::Store | Act::Keep { .. } | Act::Drop => panic!("no token is in hand"),
        }
    }
    panic!("the look does not come to rest: {:?}", seen.mini_program.status);
}

/// What no call may do, whatever is chosen.
fn may_call(seen: &Observed, now: Now, wanted: Wanted) {
    let Wanted { why, force, mints } = wanted;
    let (by_time, urgent) = (why.by_time(), why.urgent());
    let mp = &seen.mini_program;
    assert!(!mp.spec.suspend && mp.metadata.deletion_timestamp.is_none());
    // While the name is another's, the Secret before it is kept fresh.
    assert!(
        !matches!(seen.target, TargetLookup::Foreign) || !seen.old.is_empty(),
        "its token could not be stored"
    );
    let apart = |last: Timestamp, floor: i64, what: &str| {
        // A time of the future was set by another clock, and holds nobody back.
        let ago = now.wall.duration_since(last).as_secs();
        assert!(ago < -60 || ago >= floor, "{what}: the last was {ago} s ago");
    };
    if let Some(sent) = seen.recall.calls.last_sent {
        assert!(sent + Duration::from_millis(500) <= now.boot, "two calls within half a second");
    }
    let status = mp.status.clone().unwrap_or_default();
    if let Some(counted) = &status.mints {
        if mints && !by_time && !urgent && !force {
            counted
                .last_time
                .iter()
                .for_each(|last| apart(last.0, 300, "a mint that nobody needs"));
        }
        if force {
            counted.forced_times.iter().for_each(|last| apart(last.0, 30, "a forced call"));
            let today = counted.forced_times.iter().filter(|time| is_today(time, now)).count();
            assert!(today < 20, "{today} forced calls on one day");
        }
        // A tenth of WeChat's daily quotas: only its stable endpoint can be forced.
        let share = if force { 50_000 } else { 200 };
        assert!(
            !mints || by_time || urgent || counted.day != "2026-05-01" || counted.count < share,
            "the share of the quota is spent"
        );
    }
    may_call_after_failure(seen, &status, now);
}

fn is_today(time: &Time, now: Now) -> bool {
    let day = |time: Timestamp| (time.as_second() + 8 * 3600).div_euclid(86_400);
    day(time.0) == day(now.wall) && time.0.duration_since(now.wall) <= SignedDuration::from_secs(60)
}

fn may_call_after_failure(seen: &Observed, status: &MiniProgramStatus, now: Now) {
    let mp = &seen.mini_program;
    let Some(failure) = &status.last_failure else { return };
    let version =
        |known: &CredentialStatus| Lookup::Found(Version::of(&known.uid, &known.resource_version));
    let speaks = status.observed_generation == mp.metadata.generation
        && status.credential.as_ref().map(version) == Some(seen.credential.clone())
        && failure.time.0 <= now.wall
        // A newer token is a success after it.
        && !tokens(seen).any(|issued| failure.time.0 < issued);
    if !speaks {
        return;
    }
    let asked_for = mp.annotation(names::REFRESH_REQUESTED).is_some()
        && matches!(
            failure.reason.parse(),
            Ok(Reason::CredentialRejected
                | Reason::AppIdRejected
                | Reason::AppSecretFrozen
                | Reason::AwaitingAdminApproval)
        );
    let until = if asked_for {
        failure.next_attempt_time.0.min(
            failure.time.0.checked_add(SignedDuration::from_secs(30)).unwrap_or(Timestamp::MAX),
        )
    } else {
        failure.next_attempt_time.0
    };
    assert!(until <= now.wall, "a call before its next attempt at {until}");
}

fn tokens(seen: &Observed) -> impl Iterator<Item = Timestamp> {
    let target = match &seen.target {
        TargetLookup::Is(target) => Some(target),
        TargetLookup::Absent | TargetLookup::Foreign => None,
    };
    target
        .into_iter()
        .chain(&seen.old)
        .filter_map(|target| target.token.as_ref())
        .map(|token| token.issued)
}

/// As the driver does it: the intent stands in status, and this process knows it for its own.
fn intend(seen: &mut Observed, now: Now) {
    let mut mp = seen.mini_program.as_ref().clone();
    let status = mp.status.get_or_insert_default();
    status.intent =
        Some(Intent { id: "this-call".into(), time: Time(now.wall), outcome_unknown: false });
    seen.recall.calls.own_intent = Some("this-call".into());
    seen.mini_program = Arc::new(mp);
}

fn observed(choices: &mut Unstructured<'_>, now: Now) -> Result<Observed> {
    let mini_program = choices::any_mini_program(choices)?;
    let target = match choices.int_in_range(0..=15)? {
        0 => TargetLookup::Foreign,
        1..=3 => TargetLookup::Absent,
        _ => TargetLookup::Is(Arc::new(Projection {
            name: "shop-token".into(),
            ..Projection::of(&choices::metadata(choices)?)
        })),
    };
    let old = if choices.ratio(1, 8)? {
        vec![Arc::new(Projection {
            name: "before".into(),
            ..Projection::of(&choices::metadata(choices)?)
        })]
    } else {
        vec![]
    };
    let siblings = if choices.ratio(1, 8)? {
        let mut sibling = choices::any_mini_program(choices)?;
        (sibling.metadata.uid, sibling.metadata.name) =
            (Some("sibling-uid".into()), Some("sibling".into()));
        vec![Arc::new(sibling)]
    } else {
        vec![]
    };
    let ago = |choices: &mut Unstructured<'_>| {
        Ok(now.boot.saturating_sub(Duration::from_millis(choices::millis(choices)?)))
    };
    let mut recall = Recall::default();
    recall.calls.last_sent = choices.ratio(1, 2)?.then(|| ago(choices)).transpose()?;
    recall.calls.own_intent =
        choices.ratio(1, 4)?.then(|| choices::text(choices, 64)).transpose()?;
    recall.sightings.due_since = choices.ratio(1, 4)?.then(|| ago(choices)).transpose()?;
    Ok(Observed {
        template: AllowedMetadata::default().template(&mini_program),
        endpoint: EndpointLookup::of(&mini_program, &ConfiguredEndpoints::default()),
        mini_program: Arc::new(mini_program),
        listed: choices.ratio(31, 32)?,
        target,
        old,
        credential: match choices.int_in_range(0..=15)? {
            0 => Lookup::NotSynced,
            1 => Lookup::NotFound,
            _ => Lookup::Found(Version::of("credential-uid", "7")),
        },
        siblings: Siblings { shown: siblings, ..Siblings::default() },
        recall,
        unstored: None,
        app: AppMints { urgent_in_a_row: choices.int_in_range(0..=7)?, ..AppMints::default() },
        patience: Duration::from_secs(15),
        stopped_until: None,
        started: None,
        credential_read: None,
        live: None,
    })
}

/// What a strong read shows: the target, with both tokens in its data.
fn closer(mp: &MiniProgram, target: &TargetLookup) -> LiveRead {
    let held = || {
        let data = TOKENS
            .iter()
            .enumerate()
            .map(|(n, token)| (n.to_string(), ByteString(token.as_bytes().to_vec())))
            .collect();
        let fingerprints =
            TOKENS.map(|token| AccessToken::parse(token).expect("a token").fingerprint());
        Held::of(
            Secret { data: Some(data), ..Secret::default() },
            &fingerprints.each_ref().map(String::as_str),
        )
    };
    LiveRead {
        of: Spec::of(mp),
        target: target.clone(),
        is_target_read: true,
        immutable: false,
        held: held(),
        intact: None,
        old_held: held(),
        credential: CredentialRead::Absent.into(),
    }
}

/// The credential: good, or in one of the ways in which it cannot be used.
fn read(choice: usize) -> CredentialRead {
    let version = CredentialStatus { uid: "credential-uid".into(), resource_version: "7".into() };
    let value = match choice {
        1 => return CredentialRead::Absent,
        2 => return CredentialRead::Unreadable,
        3 => None,
        4 => Some(AppSecret::parse(b" \n")),
        5 => Some(AppSecret::parse(&[0xff, 0xfe])),
        _ => Some(AppSecret::parse(SECRET.as_bytes())),
    };
    CredentialRead::Is { version, value }
}
