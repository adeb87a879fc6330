//! Which targets are trusted: those that the status or this process's memory confirms, whoever
//! wrote them.

use std::time::Duration;

use super::sight::{LEGACY, LIFE, MODES, STABLE, Sight, at, boot, credential, due_at, token};
use crate::{
    api::Reason,
    projection::{Owner, TokenFacts},
    reconcile::{
        call::Why,
        observed::{CredentialRead, Held},
        plan::{Act, view::Credential},
    },
};

type Change = fn(&mut Sight);

/// Another token, applied as a whole under this operator's field manager.
fn forge(sight: &mut Sight) {
    let target = sight.target();
    target.version = "21".into();
    target.token = Some(TokenFacts {
        fingerprint: "sha256:0123456789ab".into(),
        issued: at(490),
        expires: at(490 + LIFE),
    });
}

#[test]
fn a_forged_target_is_rewritten_from_the_token_that_its_data_still_holds() {
    let changes: [(&str, Change); 4] = [
        ("another fingerprint", forge),
        ("a later end", |sight| {
            sight.target().token.as_mut().expect("a token").expires = at(2 * LIFE);
        }),
        ("a later issue time", |sight| {
            sight.target().token.as_mut().expect("a token").issued = at(490);
        }),
        ("no token at all", |sight| sight.target().token = None),
    ];
    for (what, change) in changes {
        for mode in MODES {
            let act = Sight::healthy(mode).with(change).plan_live(500);
            assert!(
                matches!(&act, Act::Rewrite(rewrite) if rewrite.drift),
                "{what}, {mode:?}: {act:?}"
            );
        }
    }
}

#[test]
fn a_forged_token_is_replaced_by_one_call_and_no_status_tells_of_it() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(forge);
        sight.recall.writes.unmatched = Some("21".into());
        sight.asks(500, Why::Edited);
        let reported =
            sight.mp.status.as_ref().and_then(|status| status.token.clone()).expect("a token");
        assert_eq!(reported.fingerprint, token().fingerprint(), "{mode:?}");
    }
}

#[test]
fn a_forged_target_makes_no_credential_accepted_and_no_object_ready() {
    // No call sent this app secret; a writer has put its digest beside a token of its own.
    for owner in [Owner::Nobody, Owner::MiniProgram { uid: "shop-uid".into(), name: "shop".into() }]
    {
        for mode in MODES {
            let mut sight = Sight::healthy(mode).with(|sight| sight.mp.status = None);
            sight.target().owner = owner.clone();
            sight.recall.writes.unmatched = Some(sight.target().version.clone());
            sight.asks(500, Why::NoToken);
            sight.read_live();
            let (credential, believes) =
                sight.view(500, |view| (view.credential, view.token().is_some()));
            assert_eq!(
                (credential, believes),
                (Credential::Known(Reason::NotTested), false),
                "{owner:?}, {mode:?}"
            );
        }
    }
}

#[test]
fn the_digest_of_a_token_that_a_call_brought_spares_a_call_for_the_same_app_secret() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode);
        sight.credential.as_mut().expect("there").resource_version = "8".into();
        sight.keeps_silent(500);
    }
}

#[test]
fn a_token_that_this_process_stored_is_believed_before_the_status_tells_of_it() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(forge);
        sight.target().issued_for = Some("call-1".into());
        sight.just_stored(490);
        let Act::Status(status) = sight.plan(500).act else { panic!("the new token is reported") };
        assert_eq!(status.token.map(|token| token.issue_time.0), Some(at(490)));
        // Another writer changes the target before the status is written.
        sight.target().token.as_mut().expect("a token").fingerprint = "sha256:ffffffffffff".into();
        assert!(matches!(sight.plan(500).act, Act::ReadLive { .. }), "{mode:?}");
    }
}

#[test]
fn the_token_before_the_one_just_stored_is_believed_no_more() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode);
        let before = sight.target().clone();
        forge(&mut sight);
        sight.just_stored(490);
        // Another writer restores the old Secret before the status reports the new token.
        *sight.target() = before;
        sight.target().version = "22".into();
        let act = sight.plan_live(500);
        assert!(matches!(&act, Act::Unmatched(version) if version == "22"), "{mode:?}: {act:?}");
        sight.recall.writes.unmatched = Some("22".into());
        sight.asks(500, Why::Edited);
    }
}

#[test]
fn when_a_call_was_sent_is_reported_also_if_the_write_of_its_token_was_refused_at_first() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(forge);
        sight.just_stored(480);
        // The status already reports the end of the call and the refused write.
        sight.recall.calls.ended = None;
        let Act::Status(status) = sight.plan(500).act else { panic!("{mode:?}: it is reported") };
        let reported = status.token.expect("a token");
        assert_eq!(reported.fingerprint, "sha256:0123456789ab");
        assert_eq!(reported.check_time.expect("a time").0, at(480), "{mode:?}");
    }
}

#[test]
fn the_intent_of_a_leader_before_confirms_nothing_since_all_can_read_its_id() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(forge);
        sight.target().issued_for = Some("call-1".into());
        sight.intends("call-1", false);
        sight.recall.sightings.foreign_intent = Some(("call-1".into(), boot(480)));
        sight.recall.writes.unmatched = Some("21".into());
        sight.asks(500, Why::Edited);
        assert!(sight.view(500, |view| view.open_intent().is_some()), "{mode:?}");
    }
}

