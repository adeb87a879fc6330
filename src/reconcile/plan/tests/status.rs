//! What the conditions report, and that an equal observation gives an equal report.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, LIFE, STABLE, Sight, at, boot, mini_program};
use crate::{
    api::{
        ConditionType, Reason, TokenMode,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    platform::ConfiguredEndpoint,
    reconcile::{
        memory::{Refused, WrittenStatus},
        observed::CredentialRead,
        plan::{Act, report::OVERDUE_AFTER},
    },
    sensitive::Implausible,
};

use ConditionType::{CredentialValid, Ready, Stalled, TokenFresh};

type Change = fn(&mut Sight);

#[test]
fn a_healthy_object_says_so() {
    let mut sight = Sight::healthy(STABLE);
    let said = sight.says(500);
    let said: Vec<_> =
        said.iter().map(|(kind, truth, reason)| (*kind, truth.as_str(), reason.as_str())).collect();
    assert_eq!(
        said,
        [
            ("Ready", "True", "TokenAvailable"),
            ("CredentialValid", "True", "Accepted"),
            ("TokenFresh", "True", "Fresh"),
            ("TargetSynced", "True", "Synced"),
        ]
    );
}

#[test]
fn a_status_that_somebody_else_writes_over_is_repeated_every_ten_seconds() {
    let mut sight = Sight::healthy(STABLE);
    let ours = WrittenStatus::of(sight.mp.status.as_ref(), boot(500));
    sight.recall.reports.written_status = Some(ours);
    assert!(matches!(sight.plan(501).act, Act::Rest), "it stands as it was written");
    sight.mp.spec.suspend = true;
    assert!(matches!(sight.plan(501).act, Act::Status(_)), "what is new is reported at once");
    sight.mp.spec.suspend = false;
    sight.status().conditions.retain(|condition| condition.type_ != "TargetSynced");
    let planned = sight.plan(501);
    assert!(matches!(planned.act, Act::Rest), "another release says something else");
    assert_eq!(planned.wake, Duration::from_secs(9));
    assert!(matches!(sight.plan(510).act, Act::Status(_)));
}

#[test]
fn ready_turns_false_at_expiry_by_the_clock() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.fails(Reason::PlatformUnreachable, 7000, 9000));
    let Act::Status(status) = sight.plan(7010).act else { panic!("the failure is reported") };
    sight.mp.status = Some(*status);
    sight.says_of(7010, Ready, "True", Reason::TokenAvailable);
    sight.says_of(7010, TokenFresh, "False", Reason::PlatformUnreachable);
    let wake = sight.plan(LIFE - 10).wake;
    assert!(wake >= Duration::from_secs(10) && wake < Duration::from_secs(11), "{wake:?}");
    sight.says_of(LIFE - 1, Ready, "True", Reason::TokenAvailable);
    sight.says_of(LIFE, Ready, "False", Reason::Expired);
    sight.says_of(LIFE, TokenFresh, "False", Reason::PlatformUnreachable);
}

#[test]
fn a_suspended_object_stays_ready_until_its_token_ends() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.mp.spec.suspend = true;
        sight.mp.metadata.generation = Some(2);
    });
    sight.says_of(500, Ready, "True", Reason::TokenAvailable);
    sight.says_of(500, TokenFresh, "False", Reason::Suspended);
    sight.says_of(LIFE, Ready, "False", Reason::Suspended);
}

#[test]
fn a_clock_that_went_back_keeps_no_suspended_object_ready() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.mp.spec.suspend = true;
        sight.mp.metadata.generation = Some(2);
    });
    let token = sight.target().token.clone().expect("a token");
    sight.recall.sightings.ends = vec![(token, boot(LIFE - 600))];
    let wake = sight.plan(LIFE - 700).wake;
    assert!(wake >= Duration::from_secs(100) && wake < Duration::from_secs(101), "{wake:?}");
    sight.says_of(LIFE - 601, Ready, "True", Reason::TokenAvailable);
    sight.says_of(LIFE - 600, Ready, "False", Reason::Suspended);
}

