//! The control API over HTTP, and the server's own manners: seconds that pass, connections that are
//! kept, a stop.

use platform_simulator::model::{AppSettings, Standing};
use platform_simulator::{Settings, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{Heard, PATIENCE, send, until};

async fn control(at: &Simulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let heard = send(at, method, &format!("/sim/{path}"), &body).await;
    let Heard::Answer { status, .. } = heard else { panic!("{method} {path}: {heard:?}") };
    (status, heard.json())
}

#[tokio::test]
async fn the_control_api_does_what_its_help_says() {
    let simulator = Simulator::start(Settings::default()).await.expect("a free port");
    let none = Value::Null;
    let missing = json!({ "error": "no app \"wx1\"" });
    let ok = json!({ "ok": true });
    let once = json!({ "kind": "code", "code": -1, "times": 1 });
    let fault = json!({ "kind": "code", "code": -1, "msg": null, "times": 1, "on": "any" });
    let table = [
        ("GET", "healthz", &none, 200, &ok),
        ("GET", "apps", &none, 200, &json!([])),
        ("GET", "apps/wx1", &none, 404, &missing),
        ("DELETE", "apps/wx1", &none, 404, &missing),
        ("PUT", "apps/wx1", &json!({ "secret": "s1", "life_ms": 60_000 }), 200, &ok),
        ("PUT", "apps/wx1/secret", &json!({ "secret": "s2" }), 200, &ok),
        ("GET", "apps", &none, 200, &json!(["wx1"])),
        ("PUT", "apps/wx1/fault", &once, 200, &json!([fault])),
        ("GET", "apps/wx1/fault", &none, 200, &json!([fault])),
        ("DELETE", "apps/wx1/fault", &none, 200, &json!([])),
        ("PUT", "fault", &json!([fault, fault]), 200, &json!([fault, fault])),
        ("DELETE", "fault", &none, 200, &json!([])),
        ("DELETE", "calls", &none, 200, &ok),
        ("DELETE", "apps/wx1", &none, 200, &ok),
    ];
    for (method, path, body, status, want) in table {
        let heard = control(&simulator, method, path, body).await;
        assert_eq!(heard, (status, want.clone()), "{method} {path}");
    }
    for (path, body) in [
        ("apps/wx1", json!({ "life": 60 })),
        ("apps/wx1/secret", json!({})),
        ("fault", json!({ "kind": "hang", "time": 1 })),
        ("fault", json!({ "kind": "nap" })),
    ] {
        assert_eq!(control(&simulator, "PUT", path, &body).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn what_the_control_api_shows_is_what_happened() {
    let apps = vec![("wx1".to_owned(), AppSettings::with_secret("s"))];
    let simulator =
        Simulator::start(Settings { apps, ..Settings::default() }).await.expect("a free port");
    let ask = json!({ "grant_type": "client_credential", "appid": "wx1", "secret": "s" });
    let granted = send(&simulator, "POST", "/cgi-bin/stable_token", &ask.to_string()).await.json();

    let show = async |path: &str| control(&simulator, "GET", path, &Value::Null).await.1;
    let token = &show("apps/wx1/tokens").await[0];
    assert_eq!(token["token"], granted["access_token"]);
    assert_eq!(token["family"], "stable");
    let call = &show("apps/wx1/calls").await[0];
    assert_eq!((&call["minted"], &call["secret"]), (&json!(true), &json!("match")));
    assert_eq!(call["token"], token["fingerprint"]);
    let counts = show("calls").await;
    assert_eq!(
        (&counts["total"]["calls"], &counts["apps"]["wx1"]["minted"]),
        (&json!(1), &json!(1))
    );

    let text = granted["access_token"].as_str().expect("token");
    for (path, want) in [
        ("apps/wx1/tokens", Standing::Replaced),
        ("apps/wx1/calls", Standing::Replaced),
        ("apps/wx1", Standing::NeverSeen),
    ] {
        control(&simulator, "DELETE", path, &Value::Null).await;
        assert_eq!(simulator.standing(text), want, "after {path}");
    }
    assert_eq!(simulator.all_counts().total.calls, 0);
}

#[tokio::test]
async fn hours_pass_in_milliseconds() {
    let apps =
        vec![("wx1".to_owned(), AppSettings { life_ms: Some(240), ..AppSettings::default() })];
    let simulator =
        Simulator::start(Settings { apps, ..Settings::default() }).await.expect("a free port");
    let first =
        simulator.with_model(|model, now| model.stable(now, "wx1", "any", false).expect("a token"));
    assert_eq!(simulator.standing(&first.token), Standing::Live);
    until("the token expires", || simulator.standing(&first.token) == Standing::Expired).await;
    assert!(simulator.live_tokens("wx1").is_empty());
}

#[tokio::test]
async fn callers_with_an_address_of_their_own_are_told_apart_by_its_port() {
    let simulator = Simulator::start(Settings::default()).await.expect("a free port");
    let second = simulator.serve_also_at(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let first = simulator.address();
    for address in [first, second, first] {
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        let request =
            b"GET /cgi-bin/token?appid=wx1 HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut heard = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut heard))
            .await
            .expect("an answer")
            .expect("an end");
    }
    let ports: Vec<_> = simulator.calls("wx1").iter().map(|call| call.port).collect();
    assert_eq!(ports, [first.port(), second.port(), first.port()]);
}

#[tokio::test]
async fn a_connection_serves_many_calls_until_the_simulator_stops() {
    let simulator = Simulator::start(Settings::default()).await.expect("a free port");
    let address = simulator.address();
    let mut stream = TcpStream::connect(address).await.expect("a listener");
    for _ in 0..3 {
        stream.write_all(b"GET /sim/healthz HTTP/1.1\r\nHost: sim\r\n\r\n").await.expect("sent");
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            let read = timeout(PATIENCE, stream.read_buf(&mut heard)).await.expect("an answer");
            assert_ne!(read.expect("an open connection"), 0);
        }
    }
    drop(simulator);
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection outlives the simulator");
    assert!(rest.is_empty());
    assert!(TcpStream::connect(address).await.is_err());
}
