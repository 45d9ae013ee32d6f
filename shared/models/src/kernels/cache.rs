//! Keys and values of one layer and sequence, and what queries make of them.
//!
//! A cache is laid out as weights are: the tokens are the outputs of the first product of attention (queries with keys) and
//! the inputs of the second (shares with values). So both are products of a tile of queries with panels, from a single new
//! token to a whole prompt, and nothing is copied but the new tokens.

use super::matrix::{Form, Line, PANEL, bf16, pair};
use super::multiply::Cells;
use super::spread::{Rows, most, size, spread, stride};
use super::tile::{Panels, at_once, tile};
use super::{Level, parts::softmax};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles of queries that one thread takes at a time.
const TILES: usize = 8;
/// Tokens from which on putting them is shared out.
const MANY: usize = 16;

/// Some numbers of each of several rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub rows: &'a [f32],
    /// Numbers of a row.
    pub width: usize,
    /// Where in a row they begin.
    pub from: usize,
}

impl<'a> Columns<'a> {
    fn of(&self, row: usize, at: usize, count: usize) -> &'a [f32] {
        &self.rows[row * self.width + self.from + at..][..count]
    }
}

/// For each head panels of 32 tokens of keys, dimension by dimension, and panels of 32 dimensions of values, token by token.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    form: Form,
    heads: usize,
    dim: usize,
    capacity: usize,
    keys: Vec<Line>,
    values: Vec<Line>,
}

impl Cache {
    /// Room for `capacity` tokens, in single precision or `bfloat16`.
    pub(crate) fn room(form: Form, heads: usize, capacity: usize, dim: usize) -> Self {
        let (form, capacity) = (form.max(Form::Bf16), capacity.max(1));
        let keys = heads * capacity.div_ceil(PANEL) * form.steps(dim) * 2;
        let values = heads * dim.div_ceil(PANEL) * form.steps(capacity) * 2;
        Self { form, heads, dim, capacity, keys: vec![Line::ZERO; keys], values: vec![Line::ZERO; values] }
    }

    /// Tokens for which there is room.
    pub(crate) fn tokens(&self) -> usize {
        self.capacity
    }

    /// Writes `count` tokens, the rows from `row` on, at place `at`.
    pub(crate) fn put(&mut self, at: usize, row: usize, count: usize, keys: Columns, values: Columns) {
        assert!(at + count <= self.capacity, "{count} tokens at {at} in a cache of {}", self.capacity);
        let (form, dim, capacity) = (self.form, self.dim, self.capacity);
        let (some, others) = (self.keys.len() / self.heads, self.values.len() / self.heads);
        let write = |(head, (key, value)): (usize, (&mut [Line], &mut [Line]))| {
            for token in 0..count {
                put_key(form, at + token, keys.of(row + token, head * dim, dim), key);
                put_value(form, at + token, capacity, values.of(row + token, head * dim, dim), value);
            }
        };
        if count >= MANY {
            let keys = self.keys.par_chunks_exact_mut(some);
            keys.zip(self.values.par_chunks_exact_mut(others)).enumerate().for_each(write);
        } else {
            let keys = self.keys.chunks_exact_mut(some);
            keys.zip(self.values.chunks_exact_mut(others)).enumerate().for_each(write);
        }
    }

    fn keys(&self, head: usize, tokens: usize) -> Panels<'_> {
        let steps = self.form.steps(self.dim);
        let each = self.keys.len() / self.heads;
        let lines = &self.keys[head * each..][..each];
        Panels { form: self.form, lines, steps, stride: steps * 2, count: tokens.div_ceil(PANEL) }
    }

    fn values(&self, head: usize, tokens: usize) -> Panels<'_> {
        let each = self.values.len() / self.heads;
        let lines = &self.values[head * each..][..each];
        let (steps, stride) = (self.form.steps(tokens), self.form.steps(self.capacity) * 2);
        Panels { form: self.form, lines, steps, stride, count: self.dim.div_ceil(PANEL) }
    }
}

fn put_key(form: Form, token: usize, key: &[f32], lines: &mut [Line]) {
    let (panel, at) = (token / PANEL, token % PANEL);
    let steps = form.steps(key.len());
    let lines = lines[panel * steps * 2 + at / 16..].iter_mut().step_by(2);
    if form == Form::F32 {
        lines.zip(key).for_each(|(line, value)| line.0[at % 16] = value.to_bits());
    } else {
        for (line, two) in lines.zip(key.chunks(2)) {
            line.0[at % 16] = pair(two[0], two.get(1).copied().unwrap_or(0.0));
        }
    }
}

fn put_value(form: Form, token: usize, capacity: usize, value: &[f32], lines: &mut [Line]) {
    let (steps, step) = (form.steps(capacity), token / form.inputs());
    for (panel, some) in value.chunks(PANEL).enumerate() {
        let lines = &mut lines[(panel * steps + step) * 2..][..2];
        for (line, some) in lines.iter_mut().zip(some.chunks(16)) {
            for (word, value) in line.0.iter_mut().zip(some) {
                *word = match form {
                    Form::F32 => value.to_bits(),
                    // The other of the two comes later, and may have been there before.
                    _ if token.is_multiple_of(2) => bf16(*value) >> 16,
                    _ => *word & 0xffff | bf16(*value) & 0xffff_0000,
                };
            }
        }
    }
}

