//! What the target Secret needs without a call: renames, edits, foreign Secrets.

use std::{collections::BTreeMap, time::Duration};

use super::sight::{LEGACY, LIFE, STABLE, Sight, boot, due_at, projection};
use crate::{
    api::{
        ConditionType, DeletionPolicy, ObjectMetaTemplate, Reason, Target, TargetKeys, Template,
        TokenMode,
    },
    projection::{Owner, Terminating},
    reconcile::{
        api_error::admission::Said,
        call::Why,
        memory::Refused,
        observed::Held,
        plan::{Act, target::is_reported_refused},
    },
};

fn target(sight: &mut Sight, change: impl FnOnce(&mut Target)) {
    change(sight.mp.spec.target.get_or_insert_default());
    sight.mp.metadata.generation = Some(2);
}

#[test]
fn a_new_name_is_filled_from_the_old_secret_before_that_is_deleted() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        target(sight, |target| target.name = Some("renamed".into()));
        sight.old = sight.target.take().into_iter().collect();
    });
    let Act::ReadLive { old: Some(old), .. } = sight.plan(500).act else {
        panic!("the old one is read")
    };
    assert_eq!(old.name, "shop-token");
    sight.read_live();
    let Act::Rewrite(rewrite) = sight.plan(500).act else { panic!("no call") };
    assert!(rewrite.renamed && !rewrite.drift);
    let mut renamed = projection(LEGACY);
    renamed.name = "renamed".into();
    sight.recall.writes.verified = Some(renamed.version.clone());
    sight.target = Some(renamed);
    assert!(matches!(sight.plan(500).act, Act::Forget(old) if old.name == "shop-token"));
}

#[test]
fn a_copy_that_somebody_made_of_the_target_is_not_deleted() {
    let copied = |applied| {
        let mut copy = projection(LEGACY);
        (copy.name, copy.applied, copy.edited) = ("my-config".into(), applied, true);
        Sight::healthy(LEGACY).with(|sight| sight.old.push(copy)).plan(500).act
    };
    assert!(matches!(copied(false), Act::Rest));
    assert!(matches!(copied(true), Act::Forget(old) if old.name == "my-config"));
}

#[test]
fn a_target_that_was_before_goes_only_when_the_new_one_holds_a_token() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        let mut old = projection(LEGACY);
        old.name = "former-token".into();
        sight.old = vec![old];
        sight.recall.writes.unmatched = Some(sight.target().version.clone());
    });
    assert!(!matches!(sight.plan(500).act, Act::Forget(_)), "its data hold no token that we know");
    sight.recall.writes.unmatched = None;
    assert!(matches!(sight.plan(500).act, Act::Forget(old) if old.name == "former-token"));
}

#[test]
fn what_the_spec_changes_is_written_without_a_call() {
    let cases: [fn(&mut Target); 4] = [
        |target| {
            target.keys =
                Some(TargetKeys { access_token: "token".into(), ..TargetKeys::default() });
        },
        |target| target.deletion_policy = DeletionPolicy::Retain,
        |target| {
            let labels = Some(BTreeMap::from([("team".into(), "a".into())]));
            target.template =
                Some(Template { metadata: Some(ObjectMetaTemplate { labels, annotations: None }) });
        },
        |target| {
            let annotations = Some(BTreeMap::from([("note".into(), "x".into())]));
            target.template =
                Some(Template { metadata: Some(ObjectMetaTemplate { labels: None, annotations }) });
        },
    ];
    for change in cases {
        let mut sight = Sight::healthy(LEGACY).with(|sight| target(sight, change));
        let act = sight.plan_live(500);
        assert!(matches!(&act, Act::Rewrite(rewrite) if !rewrite.drift), "{act:?}");
    }
}

