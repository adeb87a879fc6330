//! The control API under `/sim`: reads and changes the model on behalf of a test. Knows no socket
//! and no platform.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Millis;
use crate::model::{AppSettings, FaultRule, Model, Reply};

/// For `--help`, and for people who ask for a path that is not there.
pub const HELP: &str = "\
Control API (JSON; times in milliseconds):
  GET    /sim/healthz             200 once the simulator serves
  GET    /sim/now                 milliseconds since the start
  GET    /sim/apps                the app ids
  PUT    /sim/apps/ID             create or update: any of secret, life_ms, ticket_life_ms, overlap_ms, window_ms, force_gap_ms,
                                  forced_overlap_ms, force_per_day, legacy_per_day, stable_per_minute,
                                  stable_per_day, per_period, per_day, allowed_ips, caller_ip, frozen, legacy_bad_secret_code
  GET    /sim/apps/ID             its settings, and the rules that follow
  DELETE /sim/apps/ID             unknown from now on
  PUT    /sim/apps/ID/secret      {\"secret\": \"...\"}
  GET    /sim/apps/ID/tokens      the live ones
  DELETE /sim/apps/ID/tokens      end them all now
  GET    /sim/apps/ID/calls       the latest 10000, oldest first; app id \"-\": calls that belong to no app
  DELETE /sim/apps/ID/calls       forget them
  GET    /sim/calls               counts, in total and by app
  DELETE /sim/calls               forget all calls
  PUT    /sim/apps/ID/fault       one fault or a list, used up in order: {\"kind\": \"code\", \"code\": -1, \"times\": 2,
                                  \"on\": \"stable\"}; without times until removed, on legacy, stable, business, ticket or any
  GET    /sim/apps/ID/fault       those that are left
  DELETE /sim/apps/ID/fault       remove them
  PUT, GET, DELETE /sim/fault     the same for all apps

Faults: code {code, msg}, refusal {why}, empty_token, status {status}, slow {ms}, hang, drop {reset}, drop_after_mint {reset}, slow_after_mint {ms},
  late {ms}, truncated_json, html, huge {bytes}, redirect {location, status}, wrong_type {field}, expires_in {value},
  body {content, status, content_type}, empty, trickle {ms}, flood {bytes, in_header}, gzip {bytes}, two_answers,
  two_documents, mid_header
";

enum Wrong {
    Request(String),
    App(String),
    Path,
}

pub(crate) fn answer(
    model: &mut Model,
    now: Millis,
    method: &str,
    path: &str,
    body: &[u8],
) -> Reply {
    let parts: Vec<&str> = path.strip_prefix("/sim/").unwrap_or_default().split('/').collect();
    match act(model, now, method, &parts, body) {
        Ok(value) => Reply::json(200, &value),
        Err(Wrong::Request(why)) => Reply::json(400, &json!({ "error": why })),
        Err(Wrong::App(id)) => Reply::json(404, &json!({ "error": format!("no app {id:?}") })),
        Err(Wrong::Path) => Reply::new(404, "text/plain", HELP),
    }
}

fn act(
    model: &mut Model,
    now: Millis,
    method: &str,
    parts: &[&str],
    body: &[u8],
) -> Result<Value, Wrong> {
    match (method, parts) {
        ("GET", ["healthz"]) => {}
        ("GET", ["now"]) => return Ok(json!({ "now_ms": now })),
        ("GET", ["apps"]) => return Ok(json!(model.app_ids().collect::<Vec<_>>())),
        ("PUT", ["apps", id]) => model.set_app(id, &read(body)?),
        ("GET", ["apps", id]) => {
            let settings = model.settings(id).ok_or_else(|| Wrong::App((*id).to_owned()))?;
            let rules = model.rules(id);
            return Ok(json!({ "app_id": id, "settings": settings, "rules": rules }));
        }
        ("DELETE", ["apps", id]) if model.remove_app(id) => {}
        ("DELETE", ["apps", id]) => return Err(Wrong::App((*id).to_owned())),
        ("PUT", ["apps", id, "secret"]) => model.set_app(id, &record_read(body)?),
        ("GET", ["apps", id, "tokens"]) => return Ok(json!(model.live_tokens(now, id))),
        ("DELETE", ["apps", id, "tokens"]) => model.kill_tokens(now, id),
        ("GET", ["apps", id, "calls"]) => {
            return Ok(json!(model.log().calls(id).collect::<Vec<_>>()));
        }
        ("DELETE", ["apps", id, "calls"]) => model.log_mut().reset(Some(id)),
        ("GET", ["calls"]) => return Ok(json!(model.log().all_counts())),
        ("DELETE", ["calls"]) => model.log_mut().reset(None),
        (_, ["apps", id, "fault"]) => return fault(model, Some(id), method, body),
        (_, ["fault"]) => return fault(model, None, method, body),
        _ => return Err(Wrong::Path),
    }
    Ok(json!({ "ok": true }))
}

fn fault(
    model: &mut Model,
    app_id: Option<&str>,
    method: &str,
    body: &[u8],
) -> Result<Value, Wrong> {
    match method {
        "PUT" => model.set_faults(app_id, read_faults(body)?),
        "DELETE" => model.set_faults(app_id, Vec::new()),
        "GET" => {}
        _ => return Err(Wrong::Path),
    }
    Ok(json!(model.faults(app_id)))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|e| Wrong::Request(e.to_string()))
}

fn record_read(body: &[u8]) -> Result<AppSettings, Wrong> {
    let settings: AppSettings = read(body)?;
    match &settings.secret {
        Some(secret) => Ok(AppSettings::with_secret(secret)),
        None => Err(Wrong::Request("no secret".to_owned())),
    }
}

fn read_faults(body: &[u8]) -> Result<Vec<FaultRule>, Wrong> {
    match read(body)? {
        Value::Array(all) => all.iter().map(read_fault).collect(),
        one => Ok(vec![read_fault(&one)?]),
    }
}

/// Serde cannot refuse unknown fields of a flattened enum, and a misspelt `times` would be a fault
/// for ever.
fn read_fault(given: &Value) -> Result<FaultRule, Wrong> {
    let rule = FaultRule::deserialize(given).map_err(|e| Wrong::Request(e.to_string()))?;
    let understood = json!(rule);
    let unknown = given
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .find(|key| understood.get(key).is_none());
    unknown.map_or(Ok(rule), |key| {
        Err(Wrong::Request(format!("{} has no field {key:?}", understood["kind"])))
    })
}
