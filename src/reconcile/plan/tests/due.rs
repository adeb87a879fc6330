//! When the token's own times make the next call due.

use std::time::Duration;

use proptest::prelude::*;

use super::sight::{APP, at};
use crate::{
    platform::{Lead, Reissue},
    projection::TokenFacts,
    reconcile::plan::{
        due::Schedule,
        time::{after, span},
    },
};

fn schedule(reissue: Reissue, lead: Option<u64>, last_took: u64) -> Schedule {
    Schedule {
        reissue,
        lead: Lead { default: MINUTES_5, longest: Duration::from_secs(3600) },
        wanted_lead: lead.map(Duration::from_secs),
        interval: None,
        last_took: Duration::from_secs(last_took),
        app: APP.into(),
    }
}

fn life(seconds: u64) -> TokenFacts {
    TokenFacts { fingerprint: "sha256:x".into(), issued: at(0), expires: at(seconds) }
}

const MINUTES_5: Duration = Duration::from_secs(300);
const LASTING: Reissue = Reissue::SameUntil { window: MINUTES_5 };
const REPLACING: Reissue = Reissue::Replaces { overlap: MINUTES_5 };

#[test]
fn short_lives_are_halved_and_the_same_token_is_asked_for_again_soon() {
    for reissue in [LASTING, REPLACING] {
        let schedule = schedule(reissue, None, 0);
        for (seconds, next) in [(300, 150), (20, 10), (4, 2), (3, 2), (1, 2)] {
            assert_eq!(schedule.next(&life(seconds), at(0), None), at(next), "{seconds}");
        }
        // The same token came back inside its window: every 15 s, and sooner the nearer its end is.
        assert_eq!(schedule.next(&life(300), at(0), Some(at(150))), at(165));
        assert_eq!(schedule.next(&life(300), at(0), Some(at(290))), at(295));
        assert_eq!(
            schedule.next(&life(300), at(0), Some(at(300))),
            after(at(300), Duration::from_millis(500))
        );
        // A platform that returns it after its end is asked less and less often.
        for (asked, next) in [(310, 315), (400, 450), (9000, 9300)] {
            assert_eq!(schedule.next(&life(300), at(0), Some(at(asked))), at(next), "{asked}");
        }
    }
}

#[test]
fn the_interval_counts_from_the_last_check() {
    let mut schedule = schedule(LASTING, None, 0);
    schedule.interval = Some(Duration::from_secs(600));
    assert_eq!(schedule.next(&life(7200), at(1000), None), at(1600));
    assert!(schedule.next(&life(7200), at(6800), None) < at(7000));
}

proptest! {
    #[test]
    fn a_refresh_leaves_pods_time_and_comes_within_its_window(
        lead in prop::option::of(120_u64..=300), last_took in 0_u64..20, life_seconds in 301_u64..7200, app in "[a-z0-9]{16}",
        rotating: bool,
    ) {
        let reissue = if rotating { REPLACING } else { LASTING };
        let schedule = Schedule { app, ..schedule(reissue, lead, last_took) };
        let token = life(life_seconds);
        let left = span(schedule.next(&token, at(0), None), token.expires).as_secs_f64();
        let lead = f64::from(u32::try_from(lead.unwrap_or(300)).expect("small"));
        prop_assert!(left <= lead, "never before the window: {left}");
        prop_assert!(left >= lead - 60.0, "guard and spread are 60 s at most: {left}");
        prop_assert!(left >= 95.0, "pods lag 90 s: {left}");
    }

    #[test]
    fn the_next_call_is_never_put_off_past_the_end_by_more_than_two_seconds(
        life_seconds in 1_u64..7200, checked in 0_u64..7200, rotating: bool,
    ) {
        let reissue = if rotating { REPLACING } else { LASTING };
        let checked = checked.min(life_seconds);
        let next = schedule(reissue, None, 0).next(&life(life_seconds), at(0), Some(at(checked)));
        prop_assert!(next > at(checked));
        prop_assert!(next <= at(life_seconds.max(checked) + 2));
    }
}
