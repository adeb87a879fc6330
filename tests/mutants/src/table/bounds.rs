//! Reads, memory and work, of which one tenant must not take what others need.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/reads/room.rs", mutants: ROOM },
    Source { file: "src/reconcile/queues.rs", mutants: SHARES },
    Source { file: "src/reconcile/reads/flights.rs", mutants: FLIGHTS },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
    Source { file: "src/reconcile/plan/rest.rs", mutants: SETTLE },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
    Source { file: "src/reconcile/plan/fold.rs", mutants: ENDED },
    Source { file: "src/reconcile/memory/apps.rs", mutants: APPS },
    Source { file: "src/reconcile.rs", mutants: RECONCILE },
    Source { file: "src/reconcile/fetch/slots/rejections.rs", mutants: SLOTS },
    Source { file: "src/reconcile/queues.rs", mutants: TURNS },
    Source { file: "src/world/unreadable.rs", mutants: UNREADABLE },
];

const ROOM: &[Mutant] = &[Mutant {
    name: "reads-without-share",
    means: "One namespace may use all the room for reads.",
    changes: &[("Some(self.shares.enter(&namespace.to_owned()).await?)", "None")],
    killed_by: Test("a_namespace_leaves_room_to_others_and_a_call_passes_its_share"),
}];

const SHARES: &[Mutant] = &[Mutant {
    name: "shares-kept",
    means: "Every namespace that was ever read in is remembered.",
    changes: &[("queue.standing == 0", "false")],
    killed_by: Test("who_finds_no_room_gives_up_and_leaves_nothing_behind"),
}];

const FLIGHTS: &[Mutant] = &[
    Mutant {
        name: "credential-read-for-each",
        means: "Each object that names a Secret reads it for itself.",
        changes: &[("(&previous, waits)", "(&previous, waits.filter(|_| false))")],
        killed_by: Test("a_read_serves_all_who_ask_before_it_is_sent_and_nobody_else"),
    },
    Mutant {
        name: "late-asker-served",
        means: "A read that was sent earlier serves whoever asks before it is answered.",
        changes: &[("flight.keys.take()", "flight.keys.clone()")],
        killed_by: Test("a_read_serves_all_who_ask_before_it_is_sent_and_nobody_else"),
    },
];

const PLAN: &[Mutant] = &[Mutant {
    name: "read-not-noted",
    means: "What waits for room for a call reads its credential again and again.",
    changes: &[
        ("view.to_note().filter(|_| view.live().is_none())", "None::<Noted>"),
        ("view.to_note().map_or(Act::Rest, Act::NoteCredential)", "Act::Rest"),
    ],
    killed_by: Test("another_value_is_reported_and_asked_with"),
}];

const SETTLE: &[Mutant] = &[Mutant {
    name: "label-edit-written",
    means: "A label edit of a credential is a status write for each object that names it.",
    changes: &[("says_the_same(stored, &status)", "*stored == status")],
    killed_by: Test("a_version_that_changes_nothing_is_read_once_and_not_written"),
}];

const CASE: &[Mutant] = &[Mutant {
    name: "noted-for-every-spec",
    means: "What was read under one key counts for another key.",
    changes: &[(
        "version_of(&noted.version) == version && noted.generation == self.generation()",
        "version_of(&noted.version) == version",
    )],
    killed_by: Test("another_spec_is_read_for_anew"),
}];

const ENDED: &[Mutant] = &[Mutant {
    name: "noted-version-distrusted",
    means: "A busy platform makes a credential count as untested that was only labelled anew.",
    changes: &[("reported.or(noted.map(|noted| noted.reason))", "reported")],
    killed_by: Test("what_the_platform_says_of_a_noted_version_counts"),
}];

const APPS: &[Mutant] = &[
    Mutant {
        name: "apps-remembered-for-ever",
        means: "Every app that ever minted takes memory until the process ends.",
        changes: &[("*at + REMEMBERED <= boot", "false")],
        killed_by: Test("an_app_is_forgotten_a_day_after_its_last_change"),
    },
    Mutant {
        name: "apps-without-number",
        means: "Whoever makes and deletes objects fills the memory with their apps.",
        changes: &[("self.by_change.len() > MOST", "false")],
        killed_by: Test("of_too_many_apps_the_one_goes_that_changed_longest_ago"),
    },
    Mutant {
        name: "apps-without-mints-remembered",
        means: "Each app that is looked at takes memory.",
        changes: &[("mints != AppMints::default()", "true")],
        killed_by: Test("an_app_of_which_there_is_nothing_to_tell_takes_no_room"),
    },
];

const RECONCILE: &[Mutant] = &[Mutant {
    name: "ghosts-remembered",
    means: "An object that ends during a pass is remembered until the process ends.",
    changes: &[("uid.filter(|uid| current.as_deref() != Some(uid))", "uid.filter(|_| false)")],
    killed_by: Test("an_object_that_ends_during_a_pass_is_not_remembered"),
}];

const SLOTS: &[Mutant] = &[Mutant {
    name: "rejections-kept",
    means: "Each namespace whose credential was ever rejected is remembered.",
    changes: &[("self.namespaces.retain_recent();", "")],
    killed_by: Test("a_namespace_is_forgotten_when_its_rejections_are_over"),
}];

const TURNS: &[Mutant] = &[Mutant {
    name: "turns-kept",
    means: "Each app that was ever asked is remembered.",
    changes: &[("queue.standing == 0", "false")],
    killed_by: Test("who_waits_for_an_app_has_its_turn_in_order_and_not_before"),
}];

const UNREADABLE: &[Mutant] = &[
    Mutant {
        name: "unreadable-reported-each-time",
        means: "An object that cannot be read is reported at each event.",
        changes: &[(
            "self.reported.insert(name.clone(), version).or(before) != Some(version)",
            "true",
        )],
        killed_by: Test("an_unreadable_object_is_reported_once_and_stops_nothing"),
    },
    Mutant {
        name: "unreadable-kept",
        means: "An object that cannot be read and goes while nobody watches is remembered.",
        changes: &[("self.before.retain(|name, _| !scope.covers(name));", "let _ = scope;")],
        killed_by: Test("each_version_is_reported_once_and_forgotten_with_its_object"),
    },
];
