//! The tokens of one app and one family: minted, living on for a while, dead; knows no endpoint and
//! no quota.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// Dead tokens are remembered for telling "expired" and "replaced" from "never seen"; a platform
/// forgets them too.
const REMEMBERED: usize = 16;

/// The tokens that endpoints of one sort hand out: they are told apart by what a call does to the
/// tokens before it, and the first two have the names of WeChat's endpoints of that sort. Families
/// do not disturb each other, by
/// <https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Each call makes a token, and the one before it ends soon.
    Legacy,
    /// Each call returns the same token, until shortly before its end.
    Stable,
    /// Each call returns the same token, and its life begins again.
    Renewing,
    /// Each call makes a token, and those before it live on.
    Adding,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub issued_ms: Millis,
    /// When its life began, or was renewed for the last time.
    pub counted_from_ms: Millis,
    /// The end that its `expires_in` promised.
    pub promised_ms: Millis,
    /// Its true end: the first moment at which it is dead.
    pub dies_ms: Millis,
}

/// What a platform thinks of a token that somebody presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Live,
    Expired,
    Replaced,
    NeverSeen,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    oldest_first: Vec<Token>,
}

impl Token {
    pub(crate) fn lives(&self, now: Millis) -> bool {
        now < self.dies_ms
    }

    /// What `expires_in` says: whole seconds, rounded down.
    #[must_use]
    pub fn seconds_left(&self, now: Millis) -> u64 {
        self.dies_ms.saturating_sub(now) / 1000
    }
}

impl Tokens {
    /// The newest token, if it lives: the one that the platform holds for current.
    pub fn current(&self, now: Millis) -> Option<&Token> {
        self.oldest_first.last().filter(|newest| newest.lives(now))
    }

    pub fn live(&self, now: Millis) -> impl Iterator<Item = &Token> {
        self.oldest_first.iter().filter(move |token| token.lives(now))
    }

    pub fn standing(&self, now: Millis, text: &str) -> Standing {
        match self.oldest_first.iter().find(|token| token.text == text) {
            None => Standing::NeverSeen,
            Some(token) if token.lives(now) => Standing::Live,
            Some(token) if now < token.promised_ms => Standing::Replaced,
            Some(_) => Standing::Expired,
        }
    }

    /// Starts the life of the current token again.
    pub fn renew(&mut self, now: Millis, life: Millis) -> Option<&Token> {
        let token = self.oldest_first.last_mut().filter(|newest| newest.lives(now))?;
        let end = now.saturating_add(life);
        (token.counted_from_ms, token.promised_ms, token.dies_ms) = (now, end, end);
        Some(token)
    }

    /// Adds a token. The one before it lives as much longer as the new one `leaves` it, at most,
    /// and those before that end: two live at most. Without such a time all live on.
    pub fn mint(
        &mut self,
        text: String,
        now: Millis,
        life: Millis,
        leaves: Option<Millis>,
    ) -> &Token {
        if let Some(mut leave) = leaves {
            for older in self.oldest_first.iter_mut().rev() {
                older.dies_ms = older.dies_ms.min(now.saturating_add(leave));
                leave = 0;
            }
        }
        if self.oldest_first.len() >= REMEMBERED {
            let dead = self.oldest_first.iter().position(|token| !token.lives(now));
            dead.map(|place| self.oldest_first.remove(place));
        }
        let end = now.saturating_add(life);
        self.oldest_first.push(Token {
            text,
            issued_ms: now,
            counted_from_ms: now,
            promised_ms: end,
            dies_ms: end,
        });
        &self.oldest_first[self.oldest_first.len() - 1]
    }

    pub fn kill(&mut self, now: Millis) {
        for token in &mut self.oldest_first {
            token.dies_ms = token.dies_ms.min(now);
        }
    }
}
