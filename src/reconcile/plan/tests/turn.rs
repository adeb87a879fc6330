//! Whose turn it is among the objects of one app.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, STABLE, Sight, at, mini_program};
use crate::{
    api::{ConditionType, MiniProgram, Reason, TokenMode, conditions},
    reconcile::call::Why,
};

fn rival(mode: TokenMode, name: &str, created: &str, accepted: Option<bool>) -> MiniProgram {
    let mut rival = mini_program(mode);
    (rival.metadata.name, rival.metadata.uid) = (Some(name.into()), Some(format!("{name}-uid")));
    rival.metadata.creation_timestamp = Some(Time(created.parse().expect("a time")));
    if let Some(accepted) = accepted {
        let truth = if accepted { conditions::Truth::True } else { conditions::Truth::False };
        let reason = if accepted { Reason::Accepted } else { Reason::CredentialRejected };
        let verdict = conditions::Verdict { truth, reason, message: String::new() };
        let status = rival.status.get_or_insert_default();
        conditions::set(&mut status.conditions, ConditionType::CredentialValid, &verdict, Some(1), at(0));
    }
    rival
}

const OLDER: &str = "2026-04-01T00:00:00Z";
const YOUNGER: &str = "2026-05-01T09:00:00Z";

#[test]
fn the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody() {
    let new = |rivals: Vec<MiniProgram>| Sight::new(LEGACY).with(|sight| sight.rivals = rivals);
    new(vec![rival(LEGACY, "a", OLDER, Some(false))]).asks(500, Why::NoToken);
    new(vec![rival(LEGACY, "a", OLDER, Some(true))]).keeps_silent(500);
    new(vec![rival(LEGACY, "a", OLDER, None)]).keeps_silent(500);
    new(vec![rival(LEGACY, "a", YOUNGER, None)]).asks(500, Why::NoToken);
    new(vec![rival(LEGACY, "a", YOUNGER, Some(true))]).keeps_silent(500);
    new(vec![rival(STABLE, "a", OLDER, Some(true))]).asks(500, Why::NoToken);
    let mut suspended = rival(LEGACY, "a", OLDER, Some(true));
    suspended.spec.suspend = true;
    new(vec![suspended]).asks(500, Why::NoToken);
    // On a stable endpoint nobody takes anything from anybody.
    Sight::new(STABLE).with(|sight| sight.rivals = vec![rival(STABLE, "a", OLDER, Some(true))]).asks(500, Why::NoToken);
}

#[test]
fn who_stops_being_a_loser_asks_at_once() {
    let mut sight = Sight::healthy(LEGACY);
    let verdict = conditions::Verdict { truth: conditions::Truth::False, reason: Reason::AppIdConflict, message: String::new() };
    conditions::set(&mut sight.status().conditions, ConditionType::TokenFresh, &verdict, Some(1), at(0));
    sight.asks(500, Why::WonApp);
}

#[test]
fn a_rivals_newer_token_is_asked_after_once_on_stable_endpoints() {
    let mut newer = rival(STABLE, "a", OLDER, Some(true));
    let mut token = Sight::healthy(STABLE).status().token.clone().expect("a token");
    (token.fingerprint, token.issue_time) = ("sha256:newer".into(), Time(at(400)));
    newer.status.get_or_insert_default().token = Some(token);
    Sight::healthy(STABLE).with(|sight| sight.rivals = vec![newer.clone()]).asks(500, Why::RivalNewer);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.rivals = vec![newer]);
    sight.recall.rival_asked = Some("sha256:newer".into());
    sight.keeps_silent(500);
}
