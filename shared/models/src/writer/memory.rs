//! What writing takes of the device's memory, as the planner reckons with it before anything runs.

use super::engine::Asked;
use crate::model::Kind;
use crate::precision::Dtypes;
use crate::{qwen3, t5};
use candle_core::DType;
use summarizer::batch::{Memory, RowSize};

/// Tokens and numbers come in panels of so many.
const PANEL: usize = 32;

fn bytes(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn whole(n: usize) -> usize {
    n.div_ceil(PANEL).saturating_mul(PANEL)
}

/// Of what a processor has free once the model is loaded, the share that answers may take: others live there too.
const SHARE: u64 = 75;

/// Bytes of a token, and how many tokens there is room for: `tokens`, and at least for one row of the whole `context`; but
/// never more than a share of the bytes that are free, where that is known.
pub(super) fn memory(
    kind: &Kind,
    dtypes: Dtypes,
    weights: u64,
    (tokens, context): (usize, usize),
    free: Option<u64>,
) -> Memory {
    let (layers, cache, heads, hidden, wide, vocabulary) = match kind {
        Kind::T5(t5::Config { decoder_layers, heads, dim, hidden, wide, gated, vocabulary, .. }) => (
            *decoder_layers,
            heads * whole(*dim),
            *heads,
            *hidden,
            wide * (1 + usize::from(*gated)),
            *vocabulary,
        ),
        Kind::Qwen3(qwen3::Config { layers, owners, heads, dim, hidden, wide, vocabulary, .. }) => {
            (*layers, owners * whole(*dim), *heads, *hidden, 2 * wide, *vocabulary)
        }
    };
    let short = if dtypes.own { dtypes.form != crate::kernels::Form::F32 } else { dtypes.acts != DType::F32 };
    let each = if short { 2 } else { 4 };
    let cached = bytes(2 * layers * cache * each);
    // The residual stream, what was normed, queries with keys and values, and the wide layer.
    let active = bytes(4 * (3 * hidden + heads * (cache / heads.min(cache)).max(PANEL) + 2 * cache + wide));
    // Our own attention keeps the scores of a tile; Candle's writes them all, and their shares.
    let pair = if dtypes.own { 0 } else { bytes(2 * 4 * heads) };
    // As they are computed, and as rows.
    let scored = bytes(2 * 4 * vocabulary);
    // A text of that length with an answer of that length, where these are two.
    let longest = if kind.start().is_some() { context.saturating_mul(2) } else { context };
    let rows = tokens.max(longest).saturating_add(2 * PANEL);
    let one = Memory { limit: u64::MAX, weights, cached, active, pair, scored };
    let moving = one.moving(super::engine::most(kind).max(context.min(tokens)), context);
    let room = one.caches(rows).saturating_add(moving).saturating_add(64 * scored);
    let free = free.map_or(u64::MAX, |free| free / 100 * SHARE);
    Memory { limit: weights.saturating_add(room.min(free)), ..one }
}

/// Bytes that this process may still take: of the machine, and of its container where that has a limit (Linux).
pub(super) fn free() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
    });
    // Without a limit the file says "max".
    let container = number("/sys/fs/cgroup/memory.max")
        .map(|most| most.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    machine.into_iter().chain(container).min()
}

/// What a prompt and its answer come to.
pub(super) fn size(kind: &Kind, asked: &Asked) -> RowSize {
    let (prompt, controls) = (asked.prompt.len(), &asked.controls);
    let (beams, answer) = (controls.beams, controls.max_tokens.saturating_add(1));
    let all = match kind {
        // What the encoder said is shared by all answers.
        Kind::T5(_) => whole(prompt).saturating_add(whole(answer).saturating_mul(beams)),
        Kind::Qwen3(_) => whole(prompt.saturating_add(answer)).saturating_mul(beams),
    };
    let guesses = if controls.temperature > 0.0 { 0 } else { controls.lookup };
    let width = if beams > 1 { beams } else { 1 + guesses };
    RowSize { prompt, answer: all.saturating_sub(prompt), width }
}
