//! Tickets made from the token: what they cost, what lies beside the token, and that they never take
//! anything from it.

use std::collections::BTreeSet;

use miniprogram_operator::api::ConditionType::{Ready, TicketsFresh, TokenFresh};
use platform_simulator::model::{AppSettings, Fault, FaultRule, On};
use serde_json::json;

use crate::harness::{Draft, Mini, Stage, says, value};

const WECHAT: [&str; 2] = ["JsApi", "WxCard"];

impl Draft<'_> {
    fn with_tickets(self, tickets: &[&str]) -> Self {
        self.spec(json!({ "tickets": tickets }))
    }
}

/// The keys of the target's data.
async fn keys(mini: &Mini<'_>) -> BTreeSet<String> {
    mini.target().await.data.into_iter().flatten().map(|(key, _)| key).collect()
}

async fn value_of(mini: &Mini<'_>, key: &str) -> Option<String> {
    value(&mini.target().await, key)
}

#[tokio::test]
async fn tickets_cost_a_call_each_and_one_write_and_no_restart_costs_anything() {
    let stage = Stage::new("tickets").await;
    let operator = stage.operator().start().await;
    let ledger = stage.ledger();
    let shop = stage.app("shop").with_tickets(&WECHAT).ready().await;
    let mini = shop.until_says(TicketsFresh, "True/Fresh").await;

    assert_eq!((shop.counts().stable, shop.counts().tickets, shop.counts().refused), (1, 2, 0));
    let writes = [
        "patch secrets shop-token 201",
        "update miniprograms/status shop 200",
        "patch secrets shop-token 200",
        "update miniprograms/status shop 200",
    ];
    assert_eq!(ledger.writes().await, writes);
    let status = mini.status.expect("a status");
    let kinds: Vec<_> = status.tickets.iter().map(|ticket| ticket.kind.as_str()).collect();
    assert_eq!(kinds, WECHAT);
    let (js_api, wx_card) =
        (value_of(&shop, "jsapi_ticket").await, value_of(&shop, "wx_card_ticket").await);
    assert!(js_api.is_some() && wx_card.is_some() && js_api != wx_card);
    let end = status.tickets[0].expiration_time.as_ref().expect("an end").0;
    assert_eq!(value_of(&shop, "jsapi_ticket_expires_at").await, Some(end.to_string()));
    let unix = value_of(&shop, "jsapi_ticket_expires_at_unix").await;
    assert_eq!(unix, Some(end.as_second().to_string()));

    let operator = operator.restart().await;
    operator.until_calm().await;
    shop.was_asked(3);
    assert_eq!(ledger.writes().await, writes);
}

#[tokio::test]
async fn another_token_is_written_together_with_the_tickets_that_are_there() {
    let stage = Stage::new("tickets").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").legacy().with_tickets(&["JsApi"]).ready().await;
    shop.until_says(TicketsFresh, "True/Fresh").await;
    let (token, ticket) = (shop.token().await, value_of(&shop, "jsapi_ticket").await);

    let ledger = stage.ledger();
    stage.simulator.set_app(&shop.app_id, &AppSettings::with_secret("another"));
    stage.put_secret("shop-credential", "appSecret", "another").await;
    shop.until("the token is another", 10, |mini| {
        let status = mini.status.as_ref().and_then(|status| status.token.as_ref());
        status.is_some_and(|status| {
            status.fingerprint != platform_simulator::model::fingerprint(&token)
        })
    })
    .await;
    assert_eq!(value_of(&shop, "jsapi_ticket").await, ticket);
    let writes = ledger.writes().await;
    let applies = writes.iter().filter(|write| write.starts_with("patch secrets")).count();
    assert_eq!((applies, shop.counts().tickets), (1, 1), "{writes:?}");
}