#[test]
fn every_unusable_credential_has_its_reason() {
    let is = |value| CredentialRead::Is { version: super::sight::credential(), value };
    let cases = [
        (CredentialRead::Absent, Reason::SecretNotFound),
        (CredentialRead::Unreadable, Reason::CredentialUnreadable),
        (is(None), Reason::KeyMissing),
        (is(Some(Err(Implausible::Empty))), Reason::ValueEmpty),
        (is(Some(Err(Implausible::Invalid))), Reason::ValueInvalid),
    ];
    for (read, reason) in cases {
        let mut sight = Sight::new(STABLE);
        sight.live = Some(read);
        let Act::Status(status) = sight.plan_noted(500).act else { panic!("{reason} is reported") };
        sight.mp.status = Some(*status);
        if reason == Reason::CredentialUnreadable {
            continue;
        }
        if reason == Reason::SecretNotFound {
            sight.credential = None;
        }
        sight.says_of(501, CredentialValid, "False", reason);
        sight.says_of(501, Ready, "False", reason);
        assert!(
            matches!(sight.plan(501).act, Act::Rest),
            "{reason} is reported once and read once"
        );
    }
}

#[test]
fn stalled_is_said_at_once_where_only_a_person_helps_and_after_a_minute_where_an_install_may() {
    let mut sight = Sight::new(STABLE).with(|sight| sight.credential = None);
    assert!(
        matches!(sight.plan(500).act, Act::ReadCredential),
        "the watches race: only a read tells"
    );
    sight.read_credential();
    let Act::Status(status) = sight.plan(500).act else { panic!("reported") };
    assert!(!status.conditions.iter().any(|condition| condition.type_ == "Stalled"));
    sight.mp.status = Some(*status);
    assert!(sight.plan(510).wake <= Duration::from_secs(51));
    sight.says_of(561, Stalled, "True", Reason::SecretNotFound);
    let mut sight = Sight::new(STABLE);
    sight.live = Some(CredentialRead::Is {
        version: super::sight::credential(),
        value: Some(Err(Implausible::Invalid)),
    });
    sight.says_of(500, Stalled, "True", Reason::ValueInvalid);
}

#[test]
fn rights_and_a_younger_object_of_the_app_may_come_and_go_a_minute_later() {
    let forbidden = |sight: &mut Sight| {
        sight.recall.writes.refused = Some(Refused {
            reason: Reason::Forbidden,
            said: None,
            attempts: 1,
            retry: boot(10_000),
        });
    };
    let lost = |sight: &mut Sight| {
        let mut elder = mini_program(LEGACY);
        (elder.metadata.name, elder.metadata.uid) =
            (Some("elder".into()), Some("elder-uid".into()));
        elder.metadata.creation_timestamp =
            Some(Time("2026-04-01T00:00:00Z".parse().expect("a time")));
        let accepted = ConditionValue {
            truth: ConditionStatus::True,
            reason: Reason::Accepted,
            message: String::new(),
        };
        conditions::set(
            &mut elder.status.get_or_insert_default().conditions,
            CredentialValid,
            &accepted,
            Some(1),
            at(0),
        );
        sight.shown = vec![elder];
    };
    let cases: [(Reason, Change); 2] =
        [(Reason::Forbidden, forbidden), (Reason::AppIdConflict, lost)];
    for (reason, change) in cases {
        let mut sight = Sight::new(LEGACY).with(change);
        sight.read_credential();
        let Act::Status(status) = sight.plan_noted(500).act else { panic!("{reason} is reported") };
        sight.mp.status = Some(*status);
        assert!(!sight.says(501).iter().any(|(kind, ..)| *kind == "Stalled"), "{reason}");
        sight.says_of(561, Stalled, "True", reason);
    }
}

#[test]
fn ready_objects_are_never_stalled() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.fails(Reason::IpNotAllowed, 400, 460));
    assert!(!sight.says(410).iter().any(|(kind, ..)| *kind == "Stalled"));
}

