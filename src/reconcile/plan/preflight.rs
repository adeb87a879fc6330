//! Decides what the API server must be asked before a call, so that its token can be stored. Pure.

use super::{
    target::{differs, is_reported, is_reported_refused},
    trusted,
    view::{Target, View},
};
use crate::{
    api::Reason,
    reconcile::{call::Wanted, memory::Precondition, observed::TargetLookup},
};

/// Whether what the world shows of the target is enough for a call. That there is none is proved by
/// the dry run of its creation. The one that this operator wrote and that nobody has changed since is
/// not read again for a refresh that ends no token: if it has changed after all, the write loses the
/// race, and the next call is made with a read. Any other reason for a call is a sign that the world
/// may not be as it was. The tickets in a target, which a write keeps, have to be read.
pub fn is_target_known(view: &View<'_>, wanted: Wanted) -> bool {
    match (&view.seen.target, view.target) {
        (TargetLookup::Absent, _) => view.in_use.is_none(),
        (TargetLookup::Is(_), Target::Ours(target)) => {
            let is_routine = wanted.why.by_time() && !wanted.mints;
            let recall = &view.seen.recall;
            let is_in_order = is_reported(view, Reason::Synced)
                && trusted::is_verified(view, target)
                && differs(view, target).is_none()
                && recall.writes.refused.is_none()
                && recall.backoffs.requests.failures == 0;
            let has_tickets = !target.tickets.is_empty() || !view.mp.spec.tickets.is_empty();
            is_routine && is_in_order && !has_tickets
        }
        _ => false,
    }
}

/// Whether the dry run is worth its request. A target that the live read found needs none, unless
/// its last write was refused. Nor does the creation of one where the API server has created another
/// in the same namespace while the object waited for its slot, if the call ends no token: then a
/// refused write costs nobody his token, and the new one waits in memory for its Secret.
pub fn needs_dry_run(
    view: &View<'_>,
    wanted: Wanted,
    precondition: &Precondition,
    created_nearby: bool,
) -> bool {
    let is_new = *precondition == Precondition::Absent;
    is_reported_refused(view) || (is_new && (wanted.mints || !created_nearby))
}

#[cfg(test)]
mod tests {
    use super::{is_target_known, needs_dry_run};
    use crate::{
        api::{
            ConditionType, Reason, TicketType, TokenMode,
            conditions::{self, ConditionStatus, ConditionValue},
            names,
        },
        reconcile::{
            call::{Wanted, Why},
            memory::Precondition,
            plan::{
                Act,
                tests::sight::{LEGACY, STABLE, Sight, at, boot, due_at, now},
                view::View,
            },
        },
    };

    /// Whether a dry run comes first: for a target that is there, for one that is created, and for
    /// one that is created where another was created just now.
    fn needed(sight: &mut Sight, mints: bool) -> [bool; 3] {
        let seen = sight.observed();
        let view = View::of(&seen, now(10)).expect("a known platform");
        let wanted = Wanted { why: Why::NoToken, force: false, mints };
        let there = Precondition::Is { uid: "uid".into(), version: "1".into(), issued_for: None };
        [(&there, false), (&Precondition::Absent, false), (&Precondition::Absent, true)]
            .map(|(precondition, created)| needs_dry_run(&view, wanted, precondition, created))
    }

    #[test]
    fn a_creation_is_tried_unless_one_nearby_has_shown_that_it_will_pass() {
        let mut sight = Sight::healthy(STABLE);
        assert_eq!(needed(&mut sight, false), [false, true, false]);
        assert_eq!(needed(&mut sight, true), [false, true, true], "the call would end a token");
    }

    /// The status reports this of the target.
    fn reports(sight: &mut Sight, reason: Reason) {
        let told = ConditionValue { truth: ConditionStatus::False, reason, message: String::new() };
        let conditions = &mut sight.status().conditions;
        conditions::set(conditions, ConditionType::TargetSynced, &told, Some(1), at(0));
    }

    type Change = fn(&mut Sight);

    /// Whether the plan reads the target for a call.
    fn is_read(mode: TokenMode, change: Change) -> bool {
        let mut sight = Sight::healthy(mode).with(change);
        let Act::ReadLive { target, for_call: true, .. } = sight.plan(due_at(mode)).act else {
            panic!("a read for a call");
        };
        target
    }

    #[test]
    fn a_target_that_nobody_has_changed_is_not_read_for_a_refresh_that_ends_no_token() {
        assert!(!is_read(STABLE, |_| {}));
        assert!(is_read(LEGACY, |_| {}), "the call would end a token");
        let cases: [(&str, Change); 6] = [
            ("the last write lost a race", |sight| sight.recall.backoffs.requests.failures = 1),
            ("the last write was refused", |sight| reports(sight, Reason::WriteFailed)),
            ("it may still be immutable", |sight| reports(sight, Reason::Immutable)),
            ("its tickets are kept", |sight| sight.mp.spec.tickets = vec![TicketType::JsApi]),
            ("a token that is forced", |sight| {
                let token = sight.status().token.as_ref().expect("a token").fingerprint.clone();
                sight.annotate(names::INVALID_TOKEN, &token);
            }),
            ("another version of it was read a moment ago", |sight| {
                sight.recall.writes.read_at = Some(boot(due_at(STABLE) - 5));
                sight.target().version = "21".into();
            }),
        ];
        for (what, change) in cases {
            assert!(is_read(STABLE, change), "{what}");
        }
        let known = |why| {
            let wanted = Wanted { why, force: false, mints: false };
            Sight::healthy(STABLE).view(10, |view| is_target_known(view, wanted))
        };
        assert!(known(Why::Time) && !known(Why::SiblingNewer) && !known(Why::Requested));
    }

    #[test]
    fn a_target_whose_last_write_was_refused_is_always_tried() {
        let mut sight = Sight::healthy(STABLE);
        reports(&mut sight, Reason::WriteFailed);
        assert_eq!(needed(&mut sight, false), [true; 3]);
    }
}
