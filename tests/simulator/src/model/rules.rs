//! What of a platform's rules can be set, and what follows when it is not; knows no state.

use serde::{Deserialize, Serialize};

use super::allow_list::Allowed;
use super::tokens::Family;
use crate::Millis;
use crate::platforms::{self, Figures};

/// What a caller sets of one app, or of all apps; what is left out follows from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppSettings {
    /// Without one, any secret is right.
    pub secret: Option<String>,
    /// Life of a new token; the other times are scaled with it.
    pub life_ms: Option<Millis>,
    /// Life of a new ticket.
    pub ticket_life_ms: Option<Millis>,
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
    /// Calls of any token endpoint in its shortest period that is limited, often a minute.
    pub per_period: Option<u32>,
    /// Calls of any token endpoint a day.
    pub per_day: Option<u32>,
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
            ticket_life_ms: self.ticket_life_ms.or(base.ticket_life_ms),
            overlap_ms: self.overlap_ms.or(base.overlap_ms),
            window_ms: self.window_ms.or(base.window_ms),
            force_gap_ms: self.force_gap_ms.or(base.force_gap_ms),
            forced_overlap_ms: self.forced_overlap_ms.or(base.forced_overlap_ms),
            force_per_day: self.force_per_day.or(base.force_per_day),
            legacy_per_day: self.legacy_per_day.or(base.legacy_per_day),
            stable_per_minute: self.stable_per_minute.or(base.stable_per_minute),
            stable_per_day: self.stable_per_day.or(base.stable_per_day),
            per_period: self.per_period.or(base.per_period),
            per_day: self.per_day.or(base.per_day),
            allowed_ips: self.allowed_ips.clone().or_else(|| base.allowed_ips.clone()),
            caller_ip: self.caller_ip.or(base.caller_ip),
            frozen: self.frozen.or(base.frozen),
            legacy_bad_secret_code: self.legacy_bad_secret_code.or(base.legacy_bad_secret_code),
        }
    }

    /// The rules at WeChat.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let [legacy, stable] =
            platforms::WECHAT.map(|known| Terms::of(known.family, &known.figures, self));
        Rules {
            life_ms: stable.life_ms,
            overlap_ms: stable.overlap_ms,
            window_ms: stable.window_ms,
            force_gap_ms: stable.force_gap_ms,
            forced_overlap_ms: stable.forced_overlap_ms,
            force_per_day: stable.force_per_day,
            legacy_per_day: legacy.per_day,
            stable_per_minute: stable.calls,
            stable_per_day: stable.per_day,
            allowed_ips: self.allowed_ips.clone().unwrap_or_default(),
            caller_ip: self.caller_ip,
            frozen: self.frozen.unwrap_or(false),
            legacy_bad_secret_code: self.legacy_bad_secret_code.unwrap_or(40125),
        }
    }
}

/// What holds for one app at one endpoint.
#[derive(Debug)]
pub(crate) struct Terms {
    pub family: Family,
    pub life_ms: Millis,
    pub overlap_ms: Millis,
    pub window_ms: Millis,
    /// So many calls in such a period.
    pub calls: u32,
    pub period_ms: Millis,
    pub per_day: u32,
    pub can_force: bool,
    pub force_gap_ms: Millis,
    pub forced_overlap_ms: Millis,
    pub force_per_day: u32,
}

impl Terms {
    pub fn of(family: Family, figures: &Figures, settings: &AppSettings) -> Self {
        let life_ms = settings.life_ms.unwrap_or(figures.life_ms);
        let scaled = |length: Millis| {
            let scaled =
                u128::from(length) * u128::from(life_ms) / u128::from(figures.life_ms.max(1));
            Millis::try_from(scaled).unwrap_or(Millis::MAX)
        };
        let overlap_ms = settings.overlap_ms.unwrap_or_else(|| scaled(figures.turn_ms));
        let (per_period, per_day) = match family {
            Family::Legacy => (None, settings.legacy_per_day),
            Family::Stable => (settings.stable_per_minute, settings.stable_per_day),
            Family::Renewing | Family::Adding => (None, None),
        };
        let (force_per_day, force_gap_ms) = figures.force.unwrap_or_default();
        Self {
            family,
            life_ms,
            overlap_ms,
            window_ms: settings.window_ms.unwrap_or(overlap_ms),
            calls: per_period.or(settings.per_period).unwrap_or(figures.calls.0),
            period_ms: figures.calls.1,
            per_day: per_day.or(settings.per_day).unwrap_or(figures.per_day),
            can_force: figures.force.is_some(),
            force_gap_ms: settings.force_gap_ms.unwrap_or_else(|| scaled(force_gap_ms)),
            // The documented text says "at once", yet its drill for a leak forces twice, 30 s
            // apart; a test can try both.
            forced_overlap_ms: settings.forced_overlap_ms.unwrap_or(0),
            force_per_day: settings.force_per_day.unwrap_or(force_per_day),
        }
    }
}
