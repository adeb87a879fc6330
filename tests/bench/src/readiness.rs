//! One watch of all `MiniProgram`s, which says when so many are in a state. No list is polled.

use std::collections::HashSet;

use futures::{StreamExt as _, stream::BoxStream};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use kube::{
    Api, Client,
    api::ListParams,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use miniprogram_operator::api::{ConditionType, MiniProgram, conditions};
use serde_json::json;
use tokio::time::{Duration, Instant, timeout_at};

use crate::apps::Apps;

/// So long is waited for apps, also of a program that is far from its budgets.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_PER_APP: Duration = Duration::from_millis(60);

pub struct Watch {
    objects: Api<MiniProgram>,
    events: BoxStream<'static, watcher::Result<Event<MiniProgram>>>,
}

/// How a wait has ended.
pub struct Reached {
    /// Objects that were not in the state when there was no more patience.
    pub missing: u32,
    pub after: Duration,
}

impl Watch {
    /// Returns when every change from now on is seen.
    pub async fn begin(client: &Client) -> Self {
        let objects = Api::all(client.clone());
        let mut events =
            watcher(objects.clone(), watcher::Config::default()).default_backoff().boxed();
        while let Some(event) = events.next().await {
            if matches!(event.expect("a watch"), Event::InitDone) {
                break;
            }
        }
        Self { objects, events }
    }

    /// Waits until all objects of some apps have been in a state, each at any time since the watch
    /// was last asked.
    pub async fn until(
        &mut self,
        began: Instant,
        apps: Apps,
        is: impl Fn(&MiniProgram) -> bool,
    ) -> Reached {
        self.until_some(began, apps, apps.count, is).await
    }

    /// Waits until so many of them have been.
    pub async fn until_some(
        &mut self,
        began: Instant,
        apps: Apps,
        count: u32,
        is: impl Fn(&MiniProgram) -> bool,
    ) -> Reached {
        let deadline = began + patience(apps.count);
        let wanted = usize::try_from(count).expect("a count");
        let mut seen = HashSet::new();
        while seen.len() < wanted {
            let Ok(event) = timeout_at(deadline, self.events.next()).await else {
                self.show_one_that_is_missing(apps, &seen).await;
                break;
            };
            match event.expect("a watch has no end") {
                Ok(Event::Apply(object) | Event::InitApply(object)) => {
                    if apps.has(&object) && is(&object) {
                        seen.extend(object.metadata.uid);
                    }
                }
                Ok(Event::Init | Event::InitDone | Event::Delete(_)) => {}
                // It is begun again where it was; until then it is late.
                Err(error) => println!("the watch broke: {error}"),
            }
        }
        let missing = count - u32::try_from(seen.len()).expect("a count");
        Reached { missing, after: began.elapsed() }
    }

    /// What keeps an object from its state is found in its status.
    async fn show_one_that_is_missing(&self, apps: Apps, seen: &HashSet<String>) {
        let objects = match self.objects.list(&ListParams::default()).await {
            Ok(objects) => objects.items,
            Err(error) => return println!("after all patience: {error}"),
        };
        let is_missing = |object: &&MiniProgram| {
            apps.has(object) && object.metadata.uid.as_ref().is_some_and(|uid| !seen.contains(uid))
        };
        let Some(missing) = objects.iter().find(is_missing) else { return };
        let ObjectMeta { namespace, name, .. } = &missing.metadata;
        println!("after all patience: {namespace:?} {name:?}: {:#}", json!(missing.status));
    }
}

/// How long so many apps may take.
pub fn patience(apps: u32) -> Duration {
    PATIENCE + PATIENCE_PER_APP * apps
}

pub fn is_ready(object: &MiniProgram) -> bool {
    let status = object.status.as_ref();
    let ready =
        status.and_then(|status| conditions::find(&status.conditions, ConditionType::Ready));
    ready.is_some_and(|ready| ready.status == "True")
}

pub fn has_failed(object: &MiniProgram) -> bool {
    object.status.as_ref().is_some_and(|status| status.last_failure.is_some())
}

/// Whether the object's token was asked for after a moment.
pub fn is_refreshed_since(moment: Timestamp) -> impl Fn(&MiniProgram) -> bool {
    move |object| {
        let token = object.status.as_ref().and_then(|status| status.token.as_ref());
        token.is_some_and(|token| token.issue_time.0 >= moment)
    }
}
