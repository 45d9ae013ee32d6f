//! Sentences → unit vectors: BERT, mean over the tokens, L2 normalisation, as sentence-transformers does it.

use crate::ModelError;
use crate::bert::{Bert, pooled};
use crate::kernels::Level;
use crate::packed_bert::PackedBert;
use crate::worker::Wanted;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::sync::Arc;
use tokenizers::Tokenizer;

/// A loaded sentence encoder.
pub(crate) struct Encoder {
    tokenizer: Tokenizer,
    model: Model,
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
        Ok(Self { tokenizer, model: model.map_err(failed)? })
    }

    /// Token ids of each text, with the special ones, truncated; never empty.
    pub(crate) fn tokens(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, ModelError> {
        let encode = |text: &String| {
            let encoding = self.tokenizer.encode_fast(text.as_str(), true);
            encoding.map(|e| e.get_ids().to_vec()).map_err(|error| ModelError::Run(error.to_string()))
        };
        texts.iter().map(encode).collect()
    }

    /// One vector of the hidden size for each sequence.
    pub(crate) fn forward(&self, batch: &[&[u32]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let vectors = match &self.model {
            Model::Packed(model) => model.forward(batch),
            Model::Tensors(model, device) => padded(model, device, batch),
        };
        vectors.map_err(|error| ModelError::Run(error.to_string()))
    }
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
