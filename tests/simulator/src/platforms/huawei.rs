//! Huawei's endpoint on the wire. A refusal has two numbers, of which the second tells the cause.
//! <https://developer.huawei.com/consumer/en/doc/doccenter-references/api/account-server-error-code/>

use serde_json::{Value, json};

use super::endpoint::{BusinessEndpoint, Figures, Presented, Refusal, Said, TokenEndpoint};
use super::{Platform, rfc6749};
use crate::model::{Family, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "Huawei",
    tokens: &[TokenEndpoint {
        path: "/oauth2/v3/token",
        family: Family::Adding,
        figures: Figures { life_ms: 3_600_000, calls: (1_000, 300_000), ..Figures::TWO_HOURS },
        checks_address: true,
        refusals: &[REFUSALS],
        refuse,
        ..rfc6749::TOKEN
    }],
    business: &[BusinessEndpoint {
        path: "/v1/messages:send",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REFUSALS: &[Refusal] = &[
    number(Refused::Body, 400, 20002, "parameter invalid"),
    number(Refused::UnknownApp, 400, 20003, "parameter invalid"),
    number(Refused::BadSecret, 400, 12304, "client_secret is wrong"),
    number(Refused::IpNotAllowed, 403, 1203, "access refused"),
    number(Refused::TooOften, 503, 1203, "flow control"),
    number(Refused::Busy, 500, 1203, "internal error"),
    number(Refused::TokenUnknown, 401, 6, "the access token is not valid"),
];

const fn number(why: Refused, status: u16, number: i64, text: &'static str) -> Refusal {
    Refusal { status, ..Refusal::number(why, number, text) }
}

fn success() -> Value {
    json!({ "code": "80000000", "msg": "Success" })
}

fn refuse(said: &Said<'_>) -> Reply {
    let body = json!({
        "sub_error": said.code.json(),
        "error_description": said.text,
        "error": 1101,
    });
    Reply::json(said.status, &body)
}