/// A sequence's part in an attention.
pub(crate) struct Asking<'a> {
    pub cache: &'a Cache,
    /// Its queries: `count` rows from `row` on.
    pub row: usize,
    pub count: usize,
    /// Tokens that the cache has; queries are of the last of them where they see no later ones than themselves.
    pub length: usize,
    pub causal: bool,
}

/// What is added to the scores of a head's query at a place, one for each token that it sees.
pub(crate) type Bias<'a> = &'a (dyn Fn(usize, usize, &mut [f32]) + Sync);

/// What queries see, weighed by its likeness to them. `queries` and `out` have `heads` side by side; several of them may
/// share one of the cache's: the first few have the first one.
pub(crate) fn attend(
    level: Level,
    queries: Columns,
    heads: usize,
    asking: &[Asking],
    bias: Option<Bias>,
    out: &mut [f32],
) {
    let Some(first) = asking.first() else { return };
    let (dim, owners) = (first.cache.dim, first.cache.heads);
    let cells = Cells::new(out, heads * dim);
    let mut work = Vec::new();
    for asking in asking {
        let at_once = (most(level, asking.cache.form) * TILES).div_ceil(heads / owners);
        for owner in 0..owners {
            for from in (0..asking.count).step_by(at_once) {
                work.push((asking, owner, from..(from + at_once).min(asking.count)));
            }
        }
    }
    let run = |(asking, owner, tokens): (&Asking, usize, Range<usize>)| {
        One { level, queries, heads, asking, owner, bias }.attend(tokens, &cells);
    };
    if rayon::current_num_threads() == 1 {
        work.into_iter().for_each(run);
    } else {
        work.into_par_iter().for_each(run);
    }
}

/// The attention of one sequence to one of its cache's heads.
struct One<'a> {
    level: Level,
    queries: Columns<'a>,
    heads: usize,
    asking: &'a Asking<'a>,
    owner: usize,
    bias: Option<Bias<'a>>,
}

/// What is used again for every tile.
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    scores: Vec<f32>,
    mixed: Vec<f32>,
    words: Vec<u32>,
}

impl One<'_> {
    fn attend(&self, tokens: Range<usize>, cells: &Cells) {
        let (shared, most) = (self.shared(), most(self.level, self.asking.cache.form));
        let mut scratch = Scratch::default();
        let (mut from, end) = (tokens.start * shared, tokens.end * shared);
        while from < end {
            let next = end.min(from + most);
            self.tile(from..next, &mut scratch, cells);
            from = next;
        }
    }

    /// Heads that share the cache's.
    fn shared(&self) -> usize {
        self.heads / self.asking.cache.heads
    }

    /// Tokens that a query sees.
    fn seen(&self, token: usize) -> usize {
        let Asking { count, length, causal, .. } = *self.asking;
        if causal { length - count + token + 1 } else { length }
    }

    /// A unit is a token's query of one of the heads that share this one.
    fn tile(&self, units: Range<usize>, scratch: &mut Scratch, cells: &Cells) {
        let (asking, shared) = (self.asking, self.shared());
        let (cache, dim) = (asking.cache, asking.cache.dim);
        let place = |unit: usize| (unit / shared, self.owner * shared + unit % shared);
        let Scratch { queries, scores, mixed, words } = scratch;
        queries.clear();
        for (token, head) in units.clone().map(place) {
            queries.extend_from_slice(self.queries.of(asking.row + token, head * dim, dim));
        }
        // Of a tile's tokens the last one sees most.
        let seen = self.seen((units.end - 1) / shared);
        scores.resize(units.len() * seen, 0.0);
        product(self.level, queries, dim, cache.keys(self.owner, seen), words, scores, seen);
        for ((token, head), scores) in units.clone().map(place).zip(scores.chunks_exact_mut(seen)) {
            let own = self.seen(token);
            if let Some(bias) = self.bias {
                bias(head, asking.length - asking.count + token, &mut scores[..own]);
            }
            softmax(self.level, &mut scores[..own]);
            scores[own..].fill(0.0);
        }
        mixed.resize(units.len() * dim, 0.0);
        product(self.level, scores, seen, cache.values(self.owner, seen), words, mixed, dim);
        for ((token, head), mixed) in units.map(place).zip(mixed.chunks_exact(dim)) {
            #[expect(unsafe_code, reason = "every piece of work has its own queries and heads")]
            let cells = unsafe { cells.part(asking.row + token, head * dim, dim) };
            cells.copy_from_slice(mixed);
        }
    }
}

/// One tile of rows of `inputs` numbers with all of the panels, of which `width` outputs are wanted.
fn product(
    level: Level,
    x: &[f32],
    inputs: usize,
    panels: Panels,
    words: &mut Vec<u32>,
    out: &mut [f32],
    width: usize,
) {
    let rows = x.len() / inputs;
    let room = size(rows);
    let stride = stride(panels.form, inputs);
    words.clear();
    words.resize(room * stride, 0);
    spread(level, panels.form, x, inputs, words);
    let words = Rows { words, stride };
    let mut sums = [[0.0; PANEL]; 12];
    let mut from = 0;
    while from < panels.count {
        let count = panels.next(from, at_once(panels.form, room));
        let sums = &mut sums[..room * count];
        tile(level, words, panels.some(from, count), room, sums);
        for (panel, sums) in sums.chunks_exact(room).enumerate() {
            let column = (from + panel) * PANEL;
            let wanted = PANEL.min(width - column);
            for (out, sums) in out.chunks_exact_mut(width).zip(sums) {
                out[column..][..wanted].copy_from_slice(&sums[..wanted]);
            }
        }
        from += count;
    }
}
