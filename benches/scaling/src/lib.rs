//! How many tasks run while documents come, and what that costs: a simulation of `infra/autoscaling.yml`.
//!
//! The template is read, not retyped: its parameters, intrinsic functions, alarms with their metric math, policies and
//! targets ([`template`], [`plan`]). What AWS makes of them is modelled once a second ([`cloud`]): metrics that come once
//! a minute and late, alarms of so many periods, step adjustments with cooldowns, tasks that take their time to start and
//! are spared while they are protected. What the services do with documents is beside it ([`work`]), and a whole
//! deployment under one load is a [`pipeline`]. A load and its seed say everything: the same run gives the same figures.
//!
//! What is assumed of the world (seconds, prices, delays) stands with its source in `assumptions.toml`, and nowhere else.

pub mod assumptions;
pub mod chance;
pub mod cloud;
pub mod expression;
pub mod loads;
pub mod oracle;
pub mod outcome;
pub mod pipeline;
pub mod plan;
pub mod rules;
pub mod study;
pub mod template;
pub mod variants;
pub mod wiring;
pub mod work;

/// Seconds since a load began.
pub type Second = u32;

/// A service of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the services, by name")]
pub enum Stage {
    Ingest,
    Ocr,
    Summarize,
    Notify,
}

impl Stage {
    /// All of them, in the order in which a document meets them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Ocr, Self::Summarize, Self::Notify];

    /// The index in [`plan::QUEUES`] of the queue that it works off.
    #[must_use]
    pub fn queue(self) -> usize {
        match self {
            Self::Ingest => 0,
            Self::Ocr => 1,
            Self::Summarize => 3,
            Self::Notify => 4,
        }
    }

    /// As in the names of queues and services.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Ocr => "ocr",
            Self::Summarize => "summarize",
            Self::Notify => "notify",
        }
    }
}
