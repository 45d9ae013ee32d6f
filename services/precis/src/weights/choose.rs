//! Which files of a listing a model needs: the few that are read when it is loaded, and nothing that runs.
//!
//! A listing comes from outside. A path that leads out of the model's folder refuses the whole listing: who offers such a
//! path means no good, or is broken. Weights come as safetensors, whole or in shards with their index, or as a GGUF that
//! somebody names; a pickle is a program that runs when it is opened, and never comes.

use super::source::Offer;
use crate::show::clean;
use anyhow::{Result, bail};

/// What is read beside weights, where it is there.
const SMALL: &[&str] = &[
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
];
/// More than any of these has, in bytes.
const SMALL_BYTES: u64 = 256 << 20;
/// The weights, whole.
const WHOLE: &str = "model.safetensors";
/// Which tensor lies in which shard.
pub const INDEX: &str = "model.safetensors.index.json";
/// Endings of formats that run code when they are read, or that nothing here reads.
const PICKLES: &[&str] = &[".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz"];

/// Chooses; with `files` those weights and no others.
pub fn choose(offers: &[Offer], files: &[String]) -> Result<Vec<Offer>> {
    for offer in offers {
        if leads_out(&offer.path) {
            bail!(
                "the source offers a file {:?}, which would lie outside of the model's folder. Nothing was taken. \
                 Do: take the model from a source that you trust",
                clean(&offer.path)
            );
        }
    }
    let weights = if files.is_empty() { usual(offers)? } else { named(offers, files)? };
    let find = |name: &&str| offers.iter().find(|offer| offer.path == **name);
    let mut chosen: Vec<Offer> = SMALL.iter().filter_map(find).cloned().collect();
    let packed = weights.iter().all(|offer| offer.path.ends_with(".gguf"));
    for name in ["config.json", "tokenizer.json"] {
        // A GGUF has its own configuration in it, and may have its tokenizer.
        if !packed && chosen.iter().all(|offer| offer.path != name) {
            bail!(
                "there is no {name}, without which precis reads no model. Do: choose a revision that has one"
            );
        }
    }
    chosen.extend(weights);
    let mut seen = std::collections::HashSet::new();
    chosen.retain(|offer| seen.insert(offer.path.clone()));
    if let Some(large) = chosen.iter().find(|offer| !is_weights(&offer.path) && offer.size > SMALL_BYTES) {
        bail!(
            "{} is said to have {} bytes, which no such file has. Nothing was taken",
            large.path,
            large.size
        );
    }
    // The small ones first: what is amiss in them is found before gigabytes have come.
    chosen.sort_by(|one, other| (one.size, &one.path).cmp(&(other.size, &other.path)));
    Ok(chosen)
}

fn is_weights(path: &str) -> bool {
    path.ends_with(".safetensors") || path.ends_with(".gguf")
}

/// Whether a path could mean anything but a file below the folder that it is joined to.
pub fn leads_out(path: &str) -> bool {
    path.is_empty()
        || path.starts_with('/')
        || path.contains('\\')
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part == "..")
}

/// A plain name of weights in the folder itself.
fn is_plain(path: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !path.starts_with(['.', '-']) && path.len() <= 200 && path.chars().all(good)
}

fn usual(offers: &[Offer]) -> Result<Vec<Offer>> {
    let here = |ending: &str| -> Vec<Offer> {
        let these = offers.iter().filter(|offer| offer.path.ends_with(ending) && is_plain(&offer.path));
        these.cloned().collect()
    };
    if let Some(whole) = offers.iter().find(|offer| offer.path == WHOLE) {
        return Ok(vec![whole.clone()]);
    }
    let found = here(".safetensors");
    if let Some(index) = offers.iter().find(|offer| offer.path == INDEX) {
        let shard = |offer: &Offer| offer.path.starts_with("model-");
        return Ok(found.into_iter().filter(shard).chain([index.clone()]).collect());
    }
    let names =
        |offers: &[Offer]| offers.iter().map(|offer| offer.path.clone()).collect::<Vec<_>>().join(", ");
    match &found[..] {
        [only] => return Ok(vec![only.clone()]),
        [] => {}
        several => bail!("there are several weights: {}. Do: choose by --file NAME", names(several)),
    }
    let packed = here(".gguf");
    if let Some(first) = packed.first() {
        bail!(
            "it has its weights as GGUF: {}. Do: choose, for example --file {}",
            names(&packed),
            first.path
        );
    }
    let pickles = offers.iter().find(|offer| PICKLES.iter().any(|ending| offer.path.ends_with(ending)));
    match pickles {
        Some(pickle) => bail!("{}", refused(&pickle.path)),
        None => bail!("it has no weights that precis reads: neither *.safetensors nor *.gguf"),
    }
}

fn refused(path: &str) -> String {
    format!(
        "{} is a pickle, which runs as a program when it is read; precis takes none. Do: choose a model or a revision \
         with safetensors, or convert it with the safetensors library on a machine that may be lost",
        clean(path)
    )
}

