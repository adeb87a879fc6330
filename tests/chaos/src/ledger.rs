//! The ledger of a run, for people: rotations, crashes, dead tokens, mints and why. Judges nothing itself.

use std::{collections::BTreeMap, fmt};

use platform_simulator::Millis;

use crate::{
    judge::{
        Evidence,
        calls::{self, Calls},
        lease::{self, Honoured},
        tokens::{self, Dead},
    },
    readers,
    record::{Struck, Whom, seconds},
};

/// What a run came to.
pub struct Ledger {
    length: Millis,
    recovered: Millis,
    struck: Vec<Struck>,
    missed: usize,
    rows: Vec<Row>,
    honoured: Honoured,
    /// Promises that were broken, with the evidence.
    blames: Vec<String>,
}

struct Row {
    name: String,
    life: Millis,
    dead: Dead,
    calls: Calls,
}

impl Ledger {
    pub fn of(evidence: &Evidence<'_>, recovered: Millis) -> Self {
        let mut blames = evidence.told.blames.clone();
        let mut rows = Vec::new();
        for seen in &evidence.apps {
            let (dead, calls) = (tokens::judge(evidence, seen), calls::judge(evidence, seen));
            blames.extend(dead.blames.iter().chain(&calls.blames).cloned());
            rows.push(Row { name: seen.app.name.clone(), life: seen.app.lives.life, dead, calls });
        }
        let honoured = lease::judge(evidence);
        blames.extend(honoured.blames.iter().cloned());
        Self {
            length: evidence.pace.length,
            recovered,
            struck: evidence.told.struck.clone(),
            missed: evidence.told.missed,
            rows,
            honoured,
            blames,
        }
    }

    pub fn is_good(&self) -> bool {
        self.blames.is_empty()
    }

    fn sum(&self, of: impl Fn(&Row) -> usize) -> usize {
        self.rows.iter().map(of).sum()
    }

    /// How often each was hit how.
    fn blows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<16}{:>9}{:>9}{:>9}", "hit", "kill -9", "SIGTERM", "SIGSTOP")?;
        for whom in [Whom::Operator(0), Whom::Operator(1), Whom::ApiServer, Whom::Etcd] {
            let count = |name| self.struck.iter().filter(|struck| struck.whom == whom && struck.blow.name() == name).count();
            let [kills, ends, stops] = ["kill -9", "SIGTERM", "SIGSTOP"].map(count);
            writeln!(f, "{:<16}{kills:>9}{ends:>9}{stops:>9}", whom.to_string())?;
        }
        let led = self.struck.iter().filter(|struck| struck.led).count();
        let in_call = self.struck.iter().filter(|struck| struck.led && struck.in_call).count();
        let (all, missed) = (self.struck.len(), self.missed);
        writeln!(
            f,
            "{all} in all, {led} of them at the leader, {in_call} of these just after a call; {missed} more found their victim down"
        )
    }

    fn apps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["life", "calls", "ideal", "mints", "beyond", "presented", "dead", "excused"];
        write!(f, "\n{:<10}", "app")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>10}"))?;
        for row in &self.rows {
            let (dead, calls) = (&row.dead, &row.calls);
            let beyond: usize = calls.beyond.values().sum();
            write!(f, "\n{:<10}{:>8} s{:>10}{:>10}", row.name, row.life / 1000, calls.made, calls.ideal)?;
            write!(f, "{:>10}{beyond:>10}{:>10}", calls.minted, dead.presented)?;
            write!(f, "{:>8.1} s{:>8.1} s", seconds(dead.millis), seconds(dead.excused))?;
        }
        writeln!(f)
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |of: fn(&Dead) -> Millis| self.rows.iter().map(|row| of(&row.dead)).sum::<Millis>();
        let (dead, excused) = (millis(|dead| dead.millis), millis(|dead| dead.excused));
        let rotations = self.sum(|row| row.calls.ideal.saturating_sub(1));
        writeln!(f, "\nrotations due by time: {rotations}")?;
        let kills = self.struck.iter().filter(|struck| struck.blow.name() == "kill -9").count();
        writeln!(f, "crashes: {kills}")?;
        writeln!(
            f,
            "dead-token seconds, by readers that look every {} ms: {:.1}, excused {:.1}, beyond physics {:.1}",
            readers::EVERY.as_millis(),
            seconds(dead),
            seconds(excused),
            seconds(dead - excused),
        )?;
        let (due, fair) = (self.sum(|row| row.dead.due), self.sum(|row| row.dead.fair));
        writeln!(f, "  an operator had a fair chance to replace {fair} of the {due} tokens whose time came")?;
        self.rows.iter().flat_map(|row| &row.dead.excuses).try_for_each(|excuse| writeln!(f, "  excused: {excuse}"))?;
        let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
        for (cause, times) in self.rows.iter().flat_map(|row| &row.calls.beyond) {
            *causes.entry(cause).or_default() += times;
        }
        let (mints, spare) = (causes.values().sum::<usize>(), self.sum(|row| row.calls.spare));
        writeln!(f, "mints beyond the ideal: {mints}; calls beyond it that minted nothing: {spare}")?;
        causes.iter().try_for_each(|(cause, times)| writeln!(f, "  {times:>3}  {cause}"))?;
        let lease = &self.honoured;
        writeln!(f, "calls by who held the Lease: {} of {}", lease.calls - lease.stray_calls, lease.calls)?;
        writeln!(
            f,
            "stops that outlasted a term: {}, of a leader {}; calls upon waking {}, writes upon waking {}",
            lease.late, lease.late_leaders, lease.late_calls, lease.late_writes
        )?;
        writeln!(f, "well again {:.1} s after the last fault was mended", seconds(self.recovered))
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nthe ledger of {} s", self.length / 1000)?;
        self.blows(f)?;
        self.apps(f)?;
        self.totals(f)?;
        if self.is_good() {
            return writeln!(f, "\nevery promise was kept");
        }
        writeln!(f, "\n{} promises were broken:", self.blames.len())?;
        self.blames.iter().try_for_each(|blame| writeln!(f, "- {blame}"))
    }
}
