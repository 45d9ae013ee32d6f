//! Writing the files of many deliveries with two syncs between them.

use super::{Address, Deliverer, Due, email, names, results};
use crate::body::random_hex;
use crate::fault;
use crate::objects::blocking;
use ports::Result;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file to be.
struct Planned {
    /// The folder that people look into.
    root: PathBuf,
    /// Its place there.
    path: String,
    bytes: Vec<u8>,
}

/// Writes the files of all; one result each.
pub(crate) async fn write(deliverer: &Deliverer, due: &[Due]) -> Vec<Result<()>> {
    let paths = match assign(deliverer, due).await {
        Ok(paths) => paths,
        Err(error) => return due.iter().map(|_| Err(error.clone())).collect(),
    };
    let superseded = names::superseded_in_batch(&paths);
    let mut plans = Vec::with_capacity(due.len());
    for ((due, path), superseded) in due.iter().zip(paths).zip(superseded) {
        plans.push(if superseded { Ok(Vec::new()) } else { plan(deliverer, due, path).await });
    }
    let count = plans.len();
    let written = blocking("writing results", move || Ok(write_all(plans))).await;
    written.unwrap_or_else(|error| (0..count).map(|_| Err(error.clone())).collect())
}

/// Names for the results among them; `None` where there is nothing to write.
async fn assign(deliverer: &Deliverer, due: &[Due]) -> Result<Vec<Option<String>>> {
    let wanted: Vec<_> = due
        .iter()
        .map(|due| match (&due.address, &due.notification.job) {
            (Address::Results, Some(job)) => {
                Some((due.notification.key.clone(), job.clone(), due.notification.run))
            }
            _ => None,
        })
        .collect();
    if wanted.iter().all(Option::is_none) {
        return Ok(wanted.iter().map(|_| None).collect());
    }
    deliverer
        .db
        .write("naming results", move |db| {
            let assign = |wanted: &Option<(String, domain::JobId, u32)>| match wanted {
                Some((key, job, run)) => names::assign(db, key, job, *run),
                None => Ok(None),
            };
            wanted.iter().map(assign).collect()
        })
        .await
}

async fn plan(deliverer: &Deliverer, due: &Due, path: Option<String>) -> Result<Vec<Planned>> {
    match (&due.address, path) {
        (Address::Results, Some(path)) => {
            let root = deliverer.layout.results();
            let files = results::files(&deliverer.objects, due).await?;
            let planned =
                |(ending, bytes)| Planned { root: root.clone(), path: format!("{path}.{ending}"), bytes };
            Ok(files.into_iter().map(planned).collect())
        }
        (Address::Outbox(people), _) => {
            let notification = &due.notification;
            let id = match &notification.job {
                Some(job) => format!("{job}-{}", notification.run),
                None => notification.id.clone(),
            };
            let from = deliverer.settings.smtp()?.map(|smtp| smtp.from);
            let bytes = email::to_outbox(notification, due.published_at, from.as_deref(), people)?;
            let path = format!("{}.eml", names::of_mail(&id));
            Ok(vec![Planned { root: deliverer.layout.outbox(), path, bytes }])
        }
        _ => Ok(Vec::new()),
    }
}

fn write_all(plans: Vec<Result<Vec<Planned>>>) -> Vec<Result<()>> {
    let mut roots: Vec<PathBuf> =
        plans.iter().flatten().flatten().map(|planned| planned.root.clone()).collect();
    roots.sort();
    roots.dedup();
    let staged: Vec<Result<Vec<(PathBuf, PathBuf)>>> = plans.into_iter().map(|plan| stage(plan?)).collect();
    if let Err(error) = sync(&roots) {
        return staged.iter().map(|_| Err(error.clone())).collect();
    }
    let placed: Vec<Result<()>> = staged.into_iter().map(|files| place(files?)).collect();
    if let Err(error) = sync(&roots) {
        return placed.iter().map(|_| Err(error.clone())).collect();
    }
    placed
}

/// Writes under temporary names.
fn stage(plan: Vec<Planned>) -> Result<Vec<(PathBuf, PathBuf)>> {
    let writing = |error: std::io::Error| fault::io("writing results", &error);
    let mut staged = Vec::with_capacity(plan.len());
    for planned in plan {
        let folder = planned.root.join(PART);
        let target = planned.root.join(&planned.path);
        fs::create_dir_all(&folder).map_err(writing)?;
        fs::create_dir_all(target.parent().unwrap_or(&planned.root)).map_err(writing)?;
        let temporary = folder.join(random_hex());
        let written = File::create_new(&temporary).and_then(|mut file| file.write_all(&planned.bytes));
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            for (temporary, _) in &staged {
                let _ = fs::remove_file(temporary);
            }
            return Err(writing(error));
        }
        staged.push((temporary, target));
    }
    Ok(staged)
}

/// The folder below `results/` and `outbox/` for files that are being written.
pub(crate) const PART: &str = ".part";

fn place(staged: Vec<(PathBuf, PathBuf)>) -> Result<()> {
    for (temporary, target) in staged {
        fs::rename(temporary, target).map_err(|error| fault::io("writing results", &error))?;
    }
    Ok(())
}

/// One sync for all files that were written, rather than one for each.
fn sync(roots: &[PathBuf]) -> Result<()> {
    for root in roots {
        let synced = File::open(root).and_then(|folder| Ok(rustix::fs::syncfs(&folder)?));
        synced.map_err(|error| fault::io("syncing results", &error))?;
    }
    Ok(())
}

/// Removes what a former process left half written.
pub(crate) fn clean(root: &Path) {
    // What cannot be removed is only in the way.
    let _ = fs::remove_dir_all(root.join(PART));
}
