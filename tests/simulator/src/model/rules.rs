//! What of a platform's rules can be set, and what follows when it is not; knows no state.

use serde::{Deserialize, Serialize};

use super::allow_list::Allowed;
use crate::Millis;

/// What a caller sets of one app, or of all apps; what is left out follows from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppSettings {
    /// Without one, any secret is right.
    pub secret: Option<String>,
    /// Life of a new token; the other times are scaled with it.
    pub life_ms: Option<Millis>,
    /// How long a replaced token lives on, at most.
    pub overlap_ms: Option<Millis>,
    /// How long before a stable token's end an unforced call gets a new one.
    pub window_ms: Option<Millis>,
    /// How far apart forced refreshes must be.
    pub force_gap_ms: Option<Millis>,
    /// How long the token that a forced refresh replaced lives on.
    pub forced_overlap_ms: Option<Millis>,
    pub force_per_day: Option<u32>,
    pub legacy_per_day: Option<u32>,
    pub stable_per_minute: Option<u32>,
    pub stable_per_day: Option<u32>,
    /// The addresses that may send the secret; an empty list lets all of them.
    pub allowed_ips: Option<Vec<Allowed>>,
    /// The address that the platform believes the caller has, as behind a NAT.
    pub caller_ip: Option<std::net::IpAddr>,
    pub frozen: Option<bool>,
    /// What the legacy endpoint says of a wrong secret: WeChat documents 40001 as well as 40125.
    pub legacy_bad_secret_code: Option<i64>,
}

/// The rules that hold for one app at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    pub life_ms: Millis,
    pub overlap_ms: Millis,
    pub window_ms: Millis,
    pub force_gap_ms: Millis,
    pub forced_overlap_ms: Millis,
    pub force_per_day: u32,
    pub legacy_per_day: u32,
    pub stable_per_minute: u32,
    pub stable_per_day: u32,
    pub allowed_ips: Vec<Allowed>,
    pub caller_ip: Option<std::net::IpAddr>,
    pub frozen: bool,
    pub legacy_bad_secret_code: i64,
}

impl AppSettings {
    #[must_use]
    pub fn with_secret(secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..Self::default() }
    }

    /// These settings, and those of `base` where these are silent.
    #[must_use]
    pub fn or(&self, base: &Self) -> Self {
        Self {
            secret: self.secret.clone().or_else(|| base.secret.clone()),
            life_ms: self.life_ms.or(base.life_ms),
            overlap_ms: self.overlap_ms.or(base.overlap_ms),
            window_ms: self.window_ms.or(base.window_ms),
            force_gap_ms: self.force_gap_ms.or(base.force_gap_ms),
            forced_overlap_ms: self.forced_overlap_ms.or(base.forced_overlap_ms),
            force_per_day: self.force_per_day.or(base.force_per_day),
            legacy_per_day: self.legacy_per_day.or(base.legacy_per_day),
            stable_per_minute: self.stable_per_minute.or(base.stable_per_minute),
            stable_per_day: self.stable_per_day.or(base.stable_per_day),
            allowed_ips: self.allowed_ips.clone().or_else(|| base.allowed_ips.clone()),
            caller_ip: self.caller_ip.or(base.caller_ip),
            frozen: self.frozen.or(base.frozen),
            legacy_bad_secret_code: self.legacy_bad_secret_code.or(base.legacy_bad_secret_code),
        }
    }

    /// WeChat's figures: 7200 s of life, 300 s of overlap, 30 s between forced refreshes, 20 of
    /// them a day
    /// (<https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html>);
    /// 2000 legacy calls a day
    /// (<https://developers.weixin.qq.com/doc/subscription/guide/dev/api/limit>).
    #[must_use]
    pub fn rules(&self) -> Rules {
        let life_ms = self.life_ms.unwrap_or(7_200_000);
        let overlap_ms = self.overlap_ms.unwrap_or(life_ms / 24);
        Rules {
            life_ms,
            overlap_ms,
            window_ms: self.window_ms.unwrap_or(overlap_ms),
            force_gap_ms: self.force_gap_ms.unwrap_or(life_ms / 240),
            // The documented text says "at once", yet its drill for a leak forces twice, 30 s
            // apart; a test can try both.
            forced_overlap_ms: self.forced_overlap_ms.unwrap_or(0),
            force_per_day: self.force_per_day.unwrap_or(20),
            legacy_per_day: self.legacy_per_day.unwrap_or(2_000),
            stable_per_minute: self.stable_per_minute.unwrap_or(10_000),
            stable_per_day: self.stable_per_day.unwrap_or(500_000),
            allowed_ips: self.allowed_ips.clone().unwrap_or_default(),
            caller_ip: self.caller_ip,
            frozen: self.frozen.unwrap_or(false),
            legacy_bad_secret_code: self.legacy_bad_secret_code.unwrap_or(40125),
        }
    }
}
