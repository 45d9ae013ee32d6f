//! Documents a second, beside the two things that bound them: the summarizer alone on the same text, and the
//! bare durable writes that the pipeline asks for.

use super::{Row, documents};
use anyhow::{Context, Result, bail};
use futures::StreamExt;
use models::{DeviceChoice, MiniLm};
use ports::{Address, Outgoing, QueueName};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use summarizer::Options;

/// Documents, or writes, at the same time: as many as the pipeline summarizes at once on two cores.
const AT_ONCE: usize = 16;

/// Measures all three over `count` documents of about 200 words.
///
/// # Errors
/// If any of them cannot be run.
pub async fn measure(count: u64) -> Result<Vec<Row>> {
    let work = tempfile::tempdir()?;
    let folder = work.path().join("in");
    std::fs::create_dir(&folder)?;
    documents::write(&folder, 0, count)?;
    let alone = summarizer_alone(&folder, count).await.context("the summarizer alone")?;
    let (pipeline, writes) = pipeline(&folder, &work.path().join("data"), count)?;
    let durable = durable(&work.path().join("commits"), writes).await?;
    let durable = durable / (writes as f64 / count as f64);
    let bound = alone.min(durable);
    let per = writes as f64 / count as f64;
    Ok(vec![
        Row::new(
            format!("pipeline, {count} texts of {} words", documents::WORDS),
            format!("{pipeline:.1} documents/s"),
            format!("{:.0} % of the lower of the next two", 100.0 * pipeline / bound),
        ),
        Row::new("summarizer alone, same texts", format!("{alone:.1} documents/s"), ""),
        Row::new(
            format!("bare durable writes, {per:.1} a document as the pipeline made them"),
            format!("{durable:.1} documents/s"),
            format!("{:.0} writes/s, {AT_ONCE} at once", durable * per),
        ),
    ])
}

async fn summarizer_alone(folder: &Path, count: u64) -> Result<f64> {
    let model = MiniLm::load(&crate::model(), DeviceChoice::Cpu)?;
    let limits = extract::Limits::default();
    let out = tempfile::tempdir()?;
    let mut all = Vec::new();
    for n in 0..count {
        let file = folder.join(format!("notice-{n:05}.txt"));
        let reading = extract::read_in_process(
            std::fs::read(&file)?,
            "notice.txt",
            out.path(),
            &limits,
            &mut |_, _| {},
        )?;
        let pages = reading.pages.into_iter().filter_map(|page| match page {
            extract::PageReading::Read(page) => Some(page),
            extract::PageReading::NeedsOcr { .. } => None,
        });
        all.push(domain::text::Pages { pages: pages.collect(), title: reading.title });
    }
    let start = Instant::now();
    let options = Options::default();
    let done = futures::stream::iter(&all)
        .map(|pages| summarizer::summarize(&model, pages, "notice.txt", &options))
        .buffer_unordered(AT_ONCE)
        .filter(|made| std::future::ready(made.is_ok()))
        .count()
        .await;
    if done as u64 != count {
        bail!("only {done} of {count} were summarized");
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// The whole program over the same files. Gives documents a second, and the durable writes that it made.
fn pipeline(folder: &Path, data: &Path, count: u64) -> Result<(f64, u64)> {
    let start = Instant::now();
    let output = Command::new(crate::program())
        .args(["summarize", "--format", "json", "--progress", "none", "--data"])
        .arg(data)
        .arg("-r")
        .arg(folder)
        .env("PRECIS_LOG", "precis_local=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    let took = start.elapsed().as_secs_f64();
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    if lines as u64 != count || !output.status.success() {
        bail!("{lines} of {count} results: {}", String::from_utf8_lossy(&output.stderr));
    }
    let log = String::from_utf8_lossy(&output.stderr);
    let writes = log
        .lines()
        .filter_map(|line| {
            line.split_once("db.writes")?
                .1
                .trim_start_matches(['"', ':', '=', ' '])
                .split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        })
        .max()
        .context("the program did not say how many writes it made")?;
    Ok((count as f64 / took, writes))
}

/// Durable writes a second, as many at once as the pipeline makes.
async fn durable(folder: &Path, writes: u64) -> Result<f64> {
    let local = local::open(folder, local::OpenOptions::exclusive()).await?;
    let start = Instant::now();
    let sent = futures::stream::iter(0..writes)
        .map(|n| {
            local.stack.queue.send(Address::live(QueueName::Notify), vec![Outgoing::now(format!("{n:0100}"))])
        })
        .buffer_unordered(AT_ONCE)
        .filter(|sent| std::future::ready(sent.is_ok()))
        .count()
        .await;
    if sent as u64 != writes {
        bail!("only {sent} of {writes} writes were made");
    }
    Ok(writes as f64 / start.elapsed().as_secs_f64())
}
