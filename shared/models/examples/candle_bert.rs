//! `candle-transformers`' BERT as it is shipped, for `benches/models`: sentences into vectors, 32 at a time, padded to the
//! longest.
//!
//! ```text
//! candle_bert MODEL_FOLDER SENTENCES.txt
//! ```
//! The first line that it prints has the vectors. Then for each line that comes, `arrival` or `sorted` (by length, so that
//! little is padded), it encodes all sentences once and prints how long that took, tokens included: seconds by the
//! clock, and of all threads on a core (Linux).

mod cores;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use cores::on_cores;
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

const BATCH: usize = 32;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sentences] = &args[..] else {
        return Err("usage: candle_bert MODEL_FOLDER SENTENCES.txt".into());
    };
    let folder = Path::new(folder);
    let texts: Vec<String> = std::fs::read_to_string(sentences)?.lines().map(str::to_owned).collect();
    let config: Config = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
    let mut tokenizer =
        Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|error| error.to_string())?;
    let truncation = TruncationParams { max_length: 256, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(|error| error.to_string())?;
    tokenizer.with_padding(Some(PaddingParams::default()));
    let weights = std::fs::read(folder.join("model.safetensors"))?;
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
    let model = BertModel::load(weights, &config)?;

    let vectors = encode(&model, &tokenizer, &texts, false)?;
    println!("{}", serde_json::json!({ "vectors": vectors }));
    for line in std::io::stdin().lock().lines() {
        let (start, before) = (Instant::now(), on_cores()?);
        encode(&model, &tokenizer, &texts, line?.trim() == "sorted")?;
        let cpu = on_cores()? - before;
        println!("{}", serde_json::json!({ "seconds": start.elapsed().as_secs_f64(), "cpu": cpu }));
    }
    Ok(())
}

fn encode(
    model: &BertModel,
    tokenizer: &Tokenizer,
    texts: &[String],
    sorted: bool,
) -> Outcome<Vec<Vec<f32>>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    if sorted {
        order.sort_by_key(|at| texts[*at].len());
    }
    let mut vectors = vec![Vec::new(); texts.len()];
    for batch in order.chunks(BATCH) {
        let some: Vec<&str> = batch.iter().map(|at| texts[*at].as_str()).collect();
        let encodings = tokenizer.encode_batch(some, true).map_err(|error| error.to_string())?;
        let ids: Vec<&[u32]> = encodings.iter().map(|encoding| encoding.get_ids()).collect();
        let mask: Vec<&[u32]> = encodings.iter().map(|encoding| encoding.get_attention_mask()).collect();
        let (ids, mask) = (Tensor::new(ids, &Device::Cpu)?, Tensor::new(mask, &Device::Cpu)?);
        let hidden = model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?;
        let sum = hidden.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
        let mean = sum.broadcast_div(&mask.sum_keepdim(1)?)?;
        let unit = mean.broadcast_div(&mean.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?)?;
        for (at, vector) in batch.iter().zip(unit.to_vec2()?) {
            vectors[*at] = vector;
        }
    }
    Ok(vectors)
}
