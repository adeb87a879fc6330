//! A call from its intent to its end.

use super::{
    KilledBy::{Simulation, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/status.rs", mutants: STATUS },
    Source { file: "src/reconcile/fetch.rs", mutants: FETCH },
    Source { file: "src/reconcile/calling.rs", mutants: CALLING },
    Source { file: "src/reconcile/plan/case.rs", mutants: CASE },
    Source { file: "src/reconcile.rs", mutants: RECONCILE },
];

const STATUS: &[Mutant] = &[
    Mutant {
        name: "intent-not-written",
        means: "A call that may end a token leaves no intent behind.",
        changes: &[(
            "Some(Intent { id: call.id.clone(), \
             time: Time(whole_seconds(now.wall)), doubt: call.doubt })",
            "None",
        )],
        killed_by: Simulation,
    },
    Mutant {
        name: "forced-not-counted",
        means: "A forced call is not counted where a restart would find it.",
        changes: &[("forced_times.push(Time(whole_seconds(now.wall)));", "")],
        killed_by: Simulation,
    },
];

const FETCH: &[Mutant] = &[
    Mutant {
        name: "fail-over-after-silence",
        means: "Another host is tried after one that may have made a token.",
        changes: &[(
            "!matches!(outcome, Outcome::NotSent(_))",
            "!matches!(outcome, Outcome::NotSent(_) | Outcome::Unknown(_))",
        )],
        killed_by: Test("another_host_is_tried_only_if_the_first_has_certainly_seen_nothing"),
    },
    Mutant {
        name: "late-call-sent",
        means: "A process that stood still after its intent sends its call however late it wakes.",
        changes: &[("now.boot.saturating_sub(since) > platforms.request_timeout", "false")],
        killed_by: Test("nothing_is_sent_without_a_ticket_or_for_an_intent_that_is_too_old"),
    },
];

const CALLING: &[Mutant] = &[Mutant {
    name: "unsettled-not-set",
    means: "A token that a late request may replace is stored as if it were the last.",
    changes: &[("begin.call.doubt", "false")],
    killed_by: Simulation,
}];

const CASE: &[Mutant] = &[
    Mutant {
        name: "doubt-not-kept",
        means: "An unsettled token's call leaves no intent behind for when that token is deleted.",
        changes: &[("*stored && *unsettled", "false")],
        killed_by: Simulation,
    },
    Mutant {
        name: "refusal-closes-any-intent",
        means: "A refused call takes back an intent that stands for an older doubt.",
        changes: &[("intent.id == ended.call.id && !intent.doubt", "true")],
        killed_by: Simulation,
    },
    Mutant {
        name: "request-answered-for-ever",
        means: "A request by annotation is never marked as handled.",
        changes: &[("ended.call.handles.is_some()", "false")],
        killed_by: Simulation,
    },
];

const RECONCILE: &[Mutant] = &[Mutant {
    name: "read-credential-forgotten",
    means: "A verdict on a credential that the watch has yet to show counts as another one's.",
    changes: &[(
        "world.read_secret(&name, &mp.spec.credential_ref.name, \
         &version.uid, &version.resource_version);",
        "",
    )],
    killed_by: Simulation,
}];
