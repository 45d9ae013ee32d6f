//! `candle-transformers`' T5 and quantised Qwen3 as they are shipped, for `benches/models/decoder.py`.
//!
//! ```text
//! candle_writing FOLDER|FILE.gguf PROMPT_TOKENS ANSWER_TOKENS [ROWS…]
//! ```
//! A folder is read as T5, a file as Qwen3; its Qwen3 takes one row at a time. The lines are those of `writing`. What it
//! writes is not looked at: its T5 goes wrong after some tokens, and takes as long as if it did not.

#![expect(clippy::print_stdout, reason = "a tool for the desk")]

mod cores;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::quantized_qwen3::ModelWeights;
use candle_transformers::models::t5::{Config, T5ForConditionalGeneration};
use cores::on_cores;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

enum Model {
    T5(Box<T5ForConditionalGeneration>),
    Qwen3(Box<ModelWeights>),
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, long, answer, rows @ ..] = &args[..] else {
        return Err("usage: candle_writing FOLDER|FILE.gguf PROMPT_TOKENS ANSWER_TOKENS [ROWS…]".into());
    };
    let (long, answer) = (long.parse()?, answer.parse()?);
    let mut model = load(Path::new(model))?;
    run(&mut model, 1, long, 2)?;
    for rows in rows {
        let rows = rows.parse()?;
        let (read, whole) = (run(&mut model, rows, long, 1)?, run(&mut model, rows, long, answer)?);
        println!("{}", json!({ "rows": rows, "read": read, "whole": whole }));
    }
    Ok(())
}

fn load(path: &Path) -> Outcome<Model> {
    if path.is_file() {
        let mut file = std::fs::File::open(path)?;
        let content = Content::read(&mut file)?;
        return Ok(Model::Qwen3(Box::new(ModelWeights::from_gguf(content, &mut file, &Device::Cpu)?)));
    }
    let config: Config = serde_json::from_slice(&std::fs::read(path.join("config.json"))?)?;
    let weights = std::fs::read(path.join("model.safetensors"))?;
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
    Ok(Model::T5(Box::new(T5ForConditionalGeneration::load(weights, &config)?)))
}

/// Core-seconds and seconds for answers of so many tokens.
fn run(model: &mut Model, rows: usize, long: usize, answer: usize) -> Outcome<Value> {
    let prompt: Vec<u32> = (0..u32::try_from(long)?).map(|at| at % 9000 + 10).collect();
    let ids = Tensor::new(prompt, &Device::Cpu)?.unsqueeze(0)?.repeat((rows, 1))?;
    let (cores, clock) = (on_cores()?, Instant::now());
    match model {
        Model::T5(model) => {
            model.clear_kv_cache();
            let memory = model.encode(&ids)?;
            let mut last = Tensor::zeros((rows, 1), DType::U32, &Device::Cpu)?;
            for _ in 0..answer {
                last = likeliest(&model.decode(&last, &memory)?)?;
            }
        }
        Model::Qwen3(model) => {
            model.clear_kv_cache();
            let mut last = likeliest(&model.forward(&ids, 0)?)?;
            for at in 1..answer {
                last = likeliest(&model.forward(&last, long + at - 1)?)?;
            }
        }
    }
    let (cpu, wall) = (on_cores()? - cores, clock.elapsed().as_secs_f64());
    Ok(json!({ "cpu": cpu, "wall": wall }))
}

/// The next token of each row, as a column.
fn likeliest(logits: &Tensor) -> Outcome<Tensor> {
    Ok(logits.argmax_keepdim(candle_core::D::Minus1)?)
}