#[test]
fn a_refresh_that_is_due_and_not_made_is_reported_after_a_minute() {
    let mut sight = Sight::healthy(STABLE);
    sight.recall.sightings.due_since = Some(boot(6960));
    sight.recall.backoffs.requests.until = boot(9000);
    sight.says_of(6970, TokenFresh, "True", Reason::Fresh);
    sight.says_of(6960 + OVERDUE_AFTER.as_secs(), TokenFresh, "False", Reason::RefreshOverdue);
}

#[test]
fn values_of_a_newer_version_are_unsupported_and_left_alone() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.mp.spec.token_mode = Some(TokenMode::Unknown));
    sight.says_of(500, Ready, "False", Reason::Unsupported);
    sight.says_of(500, Stalled, "True", Reason::Unsupported);
    let newer = serde_json::from_value(serde_json::json!("Alipay")).expect("a name");
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.mp.spec.platform = newer);
    sight.says_of(500, Ready, "False", Reason::Unsupported);
}

#[test]
fn an_endpoint_that_is_not_configured_is_named_and_costs_no_call() {
    let oauth2 = serde_json::from_value(serde_json::json!("OAuth2")).expect("a name");
    let mut sight = Sight::new(STABLE).with(|sight| {
        (sight.mp.spec.platform, sight.mp.spec.token_mode) = (oauth2, None);
        sight.mp.spec.app_id = "shop/client-1".into();
    });
    sight.says_of(500, Ready, "False", Reason::EndpointNotConfigured);
    sight.says_of(500, Stalled, "True", Reason::EndpointNotConfigured);
    let message = sight.message(500, Ready);
    assert!(message.contains("no endpoint shop,"), "{message}");
    let configured =
        ConfiguredEndpoint { url: "https://id.test/token".into(), ..Default::default() };
    sight.configured = [("shop".to_owned(), configured)].into_iter().collect();
    let act = sight.plan(500).act;
    assert!(matches!(act, Act::ReadLive { for_call: true, .. }), "{act:?}");
}

#[test]
fn what_was_written_is_not_written_again() {
    let conditions: [fn(&mut Sight); 6] = [
        |_| {},
        |sight| sight.fails(Reason::PlatformBusy, 400, 4000),
        |sight| sight.fails(Reason::CredentialRejected, 400, 4000),
        |sight| sight.mp.spec.suspend = true,
        |sight| {
            sight.credential = None;
            sight.date(0, 450);
        },
        |sight| sight.recall.calls.last_took = Duration::from_secs(9),
    ];
    for (nth, change) in conditions.into_iter().enumerate() {
        let mut sight = Sight::healthy(STABLE).with(change);
        if let Act::Status(status) = sight.keeps_silent(600).act {
            sight.mp.status = Some(*status);
        }
        // A restart forgets everything that is not stored in the cluster.
        sight.recall = crate::reconcile::memory::Recall::default();
        for seconds in [600, 601, 659, 700, 1500] {
            let act = sight.plan(seconds).act;
            if let Act::Status(status) = act {
                assert_ne!(Some(&*status), sight.mp.status.as_ref());
                let stalls = status.conditions.iter().any(|condition| condition.type_ == "Stalled");
                assert!(
                    stalls && seconds >= 660,
                    "case {nth} at {seconds}: written again: {status:#?}"
                );
                sight.mp.status = Some(*status);
            } else {
                assert!(matches!(act, Act::Rest), "case {nth} at {seconds}: {act:?}");
            }
        }
    }
}

#[test]
fn a_wish_that_is_held_is_no_late_refresh() {
    let mut sight =
        Sight::healthy(LEGACY).with(|sight| sight.annotate(super::sight::REQUEST, "now"));
    let last_time = Some(Time(at(400)));
    sight.status().mints =
        Some(crate::api::Mints { day: "2026-05-01".into(), last_time, ..Default::default() });
    let planned = sight.plan(500);
    assert!(!planned.due, "{planned:?}");
    assert!(!sight.plan(800).due, "nor is one that nothing holds: the token is fresh");
}

