//! BERT's encoder on a processor: the tokens of all texts of a batch one behind the other, no padding, every weight
//! laid out beforehand for the kernels.
//!
//! The same computation as [`crate::bert`], which other devices take and tests compare it with.

use crate::kernels::{Level, Packed, Width, attention, product, rows};
use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{Config, HiddenAct};
use rayon::prelude::*;

/// Gain, shift.
type Norm = (Vec<f32>, Vec<f32>);

struct Layer {
    /// Queries (with the attention's scale), keys and values in one.
    qkv: Packed,
    attended: Packed,
    attended_norm: Norm,
    wide: Packed,
    narrow: Packed,
    norm: Norm,
}

/// The encoder.
pub(crate) struct PackedBert {
    level: Level,
    hidden: usize,
    heads: usize,
    eps: f32,
    activation: fn(Level, &mut [f32]),
    /// One row for each token of the vocabulary.
    words: Vec<f32>,
    /// One row for each place, with the vector of the first kind of token, as every text is of that kind.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

fn norm(vb: &VarBuilder, name: &str, size: usize) -> Result<Norm> {
    let vb = vb.pp(name);
    Ok((numbers(&vb.get(size, "weight")?)?, numbers(&vb.get(size, "bias")?)?))
}

/// Weight and bias, row after row an output each.
fn dense(vb: &VarBuilder, name: &str, outputs: usize, inputs: usize) -> Result<(Vec<f32>, Vec<f32>)> {
    let vb = vb.pp(name);
    Ok((numbers(&vb.get((outputs, inputs), "weight")?)?, numbers(&vb.get(outputs, "bias")?)?))
}

impl Layer {
    fn load(vb: &VarBuilder, config: &Config, width: Width) -> Result<Self> {
        let (n, wide) = (config.hidden_size, config.intermediate_size);
        #[expect(clippy::cast_precision_loss, reason = "a head has few dimensions")]
        let scale = 1.0 / ((n / config.num_attention_heads) as f32).sqrt();
        let (mut weights, mut biases) = dense(vb, "attention.self.query", n, n)?;
        weights.iter_mut().chain(&mut biases).for_each(|value| *value *= scale);
        for name in ["attention.self.key", "attention.self.value"] {
            let (weight, bias) = dense(vb, name, n, n)?;
            weights.extend(weight);
            biases.extend(bias);
        }
        let packed = |name: &str, outputs: usize, inputs: usize| {
            let (weight, bias) = dense(vb, name, outputs, inputs)?;
            Ok::<_, candle_core::Error>(Packed::new(&weight, bias, width))
        };
        Ok(Self {
            qkv: Packed::new(&weights, biases, width),
            attended: packed("attention.output.dense", n, n)?,
            attended_norm: norm(vb, "attention.output.LayerNorm", n)?,
            wide: packed("intermediate.dense", wide, n)?,
            narrow: packed("output.dense", n, wide)?,
            norm: norm(vb, "output.LayerNorm", n)?,
        })
    }
}

impl PackedBert {
    /// Loads and lays out the weights. `level` may be any that this processor has.
    pub(crate) fn load(vb: &VarBuilder, config: &Config, level: Level, width: Width) -> Result<Self> {
        let (n, embeddings) = (config.hidden_size, vb.pp("embeddings"));
        let places = embeddings.get((config.max_position_embeddings, n), "position_embeddings.weight")?;
        let kinds = embeddings.get((config.type_vocab_size, n), "token_type_embeddings.weight")?;
        let layer = |at| Layer::load(&vb.pp(format!("encoder.layer.{at}")), config, width);
        #[expect(clippy::cast_possible_truncation, reason = "1e-12 is one of both kinds")]
        let eps = config.layer_norm_eps as f32;
        Ok(Self {
            level,
            hidden: n,
            heads: config.num_attention_heads,
            eps,
            activation: match config.hidden_act {
                HiddenAct::Gelu => rows::gelu,
                HiddenAct::GeluApproximate => rows::gelu_tanh,
                HiddenAct::Relu => rows::relu,
            },
            words: numbers(&embeddings.get((config.vocab_size, n), "word_embeddings.weight")?)?,
            places: numbers(&places.broadcast_add(&kinds.narrow(0, 0, 1)?)?)?,
            norm: norm(&embeddings, "LayerNorm", n)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        })
    }

