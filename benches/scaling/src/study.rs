//! Many loads under one plan, and what they say together.

use crate::Stage;
use crate::assumptions::Assumptions;
use crate::loads::{Load, Shape};
use crate::outcome::{Outcome, Waits};
use crate::pipeline::Run;
use crate::plan::Plan;
use rayon::prelude::*;
use serde::Serialize;

/// What the loads of one shape say.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// The shape, or all.
    pub shape: String,
    /// How many loads.
    pub loads: u32,
    /// Files that came.
    pub documents: u64,
    /// Files that were not told to the end.
    pub untold: u64,
    /// Jobs that a scale-in cut off.
    pub cut_by_scale_in: u64,
    /// Jobs that Spot cut off.
    pub cut_by_spot: u64,
    /// Tasks that scale-in stopped.
    pub stopped: u64,
    /// How often a service lost its last task though documents were on their way.
    pub emptied: u64,
    /// Seconds to the first document: median, p95, longest.
    pub first: [f64; 3],
    /// Seconds that a message waits at ingest, summarize or notify: p95, p99, longest.
    pub waits: [f64; 3],
    /// Seconds that one waits for ocr, which Textract's quota bounds: p95, longest.
    pub ocr: [f64; 2],
    /// Most tasks at once, by service.
    pub peak: [u32; 4],
    /// What it cost, in dollars.
    pub dollars: f64,
    /// What the oracle pays.
    pub oracle: f64,
    /// Both, by service.
    pub services: [[f64; 2]; 4],
    /// Cost beside the oracle's, of the load in the middle and of the worst of twenty.
    pub ratios: [f64; 2],
}

/// Everything that is summed up.
#[derive(Default)]
struct Sum {
    row: Row,
    firsts: Vec<f64>,
    ratios: Vec<f64>,
    waits: Waits,
    ocr: Waits,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        let row = &mut self.row;
        row.loads += 1;
        row.documents += outcome.documents;
        row.untold += outcome.documents - outcome.told.min(outcome.documents);
        row.cut_by_scale_in += u64::from(outcome.cut_by_scale_in);
        row.cut_by_spot += u64::from(outcome.cut_by_spot);
        row.stopped += u64::from(outcome.stopped);
        row.emptied += u64::from(outcome.emptied);
        let (dollars, oracle): (f64, f64) = (outcome.dollars.iter().sum(), outcome.oracle.iter().sum());
        row.dollars += dollars;
        row.oracle += oracle;
        for at in 0..4 {
            row.services[at][0] += outcome.dollars[at];
            row.services[at][1] += outcome.oracle[at];
            row.peak[at] = row.peak[at].max(outcome.peak[at]);
            let waits = if at == Stage::Ocr as usize { &mut self.ocr } else { &mut self.waits };
            waits.merge(&outcome.waits[at]);
        }
        self.firsts.extend(outcome.first);
        self.ratios.push(if oracle > 0.0 { dollars / oracle } else { 1.0 });
    }

    fn row(mut self, shape: &str) -> Row {
        self.firsts.sort_by(f64::total_cmp);
        self.ratios.sort_by(f64::total_cmp);
        let (waits, ocr) = (&self.waits, &self.ocr);
        Row {
            shape: shape.to_owned(),
            first: [0.5, 0.95, 1.0].map(|share| quantile(&self.firsts, share)),
            waits: [waits.quantile(0.95), waits.quantile(0.99), waits.longest],
            ocr: [ocr.quantile(0.95), ocr.longest],
            ratios: [0.5, 0.95].map(|share| quantile(&self.ratios, share)),
            ..self.row
        }
    }
}

/// The value that this share of a sorted list has at most.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Runs so many loads of each of the shapes, in parallel, and sums them up by shape; the last row is of all.
#[must_use]
pub fn study(plan: &Plan, assumptions: &Assumptions, shapes: &[(Shape, u64)]) -> Vec<Row> {
    study_of(plan, assumptions, shapes, |load| load)
}

/// The same with loads that are changed after they are drawn.
#[must_use]
pub fn study_of(
    plan: &Plan,
    assumptions: &Assumptions,
    shapes: &[(Shape, u64)],
    change: impl Fn(Load) -> Load + Sync,
) -> Vec<Row> {
    let loads: Vec<(Shape, u64)> =
        shapes.iter().flat_map(|(shape, count)| (0..*count).map(move |seed| (*shape, seed))).collect();
    let outcomes: Vec<Outcome> = loads
        .into_par_iter()
        .with_max_len(1)
        .map(|(shape, seed)| {
            let load = change(Load::draw(shape, seed));
            Run::new(&load, plan, assumptions).outcome()
        })
        .collect();
    let mut rows = Vec::new();
    let mut all = Sum::default();
    for (shape, _) in shapes {
        let mut sum = Sum::default();
        for outcome in outcomes.iter().filter(|outcome| outcome.shape == *shape) {
            sum.add(outcome);
            all.add(outcome);
        }
        rows.push(sum.row(shape.name()));
    }
    rows.push(all.row("all"));
    rows
}
