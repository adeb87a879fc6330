//! Each fault as a raw client sees it, and whether the call took effect.

use std::time::Duration;

use platform_simulator::model::{AppSettings, Fault, FaultRule, On};
use platform_simulator::{Settings, Simulator};
use serde_json::{Value, json};

use super::client::{Heard, send, send_and_wait, until};

const LEGACY: &str = "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=right";

async fn simulator() -> Simulator {
    let apps = vec![("wx1".to_owned(), AppSettings::with_secret("right"))];
    Simulator::start(Settings { apps, ..Settings::default() }).await.expect("a free port")
}

async fn ask(at: &Simulator) -> Heard {
    send(at, "GET", LEGACY, "").await
}

/// A fault as it is put, how many tokens it lets be minted, and what must be true of what is heard.
type Row = (Value, u64, fn(&Heard) -> bool);

fn answer(heard: &Heard, wanted: u16, test: impl Fn(&str, &str) -> bool) -> bool {
    matches!(heard, Heard::Answer { status, head, body } if *status == wanted && test(head, body))
}

fn field(heard: &Heard, name: &str) -> Value {
    heard.json().get(name).cloned().unwrap_or(json!("absent"))
}

fn rows() -> Vec<Row> {
    vec![
        (json!({ "kind": "code", "code": -1 }), 0, |h| field(h, "errcode") == -1),
        (json!({ "kind": "code", "code": 40164, "msg": "invalid ip 203.0.113.7" }), 0, |h| {
            field(h, "errmsg")
                .as_str()
                .is_some_and(|m| m.starts_with("invalid ip 203.0.113.7 rid: "))
        }),
        (json!({ "kind": "status", "status": 502 }), 0, |h| {
            answer(h, 502, |_, b| b.contains("502"))
        }),
        (json!({ "kind": "slow", "ms": 20 }), 1, |h| field(h, "expires_in") == 7200),
        (json!({ "kind": "slow_after_mint", "ms": 20 }), 1, |h| field(h, "expires_in") == 7200),
        (json!({ "kind": "late", "ms": 20 }), 1, |h| field(h, "expires_in") == 7200),
        (json!({ "kind": "drop" }), 0, |h| *h == Heard::End),
        (json!({ "kind": "drop", "reset": true }), 0, |h| *h == Heard::Reset),
        (json!({ "kind": "drop_after_mint" }), 1, |h| *h == Heard::End),
        (json!({ "kind": "drop_after_mint", "reset": true }), 1, |h| *h == Heard::Reset),
        (json!({ "kind": "truncated_json" }), 1, |h| {
            answer(h, 200, |_, b| b.starts_with('{') && serde_json::from_str::<Value>(b).is_err())
        }),
        (json!({ "kind": "html" }), 0, |h| {
            answer(h, 200, |head, b| head.contains("text/html") && b.contains("<html>"))
        }),
        (json!({ "kind": "huge", "bytes": 3_000_000 }), 0, |h| {
            answer(h, 200, |_, b| b.len() == 3_000_000)
        }),
        (json!({ "kind": "redirect", "location": "http://elsewhere/x" }), 0, |h| {
            answer(h, 302, |head, _| head.contains("location: http://elsewhere/x"))
        }),
        (json!({ "kind": "wrong_type", "field": "expires_in" }), 1, |h| {
            field(h, "expires_in") == "7200"
        }),
        (json!({ "kind": "wrong_type", "field": "access_token" }), 1, |h| {
            field(h, "access_token") == 12345
        }),
        (json!({ "kind": "wrong_type", "field": "errcode" }), 1, |h| field(h, "errcode") == "0"),
        (json!({ "kind": "expires_in", "value": -1 }), 1, |h| field(h, "expires_in") == -1),
        (json!({ "kind": "expires_in", "value": 1_000_000_000_000_u64 }), 1, |h| {
            field(h, "expires_in") == 1_000_000_000_000_u64
        }),
        (json!({ "kind": "expires_in", "value": null }), 1, |h| field(h, "expires_in") == "absent"),
        (json!({ "kind": "body", "content": "so be it", "status": 418 }), 0, |h| {
            answer(h, 418, |_, b| b == "so be it")
        }),
        (json!({ "kind": "empty" }), 0, |h| h.json() == json!({})),
        (json!({ "kind": "trickle", "ms": 1 }), 1, |h| field(h, "expires_in") == 7200),
        (json!({ "kind": "flood", "bytes": 3_000_000 }), 0, |h| {
            answer(h, 200, |_, b| b.len() == 3_000_017)
        }),
        (
            json!({ "kind": "flood", "bytes": 3_000_000, "in_header": true }),
            0,
            |h| matches!(h, Heard::Part(head) if head.len() > 3_000_000),
        ),
        (json!({ "kind": "gzip", "bytes": 3_000_000 }), 0, |h| {
            answer(h, 200, |head, b| {
                head.contains("content-encoding: gzip") && !b.is_empty() && b.len() < 30_000
            })
        }),
        (json!({ "kind": "two_answers" }), 1, |h| {
            answer(h, 200, |_, b| b.matches("HTTP/1.1 200").count() == 1)
        }),
        (json!({ "kind": "two_documents" }), 1, |h| {
            answer(h, 200, |_, b| b.matches("expires_in").count() == 2)
        }),
        (
            json!({ "kind": "mid_header" }),
            0,
            |h| matches!(h, Heard::Part(head) if head.ends_with("content-ty")),
        ),
    ]
}

