//! Somebody else who has the app secret, on the endpoint where each call ends the token before it:
//! hours of it, in seconds.

use std::sync::Arc;

use simulation::{
    cluster::Kind,
    endpoint::Endpoint,
    fault_rates::Climate,
    panics, process,
    stage::Stage,
    time::{MINUTE, Millis, SECOND},
    users::App,
};
use tokio::time::{Duration, sleep};

/// How long a token still works that a call has ended.
const OVERLAP: Millis = 5 * MINUTE;

struct Scene {
    stage: Arc<Stage>,
    app: App,
}

impl Scene {
    /// An operator, and an app whose token is stored.
    async fn set() -> Self {
        let (stage, _) = Stage::set(1, Climate::default(), false, None);
        let app = App::new(1, Endpoint::Legacy, false);
        app.install(&stage);
        process::start(&stage, 1, process::Leads::Alone("east/operator"));
        let scene = Self { stage, app };
        scene.passes(10 * MINUTE).await;
        assert_eq!(scene.reason("TokenFresh"), "Fresh");
        scene
    }

    async fn passes(&self, millis: Millis) {
        sleep(Duration::from_millis(millis)).await;
    }

    /// The other one calls, and who uses our token reports it when it is refused.
    async fn is_called_elsewhere(&mut self) {
        let (now, secret) = (self.stage.time.now(), self.app.right_secret());
        let theirs = self.stage.platform().model().legacy(now, &self.app.app_id, &secret);
        assert!(theirs.is_ok(), "the platform gives anybody a token who has the app secret");
        self.passes(OVERLAP).await;
        self.app.report_dead(&self.stage);
        self.passes(10 * SECOND).await;
    }

    fn reason(&self, condition: &str) -> String {
        let object = self.stage.cluster().get(Kind::MiniProgram, &self.app.name).cloned();
        let object = object.expect("the object");
        let conditions = object["status"]["conditions"].as_array().expect("conditions");
        let it = conditions.iter().find(|it| it["type"] == condition).expect("the condition");
        it["reason"].as_str().expect("a reason").to_owned()
    }

    /// How many Events have this reason.
    fn events(&self, reason: &str) -> usize {
        self.stage.cluster().events(reason)
    }

    fn calls(&self) -> usize {
        self.stage.platform().model().log().calls(&self.app.app_id).count()
    }
}

fn on_virtual_time(story: impl Future<Output = ()>) {
    panics::remember();
    fastrand::seed(1);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without IO").block_on(story);
    assert_eq!(panics::taken(), Vec::<String>::new());
}

#[test]
fn the_second_token_in_a_row_that_dies_early_points_at_another_caller() {
    on_virtual_time(async {
        let mut scene = Scene::set().await;
        scene.is_called_elsewhere().await;
        assert_eq!(scene.events("AnotherCaller"), 0, "one report may be a mistake");
        assert_eq!((scene.reason("TokenFresh").as_str(), scene.calls()), ("Fresh", 2));
        scene.is_called_elsewhere().await;
        assert_eq!(scene.events("AnotherCaller"), 1);
        assert_eq!((scene.reason("TokenFresh").as_str(), scene.calls()), ("Fresh", 3));
        // The other one stops, and the token is refreshed by its time: the row is over.
        scene.passes(2 * 60 * MINUTE).await;
        assert_eq!(scene.calls(), 4);
        scene.is_called_elsewhere().await;
        assert_eq!(scene.events("AnotherCaller"), 1, "one report may be a mistake again");
    });
}

#[test]
fn while_a_limit_delays_the_second_call_the_condition_points_at_another_caller() {
    on_virtual_time(async {
        let mut scene = Scene::set().await;
        scene.is_called_elsewhere().await;
        // The platform ends the new token at once, and the next call has to wait for the floor.
        let now = scene.stage.time.now();
        scene.stage.platform().model().kill_tokens(now, &scene.app.app_id);
        scene.app.report_dead(&scene.stage);
        scene.passes(10 * SECOND).await;
        assert_eq!((scene.reason("TokenFresh").as_str(), scene.calls()), ("AnotherCaller", 2));
        assert_eq!(scene.events("AnotherCaller"), 1);
        scene.passes(5 * MINUTE).await;
        assert_eq!((scene.reason("TokenFresh").as_str(), scene.calls()), ("Fresh", 3));
        assert_eq!(scene.events("AnotherCaller"), 1, "it is told once");
    });
}
