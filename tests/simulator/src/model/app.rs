//! One app and what the platform's rules do with its calls; knows no wire format and no error code.

use super::names::Names;
use super::rules::{AppSettings, Rules};
use super::time::{Moment, Used};
use super::tokens::{Family, Standing, Token, Tokens};
use crate::Millis;

#[derive(Debug, Default)]
pub(crate) struct App {
    pub settings: AppSettings,
    legacy: Tokens,
    stable: Tokens,
    legacy_today: Used,
    stable_this_minute: Used,
    stable_today: Used,
    forced_today: Used,
    forced_at: Option<Millis>,
}

/// A token handed out, for the first time or again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub token: String,
    pub expires_in: u64,
    pub minted: bool,
}

/// Why a token was not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    UnknownApp,
    BadSecret,
    Frozen,
    MinuteQuota,
    DayQuota,
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
    pub fn admit(&self, secret: &str, rules: &Rules) -> Result<(), Refused> {
        if !self.secret_is(secret) {
            return Err(Refused::BadSecret);
        }
        if rules.frozen { Err(Refused::Frozen) } else { Ok(()) }
    }

    /// Each call is a new token and shortens the one before
    /// (<https://developers.weixin.qq.com/doc/service/guide/dev/api>).
    pub fn legacy(
        &mut self,
        at: Moment,
        rules: &Rules,
        names: &mut Names,
    ) -> Result<Granted, Refused> {
        if self.legacy_today.in_period(at.day) >= rules.legacy_per_day {
            return Err(Refused::DayQuota);
        }
        self.legacy_today.count(at.day);
        let token = self.legacy.mint(names.token(), at.now, rules.life_ms, rules.overlap_ms);
        Ok(granted(token, at.now, true))
    }

    /// The same token until its last minutes; forced, a new one at the cost of the old
    /// (<https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html>).
    pub fn stable(
        &mut self,
        at: Moment,
        force: bool,
        rules: &Rules,
        names: &mut Names,
    ) -> Result<Granted, Refused> {
        if self.stable_this_minute.in_period(at.minute) >= rules.stable_per_minute {
            return Err(Refused::MinuteQuota);
        }
        if self.stable_today.in_period(at.day) >= rules.stable_per_day {
            return Err(Refused::DayQuota);
        }
        // A forced call that comes too soon is served as an unforced one, by the same page.
        let force = force
            && self.forced_at.is_none_or(|last| at.now.saturating_sub(last) >= rules.force_gap_ms);
        if force && self.forced_today.in_period(at.day) >= rules.force_per_day {
            return Err(Refused::DayQuota);
        }
        self.stable_this_minute.count(at.minute);
        self.stable_today.count(at.day);
        if force {
            self.forced_today.count(at.day);
            self.forced_at = Some(at.now);
        } else if let Some(token) =
            self.stable.current(at.now).filter(|token| token.dies_ms - at.now > rules.window_ms)
        {
            return Ok(granted(token, at.now, false));
        }
        let overlap = if force { rules.forced_overlap_ms } else { rules.overlap_ms };
        Ok(granted(self.stable.mint(names.token(), at.now, rules.life_ms, overlap), at.now, true))
    }

    pub fn live_tokens(&self, now: Millis) -> impl Iterator<Item = (Family, &Token)> {
        self.legacy
            .live(now)
            .map(|token| (Family::Legacy, token))
            .chain(self.stable.live(now).map(|token| (Family::Stable, token)))
    }

    pub fn standing(&self, now: Millis, token: &str) -> Standing {
        match self.legacy.standing(now, token) {
            Standing::NeverSeen => self.stable.standing(now, token),
            known => known,
        }
    }

    /// Ends every token before its time, which platforms do too, without saying why.
    pub fn kill_tokens(&mut self, now: Millis) {
        self.legacy.kill(now);
        self.stable.kill(now);
    }
}

fn granted(token: &Token, now: Millis, minted: bool) -> Granted {
    Granted { token: token.text.clone(), expires_in: token.seconds_left(now), minted }
}
