//! The bare rules against WeChat's documents, on invented time: no request, no fault, no socket.

use platform_simulator::Millis;
use platform_simulator::model::{
    AppSettings, Calendar, DAY_MS, Family, Granted, Model, Refused, SecretRule, Standing, World,
};
use proptest::prelude::*;

const S: Millis = 1000;
const H: Millis = 3600 * S;

fn model(settings: AppSettings) -> Model {
    let mut model = Model::new(World::default());
    model.set_app("wx1", &AppSettings { secret: Some("right".to_owned()), ..settings });
    model
}

fn legacy(model: &mut Model, now: Millis) -> Granted {
    model.legacy(now, "wx1", "right").expect("a legacy token")
}

fn stable(model: &mut Model, now: Millis) -> Granted {
    model.stable(now, "wx1", "right", false).expect("a stable token")
}

fn forced(model: &mut Model, now: Millis) -> Result<Granted, Refused> {
    model.stable(now, "wx1", "right", true)
}

fn standing(model: &Model, now: Millis, granted: &Granted) -> Standing {
    model.standing(now, &granted.token).1
}

#[test]
fn a_legacy_call_leaves_the_token_before_five_minutes_and_only_two_live() {
    let mut model = model(AppSettings::default());
    let first = legacy(&mut model, 0);
    assert_eq!((first.expires_in, first.minted), (7200, true));
    let second = legacy(&mut model, H);
    for (now, want) in [
        (H, Standing::Live),
        (H + 300 * S - 1, Standing::Live),
        (H + 300 * S, Standing::Replaced),
        (2 * H, Standing::Expired),
    ] {
        assert_eq!(standing(&model, now, &first), want, "at {now}");
    }
    let third = legacy(&mut model, H + S);
    assert_eq!(standing(&model, H + S, &first), Standing::Replaced);
    assert_eq!(standing(&model, H + S, &second), Standing::Live);
    assert_eq!(standing(&model, 3 * H, &third), Standing::Live);
    assert_eq!(standing(&model, 3 * H + S, &third), Standing::Expired);
}

#[test]
fn a_token_replaced_in_its_last_minutes_ends_when_it_would_have() {
    let mut model = model(AppSettings::default());
    let first = legacy(&mut model, 0);
    legacy(&mut model, 2 * H - 10 * S);
    assert_eq!(standing(&model, 2 * H - 1, &first), Standing::Live);
    assert_eq!(standing(&model, 2 * H, &first), Standing::Expired);
}

#[test]
fn a_stable_token_is_the_same_with_its_remaining_seconds_until_the_window() {
    let mut model = model(AppSettings::default());
    let first = stable(&mut model, 0);
    for (now, seconds) in [(1, 7199), (S, 7199), (H, 3600), (2 * H - 300 * S - 1, 300)] {
        let again = stable(&mut model, now);
        assert_eq!((&again.token, again.expires_in, again.minted), (&first.token, seconds, false));
    }
    let window = 2 * H - 300 * S;
    let second = stable(&mut model, window);
    assert_eq!((second.expires_in, second.minted), (7200, true));
    assert_ne!(second.token, first.token);
    assert_eq!(standing(&model, 2 * H - 1, &first), Standing::Live);
    assert_eq!(standing(&model, 2 * H, &first), Standing::Expired);
    assert_eq!(stable(&mut model, 2 * H).token, second.token);
}

#[test]
fn a_forced_refresh_kills_at_once_and_needs_thirty_seconds() {
    let mut model = model(AppSettings::default());
    let first = stable(&mut model, 0);
    let second = forced(&mut model, S).expect("forced");
    assert_eq!(standing(&model, S, &first), Standing::Replaced);
    let too_soon = forced(&mut model, 31 * S - 1).expect("answered");
    assert_eq!((&too_soon.token, too_soon.expires_in), (&second.token, 7170));
    let third = forced(&mut model, 31 * S).expect("forced");
    assert!(third.minted);
    assert_eq!(standing(&model, 31 * S, &second), Standing::Replaced);
}

#[test]
fn twenty_forced_refreshes_a_day_and_then_only_unforced_calls() {
    let mut model = model(AppSettings::default());
    let forces = (1..=20).map(|n| forced(&mut model, n * 30 * S).expect("forced").token);
    let last = forces.last().expect("twenty");
    assert_eq!(forced(&mut model, H), Err(Refused::DayQuota));
    assert_eq!(stable(&mut model, H).token, last);
    assert!(forced(&mut model, DAY_MS).expect("a new day").minted);
}

#[test]
fn quotas_end_with_their_minute_or_day() {
    let quotas = AppSettings {
        legacy_per_day: Some(2),
        stable_per_minute: Some(2),
        stable_per_day: Some(3),
        ..AppSettings::default()
    };
    let mut model = Model::new(World {
        calendar: Calendar { day_ms: DAY_MS, first_midnight_ms: 10 * 60 * S },
        defaults: quotas,
        ..World::default()
    });
    model.set_app("wx1", &AppSettings::with_secret("right"));
    for (now, want) in
        [(0, None), (1, None), (600 * S - 1, Some(Refused::DayQuota)), (600 * S, None)]
    {
        assert_eq!(model.legacy(now, "wx1", "right").err(), want, "legacy at {now}");
    }
    for (now, want) in [
        (0, None),
        (59 * S, None),
        (60 * S - 1, Some(Refused::TooOften)),
        (60 * S, None),
        (61 * S, Some(Refused::DayQuota)),
        (600 * S - 1, Some(Refused::DayQuota)),
        (600 * S, None),
        (600 * S + DAY_MS, None),
    ] {
        assert_eq!(model.stable(now, "wx1", "right", false).err(), want, "stable at {now}");
    }
}

