//! `precis models`: bring models here, look at them, hold them against what came, delete them.

use crate::cli::models::{Models, Place, Pull};
use crate::model;
use crate::show::{amount, clean};
use crate::weights::bucket::Bucket;
use crate::weights::describe;
use crate::weights::folder::Folder;
use crate::weights::hub::Hub;
use crate::weights::manifest::Manifest;
use crate::weights::progress::Bar;
use crate::weights::pull::{Order, Pulled, pull};
use crate::weights::shelf::{self, Coming, Model};
use crate::weights::source::{Named, Source};
use anyhow::{Context, Result, bail};
use aws::{Settings, client::Choice};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub async fn run(args: &Models, out: &mut dyn Write) -> Result<ExitCode> {
    match args {
        Models::Pull(args) => bring(args, out).await?,
        Models::List { place, json } => list(&roots(place)?, *json, out)?,
        Models::Verify { name, place } => return verify(name.as_deref(), &roots(place)?, out),
        Models::Remove { name, yes, place } => remove(name, *yes, &roots(place)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The folders of models that are meant, and are there.
fn roots(place: &Place) -> Result<Vec<PathBuf>> {
    match &place.folder {
        Some(folder) if !folder.is_dir() => {
            bail!(
                "there is no folder {}. Do: check its name; `precis models pull` makes one",
                folder.display()
            )
        }
        Some(folder) => Ok(vec![folder.clone()]),
        None => Ok(model::roots()),
    }
}

async fn bring(args: &Pull, out: &mut dyn Write) -> Result<()> {
    let named = Named::parse(&args.source)?;
    let name = args.name.clone().or_else(|| named.name()).unwrap_or_default();
    shelf::check_name(&name)?;
    let (source, typed) = source(args, named).await?;
    let root = args.to.clone().unwrap_or_else(model::home);
    let (files, replace, show) = (args.files.clone(), args.replace, args.progress);
    let order = Order { source, typed, name, root, files, replace };
    let pulled = tokio::task::spawn_blocking(move || {
        let bar = Bar::new(show);
        let pulled = pull(&order, &bar);
        bar.clear();
        pulled
    });
    told(&pulled.await.context("the pull stopped")??, out)
}

/// The source that was named, and how it is recorded.
async fn source(args: &Pull, named: Named) -> Result<(Box<dyn Source>, String)> {
    if args.revision.is_some() && !matches!(named, Named::Hub(_)) {
        bail!("--revision is of the hub. Do: leave it out, and name another prefix or folder instead");
    }
    if (args.profile.is_some() || args.region.is_some()) && !matches!(named, Named::Bucket(..)) {
        bail!("--profile and --region are of a bucket. Do: leave them out");
    }
    let typed = named.typed();
    Ok(match named {
        Named::Hub(name) => (Box::new(Hub::new(&name, args.revision.as_deref())?), typed),
        Named::Folder(path) => {
            let folder = Folder::new(&path)?;
            let typed = folder.path().display().to_string();
            (Box::new(folder), typed)
        }
        Named::Bucket(bucket, prefix) => {
            let choice =
                Choice { profile: args.profile.clone(), region: args.region.clone(), ..Choice::default() };
            let aws = aws::connect(&Settings { choice, ..Settings::default() }).await;
            let aws = aws.with_context(|| typed.clone())?;
            let runtime = tokio::runtime::Handle::current();
            (Box::new(Bucket::new(aws.stack.objects.clone(), runtime, bucket, prefix)), typed)
        }
    })
}

fn told(pulled: &Pulled, out: &mut dyn Write) -> Result<()> {
    let Pulled { folder, record, was_there } = pulled;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if *was_there {
        writeln!(out, "{name} is there already: {} in {}", record.shown(), folder.display())?;
        return Ok(());
    }
    let (count, size) = (record.files.len(), amount(record.size()));
    writeln!(out, "Pulled {name}: {count} files, {size}, from {}", record.shown())?;
    if let Some(revision) = &record.revision {
        writeln!(out, "commit {revision}")?;
    }
    writeln!(out, "into {}", folder.display())?;
    if describe::files_read(folder).iter().all(|file| file != "tokenizer.json") {
        writeln!(
            out,
            "There is no tokenizer.json with it: it can be used only if its GGUF has the tokenizer in it."
        )?;
    }
    Ok(())
}

fn list(roots: &[PathBuf], as_json: bool, out: &mut dyn Write) -> Result<()> {
    let used = model::in_use();
    let mut any = false;
    for root in roots {
        for model in shelf::models(root) {
            any = true;
            let in_use = is_used(&model, used.as_deref());
            if as_json { row_json(&model, in_use, out)? } else { row(&model, in_use, out)? }
        }
        for coming in shelf::unfinished(root) {
            any = true;
            let total: u64 = coming.plan.files.iter().map(|file| file.size).sum();
            if as_json {
                let (name, source) = (&coming.name, &coming.plan.source);
                let row = json!({"name": name, "source": source, "unfinished": true, "bytes": coming.here, "of": total});
                writeln!(out, "{row}")?;
            } else {
                let (name, source) = (clean(&coming.name), clean(&coming.plan.source));
                let (here, total) = (amount(coming.here), amount(total));
                writeln!(out, "  {name:<28} unfinished: {here} of {total}. Do: precis models pull {source}")?;
            }
        }
    }
    if !any && !as_json {
        let places: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
        writeln!(out, "No models in {}. Do: precis models pull SOURCE (see its --help)", places.join(", "))?;
    }
    Ok(())
}

fn is_used(model: &Model, used: Option<&Path>) -> bool {
    used.is_some_and(|used| std::fs::canonicalize(&model.folder).is_ok_and(|folder| folder == used))
}

fn row(model: &Model, in_use: bool, out: &mut dyn Write) -> Result<()> {
    let mark = if in_use { '*' } else { ' ' };
    let source = match &model.record {
        Ok(Some(record)) => record.shown(),
        Ok(None) => "no record".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let kind = describe::kind(&model.folder).unwrap_or_else(|| "?".to_owned());
    let (name, size) = (clean(&model.name), amount(describe::size(&model.folder)));
    let (kind, source) = (clean(&kind), clean(&source));
    writeln!(out, "{mark} {name:<28} {kind:<8} {size:>9}  {source}  in {}", model.folder.display())?;
    Ok(())
}

fn row_json(model: &Model, in_use: bool, out: &mut dyn Write) -> Result<()> {
    let record = model.record.as_ref().ok().and_then(Option::as_ref);
    let row = json!({
        "name": model.name,
        "folder": model.folder,
        "kind": describe::kind(&model.folder),
        "bytes": describe::size(&model.folder),
        "source": record.map(|record| &record.source),
        "revision": record.and_then(|record| record.revision.as_ref()),
        "origin": record.and_then(|record| record.origin.as_ref()),
        "pulled_at": record.map(|record| record.pulled_at),
        "in_use": in_use,
        "damaged_record": model.record.as_ref().err().map(|error| format!("{error:#}")),
    });
    writeln!(out, "{row}")?;
    Ok(())
}

fn verify(name: Option<&str>, roots: &[PathBuf], out: &mut dyn Write) -> Result<ExitCode> {
    let models: Vec<Model> = match name {
        Some(name) => vec![found(name, roots)?.1],
        None => roots.iter().flat_map(|root| shelf::models(root)).collect(),
    };
    let mut good = true;
    for model in &models {
        let shown = format!("{} in {}", clean(&model.name), model.folder.display());
        match &model.record {
            Ok(Some(record)) => good &= held(&shown, model, record, out)?,
            Ok(None) => {
                good &= name.is_none();
                writeln!(
                    out,
                    "?     {shown}: there is no record of what came, so nothing to hold it against"
                )?;
                writeln!(out, "      Do: precis models pull SOURCE --as {} --replace", clean(&model.name))?;
            }
            Err(error) => {
                good = false;
                writeln!(out, "WRONG {shown}: {}", clean(&format!("{error:#}")))?;
            }
        }
    }
    if models.is_empty() {
        writeln!(out, "No models. Do: precis models pull SOURCE (see its --help)")?;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Says whether a model is whole.
fn held(shown: &str, model: &Model, record: &Manifest, out: &mut dyn Write) -> Result<bool> {
    let faults = record.faults(&model.folder, true);
    if faults.is_empty() {
        let (count, size) = (record.files.len(), amount(record.size()));
        writeln!(out, "ok    {shown}: {count} files, {size}, as they came from {}", clean(&record.shown()))?;
        return Ok(true);
    }
    for fault in &faults {
        writeln!(out, "WRONG {shown}: {}", clean(fault))?;
    }
    let revision =
        record.revision.as_ref().map(|revision| format!(" --revision {revision}")).unwrap_or_default();
    let (source, name) = (clean(&record.source), clean(&model.name));
    let root = model.folder.parent().unwrap_or(&model.folder).display();
    writeln!(out, "      Do: precis models pull {source}{revision} --as {name} --to {root} --replace")?;
    Ok(false)
}

/// A model by its name, and the folder that it is in.
fn found(name: &str, roots: &[PathBuf]) -> Result<(PathBuf, Model)> {
    for root in roots {
        if let Some(model) = shelf::models(root).into_iter().find(|model| model.name == name) {
            return Ok((root.clone(), model));
        }
    }
    bail!("there is no model {:?}. Do: `precis models list` shows those that are there", clean(name))
}

fn remove(name: &str, yes: bool, roots: &[PathBuf], out: &mut dyn Write) -> Result<()> {
    let unfinished = |root: &&PathBuf| shelf::unfinished(root).iter().any(|coming| coming.name == name);
    let (root, model) = match found(name, roots) {
        Ok((root, model)) => (root, Some(model)),
        Err(error) => (roots.iter().find(unfinished).cloned().ok_or(error)?, None),
    };
    let place = model.as_ref().map_or_else(|| root.join(name), |model| model.folder.clone());
    if model.as_ref().is_some_and(|model| is_used(model, model::in_use().as_deref())) {
        bail!(
            "{name} in {} is the model that is used where no other is named. Do: name another one by PRECIS_MODEL first",
            root.display()
        );
    }
    let coming = Coming::new(&root, name);
    let size =
        model.as_ref().map_or_else(|| describe::size(&coming.work), |model| describe::size(&model.folder));
    let what = if model.is_some() { "" } else { "what has come of " };
    if !yes {
        bail!(
            "this deletes {what}{name}, {} in {}. Do: say it again with --yes",
            amount(size),
            place.display()
        );
    }
    match &model {
        Some(model) => shelf::remove(&root, model)?,
        None => {
            let _lock = coming.lock().with_context(|| name.to_owned())?;
            coming.forget()?;
        }
    }
    writeln!(out, "Removed {what}{name}: {} in {}", amount(size), place.display())?;
    Ok(())
}
