//! BERT's encoder in Candle's operations, for devices other than the processor, which has [`crate::packed_bert`].
//!
//! The same computation as `candle_transformers`' with two savings: query, key and value are one product, and the
//! attention's scale is folded into the query's weights.

use candle_core::{D, Result, Tensor};
use candle_nn::{LayerNorm, Module, VarBuilder, ops::softmax_last_dim};
use candle_transformers::models::bert::{Config, HiddenAct};

/// Rows of `xs` times the transposed weight; `(…, in)` → `(…, out)`.
fn product(xs: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let mut shape = xs.dims().to_vec();
    let (inner, outer) = (weight.dim(1)?, weight.dim(0)?);
    if let Some(last) = shape.last_mut() {
        *last = outer;
    }
    // One tall product keeps all cores busy; a batch of small ones does not.
    xs.reshape(((), inner))?.matmul(&weight.t()?)?.reshape(shape)
}

struct Layer {
    qkv: (Tensor, Tensor),
    attended: (Tensor, Tensor),
    attended_norm: LayerNorm,
    wide: (Tensor, Tensor),
    narrow: (Tensor, Tensor),
    norm: LayerNorm,
    heads: usize,
    act: HiddenAct,
}

fn dense(vb: &VarBuilder, name: &str, rows: usize, columns: usize) -> Result<(Tensor, Tensor)> {
    let vb = vb.pp(name);
    Ok((vb.get((rows, columns), "weight")?, vb.get(rows, "bias")?))
}

fn norm(vb: &VarBuilder, name: &str, config: &Config) -> Result<LayerNorm> {
    let vb = vb.pp(name);
    let n = config.hidden_size;
    Ok(LayerNorm::new(vb.get(n, "weight")?, vb.get(n, "bias")?, config.layer_norm_eps))
}

impl Layer {
    fn load(vb: &VarBuilder, config: &Config) -> Result<Self> {
        let (n, wide) = (config.hidden_size, config.intermediate_size);
        #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
        let scale = 1.0 / ((n / config.num_attention_heads) as f64).sqrt();
        let (query, query_bias) = dense(vb, "attention.self.query", n, n)?;
        let (key, key_bias) = dense(vb, "attention.self.key", n, n)?;
        let (value, value_bias) = dense(vb, "attention.self.value", n, n)?;
        let weight = Tensor::cat(&[&(query * scale)?, &key, &value], 0)?;
        let bias = Tensor::cat(&[&(query_bias * scale)?, &key_bias, &value_bias], 0)?;
        Ok(Self {
            qkv: (weight, bias),
            attended: dense(vb, "attention.output.dense", n, n)?,
            attended_norm: norm(vb, "attention.output.LayerNorm", config)?,
            wide: dense(vb, "intermediate.dense", wide, n)?,
            narrow: dense(vb, "output.dense", n, wide)?,
            norm: norm(vb, "output.LayerNorm", config)?,
            heads: config.num_attention_heads,
            act: config.hidden_act,
        })
    }

    /// `(batch, tokens, hidden)` → the same; `mask` is added to the scores.
    fn forward(&self, xs: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (batch, tokens, n) = xs.dims3()?;
        let qkv = product(xs, &self.qkv.0)?.broadcast_add(&self.qkv.1)?;
        let parts = qkv.reshape((batch, tokens, 3, self.heads, n / self.heads))?;
        let part = |at| parts.narrow(2, at, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        let scores = part(0)?.matmul(&part(1)?.t()?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let context = softmax_last_dim(&scores)?.matmul(&part(2)?)?;
        let context = context.transpose(1, 2)?.contiguous()?.reshape((batch, tokens, n))?;
        let context = product(&context, &self.attended.0)?.broadcast_add(&self.attended.1)?;
        let xs = self.attended_norm.forward(&(context + xs)?)?;
        let wide = product(&xs, &self.wide.0)?.broadcast_add(&self.wide.1)?;
        let wide = match self.act {
            HiddenAct::Gelu => wide.gelu_erf()?,
            HiddenAct::GeluApproximate => wide.gelu()?,
            HiddenAct::Relu => wide.relu()?,
        };
        let narrow = product(&wide, &self.narrow.0)?.broadcast_add(&self.narrow.1)?;
        self.norm.forward(&(narrow + xs)?)
    }
}

/// The encoder.
pub(crate) struct Bert {
    words: Tensor,
    places: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    pub(crate) fn load(vb: &VarBuilder, config: &Config) -> Result<Self> {
        let (n, embeddings) = (config.hidden_size, vb.pp("embeddings"));
        let places = embeddings.get((config.max_position_embeddings, n), "position_embeddings.weight")?;
        let kinds = embeddings.get((config.type_vocab_size, n), "token_type_embeddings.weight")?;
        let layer = |at| Layer::load(&vb.pp(format!("encoder.layer.{at}")), config);
        Ok(Self {
            words: embeddings.get((config.vocab_size, n), "word_embeddings.weight")?,
            // One sentence at a time has only tokens of the first kind: its vector is the same everywhere.
            places: places.broadcast_add(&kinds.narrow(0, 0, 1)?)?,
            norm: norm(&embeddings, "LayerNorm", config)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// Token ids `(batch, tokens)` → hidden states `(batch, tokens, hidden)`. `mask`, 1 for a token and 0
    /// for padding, may be left out when nothing is padded.
    pub(crate) fn forward(&self, ids: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (batch, tokens) = ids.dims2()?;
        let words = self.words.index_select(&ids.flatten_all()?, 0)?.reshape((batch, tokens, ()))?;
        let mut xs = self.norm.forward(&words.broadcast_add(&self.places.narrow(0, 0, tokens)?)?)?;
        let added = mask.map(|mask| ((mask - 1.0)? * 1e9)?.unsqueeze(1)?.unsqueeze(1)).transpose()?;
        for layer in &self.layers {
            xs = layer.forward(&xs, added.as_ref())?;
        }
        Ok(xs)
    }
}

/// Mean over the tokens that `mask` has, as unit vectors: `(batch, hidden)`.
pub(crate) fn pooled(hidden: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let sum = hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
    let mean = sum.broadcast_div(&mask.sum_keepdim(1)?.maximum(1e-9)?)?;
    let norm = mean.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.maximum(1e-12)?;
    mean.broadcast_div(&norm)
}
