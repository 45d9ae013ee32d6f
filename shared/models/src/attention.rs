//! Attention of one row: queries of new tokens over the keys and values that the row has.
//!
//! A batch is packed: the tokens of all its rows stand one after the other, every product takes them together, and only
//! attention goes row by row. So there is no padding to mask and none to compute, each row sees exactly its own tokens, and
//! rows of any length, in their prompt or in their answer, share a batch. Each row owns its cache: it can leave, be forked
//! or be taken back a few tokens without the others noticing.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;

/// Keys and values of one layer and row: `(heads, capacity, dim)` each, of which the row has filled a beginning.
#[derive(Debug, Clone)]
pub(crate) struct Kv {
    keys: Tensor,
    values: Tensor,
}

impl Kv {
    /// Room for `capacity` tokens.
    pub(crate) fn room(
        heads: usize,
        capacity: usize,
        dim: usize,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let zeros = || Tensor::zeros((heads, capacity, dim), dtype, device);
        Ok(Self { keys: zeros()?, values: zeros()? })
    }

    /// Whole and never written to again: `(tokens, heads, dim)` each.
    pub(crate) fn fixed(keys: &Tensor, values: &Tensor) -> Result<Self> {
        let by_head = |part: &Tensor| part.transpose(0, 1)?.contiguous();
        Ok(Self { keys: by_head(keys)?, values: by_head(values)? })
    }

    /// Writes new tokens, `(tokens, heads, dim)`, at place `at`.
    pub(crate) fn put(&self, at: usize, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.keys.slice_set(&keys.transpose(0, 1)?.contiguous()?, 1, at)?;
        self.values.slice_set(&values.transpose(0, 1)?.contiguous()?, 1, at)
    }

    /// The first `length` tokens.
    fn seen(&self, length: usize) -> Result<(Tensor, Tensor)> {
        Ok((self.keys.narrow(1, 0, length)?, self.values.narrow(1, 0, length)?))
    }

    pub(crate) fn len(&self) -> Result<usize> {
        self.keys.dim(1)
    }

    /// The same tokens for another row to go on from.
    pub(crate) fn fork(&self) -> Result<Self> {
        Ok(Self { keys: self.keys.copy()?, values: self.values.copy()? })
    }

    /// Queries `(tokens, heads, dim)` over the first `length` tokens → `(tokens, heads × dim)`. `bias`, in f32 and of a
    /// shape that spreads to `(heads, tokens, length)`, is added to the scores. Several query heads may share one of the
    /// keys: the first few have the first one.
    pub(crate) fn attend(&self, queries: &Tensor, length: usize, bias: Option<&Tensor>) -> Result<Tensor> {
        let (tokens, heads, dim) = queries.dims3()?;
        let (keys, values) = self.seen(length)?;
        let owners = keys.dim(0)?;
        let shared = heads / owners * tokens;
        let queries = queries.transpose(0, 1)?.contiguous()?.reshape((owners, shared, dim))?;
        let scores = queries.matmul(&keys.transpose(1, 2)?)?.to_dtype(DType::F32)?;
        let scores = scores.reshape((heads, tokens, length))?;
        let scores = match bias {
            Some(bias) => scores.broadcast_add(bias)?,
            None => scores,
        };
        let shares =
            softmax_last_dim(&scores)?.to_dtype(values.dtype())?.reshape((owners, shared, length))?;
        let out = shares.matmul(&values)?.reshape((heads, tokens, dim))?;
        out.transpose(0, 1)?.contiguous()?.reshape((tokens, heads * dim))
    }
}

/// For new tokens at `from..from + tokens` what each may not see yet, as a bias `(1, tokens, from + tokens)`; nothing for a
/// single one, which may see all.
pub(crate) fn causal(from: usize, tokens: usize, device: &Device) -> Result<Option<Tensor>> {
    if tokens == 1 {
        return Ok(None);
    }
    let length = from + tokens;
    let mut mask = vec![0_f32; tokens * length];
    for (token, row) in mask.chunks_exact_mut(length).enumerate() {
        row[from + token + 1..].fill(f32::NEG_INFINITY);
    }
    Tensor::from_vec(mask, (1, tokens, length), device).map(Some)
}
