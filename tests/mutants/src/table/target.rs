//! The Secret that holds the token: what is written to it, and what of it is believed.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
    Source { file: "src/reconcile/plan/synchronise.rs", mutants: SYNCHRONISE },
    Source { file: "src/reconcile/plan/target.rs", mutants: KEYS },
    Source { file: "src/reconcile/plan/preflight.rs", mutants: PREFLIGHT },
    Source { file: "src/reconcile/memory/creations.rs", mutants: CREATIONS },
    Source { file: "src/reconcile/apply/secret.rs", mutants: SECRET },
    Source { file: "src/reconcile/apply.rs", mutants: APPLY },
    Source { file: "src/reconcile/acts/store.rs", mutants: STORING },
    Source { file: "src/reconcile/observed.rs", mutants: OBSERVE },
    Source { file: "src/projection.rs", mutants: PROJECTION },
];

const KEYS: &[Mutant] = &[
    Mutant {
        name: "json-taken-for-an-edit",
        means: "After an upgrade, every target without the JSON is written again at once.",
        changes: &[("target.token_json.is_none() && !spec_is_new", "false")],
        killed_by: Test(
            "a_target_without_the_json_gets_it_with_its_next_token_unless_the_spec_asks_for_it",
        ),
    },
    Mutant {
        name: "json-taken-away",
        means: "A target from which somebody took the JSON keeps lacking it.",
        changes: &[("target.token_json.is_none() && !spec_is_new", "!spec_is_new")],
        killed_by: Test(
            "a_target_without_the_json_gets_it_with_its_next_token_unless_the_spec_asks_for_it",
        ),
    },
];

const SYNCHRONISE: &[Mutant] = &[
    Mutant {
        name: "corrections-without-rest",
        means: "A target that another controller keeps changing is written back as fast as it \
                changes.",
        changes: &[(
            "apart(view, view.seen.recall.writes.corrected.filter(|_| drift))",
            "apart(view, None)",
        )],
        killed_by: Test("a_stripped_owner_or_template_value_is_drift_but_waits_for_its_turn"),
    },
    Mutant {
        name: "edited-secret-believed",
        means: "An edited Secret is matched with its own annotation, which a backup brings along.",
        changes: &[(
            "view.status.token.as_ref().map(|token| token.fingerprint.clone())",
            "target.token.as_ref().map(|token| token.fingerprint.clone())",
        )],
        killed_by: Test("an_edited_secrets_own_annotations_are_not_believed"),
    },
    Mutant {
        name: "rename-asks",
        means: "A renamed target is not filled from the one before it.",
        changes: &[("view.in_use.filter(|_| view.valid_token().is_some())", "None")],
        killed_by: Test("a_new_name_is_filled_from_the_old_secret_before_that_is_deleted"),
    },
];

const PLAN: &[Mutant] = &[
    Mutant {
        name: "old-target-deleted-first",
        means: "The old target is deleted before the new one holds a token.",
        changes: &[(
            "view.token().is_some().then(|| Step::Do(Act::Forget(Arc::clone(old))))",
            "Some(Step::Do(Act::Forget(Arc::clone(old))))",
        )],
        killed_by: Test("a_target_that_was_before_goes_only_when_the_new_one_holds_a_token"),
    },
    Mutant {
        name: "copy-deleted",
        means: "A copy that somebody made of a target, owner and all, is deleted.",
        changes: &[("old.applied && old.terminating.is_none()", "old.terminating.is_none()")],
        killed_by: Test("a_copy_that_somebody_made_of_the_target_is_not_deleted"),
    },
    Mutant {
        name: "same-token-not-rewritten",
        means: "The end of a token is not put right when the platform tells another one.",
        changes: &[("moved <= SAME_EXPIRY", "true")],
        killed_by: Test(
            "the_same_token_is_written_again_only_if_pods_or_we_depend_on_what_changed",
        ),
    },
    Mutant {
        name: "same-token-always-written",
        means: "The same token is written again although nothing has changed.",
        changes: &[(
            "(same && same_credential(target, unstored)).then_some(Act::Keep { in_window })",
            "None",
        )],
        killed_by: Test(
            "the_same_token_is_written_again_only_if_pods_or_we_depend_on_what_changed",
        ),
    },
    Mutant {
        name: "dead-token-stored",
        means: "A unstored token is stored although it has expired.",
        changes: &[("outdated || unstored.token.expires <= view.now.wall", "false")],
        killed_by: Test(
            "a_token_whose_write_was_refused_waits_and_is_dropped_when_its_time_is_over",
        ),
    },
    Mutant {
        name: "conflict-read-again",
        means: "Another's Secret is looked at again at each look.",
        changes: &[("!is_reported(view, Reason::Conflict)", "true")],
        killed_by: Test("another_ones_secret_is_reported_after_one_look_and_left_alone"),
    },
    Mutant {
        name: "backing_off-ignored",
        means: "After a read or a write that failed, everything is tried again at once.",
        changes: &[("(!wait.is_zero()).then_some(Step::Wait(wait))", "None")],
        killed_by: Test("a_refresh_that_is_due_and_not_made_is_reported_after_a_minute"),
    },
];

