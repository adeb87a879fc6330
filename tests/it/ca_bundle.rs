//! The file of further certificate authorities: refused at start when it is of no use, and trusted
//! as it is now when it changes.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use miniprogram_operator::api::ConditionType::{Ready, TokenFresh};

use crate::harness::{
    Front, Stage, plane,
    wait::{check, eventually},
};

/// A file that changes as the kubelet changes a mounted `ConfigMap`.
struct Mounted(PathBuf);

impl Mounted {
    fn new(stage: &Stage) -> Self {
        Self(plane().directory().join(format!("{}-ca.crt", stage.namespace)))
    }

    fn point_to(&self, target: &Path) {
        let next = self.0.with_extension("next");
        symlink(target, &next).expect("a link");
        fs::rename(next, &self.0).expect("a renamed link");
    }

    fn hold(&self, text: &str) {
        let file = self.0.with_extension(format!("{:08x}", rand::random::<u32>()));
        fs::write(&file, text).expect("a file");
        self.point_to(&file);
    }

    fn flag(&self) -> String {
        self.0.display().to_string()
    }
}

#[tokio::test]
async fn a_ca_bundle_that_changes_is_trusted_within_a_minute_and_a_bad_one_changes_nothing() {
    let stage = Stage::new("ca-bundle").await;
    let platform = stage.simulator.address();
    let (front, stranger) = (Front::before(platform).await, Front::before(platform).await);
    let mounted = Mounted::new(&stage);
    mounted.point_to(&stranger.ca_bundle());
    let launch = stage.operator().flag("--platform-endpoint", &format!("WeChat={}", front.url()));
    let operator = launch.flag("--ca-bundle", &mounted.flag()).start().await;
    let shop = stage.app("shop").create().await;
    shop.until_says(TokenFresh, "False/PlatformUnreachable").await;
    assert_eq!(front.passed(), 0);

    let good = fs::read_to_string(front.ca_bundle()).expect("a bundle");
    mounted.point_to(&front.ca_bundle());
    shop.until_says_within(Ready, "True/TokenAvailable", 60).await;

    let unusable = async |want: f64| {
        eventually(format!("the sign of a bad bundle is {want}"), 60, async || {
            let sign = operator.metric("miniprogram_ca_bundle_unusable", &[]).await;
            check((sign - want).abs() < 0.5, || sign.to_string())
        })
        .await;
    };
    unusable(0.0).await;
    mounted.hold(&format!("{good}-----BEGIN CERTIFICATE-----\n"));
    unusable(1.0).await;
    let why = "block 2, which begins in line";
    assert!(operator.log().contains(why), "{}", operator.log());
    stage.app("news").ready().await;
    mounted.hold(&good);
    unusable(0.0).await;
}

#[tokio::test]
async fn a_ca_bundle_that_cannot_be_used_is_refused_at_start() {
    let stage = Stage::new("ca-bundle").await;
    let mounted = Mounted::new(&stage);
    mounted.hold("");
    let launch = stage.operator().flag("--ca-bundle", &mounted.flag());
    let mut operator = launch.unready().start().await;
    let ended = async || operator.ended().ok_or("it runs".into());
    assert!(!eventually("the operator has ended", 10, ended).await.success());
    let why = format!("--ca-bundle {} cannot be used: it is empty", mounted.flag());
    assert!(operator.log().contains(&why), "{}", operator.log());
}