#[test]
fn a_target_without_the_json_gets_it_with_its_next_token_unless_the_spec_asks_for_it() {
    let without = || {
        Sight::healthy(LEGACY).with(|sight| {
            sight.target().data_keys.retain(|key| key != "token.json");
            sight.target().token_json = None;
        })
    };
    assert!(matches!(without().plan(500).act, Act::Rest), "an older version wrote it");
    let mut renewed = without().with(|sight| {
        target(sight, |target| {
            target.keys = Some(TargetKeys { token_json: "all".into(), ..TargetKeys::default() });
        });
    });
    assert!(matches!(renewed.plan_live(500), Act::Rewrite(rewrite) if !rewrite.drift));
    let mut edited = without().with(|sight| sight.target().token_json = Some("token.json".into()));
    assert!(matches!(edited.plan_live(500), Act::Rewrite(rewrite) if rewrite.drift));
    let mut left_out = without().with(|sight| {
        target(sight, |target| {
            target.keys = Some(TargetKeys { token_json: String::new(), ..TargetKeys::default() });
        });
        sight.status().observed_generation = sight.mp.metadata.generation;
    });
    assert!(!matches!(left_out.plan(500).act, Act::ReadLive { .. }));
}

#[test]
fn an_edit_is_put_right_from_the_data_if_the_token_is_still_there() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().edited = true);
    assert!(matches!(sight.plan_live(500), Act::Rewrite(rewrite) if rewrite.drift));
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().edited = true);
    sight.read_live();
    sight.held = Held::default();
    let Act::Unmatched(version) = sight.plan(500).act else { panic!("nothing to write it from") };
    sight.recall.writes.unmatched = Some(version);
    sight.asks(500, Why::Edited);
}

#[test]
fn an_edited_secrets_own_annotations_are_not_believed() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.target().edited = true;
        sight.status().token.as_mut().expect("a token").fingerprint = "sha256:newer".into();
    });
    assert!(
        matches!(sight.plan_live(500), Act::Unmatched(_)),
        "an old token put back with its own fingerprint"
    );
}

#[test]
fn a_stripped_owner_or_template_value_is_drift_but_waits_for_its_turn() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().owner = Owner::Nobody);
    assert!(matches!(sight.plan_live(500), Act::Rewrite(rewrite) if rewrite.drift));
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().owner = Owner::Nobody);
    sight.recall.writes.corrected = Some(boot(495));
    assert!(sight.keeps_silent(500).wake <= Duration::from_secs(5));
}

#[test]
fn another_ones_secret_is_reported_after_one_look_and_left_alone() {
    let mut sight = Sight::new(STABLE).with(|sight| sight.foreign = true);
    assert!(matches!(sight.plan(500).act, Act::ReadLive { old: None, .. }));
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    sight.mp.status = Some(*status);
    sight.says_of(500, ConditionType::TargetSynced, "False", Reason::Conflict);
    sight.says_of(500, ConditionType::Ready, "False", Reason::Conflict);
    assert!(matches!(sight.plan(501).act, Act::Rest));
    sight.foreign = false;
    sight.asks(502, Why::NoToken);
}

#[test]
fn an_old_target_in_use_is_put_right_without_a_call() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        target(sight, |target| target.name = Some("taken".into()));
        sight.old = sight.target.take().into_iter().collect();
        sight.foreign = true;
    });
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("the conflict is reported") };
    sight.mp.status = Some(*status);
    sight.keeps_silent(501);
    sight.old[0].edited = true;
    let act = sight.plan_live(502);
    assert!(
        matches!(&act, Act::Rewrite(rewrite) if rewrite.from.name == "shop-token" && rewrite.drift),
        "{act:?}"
    );
}

#[test]
fn an_ownerless_secret_of_ours_is_ours_only_with_our_name_platform_and_app() {
    let retained = |change: fn(&mut Sight)| {
        Sight::healthy(STABLE).with(|sight| {
            sight.target().owner = Owner::Nobody;
            target(sight, |target| target.deletion_policy = DeletionPolicy::Retain);
            sight.mp.metadata.generation = Some(1);
            change(sight);
        })
    };
    let mut sight = retained(|_| {});
    assert!(matches!(sight.plan(500).act, Act::Rest));
    let others: [fn(&mut Sight); 3] = [
        |sight| {
            sight.target().label = Some("another".into());
            sight.status().token = None;
        },
        |sight| sight.target().sent.app_id = "wxffffffffffffffff".into(),
        |sight| sight.target().sent.platform = "QQ".into(),
    ];
    for other in others {
        let mut sight = retained(other);
        sight.read_live();
        sight.says_of(500, ConditionType::TargetSynced, "False", Reason::Conflict);
    }
}