#[tokio::test]
async fn each_fault_is_seen_once_and_mints_as_it_says() {
    let simulator = simulator().await;
    for (mut fault, minted, seen) in rows() {
        fault["times"] = json!(1);
        let name = fault["kind"].clone();
        simulator.forget_all_calls();
        let put = send(&simulator, "PUT", "/sim/apps/wx1/fault", &fault.to_string()).await;
        assert!(matches!(put, Heard::Answer { status: 200, .. }), "{put:?}");
        let heard = ask(&simulator).await;
        assert!(seen(&heard), "{fault}: {heard:?}");
        assert_eq!(simulator.counts("wx1").minted, minted, "{fault}");
        let call = simulator.calls("wx1").pop().expect("one call");
        assert_eq!(json!(call.fault), name);
        assert_eq!(
            call.http.is_some(),
            matches!(heard, Heard::Answer { .. } | Heard::Part(_)),
            "{fault}"
        );
        assert_eq!(field(&ask(&simulator).await, "expires_in"), 7200, "after {fault}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_stops_a_slow_call_but_not_a_late_one() {
    let simulator = simulator().await;
    let leave = || send_and_wait(&simulator, "GET", LEGACY, "", Duration::from_millis(100));
    simulator.faults(
        "wx1",
        vec![
            FaultRule::from(Fault::Slow { ms: 600 }).times(1),
            FaultRule::from(Fault::SlowAfterMint { ms: 60_000 }).times(1),
            FaultRule::from(Fault::Late { ms: 900 }).times(1),
            FaultRule::from(Fault::Hang).times(1),
        ],
    );
    for _ in 0..4 {
        assert_eq!(leave().await, Heard::Silence);
    }
    until("the late call takes effect", || simulator.counts("wx1").minted == 2).await;
    let executed: Vec<_> =
        simulator.calls("wx1").iter().map(|c| c.executed_ms.map(|at| at - c.arrived_ms)).collect();
    assert!(
        matches!(executed[..], [None, Some(0..600), Some(900..), None]),
        "slow, slow_after_mint, late, hang: {executed:?}"
    );
}

#[tokio::test]
async fn faults_hit_the_endpoint_they_name_and_every_app_if_so_put() {
    let simulator = simulator().await;
    let code = Fault::Code { code: -1, msg: None };
    let business = "/cgi-bin/get_api_domain_ip?access_token=x";
    for (on, legacy, stable, other) in [
        (On::Any, -1, -1, 40014),
        (On::Legacy, -1, 47001, 40014),
        (On::Stable, 0, -1, 40014),
        (On::Business, 0, 47001, -1),
    ] {
        simulator.fault_for_all(FaultRule::from(code.clone()).on(on));
        let heard = ask(&simulator).await.json();
        assert_eq!(heard.get("errcode").cloned().unwrap_or(json!(0)), legacy, "{on:?}");
        let heard = send(&simulator, "POST", "/cgi-bin/stable_token", "no JSON").await;
        assert_eq!(field(&heard, "errcode"), stable, "{on:?}");
        assert_eq!(field(&send(&simulator, "GET", business, "").await, "errcode"), other, "{on:?}");
    }
    simulator.clear_faults_for_all();
    assert_eq!(field(&ask(&simulator).await, "expires_in"), 7200);
}
