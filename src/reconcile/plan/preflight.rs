//! Decides whether a dry run must show, before a call, that its token could be stored. Pure.

use super::{target::is_reported_refused, view::View};
use crate::reconcile::{call::Wanted, memory::Precondition};

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
    use super::needs_dry_run;
    use crate::{
        api::{
            ConditionType, Reason,
            conditions::{self, ConditionStatus, ConditionValue},
        },
        reconcile::{
            call::{Wanted, Why},
            memory::Precondition,
            plan::{
                tests::sight::{STABLE, Sight, at, now},
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

    #[test]
    fn a_target_whose_last_write_was_refused_is_always_tried() {
        let mut sight = Sight::healthy(STABLE);
        let (truth, reason) = (ConditionStatus::False, Reason::WriteFailed);
        let refused = ConditionValue { truth, reason, message: String::new() };
        let conditions = &mut sight.status().conditions;
        conditions::set(conditions, ConditionType::TargetSynced, &refused, Some(1), at(0));
        assert_eq!(needed(&mut sight, false), [true; 3]);
    }
}