#[test]
fn a_secret_that_the_status_remembers_is_ours_without_label_and_owner() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.target().owner = Owner::Nobody;
        sight.target().label = None;
        sight.target().edited = true;
    });
    assert!(matches!(sight.plan_live(500), Act::Rewrite(rewrite) if rewrite.drift));
}

#[test]
fn a_former_objects_target_is_left_to_the_garbage_collector_for_ten_seconds() {
    let mut sight = Sight::new(STABLE).with(|sight| {
        sight.target = Some(projection(STABLE));
        sight.target().owner = Owner::MiniProgram { uid: "former-uid".into(), name: "shop".into() };
        sight.recall.sightings.former = Some(("target-uid".into(), boot(495)));
    });
    assert!(sight.keeps_silent(500).wake <= Duration::from_secs(5));
    sight.says_of(500, ConditionType::TargetSynced, "Unknown", Reason::Pending);
    sight.says_of(506, ConditionType::TargetSynced, "False", Reason::Conflict);
}

#[test]
fn while_the_new_name_is_anothers_the_old_target_is_kept_fresh() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        target(sight, |target| target.name = Some("theirs".into()));
        sight.old = sight.target.take().into_iter().collect();
        sight.foreign = true;
    });
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("the conflict is reported") };
    assert_eq!(status.target_ref.as_ref().map(|target| target.name.as_str()), Some("shop-token"));
    sight.mp.status = Some(*status);
    sight.asks(7000, Why::Time);
}

#[test]
fn an_immutable_target_is_reported_and_costs_no_call() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.target().token.as_mut().expect("a token").expires = super::sight::at(400);
    });
    sight.immutable = true;
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("reported") };
    sight.mp.status = Some(*status);
    sight.read_live();
    sight.says_of(501, ConditionType::Ready, "False", Reason::Immutable);
}

fn refused(reason: Reason, retry: u64) -> Refused {
    let said = Some(Said { by: "the namespace's quota few is used up".into(), text: None });
    Refused { reason, said, attempts: 1, retry: boot(retry) }
}

/// An object whose new target was refused at 500.
fn renamed_in_vain(mode: TokenMode) -> Sight {
    let mut sight = Sight::healthy(mode).with(|sight| {
        target(sight, |target| target.name = Some("other".into()));
        sight.old = sight.target.take().into_iter().collect();
        sight.recall.writes.refused = Some(refused(Reason::WriteFailed, 530));
    });
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    sight.mp.status = Some(*status);
    sight
}

#[test]
fn while_a_new_target_cannot_be_made_the_old_one_is_kept_fresh() {
    for mode in super::sight::MODES {
        let mut sight = renamed_in_vain(mode);
        sight.says_of(500, ConditionType::TargetSynced, "False", Reason::WriteFailed);
        sight.says_of(500, ConditionType::Ready, "False", Reason::WriteFailed);
        let reported = sight.message(500, ConditionType::Ready);
        assert!(
            reported.contains("quota few is used up")
                && reported.contains("Secret shop-token stays in use"),
            "{reported}"
        );
        sight.rests(500, 30);
        let act = sight.plan_live(530);
        assert!(
            matches!(&act, Act::Rewrite(rewrite) if rewrite.renamed),
            "the new name is tried again: {act:?}"
        );
        let due = due_at(mode);
        sight.recall.writes.refused = Some(refused(Reason::WriteFailed, due + 30));
        sight.asks(due, Why::Time);
        sight.annotate(super::sight::REQUEST, "now");
        sight.recall.writes.refused = Some(refused(Reason::WriteFailed, 4030));
        sight.asks(4000, Why::Requested);
        // After a restart only the status has the refusal.
        sight.recall.writes.refused = None;
        sight.old[0].token.as_mut().expect("a token").expires = super::sight::at(4000);
        assert!(sight.view(4001, |view| super::super::target::stays_in_use(view).is_some()));
    }
}

#[test]
fn an_edit_of_the_target_before_is_put_right_while_the_new_one_is_refused() {
    let mut sight = renamed_in_vain(LEGACY);
    sight.old[0].edited = true;
    let act = sight.plan_live(501);
    assert!(matches!(&act, Act::Rewrite(rewrite) if !rewrite.renamed && rewrite.drift), "{act:?}");
}

