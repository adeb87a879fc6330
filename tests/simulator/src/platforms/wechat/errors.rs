//! What WeChat writes into `errmsg` for each code. Knows nothing of when a code is due.
//!
//! 40001, 40013, 40125, 40164 and 45009 are quoted from real answers and from
//! <https://developers.weixin.qq.com/doc/channels/API/basics/commErrCode.html>; the others keep the documented sense.

use std::net::{IpAddr, Ipv4Addr};

const TEXTS: &[(i64, &str)] = &[
    (-1, "system error"),
    (
        40001,
        "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, \
         more details at https://mmbizurl.cn/s/JtxxFh33r",
    ),
    (40002, "invalid grant_type"),
    (40013, "invalid appid"),
    (40014, "invalid access_token"),
    (40125, "invalid appsecret"),
    (40243, "appsecret is frozen, unfreeze it and try again"),
    (41001, "access_token missing"),
    (41002, "appid missing"),
    (41004, "appsecret missing"),
    (42001, "access_token expired"),
    (43001, "require GET method"),
    (43002, "require POST method"),
    (45009, "reach max api daily quota limit"),
    (45011, "api minute-quota reach limit, must slower retry next minute"),
    (47001, "data format error"),
    (50004, "forbidden to use the token api"),
    (50007, "account is frozen"),
    (61004, "access clientip is not registered"),
    (89503, "call needs the administrator's confirmation, a message was sent"),
    (89506, "the administrator refused this ip, try again after 24 hours"),
    (89507, "the administrator refused this ip, try again after 1 hour"),
];

/// The legacy endpoint's users are pointed to the other one.
const LEGACY_DAY_QUOTA: &str = "reach max api daily quota limit, could get access_token by getStableAccessToken, \
                                more details at https://mmbizurl.cn/s/JtxxFh33r";

pub(super) fn text(code: i64, path: &str, caller: IpAddr) -> String {
    match (code, path) {
        (40164, _) => not_in_whitelist(caller),
        (45009, "/cgi-bin/token") => LEGACY_DAY_QUOTA.to_owned(),
        _ => TEXTS
            .iter()
            .find(|(known, _)| *known == code)
            .map_or("unknown error", |(_, text)| text)
            .to_owned(),
    }
}

fn not_in_whitelist(caller: IpAddr) -> String {
    let v6 = match caller {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let v4 = v6.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED);
    format!("invalid ip {v4} ipv6 {v6}, not in whitelist")
}
