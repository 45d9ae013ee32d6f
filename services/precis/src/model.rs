//! Where the model lies.

use anyhow::{Result, bail};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The folder's name, as the model's own hub calls it.
pub const NAME: &str = "all-MiniLM-L6-v2";

/// The folder that was asked for (or the model of that name), or the first of the usual places that has the model.
pub fn find(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = asked {
        if holds_model(folder) {
            return Ok(folder.to_owned());
        }
        let named = name(folder).map(places).unwrap_or_default();
        if let Some(folder) = named.into_iter().find(|folder| holds_model(folder)) {
            return Ok(folder);
        }
        bail!(
            "there is no model in {}: it must hold model.safetensors, config.json and tokenizer.json.\n\
             In a checkout, `make setup` puts one into models/{NAME}; `precis models list` shows those that are here",
            folder.display()
        );
    }
    let places = places(OsStr::new(NAME));
    match places.iter().find(|folder| holds_model(folder)) {
        Some(folder) => Ok(folder.clone()),
        None => {
            let list: Vec<_> = places.iter().map(|place| format!("  {}", place.display())).collect();
            bail!(
                "the sentence-embedding model {NAME} was not found. Looked in:\n{}\n\
                 Do: `make setup` in a checkout fetches it, `precis models pull hf:sentence-transformers/{NAME}` brings \
                 it from the hub; or name its folder with --model DIR or PRECIS_MODEL",
                list.join("\n")
            )
        }
    }
}

/// The folder or GGUF file of the model that writes, if one was asked for by its path or its name.
pub fn find_writer(asked: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(asked) = asked else { return Ok(None) };
    let named = name(asked).map(places).unwrap_or_default();
    match std::iter::once(asked.to_owned()).chain(named).find(|path| path.exists()) {
        Some(path) => Ok(Some(path)),
        None => bail!(
            "there is no model that writes in {}. `precis models list` shows those that are here, `precis models pull` \
             brings others (docs/models.md)",
            asked.display()
        ),
    }
}

/// A name rather than a path.
fn name(asked: &Path) -> Option<&OsStr> {
    let mut parts = asked.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => Some(name),
        _ => None,
    }
}

/// Where a model of this name may lie.
fn places(name: &OsStr) -> Vec<PathBuf> {
    all_roots().into_iter().map(|root| root.join(name)).collect()
}

/// Where folders of models may lie.
fn all_roots() -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::from("models")];
    let program = std::env::current_exe().ok();
    // target/release/precis in a checkout: the models folder is three levels up.
    for above in program.iter().flat_map(|program| program.ancestors().skip(1).take(3)) {
        roots.push(above.join("models"));
    }
    roots.push(PathBuf::from("/usr/share/precis/models"));
    roots
}

/// The folders of models that are there, each once.
pub fn roots() -> Vec<PathBuf> {
    let mut seen = std::collections::HashSet::new();
    let is_new = |root: &PathBuf| std::fs::canonicalize(root).is_ok_and(|whole| seen.insert(whole));
    all_roots().into_iter().filter(|root| root.is_dir()).filter(is_new).collect()
}

/// The folder of models that new ones go to.
pub fn home() -> PathBuf {
    roots().into_iter().next().unwrap_or_else(|| PathBuf::from("models"))
}

/// The model that is used where no other is named, by its whole path.
pub fn in_use() -> Option<PathBuf> {
    let told = std::env::var_os("PRECIS_MODEL").filter(|told| !told.is_empty()).map(PathBuf::from);
    find(told.as_deref()).ok().and_then(|folder| std::fs::canonicalize(folder).ok())
}

fn holds_model(folder: &Path) -> bool {
    ["model.safetensors", "config.json", "tokenizer.json"].iter().all(|file| folder.join(file).is_file())
}