#[test]
fn only_a_call_that_nothing_hinders_is_late() {
    let mut sight = Sight::healthy(STABLE);
    assert!(sight.plan(6990).due);
    sight.fails(Reason::PlatformBusy, 6965, 6999);
    assert!(!sight.plan(6990).due, "the platform failed, and is left alone for a while");
    assert!(sight.plan(7000).due, "the time is up");
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.credential = None);
    sight.read_live();
    assert!(!sight.plan(6990).due, "there is nothing to ask with");
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let (reason, retry) = (Reason::WriteFailed, boot(6995));
        sight.recall.writes.refused = Some(Refused { reason, said: None, attempts: 1, retry });
    });
    assert!(!sight.plan(6990).due, "the token could not be stored");
}

#[test]
fn a_panic_is_reported_and_takes_nothing_from_a_token_that_is_still_good() {
    let mut sight = Sight::healthy(STABLE);
    let reported = |sight: &Sight, seconds| {
        let now = crate::shell::clock::Now { wall: at(seconds), boot: boot(seconds) };
        let status = crate::reconcile::plan::unplanned::of_panic(&sight.mp, now);
        let all = status
            .conditions
            .into_iter()
            .map(|condition| (condition.type_, condition.status, condition.reason));
        all.filter(|(_, _, reason)| reason == "InternalError")
            .map(|(kind, status, _)| (kind, status))
            .collect::<Vec<_>>()
    };
    assert_eq!(reported(&sight, 500), [("TokenFresh".into(), "False".into())]);
    assert_eq!(reported(&sight, LIFE), [("Ready".into(), "False".into())]);
    sight.mp.status = Some(crate::reconcile::plan::unplanned::of_panic(
        &sight.mp,
        crate::shell::clock::Now { wall: at(500), boot: boot(500) },
    ));
    sight.says_of(501, TokenFresh, "True", Reason::Fresh);
}

#[test]
fn ready_turns_false_at_expiry_also_while_the_secrets_cannot_be_listed() {
    for suspend in [false, true] {
        let mut sight = Sight::healthy(STABLE).with(|sight| {
            (sight.listed, sight.target, sight.credential) = (false, None, None);
            sight.mp.spec.suspend = suspend;
            sight.recall.sightings.unlisted_since = Some(boot(LIFE - 10));
        });
        sight.rests(LIFE - 5, 25);
        sight.says_of(LIFE + 19, Ready, "True", Reason::TokenAvailable);
        let reason = if suspend { Reason::Suspended } else { Reason::Expired };
        sight.says_of(LIFE + 20, Ready, "False", reason);
        sight.says_of(LIFE + 20, TokenFresh, "False", reason);
        let Act::Status(status) = sight.plan(LIFE + 20).act else { panic!("it is reported") };
        sight.mp.status = Some(*status);
        assert!(matches!(sight.plan(LIFE + 21).act, Act::Rest), "once");
    }
    let mut sight =
        Sight::healthy(STABLE).with(|sight| (sight.listed, sight.target) = (false, None));
    sight.recall.sightings.unlisted_since = Some(boot(0));
    sight.rests(LIFE - 100, 100);
}

#[test]
fn an_object_that_left_the_selector_promises_nothing() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.fails(Reason::PlatformBusy, 400, 430));
    let now = crate::shell::clock::Now { wall: at(500), boot: boot(500) };
    let status = crate::reconcile::plan::unplanned::of_farewell(&sight.mp, now);
    assert!(
        status.last_failure.is_none()
            && status.token.as_ref().expect("a token").next_refresh_time.is_none()
    );
    sight.mp.status = Some(status.clone());
    for kind in [Ready, TokenFresh] {
        let reported = conditions::find(&status.conditions, kind).expect("a condition");
        assert_eq!(
            (reported.status.as_str(), reported.reason.as_str()),
            ("Unknown", "NotSelected")
        );
    }
    // An operator that selects the object reports the truth again, without a call.
    sight.says_of(501, Ready, "True", Reason::TokenAvailable);
    sight.says_of(501, TokenFresh, "True", Reason::Fresh);
}
