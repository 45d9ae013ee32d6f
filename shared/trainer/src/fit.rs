//! The two stages of training, in Candle.
//!
//! A sentence's score is linear: its features · (start + change). What is learnt is the change, pulled towards nothing,
//! so that what the data does not speak about stays as it was.
//!
//! Stage 1: listwise softmax cross-entropy against a uniform target on the oracle's sentences. Only the order of scores
//! matters to selection, but a softmax has a temperature, so that is learnt beside. Stage 2: REINFORCE. Orders are
//! drawn from the Plackett–Luce distribution that the scores define (sorting scores with Gumbel noise does it), the real
//! selection makes summaries of them, and orders whose summary did better than the document's other ones are made
//! likelier. Pairs that a person preferred (Bradley–Terry) are in both.

use crate::example::Example;
use crate::noise::Noise;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rayon::prelude::*;

/// How to train: RANKING.md's numbers unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Of everything that is drawn.
    pub seed: u64,
    /// Passes of stage 1 and of stage 2.
    pub epochs: [usize; 2],
    /// Step sizes of the stages.
    pub rates: [f64; 2],
    /// Documents in one step; fewer where there are few, so that a pass has sixteen steps: a step moves a weight by its
    /// size at most.
    pub batch: usize,
    /// Orders drawn for a document in one pass of stage 2.
    pub samples: usize,
    /// AdamW's decay of the change.
    pub decay: f64,
    /// What the squared change costs, in nats for each document.
    pub pull: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { seed: 1, epochs: [12, 8], rates: [3e-3, 5e-3], batch: 16, samples: 6, decay: 1e-2, pull: 0.1 }
    }
}

/// ln of the temperature's inverse at the start: standardised scores of a few hundred sentences, five of them right.
const SHARPNESS: f64 = 0.5;

struct Model {
    start: Tensor,
    change: Var,
    sharpness: Var,
}

/// An example's features on the device: sentences × features.
struct Loaded<'a> {
    example: &'a Example,
    features: Tensor,
}

/// Weights learnt from examples, starting at `start`. `passed` hears of each pass: its number from 1, how many there
/// are, and its mean loss.
///
/// # Errors
/// When Candle cannot compute (memory).
pub fn fit(
    examples: &[&Example],
    start: &[f64],
    plan: &Plan,
    passed: &mut dyn FnMut(usize, usize, f64),
) -> Result<Vec<f64>> {
    let device = Device::Cpu;
    // A document whose sentences were not embedded has no columns for what they mean.
    let width = examples.iter().map(|example| example.material.features(0).len()).max().unwrap_or(0);
    let width = width.max(start.len());
    let loaded = examples.iter().map(|example| load(example, width, &device)).collect::<Result<Vec<_>>>()?;
    let padded: Vec<f64> = start.iter().copied().chain(std::iter::repeat(0.0)).take(width).collect();
    let model = Model {
        start: Tensor::from_vec(padded, (width, 1), &device)?,
        change: Var::zeros((width, 1), DType::F64, &device)?,
        sharpness: Var::from_slice(&[SHARPNESS], 1, &device)?,
    };
    let batch = plan.batch.min(examples.len() / 16).max(1);
    let mut noise = Noise::new(plan.seed, 0);
    let mut pass = 0;
    for stage in 0..2 {
        // With the temperature free, stage 2 would sharpen it until nothing is tried any more.
        let learnt = if stage == 0 { vec![&model.change, &model.sharpness] } else { vec![&model.change] };
        let params =
            ParamsAdamW { lr: plan.rates[stage], weight_decay: plan.decay, ..ParamsAdamW::default() };
        let mut optimizer = AdamW::from_slice(&learnt, params)?;
        for _ in 0..plan.epochs[stage] {
            pass += 1;
            let order = noise.shuffled(loaded.len());
            let (mut sum, mut steps) = (0.0, 0.0);
            for batch in order.chunks(batch) {
                let batch: Vec<(usize, &Loaded)> = batch.iter().map(|&at| (at, &loaded[at])).collect();
                let losses = if stage == 0 {
                    listwise(&model, &batch)?
                } else {
                    reinforce(&model, &batch, plan, pass)?
                };
                let Some(mut loss) = mean(&losses)? else { continue };
                loss = (loss + (model.change.sqr()?.sum_all()? * plan.pull)?)?;
                optimizer.backward_step(&loss)?;
                sum += loss.to_scalar::<f64>()?;
                steps += 1.0;
            }
            passed(pass, plan.epochs[0] + plan.epochs[1], sum / f64::max(steps, 1.0));
        }
    }
    weights(&model)
}

fn load<'a>(example: &'a Example, width: usize, device: &Device) -> Result<Loaded<'a>> {
    let rows = example.material.len();
    let row = |place: usize| {
        example.material.features(place).iter().copied().chain(std::iter::repeat(0.0)).take(width)
    };
    let values: Vec<f64> = (0..rows).flat_map(row).collect();
    Ok(Loaded { example, features: Tensor::from_vec(values, (rows, width), device)? })
}

fn weights(model: &Model) -> Result<Vec<f64>> {
    (&model.start + model.change.as_tensor())?.flatten_all()?.to_vec1()
}

/// Scores as logits, one a sentence.
fn logits(model: &Model, loaded: &Loaded) -> Result<Tensor> {
    let weights = (&model.start + model.change.as_tensor())?;
    loaded.features.matmul(&weights)?.flatten_all()?.broadcast_mul(&model.sharpness.exp()?)
}

fn mean(losses: &[Tensor]) -> Result<Option<Tensor>> {
    if losses.is_empty() {
        return Ok(None);
    }
    Tensor::stack(losses, 0)?.mean_all().map(Some)
}

