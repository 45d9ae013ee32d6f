//! `precis heads`: which learnt rankings there are, how they compare, which is in use.

use super::train::{examples, layout, load, named};
use crate::cli::learn::Heads;
use crate::head;
use crate::show::clean;
use anyhow::{Result, bail};
use local::Layout;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use summarizer::{Backend, Head, RECIPE, Score};
use trainer::gate;

/// The seed of the resampling, so that the same question has the same answer.
const SEED: u64 = 1;

/// Runs the command.
pub async fn run(args: &Heads, out: &mut dyn Write) -> Result<()> {
    match args {
        Heads::List { data, json } => list(&layout(&data.folder)?, *json, out),
        Heads::Use { head, anyway, data } => take(head, *anyway, &data.folder, out),
        Heads::Compare { old, new, on, model, data } => {
            let asked = [named(old, &data.folder)?, named(new, &data.folder)?];
            compare(&asked, on, model.as_deref(), out).await
        }
    }
}

fn list(layout: &Layout, as_json: bool, out: &mut dyn Write) -> Result<()> {
    let heads = local::Heads::of(layout);
    let current = heads.current()?.unwrap_or_else(|| RECIPE.to_owned());
    let mark = |name: &str| if name == current { "*" } else { " " };
    if as_json {
        writeln!(out, "{}", json!({"name": RECIPE, "in_use": current == RECIPE}))?;
    } else {
        writeln!(out, "{} {RECIPE:<12}  built in", mark(RECIPE))?;
    }
    for name in heads.list()? {
        // A damaged one is listed too: who looks for it must learn what became of it.
        let read = head::kept(&heads, &name);
        let said = match &read {
            Ok(head) => {
                format!("{}  against {}: {}", head.record.date, head.record.against, head.record.verdict)
            }
            Err(error) => format!("{error:#}"),
        };
        if as_json {
            let record = read.ok().map(|head| head.record);
            writeln!(out, "{}", json!({"name": name, "in_use": name == current, "record": record}))?;
        } else {
            writeln!(out, "{} {name:<12}  {}", mark(&name), clean(&said))?;
        }
    }
    Ok(())
}

fn take(text: &str, anyway: bool, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let folder_of = layout(folder)?;
    let Some(head) = named(text, folder)? else {
        local::Heads::of(&folder_of).choose(None)?;
        writeln!(out, "The built-in ranking is in use from the next start of `precis up`.")?;
        return Ok(());
    };
    if !head.record.passed && !anyway {
        bail!(
            "the head {} is not taken into use: {}. Do: train it with more data, or say --anyway",
            head.name(),
            clean(&head.record.verdict)
        );
    }
    promote(&folder_of, &head, out)
}

/// Keeps a head in a data folder and takes it into use; the one before stays beside it.
pub fn promote(folder: &Layout, head: &Head, out: &mut dyn Write) -> Result<()> {
    let heads = local::Heads::of(folder);
    let before = heads.current()?.unwrap_or_else(|| RECIPE.to_owned());
    heads.keep(head.name(), &head.bytes())?;
    heads.choose(Some(head.name()))?;
    writeln!(out, "The head {} is in use from the next start of `precis up`.", head.name())?;
    if before != head.name() {
        writeln!(out, "Back: precis heads use {before} --data {}", clean(&folder.folder.to_string_lossy()))?;
    }
    Ok(())
}

async fn compare(
    [old, new]: &[Option<Head>; 2],
    on: &[PathBuf],
    model: Option<&Path>,
    out: &mut dyn Write,
) -> Result<()> {
    // The model is loaded only for a head that has something to weigh of it.
    let asked: Vec<&str> = [old, new].into_iter().flatten().filter_map(Head::model).collect();
    let model = if asked.is_empty() { None } else { Some(load(model)?) };
    if let Some((named, model)) = asked.iter().find_map(|name| Some((name, model.as_ref()?)))
        && **named != model.name()
    {
        bail!(
            "a head weighs the embeddings of {named}, and the model is {}. Do: name its folder with --model",
            model.name()
        );
    }
    let (old, new) = (Head::weights_of(old.as_ref()), Head::weights_of(new.as_ref()));
    let (examples, sets) = examples(on, model.as_ref()).await?;
    let all: Vec<_> = examples.iter().collect();
    let compared = gate::compare(&all, &old, &new);
    let mut scores = Vec::new();
    for (set, data) in sets.iter().enumerate() {
        let of: Vec<_> = compared.iter().filter(|one| one.set == set).copied().collect();
        if !of.is_empty() {
            scores.push(gate::score(&format!("on {}", data.name), &of, SEED));
        }
    }
    if scores.len() != 1 {
        scores.push(gate::score("on all", &compared, SEED));
    }
    write!(out, "{}", table(&scores))?;
    Ok(())
}

/// Scores for people.
pub fn table(scores: &[Score]) -> String {
    let mut out = format!(
        "{:<48} {:>9} {:>7} {:>7} {:>6}  {}\n",
        "points of 100", "documents", "old", "new", "gain", "95 % interval"
    );
    for score in scores {
        out += &format!(
            "{:<48} {:>9} {:>7.2} {:>7.2} {:>+6.2}  {:+.2} … {:+.2}\n",
            clean(score.on.trim_end_matches(',')),
            score.documents,
            score.current,
            score.new,
            score.new - score.current,
            score.low,
            score.high
        );
    }
    out
}
