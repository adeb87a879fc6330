//! The source of random ids, salts and jitter. Knows nothing of their use.

use std::sync::Arc;

use rand::RngExt;

use crate::sensitive::hex;

/// A source of randomness: the machine's, or a simulation's seed.
#[derive(Clone)]
pub struct Chance(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Chance {
    /// The machine's own randomness.
    pub fn system() -> Self {
        Self::from_fn(|| rand::rng().random())
    }

    /// Randomness from the function `draw`, for simulations.
    pub fn from_fn(draw: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    /// A string of `count` random hexadecimal digits.
    pub fn digits(&self, count: usize) -> String {
        let bytes: Vec<u8> =
            (0..count.div_ceil(16)).flat_map(|_| (self.0)().to_be_bytes()).collect();
        hex(&bytes, count)
    }

    /// A number from 0 to below 1.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::try_from((self.0)() >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn what_is_drawn_has_the_length_and_the_range_that_was_asked_for() {
        let most = Chance::from_fn(|| u64::MAX);
        assert_eq!(most.digits(32), "f".repeat(32));
        assert_eq!(most.digits(17).len(), 17);
        assert!(most.fraction() < 1.0 && most.fraction() > 0.99);
        assert!(Chance::from_fn(|| 0).fraction().abs() < f64::EPSILON);
        assert_ne!(Chance::system().digits(32), Chance::system().digits(32));
    }
}