const SECRET: &[Mutant] = &[
    Mutant {
        name: "fence-dropped",
        means: "A target is written whatever has become of it since it was read.",
        changes: &[("(Some(uid.clone()), version.clone())", "(None, \"0\".to_owned())")],
        killed_by: Test("a_create_can_only_create_and_a_rewrite_can_only_replace"),
    },
    Mutant {
        name: "unconfirmed-not-stamped",
        means: "The target does not say that a late request may replace its token.",
        changes: &[(
            "content.unconfirmed.then(|| (names::UNCONFIRMED, \"true\".to_owned()))",
            "None",
        )],
        killed_by: Test("a_projection_of_what_we_write_is_whole_and_says_the_same"),
    },
];

const APPLY: &[Mutant] = &[
    Mutant {
        name: "label-edit-loses-the-token",
        means: "Any conflict counts as a lost race, and the unstored token is dropped.",
        changes: &[
            ("!unstored.call.wanted.mints", "false"),
            ("intent.is_some_and(|intent| intent.id == unstored.call.id)", "false"),
        ],
        killed_by: Test("a_write_that_was_refused_is_repeated_unless_another_call_came_first"),
    },
    Mutant {
        name: "lost-race-written-over",
        means: "A token is written over one that somebody else has got meanwhile.",
        changes: &[("id != before && !is_written", "false")],
        killed_by: Test("a_write_that_was_refused_is_repeated_unless_another_call_came_first"),
    },
    Mutant {
        name: "own-write-not-recognised",
        means: "A write whose answer was lost is taken for somebody else's.",
        changes: &[("is_written\n                && !found.edited", "false")],
        killed_by: Test("a_write_that_was_refused_is_repeated_unless_another_call_came_first"),
    },
    Mutant {
        name: "deleted-object-gets-a-token",
        means: "A token is stored for an object on its way out.",
        changes: &[("current.metadata.deletion_timestamp.is_none()", "true")],
        killed_by: Test("an_object_on_its_way_out_gets_no_token"),
    },
    Mutant {
        name: "another-secret-deleted",
        means: "Whatever Secret has the name of the old target by now is deleted.",
        changes: &[(
            "DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }",
            "DeleteParams::default()",
        )],
        killed_by: Test("only_the_very_secret_that_was_seen_is_deleted"),
    },
];

const UNREAD: &str =
    "a_target_that_nobody_has_changed_is_not_read_for_a_refresh_that_ends_no_token";

const PREFLIGHT: &[Mutant] = &[
    Mutant {
        name: "creation-not-tried",
        means: "A token is asked for that no quota or policy allows to be stored.",
        changes: &[("*precondition == Precondition::Absent", "false")],
        killed_by: Test("a_creation_is_tried_unless_one_nearby_has_shown_that_it_will_pass"),
    },
    Mutant {
        name: "unread-after-a-lost-race",
        means: "A call is made again and again for a target that is not as the watch shows it.",
        changes: &[("recall.backoffs.requests.failures == 0", "true")],
        killed_by: Test(UNREAD),
    },
    Mutant {
        name: "unread-whatever-the-reason",
        means: "After a restore, a token that replaces a dead one is dropped.",
        changes: &[("wanted.why.by_time() && !wanted.mints", "!wanted.mints")],
        killed_by: Test(UNREAD),
    },
    Mutant {
        name: "unread-with-tickets",
        means: "A new token is written without the tickets that stood beside the old one.",
        changes: &[("is_routine && is_in_order && !has_tickets", "is_routine && is_in_order")],
        killed_by: Test(UNREAD),
    },
    Mutant {
        name: "mint-for-a-target-not-tried",
        means: "A token is ended for one whose target nobody has tried to create.",
        changes: &[("(wanted.mints || !created_nearby)", "!created_nearby")],
        killed_by: Test("a_creation_is_tried_unless_one_nearby_has_shown_that_it_will_pass"),
    },
    Mutant {
        name: "refused-target-not-tried",
        means: "A target whose write was refused is asked for again without a try.",
        changes: &[("is_reported_refused(view)", "false")],
        killed_by: Test("a_target_whose_last_write_was_refused_is_always_tried"),
    },
];

