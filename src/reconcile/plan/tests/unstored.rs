//! An unstored token is stored or dropped, or nothing has to be written.

use std::time::Duration;

use super::sight::{LIFE, STABLE, Sight, at, boot, due_at};
use crate::{
    api::Reason,
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{Precondition, Refused, UnstoredFacts},
        plan::Act,
    },
};

type Change = fn(&mut Sight);

/// A call returned the token that the target already holds.
fn same_token() -> Sight {
    let mut sight = Sight::healthy(STABLE);
    let wanted = Wanted { why: Why::Requested, force: false, mints: false };
    let target = sight.target();
    let (uid, version) = (target.uid.clone(), target.version.clone());
    let precondition = Precondition::Is { uid, version, issued_for: target.issued_for.clone() };
    sight.unstored = Some(UnstoredFacts {
        name: target.name.clone(),
        call: Call::for_test(wanted),
        token: target.token.clone().expect("a token"),
        asked_at: at(400),
        sent: target.sent.clone(),
        unconfirmed: false,
        precondition,
        refused: None,
    });
    sight
}

fn unstored(sight: &mut Sight) -> &mut UnstoredFacts {
    sight.unstored.as_mut().expect("a unstored token")
}

fn refused(retry: u64) -> Refused {
    Refused { reason: Reason::WriteFailed, said: None, attempts: 1, retry: boot(retry) }
}

#[test]
fn the_same_token_is_written_again_only_if_pods_or_we_depend_on_what_changed() {
    assert!(matches!(same_token().plan(500).act, Act::Keep { in_window: false }));
    let by_then = due_at(STABLE);
    assert!(
        matches!(same_token().plan(by_then).act, Act::Keep { in_window: true }),
        "any moment now"
    );
    let by_interval = |sight: &mut Sight| sight.mp.spec.refresh_interval_seconds = Some(400);
    let kept = same_token().with(by_interval).plan(500).act;
    assert!(matches!(kept, Act::Keep { in_window: false }), "only the interval has passed");
    let moved = |sight: &mut Sight| unstored(sight).token.expires = at(LIFE - 5);
    assert!(matches!(same_token().with(moved).plan(500).act, Act::Keep { .. }), "by seconds only");
    let written: [(&str, Change); 7] = [
        ("its end moved by more", |sight| unstored(sight).token.expires = at(LIFE - 6)),
        ("it is another token", |sight| unstored(sight).token.fingerprint = "sha256:new".into()),
        ("a late request may replace it", |sight| unstored(sight).unconfirmed = true),
        ("a late request might have replaced it", |sight| sight.intends("call-0", true)),
        ("another credential brought it", |sight| unstored(sight).sent.digest = "another".into()),
        ("another mode brought it", |sight| unstored(sight).sent.mode = "Other".into()),
        ("it belongs into another Secret", |sight| unstored(sight).name = "renamed".into()),
    ];
    for (what, change) in written {
        assert!(matches!(same_token().with(change).plan(500).act, Act::Store), "{what}");
    }
}

#[test]
fn a_token_whose_write_was_refused_waits_and_is_dropped_when_its_time_is_over() {
    let new = || same_token().with(|sight| unstored(sight).token.fingerprint = "sha256:new".into());
    let waiting = |retry| new().with(|sight| unstored(sight).refused = Some(refused(retry)));
    let planned = waiting(510).plan(500);
    assert!(matches!(planned.act, Act::Status(_)), "it is reported: {planned:?}");
    assert_eq!(planned.wake, Duration::from_secs(10));
    assert!(matches!(waiting(500).plan(500).act, Act::Store));
    let by_then = due_at(STABLE);
    assert!(matches!(new().plan(by_then).act, Act::Store), "it has yet to be tried");
    assert!(matches!(waiting(500).plan(by_then).act, Act::Drop), "the next one is due");
    assert!(matches!(new().plan(LIFE).act, Act::Drop), "it has expired");
}
