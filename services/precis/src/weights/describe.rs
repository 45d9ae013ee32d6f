//! What a folder holds: the kind of its model, as its configuration or its GGUF tells it.
//!
//! Only for eyes: whether a model can be loaded is for its loader to say.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Longer than any name of an architecture, in bytes.
const LONGEST: u64 = 1 << 16;
/// Entries of a GGUF's table that are looked at: the architecture comes first by convention.
const ENTRIES: u64 = 64;

/// The names in a folder that a loader may read.
pub fn files_read(folder: &Path) -> Vec<String> {
    let read = |name: &String| {
        name.ends_with(".safetensors")
            || name.ends_with(".gguf")
            || matches!(&name[..], "config.json" | "tokenizer.json" | "model.safetensors.index.json")
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(read);
    names.sort();
    names
}

/// Whether it looks like a model's folder.
pub fn is_model(folder: &Path) -> bool {
    let weights = |name: &String| name.ends_with(".safetensors") || name.ends_with(".gguf");
    files_read(folder).iter().any(weights) || folder.join(super::manifest::NAME).is_file()
}

/// Bytes of the files in a folder and of those one below.
pub fn size(folder: &Path) -> u64 {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries(folder).map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => {
            entries(&entry.path()).filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
        }
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// `bert`, `t5`, `qwen3`; `None` where neither a configuration nor a GGUF says it.
pub fn kind(folder: &Path) -> Option<String> {
    of_configuration(&folder.join("config.json")).or_else(|| {
        let packed = files_read(folder).into_iter().find(|name| name.ends_with(".gguf"))?;
        of_gguf(&folder.join(packed))
    })
}

fn of_configuration(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(1 << 20).read_to_end(&mut bytes).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let named = value["model_type"].as_str().or_else(|| value["architectures"][0].as_str())?;
    Some(named.chars().take(40).collect())
}

/// `general.architecture` of a GGUF (specification of the format, version 2 and 3).
fn of_gguf(path: &Path) -> Option<String> {
    let mut file = BufReader::new(File::open(path).ok()?);
    if &bytes::<4>(&mut file)? != b"GGUF" || u32::from_le_bytes(bytes(&mut file)?) < 2 {
        return None;
    }
    let _tensors: [u8; 8] = bytes(&mut file)?;
    let entries = u64::from_le_bytes(bytes(&mut file)?).min(ENTRIES);
    for _ in 0..entries {
        let key = string(&mut file)?;
        let kind = u32::from_le_bytes(bytes(&mut file)?);
        if key == "general.architecture" {
            return if kind == 8 { string(&mut file) } else { None };
        }
        match kind {
            0 | 1 | 7 => drop(bytes::<1>(&mut file)?),
            2 | 3 => drop(bytes::<2>(&mut file)?),
            4..=6 => drop(bytes::<4>(&mut file)?),
            8 => drop(string(&mut file)?),
            10..=12 => drop(bytes::<8>(&mut file)?),
            _ => return None,
        }
    }
    None
}

fn bytes<const N: usize>(file: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn string(file: &mut impl Read) -> Option<String> {
    let length = u64::from_le_bytes(bytes(file)?);
    let mut text = Vec::new();
    file.take(length.min(LONGEST)).read_to_end(&mut text).ok()?;
    if text.len() as u64 == length { String::from_utf8(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn a_ggufs_architecture_is_read_from_its_table_and_a_damaged_one_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let mut packed =
            [&b"GGUF"[..], &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &2_u64.to_le_bytes()].concat();
        packed.extend(
            [text("general.alignment"), 4_u32.to_le_bytes().to_vec(), 32_u32.to_le_bytes().to_vec()].concat(),
        );
        packed.extend([text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text("qwen3")].concat());
        let path = folder.path().join("a.gguf");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(kind(folder.path()).as_deref(), Some("qwen3"));
        for end in 0..packed.len() {
            std::fs::write(&path, &packed[..end]).unwrap();
            assert_eq!(kind(folder.path()), None);
        }
        std::fs::write(folder.path().join("config.json"), r#"{"architectures":["T5"],"model_type":"t5"}"#)
            .unwrap();
        assert_eq!(kind(folder.path()).as_deref(), Some("t5"));
    }
}
