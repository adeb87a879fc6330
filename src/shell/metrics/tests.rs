//! The names and labels of every series, in both formats: dashboards and alerts break if they
//! change.

use super::*;

/// All series, each with a value.
pub fn filled() -> Metrics {
    let metrics = Metrics::new("1.2.3", "mp", true);
    metrics.leads(true);
    metrics.refreshed("WeChat", "success", "Fresh");
    metrics.platform_called("WeChat", "0", Duration::from_millis(20));
    metrics.called_because("WeChat", "Time");
    metrics.secret_written("create");
    metrics.status_written();
    metrics.foreign_write();
    metrics.reconciled(Outcome::Error, Duration::from_millis(1));
    metrics.reconcile_panicked();
    metrics.oldest_overdue(Duration::from_secs(3));
    metrics.object(
        "team-a",
        "shop",
        Object {
            token_expiration: Some(1_700_000_000.0),
            next_refresh: Some(1_700_000_001.0),
            conditions: vec![("Ready", "True")],
        },
    );
    metrics
}

/// Every family with its type, and every sample without its value; sorted, because the library's
/// order varies.
fn names(text: &str) -> Vec<&str> {
    let lines =
        text.lines().filter(|line| !line.starts_with("# HELP") && !line.contains("_bucket"));
    let mut names: Vec<_> = lines
        .map(|line| if line.starts_with('#') { line } else { line.rsplit_once(' ').unwrap().0 })
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn the_names_stay() {
    let metrics = filled();
    let text = metrics.encode(Format::Text).unwrap();
    let golden: Vec<_> = include_str!("golden.txt").lines().collect();
    assert_eq!(names(&text), golden, "\n{text}");
    let open = metrics.encode(Format::OpenMetrics).unwrap();
    assert!(open.contains("# TYPE miniprogram_refresh counter") && open.ends_with("# EOF\n"));
    assert!(!open.contains("_total_total") && !text.contains("_total_total"));
}

#[test]
fn only_the_leader_has_series_of_objects_and_only_if_enabled() {
    let says = |metrics: &Metrics| metrics.encode(Format::Text).unwrap().contains("shop");
    let metrics = filled();
    assert!(says(&metrics));
    metrics.forget("team-a", "other");
    assert!(says(&metrics));
    metrics.forget("team-a", "shop");
    assert!(!says(&metrics));
    metrics.object("team-a", "shop", Object { next_refresh: Some(1.0), ..Object::default() });
    assert!(says(&metrics));
    metrics.leads(false);
    assert!(!says(&metrics));
    metrics.object("team-a", "shop", Object { next_refresh: Some(1.0), ..Object::default() });
    assert!(!says(&metrics), "a late reconcile of a lost term");

    let metrics = Metrics::new("1.2.3", "mp", false);
    metrics.leads(true);
    metrics.object("team-a", "shop", Object { next_refresh: Some(1.0), ..Object::default() });
    assert!(!says(&metrics));
}

#[test]
fn a_reconcile_is_under_way_as_long_as_its_guard_lives() {
    let metrics = Metrics::new("1.2.3", "mp", false);
    let active = || {
        let text = metrics.encode(Format::Text).unwrap();
        text.lines()
            .find(|line| line.starts_with("controller_runtime_active"))
            .unwrap()
            .ends_with(" 1")
    };
    assert!(!active());
    let guard = metrics.reconciling();
    assert!(active());
    drop(guard);
    assert!(!active());
}