fn named(offers: &[Offer], files: &[String]) -> Result<Vec<Offer>> {
    let mut chosen: Vec<Offer> = Vec::new();
    for name in files {
        if PICKLES.iter().any(|ending| name.ends_with(ending)) {
            bail!("{}", refused(name));
        }
        if !is_weights(name) || !is_plain(name) {
            bail!("--file {name:?}: weights are *.safetensors or *.gguf in the model's folder itself");
        }
        let Some(offer) = offers.iter().find(|offer| offer.path == *name) else {
            let there = offers.iter().filter(|offer| is_weights(&offer.path)).map(|offer| clean(&offer.path));
            bail!("there is no {name}. There are: {}", there.collect::<Vec<_>>().join(", "));
        };
        if chosen.iter().all(|there| there.path != *name) {
            chosen.push(offer.clone());
        }
    }
    Ok(chosen)
}

/// What is wrong with an index that came: a shard that it names and that does not come with it.
pub fn index_fault(index: &[u8], chosen: &[Offer]) -> Option<String> {
    let Ok(index) = serde_json::from_slice::<serde_json::Value>(index) else {
        return Some("it is no JSON".to_owned());
    };
    let Some(places) = index["weight_map"].as_object().filter(|places| !places.is_empty()) else {
        return Some("it names no tensor".to_owned());
    };
    places.iter().find_map(|(tensor, shard)| {
        let there = chosen.iter().any(|offer| shard.as_str() == Some(&*offer.path));
        let said = || {
            format!(
                "it says that {} lies in {}, which is not there",
                clean(tensor),
                clean(&shard.to_string())
            )
        };
        (!there).then(said)
    })
}

#[cfg(test)]
mod tests {
    use super::super::source::Digest;
    use super::*;

    fn offers(paths: &[&str]) -> Vec<Offer> {
        let offer = |path: &&str| Offer {
            path: (*path).to_owned(),
            size: path.len() as u64,
            digest: Digest::Unknown,
            version: String::new(),
        };
        paths.iter().map(offer).collect()
    }

    fn chosen(paths: &[&str], files: &[&str]) -> Result<Vec<String>> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let mut names: Vec<_> = choose(&offers(paths), &files)?.into_iter().map(|offer| offer.path).collect();
        names.sort();
        Ok(names)
    }

    const BASE: [&str; 2] = ["config.json", "tokenizer.json"];

    fn with(more: &[&'static str]) -> Vec<&'static str> {
        [&BASE[..], more].concat()
    }

    #[test]
    fn a_model_needs_its_weights_once_and_nothing_that_runs() {
        let all =
            with(&["model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "README.md", "train.py"]);
        assert_eq!(chosen(&all, &[]).unwrap(), ["config.json", "model.safetensors", "tokenizer.json"]);
        let shards =
            with(&["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", INDEX, "x.bin"]);
        assert_eq!(chosen(&shards, &[]).unwrap().len(), 5);
        let packed = ["a-q8_0.gguf", "a-q4_k_m.gguf"];
        assert_eq!(chosen(&packed, &["a-q8_0.gguf"]).unwrap(), ["a-q8_0.gguf"]);
        let error = chosen(&packed, &[]).unwrap_err().to_string();
        assert!(error.contains("--file a-q8_0.gguf"), "{error}");
    }

    #[test]
    fn pickles_are_refused_with_why() {
        for (paths, files) in
            [(with(&["pytorch_model.bin"]), vec![]), (with(&["model.safetensors", "x.pt"]), vec!["x.pt"])]
        {
            let error = chosen(&paths, &files).unwrap_err().to_string();
            assert!(error.contains("runs as a program"), "{error}");
        }
    }

    #[test]
    fn a_path_that_leads_out_refuses_everything() {
        for path in
            ["../x.safetensors", "/etc/x", "a/../../b", "a\\..\\b", "a\nb", "", "..", "1_Pooling/../.."]
        {
            let mut all = offers(&with(&["model.safetensors"]));
            all.push(Offer { path: path.to_owned(), ..all[0].clone() });
            let error = choose(&all, &[]).unwrap_err().to_string();
            assert!(error.contains("outside of the model's folder"), "{path:?}: {error}");
        }
        assert!(!leads_out("1_Pooling/config.json") && !leads_out("a..b"));
    }

    #[test]
    fn an_index_may_only_name_shards_that_come() {
        let all = offers(&["model-1.safetensors", INDEX]);
        let fault = |text: &str| index_fault(text.as_bytes(), &all);
        assert_eq!(fault(r#"{"weight_map":{"a":"model-1.safetensors"}}"#), None);
        for bad in [r#"{"weight_map":{"a":"../../x"}}"#, r#"{"weight_map":{"a":3}}"#, "{}", "no"] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