#[test]
fn who_reads_the_id_of_an_intent_cannot_close_it_by_a_forged_target() {
    let forged = |change: Change| {
        Sight::healthy(LEGACY).with(|sight| {
            forge(sight);
            sight.target().issued_for = Some("call-1".into());
            sight.intends("call-1", false);
            change(sight);
        })
    };
    // This process made the call and stored no token for it.
    let mut sight = forged(|sight| sight.recall.calls.own_intent = Some("call-1".into()));
    assert!(sight.view(500, |view| view.token().is_none() && view.open_intent().is_some()));
    sight.recall.writes.unmatched = Some("21".into());
    sight.asks(500, Why::Edited);
    let mut sight = forged(|sight| sight.target().stamped = false);
    assert!(matches!(sight.plan_live(500), Act::Rewrite(_)), "an edit");
}

#[test]
fn a_token_in_doubt_is_confirmed_though_somebody_takes_the_mark_off_its_target() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| sight.intends("call-0", true));
    sight.asks(500, Why::Unconfirmed);
}

#[test]
fn a_target_that_nothing_confirms_is_left_alone_for_two_seconds_for_its_status_to_follow() {
    let mut sight = Sight::healthy(STABLE).with(forge);
    sight.recall.sightings.unreported_since = Some(boot(499));
    let planned = sight.plan(500);
    assert!(matches!(planned.act, Act::Rest));
    assert_eq!(planned.wake, Duration::from_secs(1));
    assert!(matches!(sight.plan(501).act, Act::ReadLive { .. }));
}

#[test]
fn of_two_targets_before_the_confirmed_one_is_in_use_whatever_the_other_says() {
    let mut sight = Sight::healthy(STABLE);
    let old = sight.target.take().expect("a target");
    sight.mp.spec.target =
        serde_json::from_value(serde_json::json!({ "name": "renamed" })).expect("a target");
    let mut forged = Sight::healthy(STABLE).with(forge).target.expect("a target");
    forged.name = "forged".into();
    sight.old = vec![old, forged];
    let act = sight.plan_live(500);
    assert!(matches!(&act, Act::Rewrite(rewrite) if rewrite.from.name == "shop-token"), "{act:?}");
}

#[test]
fn an_app_secret_that_is_refused_never_gets_a_retained_secret() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| sight.mp.status = None);
    sight.target().owner = Owner::Nobody;
    sight.mp.spec.target =
        serde_json::from_value(serde_json::json!({ "name": "copy" })).expect("a target");
    sight.old = sight.target.take().into_iter().collect();
    let wrong = crate::sensitive::AppSecret::parse(b"another").expect("plausible");
    sight.live = Some(CredentialRead::Is { version: credential(), value: Some(Ok(wrong)) });
    assert!(!matches!(sight.plan(500).act, Act::Rewrite(_)), "nothing is copied");
}

#[test]
fn a_version_of_the_target_that_somebody_else_made_is_read_once() {
    for mode in MODES {
        let other = |held: bool| {
            let mut sight = Sight::healthy(mode).with(|sight| sight.target().version = "21".into());
            assert!(
                matches!(sight.plan(500).act, Act::ReadLive { for_call: false, .. }),
                "{mode:?}"
            );
            sight.read_live();
            if !held {
                sight.held = Held::default();
            }
            sight
        };
        // Other values of the data may be false even if the token is there.
        assert!(
            matches!(other(true).plan(500).act, Act::Rewrite(rewrite) if rewrite.drift),
            "{mode:?}"
        );
        let mut sight = other(false);
        let Act::Unmatched(version) = sight.plan(500).act else {
            panic!("{mode:?}: the token is another one")
        };
        sight.recall.writes.unmatched = Some(version);
        sight.asks(500, Why::Edited);
    }
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().version = "21".into());
    sight.recall.writes.verified = Some("21".into());
    sight.keeps_silent(500);
    (sight.recall.writes.verified, sight.recall.writes.read_at) = (None, Some(boot(495)));
    sight.rests(500, 5);
}

#[test]
fn whoever_edits_the_target_again_and_again_keeps_no_token_from_being_refreshed() {
    let edits: [fn(&mut Sight); 2] = [
        |sight| sight.target().version = "21".into(),
        |sight| sight.target().owner = Owner::Nobody,
    ];
    for (mode, edit) in MODES.into_iter().flat_map(|mode| edits.map(|edit| (mode, edit))) {
        let mut sight = Sight::healthy(mode).with(edit);
        let moment_ago = Some(boot(due_at(mode) - 5));
        (sight.recall.writes.read_at, sight.recall.writes.corrected) = (moment_ago, moment_ago);
        let act = sight.plan(due_at(mode)).act;
        assert!(matches!(act, Act::ReadLive { for_call: true, .. }), "{mode:?}: {act:?}");
        (sight.recall.writes.read_at, sight.recall.writes.corrected) =
            (Some(boot(495)), Some(boot(495)));
        sight.rests(500, 5);
    }
}

#[test]
fn the_version_that_was_read_is_reported_with_the_next_change_of_the_status() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().version = "21".into());
    sight.recall.writes.verified = Some("21".into());
    assert!(matches!(sight.plan(500).act, Act::Rest));
    sight.mp.spec.suspend = true;
    let Act::Status(status) = sight.plan(500).act else { panic!("that is reported") };
    assert_eq!(status.target_ref.and_then(|target| target.resource_version).as_deref(), Some("21"));
}