const CREATIONS: &[Mutant] = &[
    Mutant {
        name: "creation-before-the-object-counts",
        means: "A policy that came after the last creation is not noticed before the call.",
        changes: &[("since < *created && boot < *created + RECENT", "boot < *created + RECENT")],
        killed_by: Test("a_creation_counts_for_its_namespace_and_for_a_moment"),
    },
    Mutant {
        name: "refusal-does-not-end-creations",
        means: "After a refused write, the others of the namespace are asked for without a try.",
        changes: &[("self.by_namespace.remove(namespace);", "")],
        killed_by: Test("a_refused_write_ends_what_a_creation_has_shown"),
    },
];

const STORING: &[Mutant] = &[Mutant {
    name: "unstored-token-dropped",
    means: "A token whose write failed is thrown away.",
    changes: &[(
        "Some(unstored.facts.refused.insert(refused).attempts)",
        "{ drop(refused); memory.unstored = None; None }",
    )],
    killed_by: Test("a_token_whose_write_was_refused_stays_in_hand_and_is_tried_again"),
}];

const OBSERVE: &[Mutant] = &[
    Mutant {
        name: "others-target-taken",
        means: "The target of another object is taken over.",
        changes: &[("Some(uid.as_str()) == mp.metadata.uid.as_deref()", "true")],
        killed_by: Test("a_former_objects_target_is_left_to_the_garbage_collector_for_ten_seconds"),
    },
    Mutant {
        name: "other-apps-secret-adopted",
        means: "A Secret without an owner is adopted whatever app its token is of.",
        changes: &[("target.sent.app_id == mp.spec.app_id", "true")],
        killed_by: Test("an_ownerless_secret_of_ours_is_ours_only_with_our_name_platform_and_app"),
    },
    Mutant {
        name: "stale-look-used",
        means: "Strong reads that were made for another spec are used for this one.",
        changes: &[("Self(mp.metadata.uid.clone(), mp.metadata.generation)", "Self(None, None)")],
        killed_by: Test("a_look_closer_of_another_spec_is_not_used"),
    },
    Mutant {
        name: "megabytes-held",
        means: "Whatever looks like a token in a target stays in memory as long as the pass.",
        changes: &[("fingerprints.contains(&token.fingerprint().as_str())", "true")],
        killed_by: Test("of_a_target_only_the_tokens_that_we_know_are_kept"),
    },
];

const PROJECTION: &[Mutant] = &[
    Mutant {
        name: "stripped-field-overlooked",
        means: "Nobody announcements when somebody takes a field of ours off the target.",
        changes: &[("annotations && labels && data && has(&[\"type\"])", "true")],
        killed_by: Test("every_field_that_somebody_takes_from_us_shows_as_an_edit"),
    },
    Mutant {
        name: "backups-mark-believed",
        means: "A mark that came back with a backup keeps a token unconfirmed for ever.",
        changes: &[(
            "own(names::UNCONFIRMED).is_some()",
            "annotation(names::UNCONFIRMED).is_some()",
        )],
        killed_by: Test("a_mark_of_an_unconfirmed_token_that_a_backup_brought_back_is_not_ours"),
    },
    Mutant {
        name: "endless-fingerprint-believed",
        means: "A fingerprint that no status can hold keeps the status from being written.",
        changes: &[("is_fingerprint(text)", "true")],
        killed_by: Test("a_fingerprint_that_no_status_can_hold_names_no_token"),
    },
];
