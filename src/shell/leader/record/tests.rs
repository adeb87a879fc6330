//! Tables over single decisions, and a simulation in which two candidates must never lead at once.

use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;

use super::*;

const DURATION: Duration = Duration::from_mins(1);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(boot: u64) -> Now {
    Now {
        wall: Timestamp::from_second(1_000_000 + i64::try_from(boot).unwrap()).unwrap(),
        boot: secs(boot),
    }
}

fn lease(holder: &str, seconds: i32, version: u64) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.resource_version = Some(version.to_string());
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(holder.to_owned());
    spec.lease_duration_seconds = Some(seconds);
    spec.lease_transitions = Some(4);
    lease
}

fn me() -> Candidate {
    Candidate::new("me".into(), DURATION)
}

#[track_caller]
fn check_standby(sightings: &[(u64, Option<Lease>)], boot: u64, want: Step) {
    let mut candidate = me();
    for (seen_at, lease) in sightings {
        candidate.saw(lease.clone(), secs(*seen_at));
    }
    assert_eq!(candidate.next(secs(boot)), want);
}

#[test]
fn a_standby_takes_only_what_is_free() {
    check_standby(&[], 0, Step::Read);
    check_standby(&[(0, None)], 0, Step::Write);
    check_standby(&[(0, Some(lease("", 1, 1)))], 0, Step::Write);
    // Our own write whose response was lost.
    check_standby(&[(0, Some(lease("me", 60, 1)))], 0, Step::Write);
    check_standby(&[(0, Some(lease("her", 60, 1)))], 0, Step::Wait(secs(10)));
    check_standby(&[(0, Some(lease("her", 60, 1)))], 10, Step::Read);
    // Whatever its times are: it lasts from when it was first seen.
    check_standby(&[(1000, Some(lease("her", 60, 1)))], 1009, Step::Wait(secs(1010)));
    check_standby(
        &[(0, Some(lease("her", 60, 1))), (55, Some(lease("her", 60, 1)))],
        59,
        Step::Wait(secs(60)),
    );
    check_standby(
        &[(0, Some(lease("her", 60, 1))), (60, Some(lease("her", 60, 1)))],
        60,
        Step::Write,
    );
    check_standby(
        &[(0, Some(lease("her", 60, 1))), (59, Some(lease("her", 60, 2)))],
        60,
        Step::Wait(secs(69)),
    );
    // The duration in the Lease applies; if it is not positive, ours applies.
    check_standby(&[(0, Some(lease("her", 5, 1))), (5, Some(lease("her", 5, 1)))], 5, Step::Write);
    check_standby(
        &[(0, Some(lease("her", 600, 1))), (60, Some(lease("her", 600, 1)))],
        60,
        Step::Wait(secs(70)),
    );
    check_standby(
        &[(0, Some(lease("her", -1, 1))), (30, Some(lease("her", -1, 1)))],
        30,
        Step::Wait(secs(40)),
    );
    // Suspended for an hour between two reads: it reads the Lease before it acquires it.
    check_standby(&[(0, Some(lease("her", 60, 1)))], 3600, Step::Read);
    check_standby(
        &[(0, Some(lease("her", 60, 1))), (3600, Some(lease("her", 60, 2)))],
        3600,
        Step::Wait(secs(3610)),
    );
}

#[test]
fn a_holder_renews_and_stops_by_its_clock() {
    let mut holder = me();
    holder.wrote(lease("me", 60, 1), secs(100));
    for (boot, want) in [
        (100, Step::Wait(secs(110))),
        (110, Step::Write),
        (139, Step::Write),
        (140, Step::Stop(Lost::NotRenewed)),
        (9999, Step::Stop(Lost::NotRenewed)),
    ] {
        assert_eq!(holder.next(secs(boot)), want, "at {boot}");
    }
    holder.failed(secs(111));
    assert_eq!(holder.next(secs(111)), Step::Wait(secs(116)));
    assert_eq!(holder.next(secs(116)), Step::Read, "the outcome is unknown");
    holder.failed(secs(138));
    assert_eq!(holder.next(secs(138)), Step::Wait(secs(140)), "never past the end");

    let after = |seen: Option<Lease>| {
        let mut holder = me();
        holder.wrote(lease("me", 60, 1), secs(100));
        holder.failed(secs(111));
        holder.saw(seen, secs(116));
        holder.next(secs(116))
    };
    assert_eq!(after(Some(lease("me", 60, 2))), Step::Write, "only touched, or our own late write");
    assert_eq!(after(Some(lease("her", 60, 2))), Step::Stop(Lost::Taken));
    assert_eq!(after(Some(lease("", 1, 2))), Step::Stop(Lost::Taken));
    assert_eq!(after(None), Step::Stop(Lost::Deleted));
}

#[test]
fn the_record_is_written_as_client_go_does() {
    let spec = |lease: Lease| lease.spec.unwrap();
    let mut candidate = me();
    candidate.saw(None, secs(0));
    let created = spec(candidate.claim(at(1)));
    assert_eq!((created.lease_transitions, created.lease_duration_seconds), (Some(0), Some(60)));
    assert_eq!(created.acquire_time, created.renew_time);

    candidate.saw(Some(lease("her", 60, 7)), secs(0));
    let taken = candidate.claim(at(2));
    assert_eq!(
        taken.metadata.resource_version.as_deref(),
        Some("7"),
        "a lost race must be a conflict"
    );
    let taken_spec = spec(taken.clone());
    assert_eq!(
        (taken_spec.holder_identity.as_deref(), taken_spec.lease_transitions),
        (Some("me"), Some(5))
    );
    assert_eq!(candidate.release(at(2)), None, "not ours to give");

    candidate.wrote(taken, secs(2));
    let renewed = spec(candidate.claim(at(9)));
    assert_eq!(
        (renewed.lease_transitions, renewed.acquire_time),
        (Some(5), Some(MicroTime(at(2).wall)))
    );
    assert_eq!(renewed.renew_time, Some(MicroTime(at(9).wall)));
    let released = spec(candidate.release(at(9)).unwrap());
    assert_eq!(
        (released.holder_identity.as_deref(), released.lease_duration_seconds),
        (Some(""), Some(1))
    );
}

