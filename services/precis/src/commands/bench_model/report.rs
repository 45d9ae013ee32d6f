//! What was measured, for people and for programs.

use crate::show::{amount, clean};
use serde::Serialize;
use std::fmt;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub loaded: Loaded,
    /// Cores that this process may use.
    pub cores: usize,
    pub device: String,
    /// Pages and words of a document, on average.
    pub pages: usize,
    pub words: usize,
    pub made_up: bool,
    pub sentences: Sentences,
    pub alone: Alone,
    pub together: Together,
    pub flooded: Flooded,
    /// The most memory that the process has had, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<u64>,
    /// US dollars for an hour of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
}

/// The model, and how long it took until it had run once.
#[derive(Debug, Serialize)]
pub struct Loaded {
    pub model: String,
    pub seconds: f64,
}

/// The model alone.
#[derive(Debug, Serialize)]
pub struct Sentences {
    pub a_second: f64,
    /// Of the device's own time.
    pub tokens_a_second: f64,
}

/// One document at a time: seconds for each, and for its phases.
#[derive(Debug, Serialize)]
pub struct Alone {
    pub seconds: f64,
    pub rank: f64,
    pub embed: f64,
    pub choose: f64,
}

/// Many at once: how many came out, and how long each was in hand.
#[derive(Debug, Serialize)]
pub struct Together {
    pub at_once: usize,
    pub documents: usize,
    pub a_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// Twice as many came as went through: how long each was in hand, how many waited outside at the end, and by how many bytes
/// the process grew.
#[derive(Debug, Serialize)]
pub struct Flooded {
    pub came: usize,
    pub done: usize,
    pub waiting: usize,
    pub p50: f64,
    pub p99: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown: Option<u64>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loaded, sentences, alone, together, flooded, .. } = self;
        let cores = if self.cores == 1 { "1 core".to_owned() } else { format!("{} cores", self.cores) };
        writeln!(
            f,
            "Model       {} on {}, {cores}; ready after {:.2} s",
            clean(&loaded.model),
            self.device,
            loaded.seconds
        )?;
        writeln!(
            f,
            "Sentences   {:.0} a second ({:.0} tokens a second of the device's time)",
            sentences.a_second, sentences.tokens_a_second
        )?;
        let made_up = if self.made_up { ", made up" } else { "" };
        writeln!(f, "Documents   of {} pages and {} words on average{made_up}", self.pages, self.words)?;
        writeln!(
            f,
            "  alone     {:.3} s each: rank {:.3}, embed {:.3}, choose {:.3}",
            alone.seconds, alone.rank, alone.embed, alone.choose
        )?;
        writeln!(
            f,
            "  at once   {} in hand: {:.1} a second, {:.0} an hour; each took {:.2} s (p50), {:.2} s (p99)",
            together.at_once,
            together.a_second,
            together.a_second * 3600.0,
            together.p50,
            together.p99
        )?;
        let grown = flooded.grown.map(|bytes| format!("; memory grew by {}", amount(bytes)));
        writeln!(
            f,
            "  flooded   twice as many came: {} in hand took {:.2} s (p50), {:.2} s (p99), {} wait outside{}",
            together.at_once,
            flooded.p50,
            flooded.p99,
            flooded.waiting,
            grown.unwrap_or_default()
        )?;
        if let Some(peak) = self.peak {
            writeln!(f, "Memory      {} at most", amount(peak))?;
        }
        match self.price {
            Some(price) => {
                let dollar = together.a_second * 3600.0 / price;
                writeln!(
                    f,
                    "Cost        {dollar:.0} documents for a dollar, ${:.2} for 10,000, at ${price} an hour",
                    1e4 / dollar
                )
            }
            None => writeln!(f, "Cost        give --price USD for documents a dollar"),
        }
    }
}
