//! How fast a model writes: tokens a CPU-second, for a folder or a GGUF file of any size.
//!
//! ```text
//! cargo run --release --example writing -- MODEL [auto|f32|f16|bf16] [PROMPT_TOKENS] [ANSWER_TOKENS] [ROWS…]
//! ```
//! Prompts are one word again and again; answers are as long as asked, each token the likeliest, none guessed. CPU-seconds are
//! those of all threads of this process.

#![expect(clippy::print_stdout, reason = "a tool for the desk")]

use precis_models::{Controls, DeviceChoice, Precision, Writer, WriterOptions};
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
    };
    let writer = Writer::load(Path::new(model), options)?;
    println!("{} loaded in {:?}", writer.name(), writer.load_time().unwrap_or_default());
    let word = "the rent ";
    let content = word.repeat(long / writer.count(&word.repeat(100)).div_ceil(100).max(1));
    for rows in rows {
        for answer in [1, answer] {
            run(&writer, &content, answer, rows).await?;
        }
    }
    Ok(())
}

async fn run(writer: &Writer, content: &str, answer: usize, rows: usize) -> Outcome<()> {
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
    let mut tokens = 0;
    for written in writer.write(asked).await? {
        tokens += written?.tokens.len();
    }
    let (cores, clock) = (on_cores()? - cores, clock.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let rate = tokens as f64 / cores;
    println!(
        "{rows} prompts of {} tokens, {answer} out: {cores:.2} CPU-s, {clock:.2} s, {rate:.1} tokens a CPU-second",
        writer.count(content)
    );
    Ok(())
}

/// Seconds that all threads of this process have had a core (user and system), in ticks of 10 ms.
fn on_cores() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The name before ") " may hold anything; user and system time are the 12th and 13th after it.
    let rest = text.rsplit_once(") ").ok_or("no stat")?.1;
    let ticks: Vec<f64> = rest.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
