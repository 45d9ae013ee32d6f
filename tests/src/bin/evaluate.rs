//! What the summarizer makes of evaluation sets, for `benches/eval` to score: one JSON object a line.
//!
//! ```text
//! evaluate [--no-model] [--precision f32|bf16|int8] [--bare] [--words N]... FILE.jsonl|FOLDER...
//! ```
//! A `.jsonl` has rows `{"id","document"}` with Markdown; a folder has `.md` and `.txt` files. Everything is read by the
//! product's own reader, summarized at each length and rendered as an e-mail by notify, but in this process: a
//! thousand documents are a matter of seconds without the model. `--bare` only summarizes, for whoever measures time.

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use domain::summary::{Citation, Summary};
use domain::text::{Page, Pages};
use domain::{Document, Job, Outcome, Stage, State};
use extract::PageReading;
use futures::StreamExt;
use models::{MiniLm, Precision};
use notify::Links;
use precis_tests::words::letters;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use summarizer::{Backend, BackendError, Options, Summarized};

/// Documents at the same time: enough to keep two cores busy while the model is at work.
const AT_ONCE: usize = 8;

/// Length of a summary when nothing else is asked for.
const WORDS: usize = 120;

struct Asked {
    model: bool,
    precision: Precision,
    bare: bool,
    words: Vec<usize>,
    inputs: Vec<PathBuf>,
}

/// A document of a set.
struct Input {
    id: String,
    name: String,
    bytes: Vec<u8>,
}

/// No model: every sentence is a topic of its own, as unlike the next as can be.
struct Blind;

#[async_trait]
impl Backend for Blind {
    fn name(&self) -> String {
        "none".to_owned()
    }

    async fn embed(&self, _: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        let one = |at: usize| (0..texts.len().max(1)).map(|place| f32::from(u8::from(place == at))).collect();
        Ok((0..texts.len()).map(one).collect())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let asked = asked()?;
    let backend: Arc<dyn Backend> = if asked.model {
        Arc::new(MiniLm::load_as(
            &model(),
            &models::Options { precision: asked.precision, ..models::Options::default() },
        )?)
    } else {
        Arc::new(Blind)
    };
    let mut inputs = Vec::new();
    for path in &asked.inputs {
        inputs.extend(read(path).with_context(|| path.display().to_string())?);
    }
    let jobs = inputs.into_iter().map(|input| {
        let (backend, words, bare) = (Arc::clone(&backend), asked.words.clone(), asked.bare);
        tokio::spawn(async move { evaluate(backend.as_ref(), &input, &words, bare).await })
    });
    let mut done = futures::stream::iter(jobs).buffered(AT_ONCE);
    while let Some(lines) = done.next().await {
        for line in lines?? {
            println!("{line}");
        }
    }
    Ok(())
}

fn asked() -> Result<Asked> {
    let (words, inputs) = (Vec::new(), Vec::new());
    let mut asked = Asked { model: true, precision: Precision::Auto, bare: false, words, inputs };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-model" => asked.model = false,
            "--bare" => asked.bare = true,
            "--precision" => {
                asked.precision = arguments.next().context("--precision needs f32, bf16 or int8")?.parse()?;
            }
            "--words" => asked.words.push(arguments.next().context("--words needs a number")?.parse()?),
            unknown if unknown.starts_with('-') => bail!("{unknown} is no option of evaluate"),
            input => asked.inputs.push(input.into()),
        }
    }
    if asked.words.is_empty() {
        asked.words.push(WORDS);
    }
    if asked.inputs.is_empty() {
        bail!("usage: evaluate [--no-model] [--precision P] [--bare] [--words N]... FILE.jsonl|FOLDER...");
    }
    Ok(asked)
}

fn model() -> PathBuf {
    std::env::var_os("PRECIS_MODEL").map_or_else(precis_tests::model, PathBuf::from)
}

fn read(path: &Path) -> Result<Vec<Input>> {
    if path.is_dir() {
        return folder(path);
    }
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line)?;
        let field = |name: &str| row[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Input { id: field("id")?, name: "document.md".to_owned(), bytes: field("document")?.into_bytes() })
    };
    std::fs::read_to_string(path)?.lines().map(row).collect()
}

