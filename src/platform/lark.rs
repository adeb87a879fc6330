//! Lark: self-built apps, with their tenant access token. Speaks as Feishu does, at another host.
//!
//! Source: that of `feishu.rs`. The newer endpoint `oauth/v3/token` has failed for Lark, so that it
//! is not used here.

#[cfg(test)]
use super::tests::Cases;
use super::{Endpoint, Platform, feishu};

pub(super) const PLATFORM: Platform = Platform {
    name: "Lark",
    endpoints: &[Endpoint { hosts: &["https://open.larksuite.com"], ..feishu::ENDPOINT }],
    ..feishu::PLATFORM
};

#[cfg(test)]
pub(super) const CASES: &[Cases] = feishu::CASES;
