//! Carries out the plan: hits, mends, and writes down when. Plans nothing and judges nothing.

use std::pin::pin;

use futures::stream::{FuturesUnordered, StreamExt as _};
use local_cluster::Component;
use operator_harness::Process;
use tokio::{
    sync::Mutex,
    time::{Duration, Instant, sleep, sleep_until},
};

use crate::{
    record::{Struck, Whom},
    script::{Aim, Blow, Planned},
    stage::Stage,
};

/// A call is waited for no longer than that.
const CALL_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
/// A static pod's is 30 s; nobody works meanwhile, so it is less here.
const GRACE: Duration = Duration::from_secs(10);
/// The grace of the operator is 20 s; a kubelet would kill it ten seconds later.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Lets the plan happen, and returns when all that was hit works again.
pub async fn direct(stage: &Stage, plan: Vec<Planned>) {
    let begin = Instant::now();
    // Of API server and etcd one at a time, also where one takes longer to come back than the plan thinks.
    let control_plane = Mutex::new(());
    let mut under_way = FuturesUnordered::new();
    for planned in plan {
        let mut its_time = pin!(its_time(stage, begin, planned));
        loop {
            tokio::select! {
                () = &mut its_time => break,
                Some(()) = under_way.next() => {}
            }
        }
        under_way.push(strike(stage, &control_plane, planned));
    }
    while let Some(()) = under_way.next().await {}
}

async fn its_time(stage: &Stage, begin: Instant, planned: Planned) {
    sleep_until(begin + Duration::from_millis(planned.at)).await;
    if let Aim::LeaderInCall { after } = planned.aim {
        until_next_call(stage).await;
        sleep(Duration::from_millis(after)).await;
    }
}

async fn strike(stage: &Stage, control_plane: &Mutex<()>, planned: Planned) {
    match planned.aim {
        Aim::ApiServer => strike_control_plane(stage, control_plane, Component::ApiServer, planned.blow).await,
        Aim::Etcd => strike_control_plane(stage, control_plane, Component::Etcd, planned.blow).await,
        Aim::Operator(nth) => strike_operator(stage, nth, planned).await,
        Aim::Leader | Aim::LeaderInCall { .. } => {
            let leader = stage.record.with(|told| told.holder).unwrap_or(0);
            strike_operator(stage, leader, planned).await;
        }
    }
}

/// Returns when the platform has received another call, or there was none for long.
async fn until_next_call(stage: &Stage) {
    let calls = || {
        let total = stage.simulator.all_counts().total;
        total.legacy + total.stable
    };
    let (before, deadline) = (calls(), Instant::now() + CALL_WITHIN);
    while calls() == before && Instant::now() < deadline {
        sleep(POLL).await;
    }
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
    let (process, gone) = match planned.blow {
        Blow::Kill { away } => {
            let mut process = process;
            process.kill();
            sleep(Duration::from_millis(away)).await;
            (replica.new_process(&stage.cluster), from)
        }
        Blow::Terminate { away } => {
            end(stage, process, Whom::Operator(nth)).await;
            let gone = stage.simulator.now_ms();
            sleep(Duration::from_millis(away)).await;
            (replica.new_process(&stage.cluster), gone)
        }
        Blow::Stop { lasts } => {
            process.pause();
            sleep(Duration::from_millis(lasts)).await;
            process.resume();
            (process, from)
        }
    };
    *place = Some(process);
    note(
        stage,
        Struck {
            whom: Whom::Operator(nth),
            blow: planned.blow,
            from,
            gone,
            back: stage.simulator.now_ms(),
            in_call: matches!(planned.aim, Aim::LeaderInCall { .. }),
            idle: other_runs && holder == Some(other),
            led: holder == Some(nth),
        },
    );
}

/// Tells it to end, and waits for that; it must, and without complaint.
async fn end(stage: &Stage, mut process: Process, whom: Whom) {
    process.tell_to_end();
    let deadline = Instant::now() + ENDS_WITHIN;
    loop {
        match process.ended() {
            Some(status) if status.success() => return,
            Some(status) => return stage.record.blame(format!("{whom} was told to end, and ended with {status}")),
            None if Instant::now() > deadline => {
                process.kill();
                return stage.record.blame(format!("{whom} was told to end, and had not after {} s", ENDS_WITHIN.as_secs()));
            }
            None => sleep(POLL).await,
        }
    }
}

async fn strike_control_plane(stage: &Stage, turn: &Mutex<()>, component: Component, blow: Blow) {
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
            cluster.terminate(component, GRACE).await.expect("an end");
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
    note(stage, Struck { whom, blow, from, gone: from, back, in_call: false, idle: false, led: false });
}

fn note(stage: &Stage, struck: Struck) {
    println!("  {struck}");
    stage.record.with(|told| told.struck.push(struck));
}
