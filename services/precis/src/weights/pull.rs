//! The pull as a whole: list, choose, make sure there is room, bring file after file, record, move into place.

use super::choose::{self, choose};
use super::manifest::{Manifest, Recorded};
use super::progress::Bar;
use super::shelf::{self, Coming, Plan};
use super::source::{Digest, Listing, Offer, Source, Trouble};
use super::transfer;
use crate::show::amount;
use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Room that must be left beside what comes, in bytes.
const SPARE: u64 = 1 << 20;

/// What was asked for.
pub struct Order {
    /// The source, and how it is typed.
    pub source: Box<dyn Source>,
    pub typed: String,
    /// What the model shall be called.
    pub name: String,
    /// The folder of models.
    pub root: PathBuf,
    /// The weights that were chosen; empty: the usual ones.
    pub files: Vec<String>,
    /// Whether it takes the place of one that is there.
    pub replace: bool,
}

/// What became of it.
pub struct Pulled {
    /// Its folder.
    pub folder: PathBuf,
    /// Its record.
    pub record: Manifest,
    /// Whether it was there before, the same.
    pub was_there: bool,
}

/// Does it. Blocks.
pub fn pull(order: &Order, bar: &Bar) -> Result<Pulled> {
    shelf::check_name(&order.name)?;
    fs::create_dir_all(&order.root).map_err(|error| unwritten(error, &order.root))?;
    let coming = Coming::new(&order.root, &order.name);
    let _lock = coming.lock().with_context(|| format!("{} in {}", order.name, order.root.display()))?;
    bar.name("listing");
    let listing = listed(order, bar)?;
    let mut chosen = choose(&listing.offers, &order.files).with_context(|| order.typed.clone())?;
    let folder = order.root.join(&order.name);
    if let Some(record) = there(order, &folder, &listing, &chosen)? {
        // Only a pull that ended between its last two steps leaves this behind.
        if coming.plan().is_some_and(|plan| plan.source == record.source && plan.revision == record.revision)
        {
            coming.forget()?;
        }
        return Ok(Pulled { folder, record, was_there: true });
    }
    for offer in &mut chosen {
        persistently(bar, || order.source.look(offer))?;
    }
    prepare(&coming, order, &chosen)?;
    make_sure_of_room(&coming.work, &chosen)?;
    let planned = coming.set_plan(&plan(order, &listing, &chosen));
    planned.map_err(|error| unwritten(error, &order.root))?;
    bar.start(chosen.iter().map(|offer| offer.size).sum(), super::describe::size(&coming.work));
    let files = bring(order, &listing, &chosen, &coming.work, bar)?;
    let record = Manifest::new(order.typed.clone(), listing.revision.clone(), listing.origin.clone(), files);
    finish(&coming, &record, &folder, order.replace)?;
    Ok(Pulled { folder, record, was_there: false })
}

/// Why nothing can be written into a folder of models.
fn unwritten(error: std::io::Error, root: &Path) -> anyhow::Error {
    let root = root.display();
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        return anyhow!(
            "the disk of {root} is full. Do: make room; what is there stays, and the same command goes on"
        );
    }
    anyhow::Error::new(error).context(format!(
        "{root} cannot be written. Do: choose a folder of models with --to FOLDER, or check whose it is"
    ))
}

/// Asks again what may work the next time.
fn persistently<T>(bar: &Bar, mut ask: impl FnMut() -> Result<T, Trouble>) -> Result<T> {
    let mut fruitless = 0;
    loop {
        let trouble = match ask() {
            Ok(answer) => return Ok(answer),
            Err(Trouble::Passing { what, after }) => transfer::wait(&mut fruitless, false, bar, what, after),
            Err(trouble) => Err(trouble),
        };
        trouble.map_err(|trouble| match trouble {
            Trouble::Final(error) => error,
            Trouble::Passing { what, after } => anyhow!("{what}. Do: {}", advice(after)),
            Trouble::Changed => anyhow!("it changed meanwhile. Do: the same command again"),
            Trouble::Full => anyhow!("the disk is full. Do: make room"),
        })?;
    }
}

fn advice(after: Option<std::time::Duration>) -> String {
    after.map_or_else(
        || "see to the connection (or the proxy), then the same command again".to_owned(),
        |after| format!("the same command again in {} seconds", after.as_secs()),
    )
}

fn listed(order: &Order, bar: &Bar) -> Result<Listing> {
    persistently(bar, || order.source.list()).with_context(|| order.typed.clone())
}

/// The record of what is there, if it is what was asked for; fails if something else is in its place.
fn there(order: &Order, folder: &Path, listing: &Listing, chosen: &[Offer]) -> Result<Option<Manifest>> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(None);
    }
    let (name, root) = (&order.name, order.root.display());
    let record = Manifest::of(folder);
    if let Ok(Some(record)) = &record {
        let same =
            record.source == order.typed && record.revision == listing.revision && record.is_of(chosen);
        let faults = record.faults(folder, false);
        if same && faults.is_empty() {
            return Ok(Some(record.clone()));
        }
        if same && !order.replace {
            bail!(
                "{name} is in {root} and damaged: {}. Do: the same command with --replace",
                faults.join("; ")
            );
        }
    }
    if order.replace {
        return Ok(None);
    }
    let what = match record {
        Ok(Some(record)) => format!("from {}", record.shown()),
        _ => "of another origin".to_owned(),
    };
    bail!(
        "there is a {name} in {root} already, {what}. Do: give this one another name with --as NAME, or put it in the \
         other's place with --replace"
    )
}