fn listwise(model: &Model, batch: &[(usize, &Loaded)]) -> Result<Vec<Tensor>> {
    let mut losses = Vec::new();
    for (_, loaded) in batch {
        let logits = logits(model, loaded)?;
        losses.push(match loaded.example.pair() {
            Some(pair) => preference(&logits, pair)?,
            None => (logits.log_sum_exp(0)? - mean_of(&logits, loaded.example.oracle())?)?,
        });
    }
    Ok(losses)
}

/// −ln of the probability that the better summary is preferred, by the difference of their mean scores.
fn preference(logits: &Tensor, (better, worse): (&[usize], &[usize])) -> Result<Tensor> {
    let behind = (mean_of(logits, worse)? - mean_of(logits, better)?)?;
    // ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|), which does not overflow.
    behind.relu()? + (behind.abs()?.neg()?.exp()? + 1.0)?.log()?
}

fn mean_of(logits: &Tensor, places: &[usize]) -> Result<Tensor> {
    logits.index_select(&index(places, logits.device())?, 0)?.mean_all()
}

fn index(places: &[usize], device: &Device) -> Result<Tensor> {
    let places: Vec<u32> = places.iter().map(|&place| u32::try_from(place).unwrap_or(u32::MAX)).collect();
    Tensor::from_slice(&places, places.len(), device)
}

/// One order that was tried: the places it chose, best first, and how much better than the others it did.
struct Tried {
    picks: Vec<usize>,
    advantage: f64,
}

fn reinforce(model: &Model, batch: &[(usize, &Loaded)], plan: &Plan, pass: usize) -> Result<Vec<Tensor>> {
    let current = weights(model)?;
    let mut all = Vec::new();
    for (_, loaded) in batch {
        all.push(logits(model, loaded)?);
    }
    let drawn: Vec<Vec<f64>> = all.iter().map(Tensor::to_vec1).collect::<Result<_>>()?;
    let tried: Vec<Vec<Tried>> = batch
        .par_iter()
        .zip(&drawn)
        .map(|((at, loaded), scores)| {
            // A stream of its own for each document and pass: what is drawn does not depend on threads.
            let stream = ((pass as u64) << 32) | (*at as u64);
            attempts(loaded.example, scores, &current, plan.samples, &mut Noise::new(plan.seed, stream))
        })
        .collect();
    let mut losses = Vec::new();
    for (((_, loaded), logits), tried) in batch.iter().zip(&all).zip(&tried) {
        if let Some(pair) = loaded.example.pair() {
            losses.push(preference(logits, pair)?);
        } else if !tried.is_empty() {
            losses.push(surprise(loaded.example, logits, tried)?);
        }
    }
    Ok(losses)
}

/// Draws orders, makes summaries of them and compares these. Empty when they all do the same.
#[expect(clippy::cast_precision_loss, reason = "a handful of samples")]
fn attempts(
    example: &Example,
    scores: &[f64],
    weights: &[f64],
    samples: usize,
    noise: &mut Noise,
) -> Vec<Tried> {
    if example.pair().is_some() {
        return Vec::new();
    }
    let merits = example.material.merits(weights);
    let mut tried = Vec::new();
    for _ in 0..samples {
        let noisy: Vec<f64> = scores.iter().map(|score| score + noise.gumbel()).collect();
        let best_first = |a: &usize, b: &usize| noisy[*b].total_cmp(&noisy[*a]);
        let mut order: Vec<usize> = (0..noisy.len()).collect();
        order.sort_by(best_first);
        let mut picks = example.material.choose(&merits, &order, example.words);
        let reward = example.reward(&picks);
        picks.sort_by(best_first);
        tried.push(Tried { picks, advantage: reward });
    }
    let n = tried.len() as f64;
    let mean = tried.iter().map(|one| one.advantage).sum::<f64>() / n;
    let deviation = (tried.iter().map(|one| (one.advantage - mean).powi(2)).sum::<f64>() / n).sqrt();
    if deviation < 1e-9 {
        return Vec::new();
    }
    for one in &mut tried {
        one.advantage = (one.advantage - mean) / deviation;
    }
    tried
}

/// −Σ advantage · ln P(picks), over the number of attempts. Each pick was made among those that still fitted; that
/// near-duplicates were passed over too is left out of the probability.
#[expect(clippy::cast_precision_loss, reason = "a handful of samples")]
fn surprise(example: &Example, logits: &Tensor, tried: &[Tried]) -> Result<Tensor> {
    let n = example.material.len();
    let (mut masks, mut picked, mut advantages) = (Vec::new(), Vec::new(), Vec::new());
    for one in tried {
        let mut left = example.words;
        let mut taken = vec![false; n];
        for &pick in &one.picks {
            let open = |place: usize| place == pick || !taken[place] && example.material.words(place) <= left;
            masks.extend((0..n).map(|place| if open(place) { 0.0 } else { -1e9 }));
            picked.push(pick);
            advantages.push(one.advantage / tried.len() as f64);
            taken[pick] = true;
            left = left.saturating_sub(example.material.words(pick));
        }
    }
    let device = logits.device();
    let rows = picked.len();
    let masks = Tensor::from_vec(masks, (rows, n), device)?;
    let among = masks.broadcast_add(&logits.unsqueeze(0)?)?.log_sum_exp(1)?;
    let own = logits.index_select(&index(&picked, device)?, 0)?;
    let advantages = Tensor::from_vec(advantages, rows, device)?;
    ((among - own)? * advantages)?.sum_all()
}
