//! What came of one load.

use crate::loads::Shape;
use serde::Serialize;

/// Bins of the histogram of waits: the n-th begins at `1.1^n − 1` seconds.
pub const BINS: usize = 160;

/// How long, how often.
#[derive(Debug, Clone)]
pub struct Waits {
    counts: Vec<u64>,
    /// The longest, in seconds.
    pub longest: f64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { counts: vec![0; BINS], longest: 0.0 }
    }
}

impl Waits {
    /// So many waited so long.
    pub fn add(&mut self, seconds: f64, count: u32) {
        let bin = ((seconds + 1.0).ln() / 1.1_f64.ln()) as usize;
        self.counts[bin.min(BINS - 1)] += u64::from(count);
        self.longest = self.longest.max(seconds);
    }

    /// Takes in others.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(own, other)| *own += other);
        self.longest = self.longest.max(other.longest);
    }

    /// The wait that this share has at most, in seconds, to within a tenth.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let all: u64 = self.counts.iter().sum();
        let wanted = (share * all as f64).ceil() as u64;
        let mut sum = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= wanted && sum > 0 {
                return (1.1_f64.powi(bin as i32 + 1) - 1.0).min(self.longest);
            }
        }
        0.0
    }
}

/// One minute of a run, for plots.
#[derive(Debug, Clone, Serialize)]
pub struct Minute {
    /// Since the load began.
    pub minute: u32,
    /// Messages that wait, by service.
    pub waiting: [u32; 4],
    /// Tasks that run, by service.
    pub running: [u32; 4],
    /// Tasks that are wished for, by service.
    pub desired: [u32; 4],
}

/// What came of one load.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The load's shape.
    pub shape: Shape,
    /// Files that came.
    pub documents: u64,
    /// Those that were told to the end.
    pub told: u64,
    /// Seconds from the first file to its being told.
    pub first: Option<f64>,
    /// How long messages waited, by service, until somebody took them the first time.
    pub waits: [Waits; 4],
    /// From upload to being told.
    pub whole: Waits,
    /// Jobs that were cut off by a scale-in; another task took them up.
    pub cut_by_scale_in: u32,
    /// Jobs that were cut off by Spot.
    pub cut_by_spot: u32,
    /// Tasks that scale-in stopped.
    pub stopped: u32,
    /// How often a service lost its last task though documents were on their way.
    pub emptied: u32,
    /// Most tasks at once, by service.
    pub peak: [u32; 4],
    /// What the tasks cost, in dollars, by service.
    pub dollars: [f64; 4],
    /// What the oracle pays, in dollars, by service.
    pub oracle: [f64; 4],
    /// Seconds until all was told and asleep again, or given up.
    pub ended: u32,
    /// Minute by minute, if that was asked for.
    pub trace: Vec<Minute>,
}