/// Makes the folder in which it gathers, and takes out of it what is of no use for what comes now.
fn prepare(coming: &Coming, order: &Order, chosen: &[Offer]) -> Result<()> {
    let before = coming.plan();
    let is_folder = fs::symlink_metadata(&coming.work).is_ok_and(|found| found.is_dir());
    if before.is_none() || !is_folder {
        coming.forget()?;
    }
    fs::create_dir_all(&coming.work).map_err(|error| unwritten(error, &order.root))?;
    for file in before.iter().flat_map(|plan| &plan.files) {
        let same = |offer: &Offer| {
            offer.path == file.name && offer.size == file.size && offer.version == file.version
        };
        if !chosen.iter().any(same) && !choose::leads_out(&file.name) {
            for ending in ["", ".part", ".part.etag"] {
                let _ = fs::remove_file(coming.work.join(format!("{}{ending}", file.name)));
            }
        }
    }
    Ok(())
}

/// What is coming, for whoever goes on or looks.
fn plan(order: &Order, listing: &Listing, chosen: &[Offer]) -> Plan {
    let file = |offer: &Offer| Recorded {
        name: offer.path.clone(),
        size: offer.size,
        version: offer.version.clone(),
        sha256: match &offer.digest {
            Digest::Sha256(hash) => hash.clone(),
            _ => String::new(),
        },
    };
    let files = chosen.iter().map(file).collect();
    Plan { source: order.typed.clone(), revision: listing.revision.clone(), files }
}

fn make_sure_of_room(work: &Path, chosen: &[Offer]) -> Result<()> {
    let all: u64 = chosen.iter().map(|offer| offer.size).fold(0, u64::saturating_add);
    let lacking = all.saturating_sub(super::describe::size(work));
    let disk = rustix::fs::statvfs(work).with_context(|| format!("{}", work.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if lacking.saturating_add(SPARE) > free {
        bail!(
            "{} are still to come, and {} are free in {}. Nothing more was taken. Do: make room, or choose another disk \
             with --to FOLDER",
            amount(lacking),
            amount(free),
            work.parent().unwrap_or(work).display()
        );
    }
    Ok(())
}

fn bring(
    order: &Order,
    listing: &Listing,
    chosen: &[Offer],
    work: &Path,
    bar: &Bar,
) -> Result<Vec<Recorded>> {
    let mut files = Vec::new();
    for offer in chosen {
        let came = transfer::deliver(order.source.as_ref(), offer, listing, work, bar);
        files.push(came.map_err(|trouble| broken_off(trouble, &order.root, bar))?);
        if offer.path == choose::INDEX {
            let index = fs::read(work.join(&offer.path)).with_context(|| offer.path.clone())?;
            if let Some(fault) = choose::index_fault(&index, chosen) {
                bail!("{}: {fault}. Do: choose another revision", offer.path);
            }
        }
    }
    Ok(files)
}

/// Says what happened, what is kept, and how to go on.
fn broken_off(trouble: Trouble, root: &Path, bar: &Bar) -> anyhow::Error {
    let (here, all) = bar.here();
    let kept = format!("{} of {} are here and stay", amount(here), amount(all));
    match trouble {
        Trouble::Passing { what, after } => {
            anyhow!("{what}. {kept}. Do: {}; it goes on from there", advice(after))
        }
        Trouble::Full => anyhow!(
            "the disk of {} is full. {kept}. Do: make room; the same command goes on from there",
            root.display()
        ),
        Trouble::Changed => anyhow!("it changed meanwhile. Do: the same command again"),
        Trouble::Final(error) => error,
    }
}

/// Records what came and moves it into place, durably.
fn finish(coming: &Coming, record: &Manifest, folder: &Path, replace: bool) -> Result<()> {
    let trouble = || format!("{}", folder.display());
    let sync = |place: &Path| File::open(place).and_then(|place| place.sync_all());
    record.write(&coming.work).and_then(|()| sync(&coming.work)).with_context(trouble)?;
    let exchange = replace && fs::symlink_metadata(folder).is_ok();
    let flags = if exchange { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    match renameat_with(CWD, &coming.work, CWD, folder, flags) {
        Ok(()) => {}
        // A file system that cannot do it in one step does it in two.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if exchange {
                let old = folder.with_file_name(format!(
                    ".removed-{}",
                    folder.file_name().unwrap_or_default().to_string_lossy()
                ));
                fs::rename(folder, &old).with_context(trouble)?;
                fs::rename(&coming.work, folder).with_context(trouble)?;
                fs::rename(&old, &coming.work).with_context(trouble)?;
            } else {
                fs::rename(&coming.work, folder).with_context(trouble)?;
            }
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} was put there meanwhile. Do: the same command again", folder.display());
        }
        Err(error) => return Err(error).with_context(trouble),
    }
    sync(folder.parent().unwrap_or(folder)).with_context(trouble)?;
    // The plan, and the model whose place was taken.
    coming.forget()
}
