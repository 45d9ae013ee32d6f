//! Which learnt ranking is in use.

use anyhow::{Context, Result};
use local::{Heads, Layout};
use std::path::Path;
use std::sync::Arc;
use summarizer::{Head, RECIPE};

/// Reads a head file.
pub fn load(file: &Path) -> Result<Head> {
    let bytes = std::fs::read(file).with_context(|| format!("the head {}", file.display()))?;
    Head::parse(&bytes).with_context(|| format!("the head {}", file.display()))
}

/// One that the folder keeps.
pub fn kept(heads: &Heads, name: &str) -> Result<Head> {
    let lost = || {
        format!(
            "the head {name} of the data folder. Do: choose another one or `recipe` with `precis heads use`"
        )
    };
    Head::parse(&heads.read(name).with_context(lost)?).with_context(lost)
}

/// The one that was asked for, else the data folder's; `None` for the hand-set ranking.
pub fn in_use(asked: Option<&Path>, layout: &Layout) -> Result<Option<Arc<Head>>> {
    if let Some(file) = asked {
        return if file == Path::new(RECIPE) { Ok(None) } else { Ok(Some(Arc::new(load(file)?))) };
    }
    let heads = Heads::of(layout);
    let current = heads.current().with_context(|| format!("{}", layout.heads().display()))?;
    current.map(|name| kept(&heads, &name).map(Arc::new)).transpose()
}