#[tokio::test]
async fn a_failure_is_told_beside_a_ready_token_and_ends_by_itself() {
    let stage = Stage::new("tickets").await;
    let _operator = stage.operator().start().await;
    let faults = |mini: &Mini<'_>, code| {
        let rule = FaultRule::from(Fault::Code { code, msg: None }).times(1).on(On::Ticket);
        stage.simulator.faults(&mini.app_id, vec![rule]);
    };
    let shop = stage.app("shop").with_tickets(&["JsApi"]).without_credential().create().await;
    faults(&shop, -1);
    let mail = stage.app("mail").with_tickets(&["JsApi"]).without_credential().create().await;
    faults(&mail, 48001);
    for mini in [&shop, &mail] {
        let secret = format!("secret-of-{}", mini.app_id);
        stage.simulator.set_app(&mini.app_id, &AppSettings::with_secret(&secret));
        stage.put_secret(&format!("{}-credential", mini.name), "appSecret", &secret).await;
    }
    shop.until_says(TicketsFresh, "False/PlatformBusy").await;
    let told = mail.until_says(TicketsFresh, "False/BadResponse").await;
    for mini in [shop.get().await, told] {
        assert_eq!(says(&mini, Ready), "True/TokenAvailable");
        assert_eq!(says(&mini, TokenFresh), "True/Fresh");
        let failure = mini.status.expect("a status").tickets.swap_remove(0).last_failure;
        assert_eq!(failure.expect("a failure").attempts, 1);
    }
    shop.until_says_within(TicketsFresh, "True/Fresh", 50).await;
    assert_eq!((shop.counts().stable, shop.counts().tickets), (1, 2));
}

#[tokio::test]
async fn tickets_that_are_no_longer_wanted_leave_without_a_call() {
    let stage = Stage::new("tickets").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").with_tickets(&WECHAT).ready().await;
    shop.until_says(TicketsFresh, "True/Fresh").await;
    let all = keys(&shop).await;
    assert_eq!(all.len(), 5 + 6, "{all:?}");
    shop.patch(json!({ "spec": { "tickets": ["WxCard"] } })).await;
    shop.until("one is left", 5, |mini| {
        mini.status.as_ref().is_some_and(|status| status.tickets.len() == 1)
    })
    .await;
    assert_eq!(keys(&shop).await.len(), 5 + 3);
    shop.patch(json!({ "spec": { "tickets": null } })).await;
    shop.until_says(TicketsFresh, "").await;
    let left = keys(&shop).await;
    assert_eq!(left.len(), 5, "{left:?}");
    shop.was_asked(3);
}

#[tokio::test]
async fn a_ticket_that_somebody_removes_comes_back() {
    let stage = Stage::new("tickets").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").with_tickets(&["JsApi"]).ready().await;
    shop.until_says(TicketsFresh, "True/Fresh").await;
    let ticket = value_of(&shop, "jsapi_ticket").await;
    let removed = json!({ "data": { "jsapi_ticket": null } });
    let _: k8s_openapi::api::core::v1::Secret = stage.patch("shop-token", removed).await;
    shop.until("the ticket is asked for again", 45, |_| shop.counts().tickets == 2).await;
    shop.until_says(TicketsFresh, "True/Fresh").await;
    assert_eq!(value_of(&shop, "jsapi_ticket").await, ticket);
    assert_eq!(shop.counts().stable, 1);
}

#[tokio::test]
async fn each_platform_has_its_own_tickets() {
    let stage = Stage::new("tickets").await;
    let _operator = stage.operator().of_all_platforms().start().await;
    let secret = "c0ffee00c0ffee11c0ffee22c0ffee33";
    let corporation = stage
        .app("corporation")
        .at("WeCom", "ww00c0ffee00c0ffee")
        .with_secret(secret)
        .whose_platform_knows(secret)
        .with_tickets(&["JsApi", "AgentConfig"])
        .ready()
        .await;
    corporation.until_says(TicketsFresh, "True/Fresh").await;
    assert!(value_of(&corporation, "jsapi_ticket").await.is_some());
    assert!(value_of(&corporation, "agent_config_ticket").await.is_some());
    assert_eq!(corporation.counts().tickets, 2);
}