    /// Token ids of each text → the mean of its last hidden states as a unit vector.
    ///
    /// # Errors
    /// An id beyond the vocabulary, a text that is empty or longer than there are places.
    pub(crate) fn forward(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let tokens: usize = lengths.iter().sum();
        let n = self.hidden;
        let mut xs = self.embed(texts)?;
        let wide = self.layers.iter().map(|layer| layer.wide.outputs()).max().unwrap_or(0);
        let mut qkv = vec![0.0; tokens * 3 * n];
        let (mut context, mut added) = (vec![0.0; tokens * n], vec![0.0; tokens * n]);
        let mut inner = vec![0.0; tokens * wide];
        for layer in &self.layers {
            product(self.level, &xs, &layer.qkv, None, &mut qkv);
            self.attend(&lengths, &qkv, &mut context);
            product(self.level, &context, &layer.attended, None, &mut added);
            self.add_norm(&mut xs, &added, &layer.attended_norm);
            product(self.level, &xs, &layer.wide, Some(self.activation), &mut inner);
            product(self.level, &inner, &layer.narrow, None, &mut added);
            self.add_norm(&mut xs, &added, &layer.norm);
        }
        let mut rest = xs.as_slice();
        let pooled = lengths.iter().map(|length| {
            let (text, others) = rest.split_at(length * n);
            rest = others;
            pooled(text, n)
        });
        Ok(pooled.collect())
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let n = self.hidden;
        let (vocabulary, longest) = (self.words.len() / n, self.places.len() / n);
        let mut xs = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() * n);
        let mut places = Vec::with_capacity(xs.capacity());
        for text in texts {
            if text.is_empty() || text.len() > longest {
                candle_core::bail!("a text of {} tokens, where 1 to {longest} fit", text.len());
            }
            for &id in *text {
                let id = id as usize;
                if id >= vocabulary {
                    candle_core::bail!("token {id} in a vocabulary of {vocabulary}");
                }
                xs.extend_from_slice(&self.words[id * n..(id + 1) * n]);
            }
            places.extend_from_slice(&self.places[..text.len() * n]);
        }
        self.add_norm(&mut xs, &places, &self.norm);
        Ok(xs)
    }

    /// Each text by itself.
    fn attend(&self, lengths: &[usize], qkv: &[f32], mut out: &mut [f32]) {
        let mut from = 0;
        let mut texts = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (mine, others) = out.split_at_mut(length * self.hidden);
            out = others;
            texts.push((length, &qkv[from * 3 * self.hidden..(from + length) * 3 * self.hidden], mine));
            from += length;
        }
        texts
            .into_par_iter()
            .for_each(|(length, qkv, out)| attention(self.level, qkv, length, self.heads, out));
    }

    fn add_norm(&self, xs: &mut [f32], added: &[f32], norm: &Norm) {
        let some = 64 * self.hidden;
        xs.par_chunks_mut(some).zip(added.par_chunks(some)).for_each(|(xs, added)| {
            rows::add_norm(self.level, xs, added, &norm.0, &norm.1, self.eps);
        });
    }
}

/// The mean of rows, as a unit vector.
#[expect(clippy::cast_precision_loss, reason = "a text has few tokens")]
fn pooled(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value);
    }
    let count = (rows.len() / width.max(1)).max(1) as f32;
    mean.iter_mut().for_each(|value| *value /= count);
    let norm = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    mean.iter_mut().for_each(|value| *value /= norm);
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bert::{Bert, pooled as pooled_tensor};
    use candle_core::Device;
    use candle_nn::VarMap;

    /// A small model with random weights that fill neither tiles nor panels.
    fn small(act: HiddenAct) -> (VarMap, Config) {
        let config = Config {
            vocab_size: 50,
            hidden_size: 36,
            num_hidden_layers: 2,
            num_attention_heads: 3,
            intermediate_size: 70,
            hidden_act: act,
            max_position_embeddings: 40,
            ..Config::default()
        };
        let map = VarMap::new();
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        Bert::load(&vb, &config).unwrap();
        for (name, var) in map.data().lock().unwrap().iter() {
            let mean = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
            var.set(&Tensor::randn(mean, 0.3_f32, var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        (map, config)
    }

    #[test]
    fn packed_rows_are_what_candle_computes_for_each_text_alone() {
        let texts: [&[u32]; 4] = [&[3, 1, 4, 1, 5, 9, 2, 6], &[7], &[49; 40], &[0, 2, 4]];
        for act in [HiddenAct::Gelu, HiddenAct::GeluApproximate, HiddenAct::Relu] {
            let (map, config) = small(act);
            let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
            let reference = Bert::load(&vb, &config).unwrap();
            let alone = |text: &[u32]| -> Vec<f32> {
                let ids = Tensor::new(text, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
                let mask = ids.ones_like().unwrap().to_dtype(DType::F32).unwrap();
                let hidden = reference.forward(&ids, None).unwrap();
                pooled_tensor(&hidden, &mask).unwrap().squeeze(0).unwrap().to_vec1().unwrap()
            };
            let want: Vec<Vec<f32>> = texts.iter().map(|text| alone(text)).collect();
            for level in Level::all() {
                for (width, most) in [(Width::F32, 1e-5), (Width::Bf16, 2e-2)] {
                    let model = PackedBert::load(&vb, &config, level, width).unwrap();
                    for (got, want) in model.forward(&texts).unwrap().iter().zip(&want) {
                        let off = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                        assert!(off <= most, "{level:?} {width:?}: {off}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_model_is_an_error() {
        let (map, config) = small(HiddenAct::Gelu);
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let model = PackedBert::load(&vb, &config, Level::best(), Width::F32).unwrap();
        for (text, said) in [(&[50_u32] as &[u32], "token 50"), (&[], "0 tokens"), (&[1; 41], "41 tokens")] {
            assert!(model.forward(&[text]).unwrap_err().to_string().contains(said));
        }
        assert!(model.forward(&[]).unwrap().is_empty());
    }
}
