//! Loads: seven shapes, each drawn by a seed.

use crate::chance::Chance;
use crate::{Second, Stage};
use std::f64::consts::TAU;

/// What comes, and what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// One file, after hours without any.
    Single,
    /// 100,000 files as fast as somebody uploads.
    Burst,
    /// A day, busy at noon and quiet at night.
    Diurnal,
    /// Heaps of files with pauses between them.
    Sawtooth,
    /// Files of which many fail at every attempt.
    Poison,
    /// Scans, while another application takes most of Textract's quota.
    QuotaLoss,
    /// A shelf of books, each of which is in hand for many seconds.
    Books,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Single,
        Self::Burst,
        Self::Diurnal,
        Self::Sawtooth,
        Self::Poison,
        Self::QuotaLoss,
        Self::Books,
    ];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single file from zero",
            Self::Burst => "burst of 100,000",
            Self::Diurnal => "a day",
            Self::Sawtooth => "sawtooth",
            Self::Poison => "poison",
            Self::QuotaLoss => "quota loss",
            Self::Books => "books",
        }
    }
}

/// A time in which Textract's quota is less.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    /// From then.
    pub from: Second,
    /// Until then.
    pub until: Second,
    /// What is left of it, as a share.
    pub left: f64,
}

/// A load.
#[derive(Debug, Clone)]
pub struct Load {
    /// Its shape.
    pub shape: Shape,
    /// What it was drawn by.
    pub seed: u64,
    /// Files that come in a second, in the order of time. Nobody touched the deployment before.
    pub arrivals: Vec<(Second, u32)>,
    /// Share of them that are scans.
    pub scans: f64,
    /// Share of them that fail at every attempt, and where.
    pub poison: (f64, Stage),
    /// Textract's quota for a while.
    pub loss: Option<Loss>,
    /// Do the tasks run on Spot?
    pub spot: bool,
    /// Is every document one that takes long?
    pub books: bool,
    /// Documents take so many times as long in hand as usual; more than 1 only where that is what is tried.
    pub slow: f64,
}

impl Load {
    /// The load of that shape and seed.
    #[must_use]
    pub fn draw(shape: Shape, seed: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(7).wrapping_add(shape as u64));
        let mut load = Self {
            shape,
            seed,
            arrivals: Vec::new(),
            scans: 0.0,
            poison: (0.0, Stage::Ingest),
            loss: None,
            spot: chance.unit() < 0.5,
            books: shape == Shape::Books,
            slow: 1.0,
        };
        match shape {
            Shape::Single => load.single(&mut chance),
            Shape::Burst => {
                let rate = 50.0 * 40.0_f64.powf(chance.unit());
                load.scans = chance.between(0.0, 0.02);
                load.heap(600, 100_000, rate, &mut chance);
            }
            Shape::Diurnal => load.day(&mut chance),
            Shape::Sawtooth => {
                load.scans = chance.between(0.0, 0.02);
                let mut at = 600;
                for _ in 0..4 + chance.below(5) {
                    let count = 500.0 * 20.0_f64.powf(chance.unit());
                    let rate = chance.between(20.0, 300.0);
                    load.heap(at, count as u32, rate, &mut chance);
                    at += chance.between(1200.0, 5400.0) as Second;
                }
            }
            Shape::Poison => {
                let at = [Stage::Ingest, Stage::Summarize][chance.below(2)];
                load.poison = (chance.between(0.05, 0.3), at);
                let rate = chance.between(5.0, 100.0);
                let count = chance.between(5000.0, 20_000.0) as u32;
                load.heap(600, count, rate, &mut chance);
            }
            Shape::QuotaLoss => {
                load.scans = chance.between(0.2, 0.6);
                let count = chance.between(1500.0, 5000.0) as u32;
                let rate = chance.between(1.0, 10.0);
                load.heap(600, count, rate, &mut chance);
                let from = 600 + chance.below(1200) as Second;
                let until = from + chance.between(600.0, 3600.0) as Second;
                load.loss = Some(Loss { from, until, left: chance.between(0.1, 0.5) });
            }
            Shape::Books => {
                let count = 100.0 * 20.0_f64.powf(chance.unit());
                let rate = chance.between(0.2, 20.0);
                load.heap(600, count as u32, rate, &mut chance);
            }
        }
        load
    }

    /// How many files come.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.arrivals.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    fn single(&mut self, chance: &mut Chance) {
        let hours = [1.0, 5.0, 7.0, 30.0][chance.below(4)];
        self.scans = f64::from(u8::from(chance.unit() < 0.25));
        let at = chance.between(hours, hours + 1.0) * 3600.0;
        self.arrivals.push((at as Second, 1));
    }

    /// So many files, at about that rate a second.
    fn heap(&mut self, from: Second, count: u32, rate: f64, chance: &mut Chance) {
        let (mut left, mut at) = (count, from.max(self.arrivals.last().map_or(0, |(at, _)| at + 1)));
        while left > 0 {
            let now = chance.poisson(rate).min(left);
            if now > 0 {
                self.arrivals.push((at, now));
            }
            (left, at) = (left - now, at + 1);
        }
    }

    fn day(&mut self, chance: &mut Chance) {
        let peak = 3.0 * 20.0_f64.powf(chance.unit());
        let night = peak * chance.between(0.02, 0.1);
        self.scans = chance.between(0.0, 0.01);
        for second in 0..86_400 {
            let noon = (1.0 - (TAU * f64::from(second) / 86_400.0).cos()) / 2.0;
            let count = chance.poisson(night + (peak - night) * noon * noon);
            if count > 0 {
                self.arrivals.push((600 + second, count));
            }
        }
    }
}
