//! How fast a model writes, for a folder or a GGUF file of any size, and for `benches/models/decoder.py`.
//!
//! ```text
//! writing MODEL [auto|f32|f16|bf16|int8] [PROMPT_TOKENS] [ANSWER_TOKENS] [ROWS…]
//! ```
//! One line of JSON for each number of rows: `read` is a first token of each, `whole` all tokens, in seconds that all threads
//! of this process had a core (`cpu`) and that passed (`wall`). Prompts are one word again and again; each token is the
//! likeliest, none is guessed.

#![expect(clippy::print_stdout, reason = "a tool for the desk")]

mod cores;

use cores::on_cores;
use precis_models::{Controls, DeviceChoice, Precision, Writer, WriterOptions};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::Instant;
use summarizer::{Generator, Prompt};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let model = args.first().ok_or("give a model")?;
    let precision: Precision = args.get(1).map_or("auto", String::as_str).parse()?;
    let number = |at: usize, otherwise: usize| args.get(at).map_or(Ok(otherwise), |text| text.parse());
    let (long, answer) = (number(2, 512)?, number(3, 64)?);
    let rows: Vec<usize> = args.iter().skip(4).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let rows = if rows.is_empty() { vec![1, 8] } else { rows };
    let options = WriterOptions {
        device: DeviceChoice::Auto,
        precision,
        context: Some(long + answer + 64),
        tokens: 1 << 20,
        ..WriterOptions::default()
    };
    let writer = Writer::load(Path::new(model), options)?;
    let load = writer.load_time().unwrap_or_default().as_secs_f64();
    let word = "the rent ";
    let content = word.repeat(long / writer.count(&word.repeat(100)).div_ceil(100).max(1));
    // The first of all pays for memory that is touched for the first time.
    run(&writer, &content, 2, 1).await?;
    for rows in rows {
        let (read, whole) =
            (run(&writer, &content, 1, rows).await?, run(&writer, &content, answer, rows).await?);
        let line = json!({
            "model": writer.name(), "load": load, "rows": rows, "prompt": writer.count(&content), "answer": answer,
            "read": read, "whole": whole,
        });
        println!("{line}");
    }
    Ok(())
}

/// Core-seconds and seconds for answers of so many tokens.
async fn run(writer: &Writer, content: &str, answer: usize, rows: usize) -> Outcome<Value> {
    let controls = Controls { max_tokens: answer, min_tokens: answer, ..Controls::default() };
    let prompt = |row: usize| Prompt {
        instructions: String::new(),
        content: format!("{row} {content}"),
        max_tokens: answer,
        temperature: 0.0,
        seed: 0,
        stop: Vec::new(),
    };
    let asked = (0..rows).map(|row| (prompt(row), controls.clone())).collect();
    let (cores, clock) = (on_cores()?, Instant::now());
    for written in writer.write("", asked).await? {
        let written = written?.tokens.len();
        if written != answer {
            return Err(format!("an answer of {written} tokens, {answer} wanted").into());
        }
    }
    Ok(json!({"cpu": on_cores()? - cores, "wall": clock.elapsed().as_secs_f64()}))
}
