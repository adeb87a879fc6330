//! The ledger of a run, for people: faults, rotations, dead tokens, mints, the Lease, and the
//! judgement. Judges nothing itself.

use std::fmt;

use judge::{
    Millis, Promise, Verdict,
    facts::{Facts, last},
    judge,
};

use crate::{
    evidence,
    losses::Losses,
    pace::Pace,
    record::{Struck, Told, Whom, seconds},
    script::Blow,
    stage::{App, NAMESPACE, Stage},
};

/// Whole seconds on both sides, and a clock that is read before the call is sent.
const EARLY: Millis = 2_500;

/// What a run came to.
pub struct Ledger {
    told: Told,
    rows: Vec<Row>,
    lost: usize,
    honoured: Honoured,
    verdict: Verdict,
}

struct Row {
    name: String,
    life: Millis,
    calls: usize,
    minted: usize,
    /// Tokens that were made because it was time.
    ideal: usize,
    /// How often pods used a token.
    used: usize,
    /// For how long the Secret held a dead token, and how much of that was in calm.
    dead: Millis,
    dead_in_calm: Millis,
}

/// How the Lease was honoured.
#[derive(Default)]
struct Honoured {
    calls: usize,
    calls_of_holders: usize,
    /// Stops that outlasted a term, and how many of those were of a leader.
    late: usize,
    late_leaders: usize,
    /// What those who woke late did before they led again.
    late_calls: usize,
    late_writes: usize,
}

impl Ledger {
    pub fn of(stage: &Stage, pace: &Pace) -> Self {
        let told = stage.record.with(|told| told.clone());
        let (rules, end) = (pace.rules(), stage.simulator.now_ms());
        let log = evidence::log(stage, pace, &told);
        let mut verdict = judge(&log, &rules, end);
        for blame in &told.blames {
            verdict.add(Promise::Soundness, end, blame.clone());
        }
        let facts = Facts::of(&log, &rules, end);
        let losses = Losses::of(&facts, &told.struck);
        for (at, what) in losses.unexplained {
            verdict.add(Promise::Soundness, at, what);
        }
        let expected = pace.calm() * pace.bouts * stage.apps.len() as u64;
        if verdict.calm < expected {
            let what = format!("only {} s of calm were judged", verdict.calm / 1000);
            verdict.add(Promise::Soundness, end, what);
        }
        let rows = stage.apps.iter().map(|app| Row::of(app, &facts, told.began)).collect();
        let lost = losses.lost;
        Self { lost, honoured: Honoured::of(pace, &told, &facts), told, rows, verdict }
    }

    pub fn is_good(&self) -> bool {
        self.verdict.is_good()
    }

