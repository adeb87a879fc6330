//! Chance, from one seed. Knows nothing of what it decides.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// A stream of choices; the same seed gives the same ones. Clones share the stream.
#[derive(Clone)]
pub struct Dice(Arc<Mutex<Xoshiro256PlusPlus>>);

impl Dice {
    pub fn from_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed))))
    }

    /// A stream of its own, so that what one part draws does not change what another one gets.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::from_seed(self.with(rand::Rng::next_u64))
    }

    pub fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.with(|dice| dice.random_bool(probability.min(1.0)))
    }

    /// From `low` to below `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        if high <= low { low } else { self.with(|dice| dice.random_range(low..high)) }
    }

    /// From `low` to `high`, each order of magnitude as likely as the other.
    pub fn log_between(&self, low: u64, high: u64) -> u64 {
        let bits = |n: u64| n.max(1).ilog2();
        let magnitude = self.between(bits(low).into(), u64::from(bits(high)) + 1);
        self.between(1 << magnitude, 2 << magnitude).clamp(low, high)
    }

    pub fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.between(0, of.len() as u64)).unwrap_or(0))
    }

    pub fn number(&self) -> u64 {
        self.with(rand::Rng::next_u64)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Xoshiro256PlusPlus) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