#[test]
fn a_target_that_is_being_deleted_is_reported_and_kept_fresh() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let finalizers = vec!["example.com/hold".into()];
        sight.target().terminating = Some(Terminating { since: super::sight::at(500), finalizers });
    });
    sight.rests(505, 5);
    sight.says_of(511, ConditionType::TargetSynced, "False", Reason::Terminating);
    sight.says_of(511, ConditionType::Ready, "True", Reason::TokenAvailable);
    assert!(sight.message(511, ConditionType::TargetSynced).contains("example.com/hold"));
    sight.asks(7000, Why::Time);
}

#[test]
fn a_template_that_does_not_hold_is_reported_and_costs_no_call() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        target(sight, |target| {
            let labels = Some(BTreeMap::from([("team".into(), "a".into())]));
            target.template =
                Some(Template { metadata: Some(ObjectMetaTemplate { labels, annotations: None }) });
        });
        sight.recall.writes.unchanged = Some(sight.target().version.clone());
    });
    sight.read_live();
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    sight.mp.status = Some(*status);
    sight.says_of(501, ConditionType::TargetSynced, "False", Reason::Altered);
    sight.says_of(501, ConditionType::Ready, "True", Reason::TokenAvailable);
    assert!(matches!(sight.plan(501).act, Act::Rest));
    sight.asks(7000, Why::Time);
}

#[test]
fn what_admission_took_away_leads_to_no_call_until_a_write_is_due_again() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.target().token = None;
        sight.recall.writes.refused = Some(refused(Reason::Altered, 530));
    });
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    sight.mp.status = Some(*status);
    sight.says_of(501, ConditionType::Ready, "False", Reason::Altered);
    sight.says_of(501, ConditionType::TokenFresh, "False", Reason::Blocked);
    sight.rests(501, 29);
    // After a restart a write is tried before a call.
    sight.recall.writes.refused = None;
    assert!(sight.view(502, is_reported_refused));
}

#[test]
fn an_immutable_target_blocks_the_call_and_the_platform_is_not_blamed() {
    let mut sight = Sight::healthy(STABLE);
    sight.immutable = true;
    sight.read_live();
    let Act::Status(status) = sight.plan(LIFE + 1).act else { panic!("reported") };
    sight.mp.status = Some(*status);
    sight.read_live();
    sight.says_of(LIFE + 2, ConditionType::TokenFresh, "False", Reason::Blocked);
}

#[test]
fn a_refusal_is_over_when_nothing_is_left_to_write() {
    let mut sight = Sight::healthy(STABLE)
        .with(|sight| sight.recall.writes.refused = Some(refused(Reason::WriteFailed, 530)));
    sight.says_of(500, ConditionType::TargetSynced, "False", Reason::WriteFailed);
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    sight.mp.status = Some(*status);
    sight.rests(500, 30);
    sight.says_of(530, ConditionType::TargetSynced, "True", Reason::Synced);
}

#[test]
fn a_template_that_the_administrator_does_not_allow_is_reported_and_the_token_kept_fresh_without_it()
 {
    let labels = |labels: serde_json::Value| {
        Sight::healthy(STABLE).with(|sight| {
            let template =
                serde_json::from_value(serde_json::json!({ "metadata": { "labels": labels } }));
            target(sight, |target| target.template = Some(template.expect("a template")));
            sight.mp.metadata.generation = Some(2);
        })
    };
    let mut sight = labels(serde_json::json!({ "argocd.argoproj.io/secret-type": "cluster" }));
    sight.keeps_silent(500);
    sight.says_of(500, ConditionType::TargetSynced, "False", Reason::MetadataNotAllowed);
    sight.says_of(500, ConditionType::Ready, "True", Reason::TokenAvailable);
    assert!(
        sight.message(500, ConditionType::TargetSynced).contains("argocd.argoproj.io/secret-type")
    );
    sight.asks(due_at(STABLE), Why::Time);

    let mut sight =
        labels(serde_json::json!({ "argocd.argoproj.io/secret-type": "cluster", "team": "a" }));
    assert!(matches!(sight.plan_live(500), Act::Rewrite(_)), "what is allowed is written");
    let mut sight = labels(serde_json::json!({ "argocd.argoproj.io/secret-type": "cluster" }));
    sight.allowed = "argocd.argoproj.io".parse().expect("a prefix");
    assert!(matches!(sight.plan_live(500), Act::Rewrite(_)));
}
