//! Lark: Feishu at another host.

use super::Platform;
use super::feishu::{BUSINESS, TOKEN};

pub(super) const PLATFORM: Platform =
    Platform { name: "Lark", tokens: &[TOKEN], business: &[BUSINESS], tickets: &[] };