/// One step of a simulated candidate: the delays of its request and of the response, and how long
/// it is suspended afterwards.
#[derive(Clone, Debug)]
struct Turn {
    who: usize,
    to_server: u64,
    to_us: u64,
    lost: bool,
    stopped: u64,
}

fn turn() -> impl Strategy<Value = Turn> {
    let delay = || prop_oneof![4 => 0u64..3, 1 => 0u64..40];
    let stopped = prop_oneof![6 => 0u64..12, 1 => 0u64..200];
    (0usize..3, delay(), delay(), prop::bool::weighted(0.15), stopped).prop_map(
        |(who, to_server, to_us, lost, stopped)| Turn { who, to_server, to_us, lost, stopped },
    )
}

/// Three candidates with unrelated clocks. A second passes at each tick, while requests and
/// responses are under way.
#[derive(Default)]
struct World {
    lease: Option<Lease>,
    version: u64,
}

impl World {
    fn write(&mut self, mut new: Lease) -> Option<Lease> {
        let current = self.lease.as_ref().and_then(version);
        if version(&new) != current {
            return None;
        }
        self.version += 1;
        new.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(new);
        self.lease.clone()
    }
}

struct Player {
    candidate: Candidate,
    offset: u64,
    turns: Vec<Turn>,
    awake_at: u64,
    flight: Option<Flight>,
}

/// The Lease that a read or a write returned; none for a refused write.
#[derive(Clone)]
struct Answer(Option<Lease>);

struct Flight {
    claim: Option<(Lease, Duration)>,
    lands_at: u64,
    answer: Option<Answer>,
    turn: Turn,
}

impl Player {
    fn play(&mut self, world: &mut World, now: u64) {
        let boot = secs(now + self.offset);
        // The server handles the request also if the sender is suspended.
        if let Some(flight) =
            self.flight.as_mut().filter(|f| f.answer.is_none() && now >= f.lands_at)
        {
            let written = flight.claim.clone().map(|(lease, _)| world.write(lease));
            flight.answer = Some(Answer(written.unwrap_or_else(|| world.lease.clone())));
        }
        if now < self.awake_at {
            return;
        }
        if let Some(flight) =
            self.flight.take_if(|f| f.answer.is_some() && now >= f.lands_at + f.turn.to_us)
        {
            self.awake_at = now + flight.turn.stopped;
            match (flight.turn.lost, flight.claim, flight.answer.and_then(|answer| answer.0)) {
                (false, None, seen) => self.candidate.saw(seen, boot),
                (false, Some((_, sent)), Some(written)) => self.candidate.wrote(written, sent),
                _ => self.candidate.failed(boot),
            }
            return;
        }
        if self.flight.is_some() {
            return;
        }
        let claim = match self.candidate.next(boot) {
            Step::Wait(_) => return,
            Step::Stop(_) => return self.candidate.stopped(),
            Step::Read => None,
            Step::Write => {
                // The wall clock does not advance: nothing may depend on it.
                Some((self.candidate.claim(Now { wall: at(0).wall, boot }), boot))
            }
        };
        let Some(turn) = self.turns.pop() else { return };
        self.flight = Some(Flight { claim, lands_at: now + turn.to_server, answer: None, turn });
    }

    /// As `Term` decides it: by the clock alone.
    fn leads(&self, now: u64) -> bool {
        self.candidate.stop_at().is_some_and(|stop_at| secs(now + self.offset) < stop_at)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn never_two_leaders(offsets in prop::array::uniform3(0u64..100_000), turns in prop::collection::vec(turn(), 0..200)) {
        let mut world = World::default();
        let mut players: Vec<_> = (0..3).map(|who| Player {
            candidate: Candidate::new(format!("candidate-{who}"), DURATION),
            offset: offsets[who],
            turns: turns.iter().filter(|turn| turn.who == who).cloned().collect(),
            awake_at: 0,
            flight: None,
        }).collect();
        for now in 0..2_000 {
            for player in &mut players {
                player.play(&mut world, now);
            }
            prop_assert!(players.iter().filter(|player| player.leads(now)).count() <= 1, "two leaders at {now}");
        }
    }
}

#[test]
fn a_candidate_that_cannot_list_leaves_a_free_lease_to_others_for_some_durations() {
    for (seen, durations) in [(None, 1), (Some(lease("", 1, 1)), 1), (Some(lease("", 1, 1)), 2)] {
        let mut candidate = me();
        candidate.yield_to_others(durations);
        let free = 100 + 60 * u64::from(durations);
        for boot in [100, free - 1] {
            candidate.saw(seen.clone(), secs(boot));
            assert!(matches!(candidate.next(secs(boot)), Step::Wait(_)), "{boot}");
        }
        candidate.saw(seen.clone(), secs(free));
        assert_eq!(candidate.next(secs(free)), Step::Write);
        let mut candidate = me();
        candidate.saw(seen, secs(100));
        assert_eq!(candidate.next(secs(100)), Step::Write, "one that can list does not wait");
    }
}
