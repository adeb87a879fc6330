//! The limits on calls that platforms document. Values only.

use std::time::Duration;

/// So many of something in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub of: LimitOf,
    /// How many of them the platform documents.
    pub count: u32,
    /// In what time.
    pub within: Duration,
}

/// What a platform counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOf {
    /// Calls of one app. More are refused.
    App,
    /// Calls from one address. More are refused, or the address is banned for a while.
    Address,
    /// Calls from one address that are rejected for their credential. With more, the address is
    /// banned for a while, and with it every app behind it.
    Rejections,
}

impl Limit {
    pub(super) const fn of_app(count: u32, within: Duration) -> Self {
        Self { of: LimitOf::App, count, within }
    }

    pub(super) const fn of_address(count: u32, within: Duration) -> Self {
        Self { of: LimitOf::Address, count, within }
    }

    pub(super) const fn of_rejections(count: u32, within: Duration) -> Self {
        Self { of: LimitOf::Rejections, count, within }
    }
}
