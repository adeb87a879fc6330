//! One app and what the platform's rules do with its calls; knows no wire format and no error code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::Names;
use super::rules::{AppSettings, Terms};
use super::time::{Moment, Used};
use super::tokens::{Family, Standing, Token, Tokens};
use crate::Millis;

#[derive(Debug, Default)]
pub(crate) struct App {
    pub settings: AppSettings,
    families: BTreeMap<Family, Issued>,
    tickets: BTreeMap<String, Tokens>,
}

/// The tokens of one family, and the calls that are counted together.
#[derive(Debug, Default)]
struct Issued {
    tokens: Tokens,
    lately: Used,
    today: Used,
    forced_today: Used,
    forced_at: Option<Millis>,
}

/// A token handed out, for the first time or again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    pub token: String,
    /// The seconds that are left of its life.
    pub expires_in: u64,
    /// The seconds of its whole life.
    pub whole_life: u64,
    /// When it ends, unless a later call has it end at another time.
    pub ends_ms: Millis,
    /// How much longer the token before a new one lives, at most; nothing if as long as before.
    pub leaves_ms: Option<Millis>,
    pub minted: bool,
}

/// Why a token was not handed out, or not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    Method,
    Body,
    GrantType,
    NoAppId,
    NoSecret,
    UnknownApp,
    BadSecret,
    Frozen,
    IpNotAllowed,
    /// The quota of a minute, or of some minutes.
    TooOften,
    DayQuota,
    Busy,
    TokenMissing,
    TokenUnknown,
    TokenReplaced,
    TokenExpired,
}

impl App {
    pub fn new(secret: Option<String>) -> Self {
        Self { settings: AppSettings { secret, ..AppSettings::default() }, ..Self::default() }
    }

    pub fn secret_is(&self, secret: &str) -> bool {
        self.settings.secret.as_deref().is_none_or(|right| right == secret)
    }

    /// Who is let in. That a wrong secret is noticed before a freeze, and costs no quota, is our
    /// guess: no source says.
    pub fn admit(&self, secret: &str, frozen: bool) -> Result<(), Refused> {
        if !self.secret_is(secret) {
            return Err(Refused::BadSecret);
        }
        if frozen { Err(Refused::Frozen) } else { Ok(()) }
    }

    /// Hands out a token by what a call does to the tokens before it.
    pub fn issue(
        &mut self,
        at: Moment,
        force: bool,
        terms: &Terms,
        names: &mut Names,
    ) -> Result<Granted, Refused> {
        let issued = self.families.entry(terms.family).or_default();
        let force = issued.count(at, force, terms)?;
        let now = at.now;
        let kept = match terms.family {
            Family::Legacy | Family::Adding => None,
            Family::Stable if force => None,
            // The page that this follows is
            // <https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html>.
            Family::Stable => {
                let lasts = |token: &&Token| token.dies_ms - now > terms.window_ms;
                issued.tokens.current(now).filter(lasts)
            }
            Family::Renewing => issued.tokens.renew(now, terms.life_ms),
        };
        if let Some(token) = kept {
            return Ok(granted(token, now, None));
        }
        let leaves = match terms.family {
            Family::Stable if force => Some(terms.forced_overlap_ms),
            Family::Legacy | Family::Stable => Some(terms.overlap_ms),
            Family::Renewing | Family::Adding => None,
        };
        let token = issued.tokens.mint(names.token(), now, terms.life_ms, leaves);
        Ok(Granted { minted: true, ..granted(token, now, leaves) })
    }

    /// Returns the ticket of this name, and makes another one after its end.
    pub fn ticket(
        &mut self,
        now: Millis,
        name: &str,
        life_ms: Millis,
        names: &mut Names,
    ) -> Granted {
        let tickets = self.tickets.entry(name.to_owned()).or_default();
        if let Some(ticket) = tickets.current(now) {
            return granted(ticket, now, None);
        }
        Granted {
            minted: true,
            ..granted(tickets.mint(names.token(), now, life_ms, None), now, None)
        }
    }

    pub fn live_tokens(&self, now: Millis) -> impl Iterator<Item = (Family, &Token)> {
        self.families.iter().flat_map(move |(family, issued)| {
            issued.tokens.live(now).map(move |token| (*family, token))
        })
    }

    pub fn standing(&self, now: Millis, token: &str) -> Standing {
        let standings = self.families.values().map(|issued| issued.tokens.standing(now, token));
        standings
            .into_iter()
            .find(|found| *found != Standing::NeverSeen)
            .unwrap_or(Standing::NeverSeen)
    }

    /// Ends every token before its time, which platforms do too, without saying why.
    pub fn kill_tokens(&mut self, now: Millis) {
        for issued in self.families.values_mut() {
            issued.tokens.kill(now);
        }
    }
}

impl Issued {
    /// Counts a call, if the quotas allow it; answers whether it forces a new token.
    fn count(&mut self, at: Moment, force: bool, terms: &Terms) -> Result<bool, Refused> {
        let lately = at.now / terms.period_ms.max(1);
        if self.lately.in_period(lately) >= terms.calls {
            return Err(Refused::TooOften);
        }
        if self.today.in_period(at.day) >= terms.per_day {
            return Err(Refused::DayQuota);
        }
        // A forced call that comes too soon is served as an unforced one, by WeChat's page.
        let soon =
            self.forced_at.is_some_and(|last| at.now.saturating_sub(last) < terms.force_gap_ms);
        let force = force && terms.can_force && !soon;
        if force && self.forced_today.in_period(at.day) >= terms.force_per_day {
            return Err(Refused::DayQuota);
        }
        self.lately.count(lately);
        self.today.count(at.day);
        if force {
            self.forced_today.count(at.day);
            self.forced_at = Some(at.now);
        }
        Ok(force)
    }
}

fn granted(token: &Token, now: Millis, leaves_ms: Option<Millis>) -> Granted {
    Granted {
        token: token.text.clone(),
        expires_in: token.seconds_left(now),
        whole_life: token.seconds_left(token.counted_from_ms),
        ends_ms: token.dies_ms,
        leaves_ms,
        minted: false,
    }
}