fn folder(path: &Path) -> Result<Vec<Input>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "md" || end == "txt"));
    files.sort();
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let input = |file: PathBuf| {
        Ok(Input { id: part(file.file_stem()), name: part(file.file_name()), bytes: std::fs::read(&file)? })
    };
    files.into_iter().map(input).collect()
}

async fn evaluate(backend: &dyn Backend, input: &Input, budgets: &[usize], bare: bool) -> Result<Vec<Value>> {
    let pages = pages(input).with_context(|| input.id.clone())?;
    let mut lines = Vec::new();
    for &words in budgets {
        let options = Options { words, ..Options::default() };
        let made = summarizer::summarize(backend, &pages, &input.name, &options).await;
        let mut line = json!({"id": input.id, "budget": words});
        line["words"] = pages.pages.iter().map(Page::words).sum::<usize>().into();
        match made {
            Ok(_) if bare => {}
            Ok(made) => tell(&mut line, input, &pages, made, &backend.name()),
            Err(error) if error.is_permanent() => line["none"] = error.to_string().into(),
            Err(error) => return Err(error).context(input.id.clone()),
        }
        lines.push(line);
    }
    Ok(lines)
}

fn pages(input: &Input) -> Result<Pages> {
    // Markdown and plain text have no pictures, so nothing is written there.
    let (nowhere, limits) = (std::env::temp_dir(), extract::Limits::default());
    let reading =
        extract::read_in_process(input.bytes.clone(), &input.name, &nowhere, &limits, &mut |_, _| {})?;
    let page = |page| match page {
        PageReading::Read(page) => Ok(page),
        PageReading::NeedsOcr { number, .. } => Err(anyhow!("page {number} is a picture")),
    };
    Ok(Pages { pages: reading.pages.into_iter().map(page).collect::<Result<_>>()?, title: reading.title })
}

fn tell(line: &mut Value, input: &Input, pages: &Pages, made: Summarized, model: &str) {
    let sentences = &made.summary.sentences;
    line["sentences"] = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    line["office"] = made.office.into();
    let (cited, exact) = exactness(&made.summary, pages);
    line["cited"] = cited.into();
    line["exact"] = exact.into();
    let words = line["budget"].as_u64().and_then(|words| u32::try_from(words).ok());
    line["email"] = email(input, pages, words.unwrap_or(u32::MAX), made, model).into();
}

/// Citations, and those whose text stands on the page that they name.
fn exactness(summary: &Summary, pages: &Pages) -> (usize, usize) {
    let text = |page: &Page| page.lines.iter().map(|line| letters(&line.text)).collect::<String>();
    let texts: BTreeMap<u32, String> = pages.pages.iter().map(|page| (page.number, text(page))).collect();
    let sentences = summary.sentences.iter().chain(&summary.key_points).flat_map(|said| &said.citations);
    let all: Vec<&Citation> =
        sentences.chain(summary.key_facts.iter().flat_map(|fact| &fact.citations)).collect();
    let exact = all.iter().filter(|citation| {
        texts.get(&citation.page).is_some_and(|page| page.contains(&letters(&citation.text)))
    });
    (all.len(), exact.count())
}

fn email(input: &Input, pages: &Pages, words: u32, made: Summarized, model: &str) -> String {
    let uploaded = "2027-01-04T09:00:00Z".parse().unwrap_or_default();
    let document = Document {
        bucket: "documents".to_owned(),
        key: input.name.clone(),
        version: "1".to_owned(),
        size: input.bytes.len() as u64,
        sequencer: None,
        uploaded_at: uploaded,
    };
    let mut job = Job::new(document, uploaded);
    job.settings.words = words;
    job.pages = u32::try_from(pages.pages.len()).ok();
    job.outcome = Some(Outcome::summarized());
    job.state = State::At(Stage::Notify);
    let finding = summarize::finding(made, pages, None, model);
    notify::render(&job, Some(&finding), &Links::folder(Path::new("results"))).text
}
