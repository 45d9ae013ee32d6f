//! `precis doctor`: is everything there that is needed, and if not, how to mend it.

use super::place;
use crate::cli;
use crate::model;
use crate::show::clean;
use anyhow::{Context, Result, anyhow, bail};
use models::{DeviceChoice, MiniLm};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use summarizer::Backend;

/// Free room below which a check complains, in bytes.
const LITTLE_ROOM: u64 = 1 << 30;

/// One check: what was found, or what is wrong and how to mend it.
type Finding = Result<String>;

/// The checks of a data folder.
const CHECKS: [&str; 8] = ["data", "settings", "model", "ocr", "disk", "permissions", "clock", "smtp"];

/// Runs the checks; exit status 1 if any failed.
pub async fn run(args: &cli::Doctor, out: &mut dyn Write) -> Result<ExitCode> {
    let there = place::deployment(&args.data)?;
    let known = if there.is_some() { &aws::doctor::ROOMS[..] } else { &CHECKS[..] };
    if let Some(check) = args.check.as_deref().filter(|check| !known.contains(check)) {
        bail!("there is no check {check:?} here. Do: leave it out, or take one of {}", known.join(", "));
    }
    match there {
        Some(settings) => of_deployment(&settings, args.check.as_deref(), out).await,
        None => of_folder(args, out).await,
    }
}

async fn of_deployment(
    settings: &aws::Settings,
    only: Option<&str>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let mut good = true;
    let findings = aws::doctor::examine(settings).await;
    for finding in findings.iter().filter(|finding| only.is_none_or(|check| check == finding.room)) {
        match &finding.verdict {
            Ok(found) => writeln!(out, "ok    {:<14} {}", finding.room, clean(found))?,
            Err(trouble) => {
                good = false;
                writeln!(out, "WRONG {:<14} {}", finding.room, clean(&trouble.what))?;
                // A line of its own: it is there to be copied.
                writeln!(out, "      Do: {}", clean(&trouble.mend))?;
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn of_folder(args: &cli::Doctor, out: &mut dyn Write) -> Result<ExitCode> {
    let mut good = true;
    let folder = &args.data.folder();
    for name in CHECKS.into_iter().filter(|name| args.check.as_deref().is_none_or(|check| check == *name)) {
        let finding = match name {
            "data" => data(folder).await,
            "settings" => settings(folder).await,
            "model" => load_model(args.model.model.as_deref()).await,
            "ocr" => ocr().await,
            "disk" => disk(folder),
            "permissions" => permissions(folder),
            "clock" => clock(folder).await,
            _ => smtp(folder).await,
        };
        match finding {
            Ok(found) => writeln!(out, "ok    {name:<12} {}", clean(&found))?,
            Err(error) => {
                good = false;
                let said = format!("{error:#}").replace('\n', "\n                   ");
                writeln!(out, "WRONG {name:<12} {said}")?;
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn data(folder: &Path) -> Finding {
    if !folder.exists() {
        return Ok(format!("{} is not there yet; `precis up` makes it", folder.display()));
    }
    let local = place::shared(folder).await?;
    let at_work =
        if local.somebody_works() { "`precis up` is at work in it" } else { "nobody is at work in it" };
    let dead = local.delivery_list().await?.iter().filter(|delivery| delivery.dead).count();
    if dead > 0 {
        bail!("{dead} deliveries could not be made. Do: `precis queues` names them with their cause");
    }
    Ok(format!("{} opens; {at_work}", local.layout.folder.display()))
}

async fn settings(folder: &Path) -> Finding {
    if !folder.join("precis.toml").exists() {
        return Ok("no precis.toml: defaults hold. `precis settings --example` prints one".into());
    }
    let local = place::shared(folder).await?;
    local.stack.settings.layers(local::UPLOADS, "").await?;
    Ok("precis.toml can be understood".into())
}

async fn load_model(asked: Option<&Path>) -> Finding {
    let place = model::find(asked)?;
    let start = Instant::now();
    let model = MiniLm::open(&place, DeviceChoice::Cpu)?;
    let vectors = model.embed("", vec!["Rent rises on 1 March.".into()]).await?;
    let length = vectors.first().map_or(0, Vec::len);
    Ok(format!(
        "{} loads and works ({length} dimensions, {} ms)",
        place.display(),
        start.elapsed().as_millis()
    ))
}

async fn ocr() -> Finding {
    let engine = tesseract::Engine::find().await.map_err(|error| anyhow!("{error}"))?;
    let (version, languages) = (engine.version(), engine.languages().join(" "));
    Ok(format!("{version}, languages {languages}; others: apt-get install tesseract-ocr-LANG"))
}

/// The nearest folder that exists: the data folder may not have been made yet.
fn existing(folder: &Path) -> Result<&Path> {
    let absolute = folder.ancestors().find(|place| place.as_os_str().is_empty() || place.exists());
    Ok(match absolute {
        Some(place) if !place.as_os_str().is_empty() => place,
        _ => Path::new("."),
    })
}

fn disk(folder: &Path) -> Finding {
    let place = existing(folder)?;
    let stat = rustix::fs::statvfs(place).with_context(|| format!("cannot look at {}", place.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let words = format!("{} MiB free in {}", free >> 20, place.display());
    if free < LITTLE_ROOM {
        bail!(
            "{words}. Do: make room, at least {} MiB; work waits while the disk is full",
            LITTLE_ROOM >> 20
        );
    }
    Ok(words)
}

fn permissions(folder: &Path) -> Finding {
    let place = existing(folder)?;
    tempfile::Builder::new().prefix(".precis-doctor-").tempfile_in(place).with_context(|| {
        format!("cannot write in {}. Do: chown or chmod it for this user", place.display())
    })?;
    Ok(format!("{} can be written", place.display()))
}

async fn clock(folder: &Path) -> Finding {
    let now = jiff::Timestamp::now();
    // This program is younger than that: an earlier clock is wrong.
    if now.as_second() < 1_767_225_600 {
        bail!("the clock says {now}, which is long ago. Do: timedatectl set-ntp true");
    }
    if folder.join("precis.db").exists() {
        let local = place::shared(folder).await?;
        let newest = local.stack.jobs.list(&ports::Filter { limit: 1, ..ports::Filter::default() }).await?;
        if let Some(job) = newest.first().filter(|job| job.updated_at > now) {
            bail!(
                "the clock says {now}, but a job was written at {}. Do: timedatectl set-ntp true",
                job.updated_at
            );
        }
    }
    Ok(format!("{}", now.strftime("%Y-%m-%d %H:%M:%S UTC")))
}

async fn smtp(folder: &Path) -> Finding {
    if !folder.exists() {
        return Ok("not configured: e-mails will be written to the folder outbox".into());
    }
    let local = place::shared(folder).await?;
    match local.check_smtp().await? {
        Some(server) => Ok(format!("{server} answers and lets us in")),
        None => Ok("not configured: e-mails are written to the folder outbox ([smtp] in precis.toml)".into()),
    }
}
