//! Sentences → unit vectors: BERT, mean over the tokens, L2 normalisation, as sentence-transformers does it.

use crate::ModelError;
use crate::bert::{Bert, pooled};
use crate::kernels::Level;
use crate::packed_bert::PackedBert;
use crate::reader::{Encode, Wanted};
use crate::{Precision, kernels::Width};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::Config;
use std::sync::Arc;
use summarizer::batch::Memory;
use tokenizers::Tokenizer;

/// Most that a batch's activations may take beside the weights, in bytes: some hundred times what the budget of work lets one
/// take, and a bound for models of long texts.
const ROOM: u64 = 1 << 30;

/// A loaded sentence encoder.
pub(crate) struct Encoder {
    wanted: Wanted,
    tokenizer: Tokenizer,
    model: Model,
    hidden: u64,
    memory: Memory,
}

/// By the kernels of the processor, or by Candle on another device.
enum Model {
    Packed(PackedBert),
    Tensors(Bert, Device),
}

impl Encoder {
    pub(crate) fn load(wanted: &Wanted) -> Result<Self, ModelError> {
        let folder = &wanted.folder;
        let device = wanted.device.open()?;
        let width = wanted.width()?;
        let config = folder.config()?;
        let tokenizer = folder.tokenizer(&config)?;
        let failed = |error: candle_core::Error| ModelError::Content {
            path: folder.file("model.safetensors"),
            reason: error.to_string(),
        };
        let weights = folder.weights(&config)?;
        let model = match device {
            Device::Cpu => {
                PackedBert::load(&Arc::new(weights), &config, Level::best(), width).map(Model::Packed)
            }
            device => {
                let weights =
                    VarBuilder::from_backend(Box::new(weights.into_inner()), DType::F32, device.clone());
                Bert::load(&weights, &config).map(|model| Model::Tensors(model, device))
            }
        };
        let model = model.map_err(failed)?;
        let memory = memory(&config, folder.size()?, matches!(model, Model::Tensors(..)));
        let hidden = u64::try_from(config.hidden_size).unwrap_or(u64::MAX);
        Ok(Self { wanted: wanted.clone(), tokenizer, model, hidden, memory })
    }
}

/// What a batch takes, by the widths of the layers: beside the residual a token has its queries, keys and values, what
/// attention gives, what the wide layer holds, and what is added. Where they are tensors, each operation's result is apart,
/// and attention writes its scores out.
fn memory(config: &Config, weights: u64, tensors: bool) -> Memory {
    let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let (hidden, wide) = (size(config.hidden_size), size(config.intermediate_size));
    let layers = 6 * hidden + wide;
    let active = 4 * if tensors { 2 * layers } else { layers };
    let pair = if tensors { 2 * 4 * size(config.num_attention_heads) } else { 0 };
    Memory { limit: weights.saturating_add(ROOM), weights, cached: 0, active, pair, scored: 0 }
}

impl Encode for Encoder {
    fn tokens(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, ModelError> {
        let encode = |text: &String| {
            let encoding = self.tokenizer.encode_fast(text.as_str(), true);
            encoding.map(|e| e.get_ids().to_vec()).map_err(|error| ModelError::Run(error.to_string()))
        };
        texts.iter().map(encode).collect()
    }

    fn forward(&self, batch: &[&[u32]]) -> Result<(Vec<Vec<f32>>, u64), ModelError> {
        let vectors = match &self.model {
            Model::Packed(model) => model.forward(batch).map(|vectors| (vectors, 0)),
            Model::Tensors(model, device) => in_groups(model, device, batch),
        };
        vectors.map_err(ModelError::run)
    }

    fn memory(&self) -> Memory {
        self.memory
    }

    /// Six times the hidden size, where the wide layer is four times as wide.
    fn even(&self) -> u64 {
        self.hidden.saturating_mul(6)
    }

    fn exact(&self) -> Result<Option<Self>, ModelError> {
        if self.wanted.width()? == Width::F32 {
            return Ok(None);
        }
        Self::load(&Wanted { precision: Precision::F32, ..self.wanted.clone() }).map(Some)
    }
}

/// Sequences of like lengths as one tensor each, so that no row is padded to more than twice its length. With them the count
/// of tokens that only fill.
fn in_groups(model: &Bert, device: &Device, batch: &[&[u32]]) -> candle_core::Result<(Vec<Vec<f32>>, u64)> {
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_by_key(|&at| batch[at].len());
    let (mut out, mut padding) = (vec![Vec::new(); batch.len()], 0);
    for group in order.chunk_by(|&a, &b| class(batch[a].len()) == class(batch[b].len())) {
        let rows: Vec<&[u32]> = group.iter().map(|&at| batch[at]).collect();
        let longest = rows.last().map_or(0, |row| row.len());
        padding += rows.iter().map(|row| longest - row.len()).sum::<usize>();
        for (&at, vector) in group.iter().zip(padded(model, device, &rows)?) {
            out[at] = vector;
        }
    }
    Ok((out, u64::try_from(padding).unwrap_or(u64::MAX)))
}

/// Lengths of one class differ by less than a factor of two.
fn class(length: usize) -> u32 {
    length.max(1).ilog2()
}

/// The batch as one tensor: shorter sequences are padded and masked.
fn padded(model: &Bert, device: &Device, batch: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
    let rows = batch.len();
    let width = batch.iter().map(|row| row.len()).max().unwrap_or(0);
    let (mut ids, mut mask) = (vec![0_u32; rows * width], vec![0_f32; rows * width]);
    for (row, tokens) in batch.iter().enumerate() {
        let start = row * width;
        ids[start..start + tokens.len()].copy_from_slice(tokens);
        mask[start..start + tokens.len()].fill(1.0);
    }
    let ids = Tensor::from_vec(ids, (rows, width), device)?;
    let mask = Tensor::from_vec(mask, (rows, width), device)?;
    let padded = batch.iter().any(|row| row.len() < width);
    let hidden = model.forward(&ids, padded.then_some(&mask))?;
    pooled(&hidden, &mask)?.to_vec2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_nn::VarMap;

    #[test]
    fn like_lengths_go_together_and_each_row_is_what_it_is_alone() {
        let config = Config {
            vocab_size: 50,
            hidden_size: 24,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 48,
            max_position_embeddings: 40,
            ..Config::default()
        };
        let map = VarMap::new();
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        Bert::load(&vb, &config).unwrap();
        let model = Bert::load(&vb, &config).unwrap();
        let texts: [&[u32]; 5] = [&[7], &[3; 33], &[1, 2, 3], &[9, 8], &[5; 40]];
        let (vectors, padding) = in_groups(&model, &Device::Cpu, &texts).unwrap();
        // 2 and 3 share a tensor, and 33 and 40.
        assert_eq!(padding, 1 + 7);
        for (text, vector) in texts.iter().zip(&vectors) {
            let (alone, none) = in_groups(&model, &Device::Cpu, &[text]).unwrap();
            let far = vector.iter().zip(&alone[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far <= 1e-5 && none == 0, "{far}");
        }
    }
}
