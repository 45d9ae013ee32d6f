//! Learning to rank: from documents and what people want of their summaries to a head for the summarizer.
//!
//! A row of data is a document with a summary that a person wrote, with facts that its reader must know, or with two
//! summaries of which a person preferred one ([`data`]). It becomes an [`Example`]: the summarizer's own features, and a
//! reward for every choice of sentences. [`fit()`] learns weights; [`train`] does it over and over, each time with other
//! documents kept apart, and lets pass only what is better on those than the ranking that is in use ([`gate`]).
//!
//! Everything is drawn from one seed: the same data and seed give the same bytes.

pub mod data;
mod example;
mod fit;
pub mod gate;
mod noise;
mod porter;
mod rouge;

pub use example::{Example, Useless};
pub use fit::{Plan, fit};
pub use rouge::{Reference, Rouge, Tokens};

use gate::Compared;
use summarizer::{Head, HeadError, Record, Score};

/// What to train with.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How.
    pub plan: Plan,
    /// Parts of the cross-validation.
    pub folds: usize,
    /// Names of the sets, by number.
    pub sets: Vec<String>,
    /// The model that embedded the sentences, if one did.
    pub model: Option<String>,
}

/// Where training is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<'a> {
    /// What is trained now: "cross-validation 2 of 5", "without papers.jsonl", "the head".
    pub part: &'a str,
    /// Passes over the data that are done, of all parts.
    pub done: usize,
    /// And that there are.
    pub of: usize,
    /// Mean loss of the last one.
    pub loss: f64,
}

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Too little to split.
    #[error(
        "{documents} documents are too few to learn from and to be judged by: at least {least} are needed"
    )]
    TooFew {
        /// How many there are.
        documents: usize,
        /// How many there must be.
        least: usize,
    },
    /// A computation failed.
    #[error("training failed: {0}; with less data at once it may do")]
    Compute(#[from] candle_core::Error),
    /// The weights are none.
    #[error("training went astray: {0}")]
    Head(#[from] HeadError),
}

/// Documents that training needs at least.
pub const LEAST: usize = 10;

struct Run<'a> {
    settings: &'a Settings,
    current: Vec<f64>,
    done: usize,
    of: usize,
    progress: &'a mut dyn FnMut(Progress),
}

impl Run<'_> {
    fn fit(&mut self, part: &str, examples: &[&Example]) -> Result<Vec<f64>, TrainError> {
        let (before, of) = (self.done, self.of);
        let progress = &mut self.progress;
        let mut passed =
            |pass: usize, _: usize, loss: f64| progress(Progress { part, done: before + pass, of, loss });
        let weights = fit(examples, &self.current, &self.settings.plan, &mut passed)?;
        self.done += self.settings.plan.epochs.iter().sum::<usize>();
        Ok(weights)
    }

    /// Each part judged by what the others teach.
    fn crossed(&mut self, examples: &[&Example]) -> Result<Vec<Compared>, TrainError> {
        let parts = gate::parts(examples, self.settings.folds, self.settings.plan.seed + 1);
        let mut all = Vec::new();
        for part in 0..self.settings.folds {
            let (judged, learnt) = split(examples, |at| parts[at] == part);
            let name = format!("cross-validation {} of {}", part + 1, self.settings.folds);
            let weights = self.fit(&name, &learnt)?;
            all.extend(gate::compare(&judged, &self.current, &weights));
        }
        Ok(all)
    }

    /// Each set judged by what the other sets teach, and all of these together.
    fn unseen(&mut self, examples: &[&Example]) -> Result<Vec<Score>, TrainError> {
        let sets = &self.settings.sets;
        let (mut scores, mut all) = (Vec::new(), Vec::new());
        for (set, name) in sets.iter().enumerate() {
            let (judged, mut learnt) = split(examples, |at| examples[at].set == set);
            learnt.retain(|example| judged.iter().all(|other| other.group != example.group));
            if judged.is_empty() || learnt.is_empty() {
                continue;
            }
            let name = format!("on {name}, trained on the other sets,");
            let weights = self.fit(&name, &learnt)?;
            let compared = gate::compare(&judged, &self.current, &weights);
            scores.push(gate::score(&name, &compared, self.settings.plan.seed));
            all.extend(compared);
        }
        if scores.len() > 1 {
            scores.push(gate::score(
                "on all sets, each trained on the others,",
                &all,
                self.settings.plan.seed,
            ));
        }
        Ok(scores)
    }
}

fn split<'a>(examples: &[&'a Example], one: impl Fn(usize) -> bool) -> (Vec<&'a Example>, Vec<&'a Example>) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for (at, example) in examples.iter().enumerate() {
        if one(at) { ones.push(*example) } else { others.push(*example) }
    }
    (ones, others)
}

/// Trains a head from `current` (the hand-set ranking if `None`) and judges it. `record` brings the date, the command
/// and the data; the scores and the verdict are added. The head is given back whatever the verdict.
///
/// # Errors
/// `TooFew` documents; a computation that fails.
pub fn train(
    examples: &[Example],
    current: Option<&Head>,
    settings: &Settings,
    mut record: Record,
    progress: &mut dyn FnMut(Progress),
) -> Result<Head, TrainError> {
    let all: Vec<&Example> = examples.iter().collect();
    let documents = all.iter().map(|example| example.group).collect::<std::collections::BTreeSet<_>>().len();
    let least = LEAST.max(2 * settings.folds);
    if documents < least {
        return Err(TrainError::TooFew { documents, least });
    }
    let several = settings.sets.len() > 1;
    let runs = 1 + settings.folds + if several { settings.sets.len() } else { 0 };
    let of = runs * settings.plan.epochs.iter().sum::<usize>();
    let mut run = Run { settings, current: Head::weights_of(current), done: 0, of, progress };

    let seed = settings.plan.seed;
    let held = gate::held_out(&all, seed);
    let (held, learnt) = split(&all, |at| held[at]);
    let crossed = run.crossed(&learnt)?;
    let unseen = if several { run.unseen(&all)? } else { Vec::new() };
    let weights = run.fit("the head", &learnt)?;
    let kept_apart = gate::compare(&held, &run.current, &weights);

    let held = gate::score("on documents held out", &kept_apart, seed);
    let total = gate::score("in cross-validation", &crossed, seed);
    (record.passed, record.verdict) = gate::verdict(&held, &total, &unseen);
    record.scores = vec![held, total];
    for (set, name) in settings.sets.iter().enumerate().filter(|_| several) {
        let of: Vec<Compared> = crossed.iter().filter(|one| one.set == set).copied().collect();
        if !of.is_empty() {
            record.scores.push(gate::score(&format!("on {name} in cross-validation"), &of, seed));
        }
    }
    record.scores.extend(unseen);
    record.seed = seed;
    record.summarizer = summarizer::VERSION.to_owned();
    record.against = current.map_or(summarizer::RECIPE, Head::name).to_owned();
    Ok(Head::new(&weights, settings.model.as_deref(), record)?)
}
