//! Summaries of evaluation sets, for `benches/quality/run.sh` to score.
//!
//! ```text
//! quality eval SET.jsonl OUT.jsonl [WORDS]        rows {"id","summary"}
//! quality office FOLDER OUT [WORDS]               OUT/summary/NN.txt, OUT/email/NN.txt
//! quality show FILE [WORDS]                       one summary for people
//! quality speed SET.jsonl [WORDS]                 documents and words a second, with and without embeddings
//! ```
//! The model's folder is `PRECIS_MODEL`, else `models/all-MiniLM-L6-v2`. With `--no-model` in front every sentence is a
//! topic of its own: a set takes seconds, and near-duplicates in other words are not seen.

use domain::text::{Line, Origin, Page, Pages, Role};
use precis_models::{DeviceChoice, MiniLm};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use summarizer::{Backend, BackendError, Options, Summarized};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    let blind = args.first() == Some(&"--no-model");
    if blind {
        args.remove(0);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = std::env::var_os("PRECIS_MODEL").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/all-MiniLM-L6-v2"),
        PathBuf::from,
    );
    if blind {
        return runtime.block_on(command(&Blind, &args));
    }
    let model = MiniLm::load(&folder, DeviceChoice::Cpu)?;
    println!("model {} loaded in {:?}", model.name(), model.load_time());
    runtime.block_on(command(&model, &args))
}

async fn command(model: &dyn Backend, args: &[&str]) -> Outcome<()> {
    let words = |at: usize, default: usize| args.get(at).map_or(Ok(default), |text| text.parse::<usize>());
    match args.first().copied() {
        Some("eval") if args.len() > 2 => eval(model, args[1], args[2], words(3, 90)?).await,
        Some("office") if args.len() > 2 => office(model, args[1], args[2], words(3, 120)?).await,
        Some("show") if args.len() > 1 => show(model, args[1], words(2, 120)?).await,
        Some("speed") if args.len() > 1 => speed(model, args[1], words(2, 120)?).await,
        _ => Err("usage: quality [--no-model] eval SET OUT [WORDS] | office FOLDER OUT [WORDS] | show FILE [WORDS] | speed SET [WORDS]".into()),
    }
}

/// No model: every sentence is as unlike the next as can be.
struct Blind;

#[async_trait::async_trait]
impl Backend for Blind {
    fn name(&self) -> String {
        "none".to_owned()
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        let one = |at: usize| (0..texts.len().max(1)).map(|place| f32::from(u8::from(place == at))).collect();
        Ok((0..texts.len()).map(one).collect())
    }
}

/// Markdown as the sets have it → lines: blocks between blank lines, headings, items, rows, quotes.
fn pages(markdown: &str) -> Pages {
    let mut lines = Vec::new();
    let (mut paragraph, mut open) = (0, false);
    for raw in markdown.lines() {
        let text = raw.trim();
        if text.is_empty() || text.chars().all(|c| "|:- ".contains(c)) {
            open = false;
            continue;
        }
        let (role, text) = role(text);
        let text = if role == Role::Row { cells(text) } else { text.replace(['*', '`'], "") };
        let titled = lines.iter().any(|line: &Line| line.role == Role::Title);
        let role = if role == Role::Title && titled { Role::Heading(1) } else { role };
        let same = open
            && role == Role::Body
            && lines.last().is_some_and(|last: &Line| matches!(last.role, Role::Body | Role::Item));
        let role = if same { lines.last().map_or(role, |last| last.role) } else { role };
        let quoted =
            open && role == Role::Quote && lines.last().is_some_and(|last: &Line| last.role == Role::Quote);
        if !(same || quoted) {
            paragraph += 1;
        }
        open = true;
        lines.push(Line { text, role, paragraph, bbox: None, confidence: None });
    }
    let page = Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None };
    Pages { pages: vec![page], title: None }
}

fn role(text: &str) -> (Role, &str) {
    let level = text.bytes().take_while(|&b| b == b'#').count();
    if (1..=6).contains(&level) && text[level..].starts_with(' ') {
        let rest = text[level..].trim();
        return (
            if level == 1 { Role::Title } else { Role::Heading(u8::try_from(level).unwrap_or(6)) },
            rest,
        );
    }
    if text.starts_with('|') {
        return (Role::Row, text);
    }
    if text.starts_with('>') {
        return (Role::Quote, text.trim_start_matches(['>', ' ']));
    }
    let marker = text.split(' ').next().unwrap_or("");
    let number = marker.trim_end_matches(['.', ')']);
    let numbered =
        marker.len() > number.len() && number.len() <= 3 && number.chars().all(|c| c.is_ascii_digit());
    let lettered = marker.ends_with(')') && marker.trim_matches(['(', ')']).len() == 1;
    if matches!(marker, "-" | "*" | "•") || numbered || lettered {
        return (Role::Item, text[marker.len()..].trim());
    }
    (Role::Body, text)
}

fn cells(row: &str) -> String {
    let cells = row.trim_matches('|').split('|').map(|cell| cell.trim().replace(['*', '`'], ""));
    cells.collect::<Vec<_>>().join(" | ")
}

