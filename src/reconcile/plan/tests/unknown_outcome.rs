//! When a call with an unknown outcome may still be executed after a new call: one of this object,
//! or of any object that asked for the same token.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, STABLE, Sight, at, boot, mini_program};
use crate::api::{Intent, MiniProgram, TokenMode};

fn sibling_that_intends(mode: TokenMode, at_seconds: u64) -> MiniProgram {
    let mut sibling = mini_program(mode);
    (sibling.metadata.name, sibling.metadata.uid) =
        (Some("sibling".into()), Some("sibling-uid".into()));
    sibling.status.get_or_insert_default().intent =
        Some(Intent { id: "call-9".into(), time: Time(at(at_seconds)), outcome_unknown: false });
    sibling
}

#[test]
fn an_open_intent_is_a_doubt_and_a_kept_one_until_it_has_landed() {
    let intends = |id: &str, outcome_unknown| {
        Sight::healthy(LEGACY).with(|sight| sight.intends(id, outcome_unknown))
    };
    assert!(!Sight::healthy(LEGACY).doubts(500));
    assert!(intends("call-9", false).doubts(500));
    assert!(intends("call-0", true).doubts(119));
    assert!(!intends("call-0", true).doubts(120));
    assert!(
        intends("call-0", false).doubts(119),
        "its id alone does not show that its token was stored"
    );
    assert!(!Sight::healthy(LEGACY).with(|sight| sight.closed_intent("call-0")).doubts(119));
}

#[test]
fn a_call_of_another_object_of_the_app_may_land_behind_ours() {
    let beside =
        |sibling: MiniProgram| Sight::healthy(LEGACY).with(|sight| sight.shown = vec![sibling]);
    assert!(beside(sibling_that_intends(LEGACY, 400)).doubts(500));
    assert!(!beside(sibling_that_intends(LEGACY, 400)).doubts(520));
    assert!(
        !beside(sibling_that_intends(STABLE, 400)).doubts(500),
        "each mode has a token of its own"
    );
    let stable = |sight: &mut Sight| sight.shown = vec![sibling_that_intends(STABLE, 400)];
    assert!(
        !Sight::healthy(STABLE).with(stable).doubts(500),
        "there it asks itself, and its newer token is asked after"
    );
}

#[test]
fn a_lost_call_of_an_object_that_is_gone_may_land_behind_ours() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| sight.app.unknown_at = Some(boot(400)));
    assert!(sight.doubts(519));
    assert!(!sight.doubts(520));
}
