//! `precis train`: a ranking from what people want, and the gate that it must pass.

use super::heads::{promote, table};
use crate::cli::learn::Train;
use crate::show::clean;
use crate::{head, model};
use anyhow::{Context, Result, bail};
use domain::text::Pages;
use extract::{Limits, PageReading, ReaderProgram};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use local::Layout;
use models::{DeviceChoice, MiniLm};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use summarizer::learn::Material;
use summarizer::{Backend, Data, Head, RECIPE, Record};
use trainer::data::{self, Row, Set};
use trainer::{Example, Plan, Progress, Settings, Useless};

/// Runs the command.
pub async fn run(args: &Train, out: &mut dyn Write) -> Result<ExitCode> {
    if !(0.0..=1e6).contains(&args.pull) {
        bail!("--pull {}: it must be 0 or more", args.pull);
    }
    let folder = args.promote.as_deref().map(layout).transpose()?;
    let current = match (&args.against, &folder) {
        (Some(file), _) if file == Path::new(RECIPE) => None,
        (Some(file), _) => Some(Arc::new(head::load(file)?)),
        (None, Some(folder)) => head::in_use(None, folder)?,
        (None, None) => None,
    };
    let model = if args.no_model { None } else { Some(load(args.model.as_deref())?) };
    let name = model.as_ref().map(|model| model.name());
    // What the ranking in use knows of another model's embeddings is of no use here.
    let current = current.filter(|head| head.model().is_none() || head.model() == name.as_deref());
    let (examples, sets) = examples(&args.data, model.as_ref()).await?;
    let plan = Plan { seed: args.seed, pull: args.pull, ..Plan::default() };
    let folds = args.folds as usize;
    let names = sets.iter().map(|set| set.name.clone()).collect();
    let settings = Settings { plan, folds, sets: names, model: name };
    let record = Record {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command(args),
        data: sets,
        ..Record::default()
    };
    let bar = Bar::new("training");
    let train = move || {
        let mut progress = |progress: Progress| bar.train(&progress);
        trainer::train(&examples, current.as_deref(), &settings, record, &mut progress)
    };
    let head = tokio::task::spawn_blocking(train).await??;
    std::fs::write(&args.out, head.bytes()).with_context(|| format!("{}", args.out.display()))?;
    write!(out, "{}", table(&head.record.scores))?;
    writeln!(out, "{}", clean(&head.record.verdict))?;
    writeln!(out, "head {} in {}", head.name(), clean(&args.out.to_string_lossy()))?;
    let Some(folder) = folder else { return Ok(ExitCode::SUCCESS) };
    if !head.record.passed {
        writeln!(out, "The ranking in use stays as it is.")?;
        return Ok(ExitCode::from(1));
    }
    promote(&folder, &head, out)?;
    Ok(ExitCode::SUCCESS)
}

/// What makes the same head again, without the folders of this machine.
fn command(args: &Train) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let data: Vec<String> = args.data.iter().map(name).collect();
    let against = args.against.as_ref().map(|file| format!(" --against {}", name(file))).unwrap_or_default();
    let model = if args.no_model { " --no-model" } else { "" };
    format!(
        "precis train --data {} --out {} --seed {} --folds {} --pull {}{against}{model}",
        data.join(" "),
        name(&args.out),
        args.seed,
        args.folds,
        args.pull
    )
}

/// A data folder that must be there.
pub fn layout(folder: &Path) -> Result<Layout> {
    if !folder.is_dir() {
        bail!(
            "there is no data folder {}. Do: check the name, or start `precis up` there once",
            folder.display()
        );
    }
    Ok(Layout { folder: std::path::absolute(folder)? })
}

/// The sentence-embedding model of that folder, or of the usual places.
pub fn load(folder: Option<&Path>) -> Result<MiniLm> {
    Ok(MiniLm::open(&model::find(folder)?, DeviceChoice::Cpu)?)
}

