//! Where the model lies.

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// The folder's name, as the model's own hub calls it.
pub const NAME: &str = "all-MiniLM-L6-v2";

/// The folder that was asked for, or the first of the usual places that has the model.
pub fn find(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = asked {
        if holds_model(folder) {
            return Ok(folder.to_owned());
        }
        bail!(
            "there is no model in {}: it must hold model.safetensors, config.json and tokenizer.json.\n\
             In a checkout, `make setup` puts one into models/{NAME}",
            folder.display()
        );
    }
    let places = places();
    match places.iter().find(|folder| holds_model(folder)) {
        Some(folder) => Ok(folder.clone()),
        None => {
            let list: Vec<_> = places.iter().map(|place| format!("  {}", place.display())).collect();
            bail!(
                "the sentence-embedding model {NAME} was not found. Looked in:\n{}\n\
                 Do: `make setup` in a checkout fetches it, or name its folder with --model DIR or PRECIS_MODEL",
                list.join("\n")
            )
        }
    }
}

fn places() -> Vec<PathBuf> {
    let mut places = vec![Path::new("models").join(NAME)];
    let program = std::env::current_exe().ok();
    // target/release/precis in a checkout: the models folder is three levels up.
    for above in program.iter().flat_map(|program| program.ancestors().skip(1).take(3)) {
        places.push(above.join("models").join(NAME));
    }
    places.push(Path::new("/usr/share/precis/models").join(NAME));
    places
}

fn holds_model(folder: &Path) -> bool {
    ["model.safetensors", "config.json", "tokenizer.json"].iter().all(|file| folder.join(file).is_file())
}
