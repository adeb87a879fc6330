//! What a seed stands for: how many apps, how long, and how much goes wrong. Carries nothing out.

use crate::{
    dice::Dice,
    time::{DAY, HOUR, MINUTE, Millis, SECOND},
    weather::Climate,
};

/// The plot of one run.
#[derive(Clone, Debug)]
pub struct Plot {
    pub apps: u64,
    pub climate: Climate,
    /// Mean time between crashes out of nothing; 0 for none.
    pub crash_every: Millis,
    /// Mean time between outages of the API server.
    pub api_outage_every: Millis,
    /// Mean time between outages of the platform.
    pub platform_outage_every: Millis,
    /// Mean time between two things that users do.
    pub user_every: Millis,
    pub end: Millis,
    /// How long after a trouble a dead token may still be its fault.
    pub recovery: Millis,
}

/// Traces of troubles are gone so long after the last one: the longest stop is half an hour.
const SETTLING: Millis = 40 * MINUTE;

impl Plot {
    pub fn of(seed: u64) -> Self {
        let dice = Dice::from_seed(seed ^ 0x5eed);
        let maybe =
            |probability: f64, low: Millis, high: Millis| if dice.chance(probability) { dice.log_between(low, high) } else { 0 };
        let calm_from = dice.between(12 * HOUR, 3 * DAY);
        let rate = |probability: f64| {
            if dice.chance(probability) { [0.01, 0.05, 0.2, 0.4][usize::try_from(dice.between(0, 4)).unwrap_or(0)] } else { 0.0 }
        };
        let harmless = seed % 8 == 0;
        let climate = if harmless {
            Climate { calm_from: 0, ..Climate::default() }
        } else {
            Climate {
                calm_from,
                api: rate(0.5),
                platform: rate(0.6),
                crash: rate(0.4),
                streams: rate(0.4),
                short_streams: dice.chance(0.1),
            }
        };
        let maybe = |probability: f64, low, high| if harmless { 0 } else { maybe(probability, low, high) };
        Self {
            apps: dice.between(1, 5),
            crash_every: maybe(0.4, 10 * MINUTE, 12 * HOUR),
            api_outage_every: maybe(0.3, HOUR, DAY),
            platform_outage_every: maybe(0.3, HOUR, DAY),
            user_every: 0,
            end: calm_from + SETTLING + 9 * HOUR,
            recovery: recovery(&climate),
            climate,
        }
    }

    pub fn settled_from(&self) -> Millis {
        self.climate.calm_from + SETTLING
    }
}

/// The more goes wrong, the longer it takes until something goes right.
fn recovery(climate: &Climate) -> Millis {
    let worst = climate.api.max(climate.platform).max(2.0 * climate.crash);
    match worst {
        _ if worst < 0.02 => 150 * SECOND,
        _ if worst < 0.1 => 240 * SECOND,
        _ if worst < 0.3 => 400 * SECOND,
        _ => 700 * SECOND,
    }
}