async fn run(model: &dyn Backend, text: &str, name: &str, words: usize) -> Outcome<Summarized> {
    let options = Options { words, ..Options::default() };
    Ok(summarizer::summarize(model, &pages(text), name, &options).await?)
}

fn said(done: &Summarized) -> String {
    done.summary.sentences.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn rows(set: &str) -> Outcome<Vec<serde_json::Value>> {
    Ok(std::fs::read_to_string(set)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

async fn eval(model: &dyn Backend, set: &str, out: &str, words: usize) -> Outcome<()> {
    let mut text = String::new();
    let (mut dangling, mut sentences) = (0, 0);
    for row in rows(set)? {
        let done = run(model, row["document"].as_str().unwrap_or(""), "", words).await?;
        sentences += done.summary.sentences.len();
        dangling += done.summary.sentences.iter().filter(|s| summarizer::dangles(&s.text)).count();
        text += &serde_json::json!({"id": row["id"], "summary": said(&done)}).to_string();
        text.push('\n');
    }
    std::fs::write(out, text)?;
    eprintln!("{set}: {sentences} sentences, {dangling} with a dangling opening");
    Ok(())
}

async fn office(model: &dyn Backend, folder: &str, out: &str, words: usize) -> Outcome<()> {
    for kind in ["summary", "email"] {
        std::fs::create_dir_all(Path::new(out).join(kind))?;
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    files.retain(|path| path.extension().is_some_and(|e| e == "md" || e == "txt"));
    files.sort();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let done = run(model, &std::fs::read_to_string(&path)?, &name, words).await?;
        let target = format!("{}.txt", path.file_stem().unwrap_or_default().to_string_lossy());
        std::fs::write(Path::new(out).join("summary").join(&target), said(&done))?;
        let facts = done.summary.key_facts.iter().map(|fact| fact.text.clone());
        let all: Vec<String> =
            [done.summary.headline.clone(), said(&done)].into_iter().chain(facts).collect();
        std::fs::write(Path::new(out).join("email").join(&target), all.join("\n"))?;
    }
    Ok(())
}

async fn show(model: &dyn Backend, file: &str, words: usize) -> Outcome<()> {
    let done = run(model, &std::fs::read_to_string(file)?, file, words).await?;
    let summary = &done.summary;
    println!("{}\n", summary.headline);
    for sentence in &summary.sentences {
        println!("  {}", sentence.text);
    }
    println!("\nPoints");
    for point in &summary.key_points {
        println!("- {}", point.text);
    }
    println!("\nFacts");
    for fact in &summary.key_facts {
        println!("- {:?} {} | {}", fact.kind, fact.value.as_deref().unwrap_or("-"), fact.text);
    }
    println!(
        "\noffice {:.2}, language {:?}, {} of {} sentences embedded",
        done.office, done.language, done.embedded, done.sentences
    );
    Ok(())
}

async fn speed(model: &dyn Backend, set: &str, words: usize) -> Outcome<()> {
    let texts: Vec<String> =
        rows(set)?.iter().map(|row| row["document"].as_str().unwrap_or("").to_owned()).collect();
    let short: Vec<String> = texts.iter().map(|text| head(text, 200)).collect();
    for (name, texts) in [("whole documents", &texts), ("their first 200 words", &short)] {
        let parsed: Vec<Pages> = texts.iter().map(|text| pages(text)).collect();
        let count: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let options = Options { words, ..Options::default() };
        let start = Instant::now();
        let mut vectors = 0;
        for document in &parsed {
            let analysis = summarizer::analyse(document, "", &options)?;
            let texts = analysis.texts();
            vectors += texts.len();
            // Without a model every sentence is its own topic.
            let blank = (0..texts.len())
                .map(|at| (0..64).map(|i| if i == at { 1.0 } else { 0.0 }).collect())
                .collect();
            analysis.finish(blank)?;
        }
        let without = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut waiting: Vec<_> = Vec::new();
        for chunk in parsed.chunks(8) {
            waiting.clear();
            waiting.extend(chunk.iter().map(|document| summarizer::summarize(model, document, "", &options)));
            for done in join(&mut waiting).await {
                done?;
            }
        }
        let with = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "counts for people")]
        let (n, count, vectors) = (parsed.len() as f64, count as f64, vectors as f64);
        println!(
            "{name}: {n} documents, {count} words; without embeddings {:.1} documents/s, {:.0} words/s; \
             with {:.2} documents/s, {:.0} words/s, {:.0} sentences embedded/s",
            n / without,
            count / without,
            n / with,
            count / with,
            vectors / with
        );
    }
    println!("model {}", model.name());
    Ok(())
}

/// All futures side by side, as the tasks of a worker are.
async fn join<F: Future>(futures: &mut Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.drain(..).map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, out) in pinned.iter_mut().zip(&mut done) {
            if out.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *out = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// The first paragraphs of about so many words.
fn head(text: &str, words: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for paragraph in text.split("\n\n") {
        for line in paragraph.split(". ") {
            if count < words {
                out.push_str(line);
                out.push_str(". ");
                count += line.split_whitespace().count();
            }
        }
        out.push_str("\n\n");
    }
    out
}
