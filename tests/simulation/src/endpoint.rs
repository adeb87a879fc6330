//! The token endpoints that apps are of: WeChat's two, and one of a made-up platform for each kind
//! of reissue.

use serde_json::{Value, json};

use crate::{
    dice::Dice,
    time::{Millis, SECOND},
};

/// An endpoint, by the name of its mode at WeChat or of its made-up platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Stable,
    Legacy,
    Replacing,
    Lasting,
    Renewing,
    Adding,
}

/// Those of platforms that do not exist.
const MADE_UP: [Endpoint; 4] =
    [Endpoint::Replacing, Endpoint::Lasting, Endpoint::Renewing, Endpoint::Adding];

impl Endpoint {
    /// One of WeChat's.
    #[must_use]
    pub fn of_wechat(dice: &Dice) -> Self {
        if dice.chance(0.5) { Self::Stable } else { Self::Legacy }
    }

    /// One of a made-up platform, or else this one.
    #[must_use]
    pub fn or_made_up(self, dice: &Dice) -> Self {
        let made_up = dice.pick(&MADE_UP).copied().filter(|_| dice.chance(0.4));
        made_up.unwrap_or(self)
    }

    /// The platform's name.
    #[must_use]
    pub fn platform(self) -> &'static str {
        match self {
            Self::Stable | Self::Legacy => "WeChat",
            Self::Replacing => "Replacing",
            Self::Lasting => "Lasting",
            Self::Renewing => "Renewing",
            Self::Adding => "Adding",
        }
    }

    /// The platform's other endpoint, if it has two.
    #[must_use]
    pub fn other(self) -> Option<Self> {
        match self {
            Self::Stable => Some(Self::Legacy),
            Self::Legacy => Some(Self::Stable),
            _ => None,
        }
    }

    /// The token mode, as a target's annotation has it: empty where the platform has one endpoint.
    #[must_use]
    pub fn mode(self) -> &'static str {
        match self {
            Self::Stable => "Stable",
            Self::Legacy => "Legacy",
            _ => "",
        }
    }

    /// Names it in a spec.
    pub fn name_in(self, spec: &mut Value) {
        spec["platform"] = json!(self.platform());
        if self.other().is_some() {
            spec["tokenMode"] = json!(self.mode());
        }
    }

    /// Whether each call ends the token before.
    #[must_use]
    pub fn replaces(self) -> bool {
        matches!(self, Self::Legacy | Self::Replacing)
    }

    /// Whether another token may mean that the one before it is at its end.
    #[must_use]
    pub fn ends_others(self) -> bool {
        self != Self::Adding
    }

    /// Whether some call brings another token for one that is reported dead.
    #[must_use]
    pub fn replaces_reported(self) -> bool {
        self != Self::Renewing
    }

    /// How long after it was made a token is due to be refreshed, at the earliest.
    #[must_use]
    pub fn refresh_after(self, life: Millis, lead: Option<u64>) -> Millis {
        let before_end = life - (10 + lead.unwrap_or(300)) * SECOND;
        match self {
            // A minute is for the spread.
            Self::Renewing | Self::Adding => before_end.min(life / 2 - 70 * SECOND),
            _ => before_end,
        }
    }

    /// The longest lead and the shortest interval that a spec may ask for, in seconds.
    #[must_use]
    pub fn bounds(self) -> (u64, u64) {
        match self {
            Self::Stable => (300, 60),
            Self::Lasting | Self::Renewing => (3600, 60),
            Self::Legacy | Self::Replacing | Self::Adding => (3600, 600),
        }
    }
}
