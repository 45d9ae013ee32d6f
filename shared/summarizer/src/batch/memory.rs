//! What a batch takes of the device's memory, computed before it runs.

use super::count;

/// Bytes of a model, as its configuration says them. All but `limit` and `weights` may be 0.
///
/// For a decoder of `layers` with keys and values of `width` numbers of `size` bytes, `cached` is 2 × layers × width × size.
/// `active` is what the widest layer holds for a token at once (its input, its output and the residual), and `pair` the
/// attention's scores, heads × size, where they are written out; an attention that is fused has 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that there are.
    pub limit: u64,
    /// The model itself.
    pub weights: u64,
    /// A token in the caches of keys and values; they are taken for the prompt and the whole answer when a row joins.
    pub cached: u64,
    /// A token on its way through the layers.
    pub active: u64,
    /// A token that looks at another.
    pub pair: u64,
    /// The scores over the vocabulary of a token that is written; an encoder has none.
    pub scored: u64,
}

impl Memory {
    /// Without a limit: where a budget of work is enough.
    pub const UNLIMITED: Self =
        Self { limit: u64::MAX, weights: 0, cached: 0, active: 0, pair: 0, scored: 0 };

    /// Bytes of so many tokens on their way, each looking at `context` tokens; caches and weights are not in it.
    #[must_use]
    pub fn moving(&self, tokens: usize, context: usize) -> u64 {
        let pairs = count(tokens).saturating_mul(count(context)).saturating_mul(self.pair);
        count(tokens).saturating_mul(self.active).saturating_add(pairs)
    }

    /// Bytes of the caches of a row that may come to so many tokens.
    #[must_use]
    pub fn caches(&self, tokens: usize) -> u64 {
        count(tokens).saturating_mul(self.cached)
    }

    /// What is left beside the weights.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.limit.saturating_sub(self.weights)
    }
}