    /// How often each was hit how.
    fn blows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let struck = &self.told.struck;
        writeln!(f, "\n{:<16}{:>9}{:>9}{:>9}", "hit", "kill -9", "SIGTERM", "SIGSTOP")?;
        for whom in [Whom::Operator(0), Whom::Operator(1), Whom::ApiServer, Whom::Etcd] {
            let count = |name| {
                struck
                    .iter()
                    .filter(|struck| struck.whom == whom && struck.blow.name() == name)
                    .count()
            };
            let [kills, ends, stops] = ["kill -9", "SIGTERM", "SIGSTOP"].map(count);
            writeln!(f, "{:<16}{kills:>9}{ends:>9}{stops:>9}", whom.to_string())?;
        }
        let led = struck.iter().filter(|struck| struck.led).count();
        let in_call = struck.iter().filter(|struck| struck.led && struck.in_call).count();
        let (all, missed) = (struck.len(), self.told.missed);
        writeln!(
            f,
            "{all} in all, {led} at the leader, {in_call} of these just after a call; {missed} found no victim"
        )
    }

    fn apps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["life", "calls", "mints", "ideal", "used", "dead", "in calm"];
        write!(f, "\n{:<10}", "app")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>10}"))?;
        for row in &self.rows {
            write!(
                f,
                "\n{:<10}{:>8} s{:>10}{:>10}",
                row.name,
                row.life / 1000,
                row.calls,
                row.minted
            )?;
            write!(f, "{:>10}{:>10}", row.ideal, row.used)?;
            write!(f, "{:>8.1} s{:>8.1} s", seconds(row.dead), seconds(row.dead_in_calm))?;
        }
        writeln!(f)
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |of: fn(&Row) -> usize| self.rows.iter().map(of).sum::<usize>();
        let millis = |of: fn(&Row) -> Millis| seconds(self.rows.iter().map(of).sum::<Millis>());
        let kills =
            self.told.struck.iter().filter(|struck| struck.blow.name() == "kill -9").count();
        writeln!(f, "\nrotations due by time: {}", sum(|row| row.ideal.saturating_sub(1)))?;
        writeln!(f, "crashes: {kills}")?;
        let (dead, beyond) = (millis(|row| row.dead), millis(|row| row.dead_in_calm));
        writeln!(f, "dead-token seconds: {dead:.1}, beyond physics {beyond:.1}")?;
        let beyond = sum(|row| row.minted - row.ideal);
        writeln!(
            f,
            "mints beyond the ideal: {beyond}; tokens that were lost on their way: {}",
            self.lost
        )?;
        let lease = &self.honoured;
        writeln!(f, "calls by who held the Lease: {} of {}", lease.calls_of_holders, lease.calls)?;
        let (late, leaders) = (lease.late, lease.late_leaders);
        let (calls, writes) = (lease.late_calls, lease.late_writes);
        write!(f, "stops that outlasted a term: {late}, of a leader {leaders}; ")?;
        writeln!(f, "calls upon waking {calls}, writes upon waking {writes}")?;
        let calm = self.verdict.calm / self.rows.len().max(1) as u64;
        writeln!(f, "calm in which liveness was judged: {:.1} s", seconds(calm))
    }
}

impl Row {
    fn of(app: &App, facts: &Facts<'_>, began: Millis) -> Self {
        let seen = &facts.apps[app.id.as_str()];
        let lives = facts.tokens.values().filter(|life| life.app == app.id);
        let mut minted: Vec<_> = lives.map(|life| life.minted).collect();
        minted.sort_unstable();
        let after = app.lives.rotates_after;
        let due = minted.windows(2).filter(|pair| pair[1] + EARLY >= pair[0] + after).count();
        let target = format!("{NAMESPACE}/{}", app.target());
        let (dead, _) = facts.dead((&app.id, &target), (began, facts.end), 0);
        Self {
            name: app.name.clone(),
            life: app.lives.life,
            calls: seen.calls.len(),
            minted: minted.len(),
            ideal: due + 1,
            used: seen.used.len(),
            dead: dead.length(),
            dead_in_calm: dead.within(&seen.calm).length(),
        }
    }
}

impl Honoured {
    fn of(pace: &Pace, told: &Told, facts: &Facts<'_>) -> Self {
        let calls = || facts.apps.values().flat_map(|app| &app.calls);
        let held = |by, at| last(&facts.leases, at).is_some_and(|lease| lease.is.by == by);
        let mut honoured = Self {
            calls: calls().count(),
            calls_of_holders: calls().filter(|call| held(call.is.by, call.from)).count(),
            ..Self::default()
        };
        let is_late = |struck: &&Struck| {
            matches!(struck.blow, Blow::Stop { .. }) && struck.back - struck.from > pace.term()
        };
        for struck in told.struck.iter().filter(is_late) {
            let Some(victim) = struck.victim else { continue };
            honoured.late += 1;
            honoured.late_leaders += usize::from(struck.led);
            let led = facts
                .leases
                .iter()
                .find(|lease| lease.is.by == victim && lease.from >= struck.back);
            let sleepy = struck.back..led.map_or(Millis::MAX, |lease| lease.from);
            let wrote = facts
                .writes
                .iter()
                .filter(|write| write.is == victim && sleepy.contains(&write.from));
            let called = calls().filter(|call| call.is.by == victim && sleepy.contains(&call.from));
            honoured.late_writes += wrote.count();
            honoured.late_calls += called.count();
        }
        honoured
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.blows(f)?;
        self.apps(f)?;
        self.totals(f)?;
        if self.is_good() {
            return writeln!(f, "\nevery promise was kept");
        }
        writeln!(f, "\n{} promises were broken:", self.verdict.broken.len())?;
        self.verdict.broken.iter().try_for_each(|broken| writeln!(f, "- {broken}"))
    }
}
