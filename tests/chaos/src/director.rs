//! Carries out the plan: hits, mends, and writes down when. Plans nothing and judges nothing.

use futures::stream::{FuturesUnordered, StreamExt as _};
use local_cluster::Component;
use operator_harness::Process;
use tokio::{
    sync::Mutex,
    time::{Duration, Instant, sleep, sleep_until},
};

use crate::{
    pace::Pace,
    record::{Struck, Whom},
    script::{Aim, Blow, Planned},
    stage::Stage,
};

const POLL: Duration = Duration::from_millis(5);
/// The grace of the operator is 20 s; a kubelet would kill it ten seconds later.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Lets the plan happen: bouts, and peace after each, which begins when no fault is felt any more.
pub async fn direct(stage: &Stage, pace: &Pace, bouts: Vec<Vec<Planned>>) {
    for bout in bouts {
        fight(stage, pace, bout).await;
        println!("  peace for {} s, once it is no longer felt", pace.peace / 1000);
        let felt_until = |struck: &Struck| struck.felt_until(pace.lease);
        let felt = stage.record.with(|told| told.struck.iter().map(felt_until).max()).unwrap_or(0);
        let peace = felt.saturating_sub(stage.simulator.now_ms()) + pace.peace;
        sleep(Duration::from_millis(peace)).await;
    }
}

async fn fight(stage: &Stage, pace: &Pace, plan: Vec<Planned>) {
    let begin = Instant::now();
    // Of API server and etcd one at a time, also where one takes longer to come back than the plan
    // thinks.
    let control_plane = Mutex::new(());
    let strike = |planned| strike(stage, &control_plane, pace, begin, planned);
    let strikes = plan.into_iter().map(strike);
    strikes.collect::<FuturesUnordered<_>>().collect::<()>().await;
}

async fn strike(
    stage: &Stage,
    control_plane: &Mutex<()>,
    pace: &Pace,
    begin: Instant,
    planned: Planned,
) {
    sleep_until(begin + Duration::from_millis(planned.at)).await;
    let leader = || stage.record.with(|told| told.holder).unwrap_or(0);
    let strike_component =
        |component| strike_control_plane(stage, pace, control_plane, component, planned.blow);
    match planned.aim {
        Aim::ApiServer => strike_component(Component::ApiServer).await,
        Aim::Etcd => strike_component(Component::Etcd).await,
        Aim::Operator(nth) => strike_operator(stage, nth, planned).await,
        Aim::Leader => strike_operator(stage, leader(), planned).await,
        Aim::LeaderInCall { after } => {
            if until_next_call(stage, Duration::from_millis(pace.bout)).await {
                sleep(Duration::from_millis(after)).await;
                strike_operator(stage, leader(), planned).await;
            } else {
                stage.record.with(|told| told.missed += 1);
            }
        }
    }
}

/// Whether the platform receives another call soon; returns as soon as it has.
async fn until_next_call(stage: &Stage, within: Duration) -> bool {
    let calls = || {
        let total = stage.simulator.all_counts().total;
        total.legacy + total.stable
    };
    let (before, deadline) = (calls(), Instant::now() + within);
    while calls() == before {
        if Instant::now() > deadline {
            return false;
        }
        sleep(POLL).await;
    }
    true
}

async fn strike_operator(stage: &Stage, nth: usize, planned: Planned) {
    let take = |nth: usize| {
        let mut place = stage.replicas[nth].take_hold()?;
        place.take().map(|process| (nth, place, process))
    };
    // Where that one is down already, it is the other one's turn.
    let Some((nth, mut place, process)) = take(nth).or_else(|| take(1 - nth)) else {
        return stage.record.with(|told| told.missed += 1);
    };
    let (replica, other) = (&stage.replicas[nth], 1 - nth);
    let other_runs = stage.replicas[other].take_hold().is_some();
    let holder = stage.record.with(|told| told.holder);
    let from = stage.simulator.now_ms();
    let victim = stage.process_of(nth);
    let (process, gone) = match planned.blow {
        Blow::Kill { away } => {
            let mut process = process;
            process.kill();
            sleep(Duration::from_millis(away)).await;
            (replica.new_process(stage), from)
        }
        Blow::Terminate { away } => {
            end(stage, process, Whom::Operator(nth)).await;
            let gone = stage.simulator.now_ms();
            sleep(Duration::from_millis(away)).await;
            (replica.new_process(stage), gone)
        }
        Blow::Stop { lasts } => {
            process.pause();
            sleep(Duration::from_millis(lasts)).await;
            process.resume();
            (process, from)
        }
    };
    *place = Some(process);
    let struck = Struck {
        gone,
        back: stage.simulator.now_ms(),
        in_call: matches!(planned.aim, Aim::LeaderInCall { .. }),
        idle: other_runs && holder == Some(other),
        led: holder == Some(nth),
        victim,
        ..Struck::of(Whom::Operator(nth), planned.blow, from)
    };
    note(stage, struck);
}

/// Tells it to end, and waits for that; it must, and without complaint.
async fn end(stage: &Stage, mut process: Process, whom: Whom) {
    process.tell_to_end();
    let deadline = Instant::now() + ENDS_WITHIN;
    loop {
        match process.ended() {
            Some(status) if status.success() => return,
            Some(status) => {
                return stage
                    .record
                    .blame(format!("{whom} was told to end, and ended with {status}"));
            }
            None if Instant::now() > deadline => {
                process.kill();
                return stage.record.blame(format!(
                    "{whom} was told to end, and had not after {} s",
                    ENDS_WITHIN.as_secs()
                ));
            }
            None => sleep(POLL).await,
        }
    }
}

async fn strike_control_plane(
    stage: &Stage,
    pace: &Pace,
    turn: &Mutex<()>,
    component: Component,
    blow: Blow,
) {
    let Ok(_turn) = turn.try_lock() else { return stage.record.with(|told| told.missed += 1) };
    let cluster = &stage.cluster;
    let from = stage.simulator.now_ms();
    match blow {
        Blow::Kill { away } => {
            cluster.kill(component).expect("a kill");
            sleep(Duration::from_millis(away)).await;
            cluster.restart(component).await.expect("a restart");
        }
        Blow::Terminate { away } => {
            // A static pod's grace is 30 s; nobody works meanwhile, so it is less here.
            cluster
                .terminate(component, Duration::from_millis(pace.bout / 4))
                .await
                .expect("an end");
            sleep(Duration::from_millis(away)).await;
            cluster.restart(component).await.expect("a restart");
        }
        Blow::Stop { lasts } => {
            cluster.pause(component).expect("a pause");
            sleep(Duration::from_millis(lasts)).await;
            cluster.resume(component).expect("a resumption");
        }
    }
    cluster.ready().await.expect("a control plane that recovers");
    let whom = if component == Component::Etcd { Whom::Etcd } else { Whom::ApiServer };
    let back = stage.simulator.now_ms();
    note(stage, Struck { back, ..Struck::of(whom, blow, from) });
}

fn note(stage: &Stage, struck: Struck) {
    println!("  {struck}");
    stage.record.with(|told| told.struck.push(struck));
}
