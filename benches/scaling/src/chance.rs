//! Chance that is the same at every run.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws numbers; its seed says which.
#[derive(Debug, Clone)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The draws of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// In 0..1.
    pub fn unit(&mut self) -> f64 {
        let bits = (self.0.next_u64() >> 11) as f64;
        bits / (1_u64 << 53) as f64
    }

    /// In `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `end`, 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Exponential, with that mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Normal, around 0 with deviation 1.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Log-normal, by its median and its 95th percentile.
    pub fn around(&mut self, median: f64, p95: f64) -> f64 {
        const Z95: f64 = 1.644_853_6;
        median * ((p95 / median).ln() / Z95 * self.normal()).exp()
    }

    /// A whole number around `value`: its fraction is the chance of one more.
    pub fn rounded(&mut self, value: f64) -> u32 {
        let whole = value.max(0.0).floor();
        whole as u32 + u32::from(self.unit() < value - whole)
    }

    /// How many of `count` meet a chance of `share`.
    pub fn of(&mut self, count: u32, share: f64) -> u32 {
        if share <= 0.0 || count == 0 {
            return 0;
        }
        if count <= 24 {
            return (0..count).map(|_| u32::from(self.unit() < share)).sum();
        }
        let mean = f64::from(count) * share;
        let drawn = mean + (mean * (1.0 - share)).sqrt() * self.normal();
        self.rounded(drawn).min(count)
    }

    /// How many come where `mean` are expected (Poisson).
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 30.0 {
            let drawn = mean + mean.sqrt() * self.normal();
            return self.rounded(drawn);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}
