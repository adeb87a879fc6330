//! What the dispatcher guarantees, on a clock that advances only while all tasks sleep.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock is tokio's paused one, and the sleeper is this test"
)]

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use k8s_openapi::jiff::Timestamp;
use tokio::{sync::Notify, task::JoinHandle};

use super::*;
use crate::shell::clock::Now;

const HOUR: Duration = Duration::from_hours(1);

struct Dispatcher {
    requeues: mpsc::UnboundedSender<ObjectName>,
    progress: Progress,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn name(name: &str) -> ObjectName {
    ObjectName::new("team", name)
}

fn requeue_after(seconds: u64) -> Action {
    Action { requeue_after: Duration::from_secs(seconds), overdue_since: None }
}

/// Boot time is tokio's time here, counted from the start of the test.
fn clock() -> Clock {
    let start = Instant::now();
    Clock::from_fn(move || Now { wall: Timestamp::UNIX_EPOCH, boot: start.elapsed() })
}

fn dispatch<R, Fut>(reconcile: R) -> Dispatcher
where
    R: Fn(ObjectName) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Action> + Send + 'static,
{
    let (requeues, receiver) = mpsc::unbounded_channel();
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    let panicked = |_: &ObjectName| Duration::from_secs(7);
    let task = tokio::spawn(run(
        receiver,
        reconcile,
        panicked,
        progress.clone(),
        clock(),
        Timing::default(),
        stop.clone(),
    ));
    Dispatcher { requeues, progress, stop, task }
}

/// Lets every task run: with the clock paused, this ends only when all of them wait.
async fn let_all_run() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_is_reconciled_again_when_due_and_within_five_minutes() {
    for (again, expected) in [(60, [0, 60, 120]), (86_400, [0, 300, 600])] {
        let start = Instant::now();
        let (seen, mut times) = mpsc::unbounded_channel();
        let dispatcher = dispatch(move |_| {
            seen.send(start.elapsed().as_secs()).unwrap();
            async move { requeue_after(again) }
        });
        dispatcher.requeues.send(name("shop")).unwrap();
        for time in expected {
            assert_eq!(times.recv().await, Some(time));
        }
        dispatcher.stop.cancel();
        dispatcher.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_exist_is_not_requeued() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let dispatcher = dispatch(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Action::AWAIT_CHANGE }
    });
    dispatcher.requeues.send(name("shop")).unwrap();
    tokio::time::sleep(HOUR * 24).await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_requeue_during_a_reconcile_causes_one_more_after_it() {
    let (gate, inside, count) =
        (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let dispatcher = dispatch({
        let (gate, inside, count) = (Arc::clone(&gate), Arc::clone(&inside), Arc::clone(&count));
        move |_| {
            let (gate, inside, count) =
                (Arc::clone(&gate), Arc::clone(&inside), Arc::clone(&count));
            async move {
                assert!(
                    !inside.swap(true, Ordering::Relaxed),
                    "two reconciles of one object at the same time"
                );
                count.fetch_add(1, Ordering::Relaxed);
                gate.notified().await;
                inside.store(false, Ordering::Relaxed);
                requeue_after(100_000)
            }
        }
    });
    for _ in 0..3 {
        dispatcher.requeues.send(name("shop")).unwrap();
        let_all_run().await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    gate.notify_one();
    let_all_run().await;
    assert_eq!(count.load(Ordering::Relaxed), 2);
    gate.notify_one();
    let_all_run().await;
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn objects_that_wait_do_not_delay_the_others() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let dispatcher = dispatch(move |_| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        }
    });
    for n in 0..1000 {
        dispatcher.requeues.send(name(&n.to_string())).unwrap();
    }
    let_all_run().await;
    assert_eq!(count.load(Ordering::Relaxed), 1000);
    assert_eq!(dispatcher.progress.active(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_failure_of_its_object() {
    let start = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let dispatcher = dispatch(move |object| {
        let count = {
            let mut seen = seen.lock().unwrap();
            seen.push((object.name().to_owned(), start.elapsed().as_secs()));
            seen.len()
        };
        async move {
            assert!(object.name() != "bad" || count > 2, "as the test wants it");
            requeue_after(100_000)
        }
    });
    dispatcher.requeues.send(name("bad")).unwrap();
    dispatcher.requeues.send(name("good")).unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mut times = times.lock().unwrap().clone();
    times.sort();
    assert_eq!(times, [("bad".to_owned(), 0), ("bad".to_owned(), 7), ("good".to_owned(), 0)]);
    assert_eq!(dispatcher.progress.active(), 0);
}

#[tokio::test(start_paused = true)]
async fn stopping_starts_nothing_and_finishes_what_was_begun() {
    let (gate, begun, ended) =
        (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut dispatcher = dispatch({
        let (gate, begun, ended) = (Arc::clone(&gate), Arc::clone(&begun), Arc::clone(&ended));
        move |_| {
            let (gate, ended) = (Arc::clone(&gate), Arc::clone(&ended));
            begun.fetch_add(1, Ordering::Relaxed);
            async move {
                gate.notified().await;
                ended.fetch_add(1, Ordering::Relaxed);
                requeue_after(0)
            }
        }
    });
    dispatcher.requeues.send(name("shop")).unwrap();
    let_all_run().await;
    dispatcher.stop.cancel();
    dispatcher.requeues.send(name("other")).unwrap();
    tokio::time::timeout(HOUR, &mut dispatcher.task).await.expect_err("it waits for what runs");
    gate.notify_one();
    dispatcher.task.await.unwrap();
    assert_eq!((begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn progress_reports_what_is_overdue_and_what_runs() {
    let due = Arc::new(Mutex::new(Some(Duration::from_secs(5))));
    let dispatcher = dispatch({
        let due = Arc::clone(&due);
        move |_| {
            let due = Arc::clone(&due);
            async move {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Action { requeue_after: HOUR, overdue_since: *due.lock().unwrap() }
            }
        }
    });
    let progress = &dispatcher.progress;
    dispatcher.requeues.send(name("shop")).unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(progress.active(), 1);
    assert!(progress.longest_running().is_some_and(|began| began < Duration::from_secs(1)));
    assert_eq!(progress.oldest_overdue(), None);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((progress.active(), progress.longest_running()), (0, None));
    assert_eq!(progress.oldest_overdue(), Some(Duration::from_secs(5)));

    *due.lock().unwrap() = None;
    dispatcher.requeues.send(name("shop")).unwrap();
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(progress.oldest_overdue(), None);
    assert!(progress.last_activity() > Duration::from_mins(1));

    *due.lock().unwrap() = Some(Duration::from_secs(6));
    dispatcher.requeues.send(name("shop")).unwrap();
    tokio::time::sleep(Duration::from_secs(40)).await;
    progress.forget(&name("shop"));
    assert_eq!(progress.oldest_overdue(), None);
}
