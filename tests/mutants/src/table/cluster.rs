//! The known objects of the cluster, and which objects a change requeues.

use super::{
    KilledBy::{Simulation, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile.rs", mutants: RECONCILE },
    Source { file: "src/reconcile/memory/backoffs.rs", mutants: BACKOFFS },
    Source { file: "src/reconcile/acts/read.rs", mutants: READ },
    Source { file: "src/reconcile/observe.rs", mutants: GATHER },
    Source { file: "src/world.rs", mutants: WORLD },
    Source { file: "src/world/listing.rs", mutants: LISTING },
    Source { file: "src/operator.rs", mutants: OPERATOR },
    Source { file: "src/controller.rs", mutants: CONTROLLER },
    Source { file: "src/watch.rs", mutants: WATCH },
];

const RECONCILE: &[Mutant] = &[Mutant {
    name: "slot-awaited-after-the-end",
    means: "Who stands in line for a slot keeps a stopping process from releasing its Lease.",
    changes: &[("ctx.term.while_open(slot).await.flatten()", "slot.await")],
    killed_by: Test("whoever_waits_for_a_slot_waits_no_longer_than_calls_are_made"),
}];

const BACKOFFS: &[Mutant] = &[Mutant {
    name: "errors-keep-their-pace",
    means: "What fails against the API server is tried again twice a second for ever.",
    changes: &[("backoff(self.failures, first, LONGEST)", "first")],
    killed_by: Test("what_fails_again_and_again_waits_twice_as_long_each_time_up_to_a_minute"),
}];

const GATHER: &[Mutant] = &[
    Mutant {
        name: "foreign-intent-always-new",
        means: "Another process's intent is waited out anew at each look.",
        changes: &[("sight(&mut recall.sightings.foreign_intent, intent);", "")],
        killed_by: Test("what_is_given_time_is_given_it_from_its_first_sighting"),
    },
    Mutant {
        name: "tokens-end-not-kept",
        means: "How long a token had left when it was first seen is forgotten.",
        changes: &[("recall.sightings.ends.push((token, end));", "")],
        killed_by: Test("what_is_given_time_is_given_it_from_its_first_sighting"),
    },
];

const WORLD: &[Mutant] = &[
    Mutant {
        name: "siblings-not-requeued",
        means: "A change of an object does not requeue the other objects of its app.",
        changes: &[("return names.to_vec();", "return vec![];")],
        killed_by: Test("a_change_of_an_object_concerns_its_app"),
    },
    Mutant {
        name: "readers-not-requeued",
        means: "A credential that one object has read is news to the others only when the watch \
                shows it.",
        changes: &[(
            "self.pending.extend(self.users.get(key).iter().filter(|user| *user != reader).cloned());",
            "",
        )],
        killed_by: Test("a_credential_that_was_read_counts_at_once_and_requeues_its_other_users"),
    },
    Mutant {
        name: "own-write-not-counted",
        means: "The version of a Secret that was just written is the one before.",
        changes: &[("lists.secrets.record_write(&secret, &new.uid, number, version);", "")],
        killed_by: Test("an_own_write_counts_at_once_and_concerns_only_others"),
    },
];

const LISTING: &[Mutant] = &[
    Mutant {
        name: "older-event-believed",
        means: "An event from before an own write undoes what is known of that.",
        changes: &[("version < held.version", "false")],
        killed_by: Test("an_own_write_counts_at_once_and_concerns_only_others"),
    },
    Mutant {
        name: "late-answer-brings-back",
        means: "The late answer to a write brings back an object that is gone.",
        changes: &[(
            "version <= self.shown || older || self.was_removed(key, uid)",
            "older || self.was_removed(key, uid)",
        )],
        killed_by: Test("a_late_answer_brings_nothing_back"),
    },
    Mutant {
        name: "ghosts-kept",
        means: "A write whose object the watch never shows is believed for ever.",
        changes: &[("*version < self.shown", "false")],
        killed_by: Test("a_late_answer_brings_nothing_back"),
    },
    Mutant {
        name: "own-write-lost-in-a-relist",
        means: "What was written while a list was taken is believed to be gone.",
        changes: &[("!relist.seen.contains(key) && !ours", "!relist.seen.contains(key)")],
        killed_by: Test("an_own_write_during_a_relist_is_not_taken_for_vanished"),
    },
    Mutant {
        name: "vanished-objects-stay",
        means: "What vanished while no watch ran is believed to exist.",
        changes: &[("!relist.seen.contains(key) && !ours", "false")],
        killed_by: Test("a_relist_shows_what_vanished_and_only_that"),
    },
];

const OPERATOR: &[Mutant] = &[Mutant {
    name: "changes-not-requeued",
    means: "A change does not requeue its object: each waits for its timer.",
    changes: &[("let _ = requeues.send(name);", "")],
    killed_by: Simulation,
}];

const CONTROLLER: &[Mutant] = &[
    Mutant {
        name: "objects-oversleep",
        means: "An object that sees no reason to wake sleeps for a day.",
        changes: &[("sleep.min(timing.resync_period)", "sleep")],
        killed_by: Test("an_object_is_reconciled_again_when_due_and_within_five_minutes"),
    },
    Mutant {
        name: "two-reconciles-at-once",
        means: "Two reconciles of an object run at the same time.",
        changes: &[("running.names.contains(&name)", "false")],
        killed_by: Test("a_requeue_during_a_reconcile_causes_one_more_after_it"),
    },
    Mutant {
        name: "panicked-object-dropped",
        means: "An object whose reconcile panicked is never reconciled again.",
        changes: &[(
            "action.map_or_else(|| panicked(&name), |action| action.requeue_after)",
            "action.map_or(Duration::MAX, |action| action.requeue_after)",
        )],
        killed_by: Test("a_panic_is_the_failure_of_its_object"),
    },
];

const WATCH: &[Mutant] = &[Mutant {
    name: "forbidden-list-hammered",
    means: "A list that the API server forbids is asked for every second.",
    changes: &[("!matches!(event, Event::Init)", "true")],
    killed_by: Test("a_list_that_is_always_refused_is_retried_less_and_less_often"),
}];

const READ: &[Mutant] = &[Mutant {
    name: "read-credential-forgotten",
    means: "A verdict on a credential that the watch has yet to show counts as another one's.",
    changes: &[(
        "self.world().record_read(&reader, secret, &version.uid, &version.resource_version);",
        "",
    )],
    killed_by: Test("a_credential_that_was_read_is_known_before_the_watch_shows_it"),
}];