#[test]
fn refusals_leave_the_tokens_alone() {
    let mut model = model(AppSettings::default());
    let token = legacy(&mut model, 0);
    assert_eq!(model.legacy(1, "wx1", "wrong"), Err(Refused::BadSecret));
    assert_eq!(model.legacy(1, "wx2", "right"), Err(Refused::UnknownApp));
    model.set_app("wx1", &AppSettings { frozen: Some(true), ..AppSettings::default() });
    assert_eq!(model.stable(1, "wx1", "right", true), Err(Refused::Frozen));
    assert_eq!(standing(&model, 2 * H - 1, &token), Standing::Live);
}

#[test]
fn any_app_is_taken_in_by_its_secret_rule() {
    for (rule, secret, want) in [
        (SecretRule::SecretOf, "secret-of-wx9", None),
        (SecretRule::SecretOf, "other", Some(Refused::BadSecret)),
        (SecretRule::Any, "other", None),
    ] {
        let mut model = Model::new(World { accept_any_app: Some(rule), ..World::default() });
        // An app that is set up before it asks keeps the rule's secret.
        let faster = AppSettings { life_ms: Some(S), ..AppSettings::default() };
        model.set_app("wx8", &faster);
        for app_id in ["wx8", "wx9"] {
            let secret = secret.replace("wx9", app_id);
            let refused = model.stable(0, app_id, &secret, false).err();
            assert_eq!(refused, want, "{rule:?} {app_id} {secret}");
        }
    }
}

#[test]
fn other_times_are_scaled_with_the_life() {
    let rules = |life| AppSettings { life_ms: Some(life), ..AppSettings::default() }.rules();
    for (life, overlap, gap) in [(7200 * S, 300 * S, 30 * S), (60 * S, 2500, 250)] {
        let rules = rules(life);
        assert_eq!(
            (rules.overlap_ms, rules.window_ms, rules.force_gap_ms),
            (overlap, overlap, gap)
        );
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Legacy,
    Stable,
    Forced,
}

fn steps() -> impl Strategy<Value = Vec<(Millis, Step)>> {
    let pause = prop_oneof![0..400_u64, 0..70_000_u64];
    let step = prop_oneof![Just(Step::Legacy), Just(Step::Stable), Just(Step::Forced)];
    prop::collection::vec((pause, step), 1..60)
}

proptest! {
    /// Whatever is called when: the token handed out lives exactly as long as the answer says
    /// unless a later call of the same family shortens it, at most two of a family live, and the
    /// other family does not notice.
    #[test]
    fn every_answer_is_true(steps in steps()) {
        let mut model = model(AppSettings {
            life_ms: Some(60_000),
            force_per_day: Some(u32::MAX),
            ..AppSettings::default()
        });
        let rules = model.rules("wx1");
        let mut now = 0;
        for (pause, step) in steps {
            now += pause;
            let before = model.live_tokens(now, "wx1");
            let (family, force, granted) = match step {
                Step::Legacy => (Family::Legacy, false, model.legacy(now, "wx1", "right")),
                Step::Stable => (Family::Stable, false, model.stable(now, "wx1", "right", false)),
                Step::Forced => (Family::Stable, true, model.stable(now, "wx1", "right", true)),
            };
            let granted = granted.expect("no quota is near");
            let after = model.live_tokens(now, "wx1");
            let of = |tokens: &[platform_simulator::model::LiveToken], mine: bool| -> Vec<_> {
                tokens.iter().filter(|t| (t.family == family) == mine).cloned().collect()
            };
            prop_assert_eq!(of(&before, false), of(&after, false), "the other family is untouched");
            let (was, is) = (of(&before, true), of(&after, true));
            prop_assert!(is.len() <= 2);
            let newest = is.last().expect("the one handed out");
            prop_assert_eq!(&newest.token, &granted.token);
            prop_assert_eq!(granted.expires_in, (newest.dies_ms - now) / 1000);
            prop_assert_eq!(granted.minted, was.iter().all(|t| t.token != granted.token));
            if granted.minted {
                prop_assert_eq!(newest.dies_ms, now + rules.life_ms);
                let overlap = if force { 0 } else { rules.overlap_ms };
                let survivor = was.last().map(|t| t.dies_ms.min(now + overlap)).filter(|end| *end > now);
                let previous = is.len().checked_sub(2).map(|place| is[place].dies_ms);
                // A forced call that came too soon is an unforced one.
                let unforced = was.last().map(|t| t.dies_ms.min(now + rules.overlap_ms));
                prop_assert!(previous == survivor || (force && previous == unforced));
            } else {
                prop_assert_eq!(&was, &is);
                prop_assert!(newest.dies_ms - now > rules.window_ms);
            }
        }
    }
}