/// Every row of the files, read as the pipeline reads it, and what the files are. Where there is a model, the sentences
/// of documents that ask for action are embedded.
pub async fn examples(files: &[PathBuf], model: Option<&MiniLm>) -> Result<(Vec<Example>, Vec<Data>)> {
    let sets = files.iter().map(|file| data::read(file)).collect::<Result<Vec<Set>, _>>()?;
    let rows: Vec<(usize, &Row)> =
        sets.iter().enumerate().flat_map(|(set, of)| of.rows.iter().map(move |row| (set, row))).collect();
    let scratch =
        tempfile::Builder::new().prefix("precis-train-").tempdir().context("no temporary folder")?;
    let reader = ReaderProgram::current()?;
    let bar = Bar::new("reading");
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut reading = futures::stream::iter(rows.iter().enumerate())
        .map(|(at, (_, row))| read(row, scratch.path().join(at.to_string()), &reader))
        .buffered(cores);
    let (mut examples, mut left_out) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(pages) = reading.next().await {
        let (set, row) = rows[at];
        at += 1;
        bar.read(at, rows.len());
        let material = async { material(&pages?, row, model).await };
        match material.await.and_then(|material| Ok(Example::new(row, set, material)?)) {
            Ok(example) => examples.push(example),
            Err(error) => left_out.push(format!("{} {}: {error:#}", sets[set].name, row.id)),
        }
    }
    drop(bar);
    for line in left_out.iter().take(5) {
        eprintln!("precis: left out: {}", clean(line));
    }
    if left_out.len() > 5 {
        eprintln!("precis: and {} more rows", left_out.len() - 5);
    }
    let data = |set: &Set| Data { name: set.name.clone(), sha256: set.sha256.clone(), rows: set.rows.len() };
    Ok((examples, sets.iter().map(data).collect()))
}

async fn material(pages: &Pages, row: &Row, model: Option<&MiniLm>) -> Result<Material> {
    let material = Material::new(pages, None, row.words).map_err(Useless::from)?;
    let texts = material.texts();
    let Some(model) = model.filter(|_| !texts.is_empty()) else { return Ok(material) };
    let vectors = model.embed("", texts).await?;
    Ok(material.with_meaning(vectors))
}

/// A row's document through the same reader, behind the same walls, as every document.
async fn read(row: &Row, folder: PathBuf, reader: &ReaderProgram) -> Result<Pages> {
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("document");
    std::fs::write(&file, &row.document)?;
    let reading =
        extract::read(&file, &row.name, &folder.join("out"), &Limits::default(), reader, |_, _| {}).await?;
    std::fs::remove_dir_all(&folder)?;
    let page = |page| match page {
        PageReading::Read(page) => Some(page),
        PageReading::NeedsOcr { .. } => None,
    };
    Ok(Pages { pages: reading.pages.into_iter().filter_map(page).collect(), title: reading.title })
}

/// A bar on a terminal, elsewhere a line for each part.
struct Bar {
    bar: Option<ProgressBar>,
    said: std::sync::Mutex<String>,
}

impl Bar {
    fn new(what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) =
                ProgressStyle::with_template("{prefix} {bar:28} {pos} of {len}  {msg}  {elapsed}")
            {
                bar.set_style(style);
            }
            bar.with_prefix(what)
        });
        Self { bar, said: std::sync::Mutex::new(String::new()) }
    }

    fn read(&self, done: usize, of: usize) {
        self.tell(done, of, "documents", "reading documents");
    }

    fn train(&self, progress: &Progress) {
        let message = format!("{} (loss {:.3})", progress.part, progress.loss);
        self.tell(progress.done, progress.of, &message, progress.part);
    }

    fn tell(&self, done: usize, of: usize, message: &str, part: &str) {
        let Some(bar) = &self.bar else {
            // Who broke while holding it left a text that is still good enough to compare with.
            let mut said = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if *said != part {
                eprintln!("{part}");
                part.clone_into(&mut said);
            }
            return;
        };
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(message.to_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The head that a person names: a file, the beginning of a name that the folder keeps, or `recipe`.
pub fn named(text: &str, folder: &Path) -> Result<Option<Head>> {
    if text == RECIPE {
        return Ok(None);
    }
    if Path::new(text).is_file() {
        return head::load(Path::new(text)).map(Some);
    }
    let heads = local::Heads::of(&layout(folder)?);
    let names = heads.list()?;
    let mut fitting = names.iter().filter(|name| name.starts_with(text));
    match (fitting.next(), fitting.next()) {
        (Some(name), None) => head::kept(&heads, name).map(Some),
        (Some(_), Some(_)) => bail!("several heads begin with {text}: give more of the name"),
        _ => bail!(
            "there is no file {text} and no head that begins so. Do: look at `precis heads list --data {}`",
            folder.display()
        ),
    }
}
