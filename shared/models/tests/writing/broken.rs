//! Folders that can't be used: the file, what is wrong and what to do.

use crate::{copy, golden, open, options, set, tensors};
use candle_core::quantized::gguf_file::{Value, write};
use candle_core::{DType, Device, Tensor};
use precis_models::{ModelError, Precision, Writer};
use serde_json::json;
use std::path::Path;

fn refused(path: &Path) -> ModelError {
    let error = Writer::load(path, options(Precision::F32)).err().expect("a broken folder loads");
    assert!(error.is_permanent(), "{error}");
    error
}

/// What is said has all of these in it.
fn says(error: &ModelError, wanted: &[&str]) {
    let text = error.to_string();
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted} in: {text}");
    }
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    for (model, file) in [
        ("t5-relu", "tokenizer.json"),
        ("t5-relu", "config.json"),
        ("t5-relu", "model.safetensors"),
        ("qwen3", "model-00002-of-00002.safetensors"),
    ] {
        let folder = copy(model);
        std::fs::remove_file(folder.path().join(file)).unwrap();
        says(&refused(folder.path()), &[file, "model folder"]);
    }
    says(&refused(Path::new("/nowhere/at/all")), &["/nowhere/at/all"]);
}

#[test]
fn a_missing_tensor_is_named_with_the_shape_that_was_wanted() {
    let folder = copy("t5-gated");
    let (path, name) =
        (folder.path().join("model.safetensors"), "decoder.block.1.layer.1.EncDecAttention.k.weight");
    let mut all = tensors(&path);
    all.remove(name).unwrap();
    candle_core::safetensors::save(&all, &path).unwrap();
    match refused(folder.path()) {
        ModelError::MissingTensor { tensor, wanted, path: named } => {
            assert_eq!((tensor.as_str(), wanted, named), (name, vec![32, 32], path));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_tensor_of_another_shape_is_named_with_both_shapes_and_its_part_of_the_files() {
    let folder = copy("qwen3");
    let part = folder.path().join("model-00002-of-00002.safetensors");
    let mut all = tensors(&part);
    let name = "model.layers.1.mlp.up_proj.weight";
    assert!(all.contains_key(name));
    all.insert(name.into(), Tensor::zeros((96, 65), DType::F16, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&all, &part).unwrap();
    says(&refused(folder.path()), &[name, "[96, 65]", "[96, 64]", "model-00002-of-00002"]);

    let folder = copy("t5-relu");
    set(folder.path(), "num_heads", json!(5));
    says(&refused(folder.path()), &["SelfAttention.q.weight", "[40, 32]", "[32, 32]"]);
}

#[test]
fn numbers_that_are_no_weights_are_refused() {
    let folder = copy("t5-relu");
    let path = folder.path().join("model.safetensors");
    let mut all = tensors(&path);
    let name = "encoder.final_layer_norm.weight";
    all.insert(name.into(), Tensor::zeros(32, DType::I64, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&all, &path).unwrap();
    says(&refused(folder.path()), &[name, "i64", "bf16"]);
}

#[test]
fn a_truncated_file_is_told_by_its_name() {
    for (model, file) in [("t5-relu", "model.safetensors"), ("qwen3", "model-00001-of-00002.safetensors")] {
        let folder = copy(model);
        let path = folder.path().join(file);
        let whole = std::fs::read(&path).unwrap();
        for keep in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..keep]).unwrap();
            says(&refused(folder.path()), &["truncated", file]);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    let whole = std::fs::read(golden("qwen3.gguf")).unwrap();
    for keep in [0, 3, 20, 3000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..keep]).unwrap();
        says(&refused(&path), &["truncated", "a.gguf"]);
    }
}

/// The folder's file with some bytes of its first `reach` changed, again and again.
fn scrambled(folder: &Path, file: &str, reach: usize, opened: &Path) {
    let path = folder.join(file);
    let whole = std::fs::read(&path).unwrap();
    let mut state = 9_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        usize::try_from(state >> 33).unwrap()
    };
    let mut refused = 0;
    for _ in 0..200 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            bytes[random() % reach.min(whole.len())] = u8::try_from(random() % 256).unwrap();
        }
        std::fs::write(&path, &bytes).unwrap();
        // It may still load: what changed may not matter.
        if let Err(error) = Writer::load(opened, options(Precision::F32)) {
            let name = opened.file_name().unwrap().to_string_lossy();
            assert!(error.to_string().contains(name.as_ref()), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 20, "{file}: {refused}");
    std::fs::write(&path, &whole).unwrap();
}

#[test]
fn a_file_of_any_bytes_is_refused_and_never_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    std::fs::copy(golden("qwen3.gguf"), &path).unwrap();
    // Headers, where every byte means something.
    scrambled(folder.path(), "a.gguf", 2500, &path);
    for (model, part) in [("t5-relu", "model.safetensors"), ("qwen3", "model-00001-of-00002.safetensors")] {
        let folder = copy(model);
        for (file, reach) in [(part, 1500), ("config.json", 900), ("tokenizer.json", 3000)] {
            scrambled(folder.path(), file, reach, folder.path());
        }
    }
}

#[test]
fn an_index_does_not_lead_out_of_its_folder() {
    for file in ["../model.safetensors", "/etc/passwd", "", "a/b.safetensors", ".."] {
        let folder = copy("qwen3");
        let index = json!({"weight_map": {"model.norm.weight": file}});
        let name = "model.safetensors.index.json";
        std::fs::write(folder.path().join(name), index.to_string()).unwrap();
        says(&refused(folder.path()), &[name, "model.norm.weight"]);
    }
    let folder = copy("qwen3");
    std::fs::write(folder.path().join("model.safetensors.index.json"), "{}").unwrap();
    says(&refused(folder.path()), &["weight_map"]);
}

#[test]
fn a_model_without_code_here_is_told_by_what_it_is() {
    for (model, key, value, wanted) in [
        ("t5-relu", "model_type", json!("llama"), vec!["llama", "t5 and qwen3"]),
        ("t5-relu", "model_type", json!(null), vec!["model_type", "not given"]),
        ("t5-relu", "feed_forward_proj", json!("gated-silu"), vec!["gated-silu", "gated-gelu"]),
        ("qwen3", "attention_bias", json!(true), vec!["attention_bias"]),
        ("qwen3", "use_sliding_window", json!(true), vec!["use_sliding_window"]),
        ("qwen3", "hidden_act", json!("gelu"), vec!["hidden_act", "silu"]),
        ("qwen3", "rope_scaling", json!({"rope_type": "yarn", "factor": 4.0}), vec!["yarn", "default"]),
        ("qwen3", "num_key_value_heads", json!(3), vec!["4 over 3"]),
        ("qwen3", "head_dim", json!(15), vec!["of 15"]),
    ] {
        let folder = copy(model);
        set(folder.path(), key, value);
        let error = refused(folder.path());
        assert!(matches!(error, ModelError::Unsupported { .. }), "{error}");
        says(&error, &wanted);
        says(&error, &["config.json"]);
    }
}

#[test]
fn a_configuration_of_nonsense_is_told_by_its_key() {
    for (key, value) in [
        ("num_layers", json!(0)),
        ("d_model", json!(-1)),
        ("d_ff", json!("many")),
        ("vocab_size", json!(u64::MAX)),
        ("d_kv", json!(null)),
        ("eos_token_id", json!("</s>")),
        ("layer_norm_epsilon", json!("small")),
    ] {
        let folder = copy("t5-relu");
        set(folder.path(), key, value);
        says(&refused(folder.path()), &[key, "config.json"]);
    }
    for name in ["config.json", "tokenizer.json"] {
        let folder = copy("t5-relu");
        std::fs::write(folder.path().join(name), "{").unwrap();
        says(&refused(folder.path()), &[name]);
    }
}

#[test]
fn a_tokenizer_that_does_not_fit_is_told_with_both_numbers() {
    let folder = copy("t5-relu");
    // The other model's, with ids up to 304; this one has 256 rows.
    std::fs::copy(golden("qwen3").join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    match refused(folder.path()) {
        ModelError::Vocabulary { highest: 304, rows: 256, .. } => {}
        other => panic!("{other}"),
    }
    let folder = copy("qwen3");
    std::fs::copy(golden("t5-relu").join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    says(&refused(folder.path()), &["<|im_start|>", "tokenizer.json"]);
}

#[test]
fn a_gguf_of_another_architecture_or_tokenizer_is_told_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.gguf");
    let text = |text: &str| Value::String(text.to_owned());
    let made = |metadata: &[(&str, &Value)]| {
        write(&mut std::fs::File::create(&path).unwrap(), metadata, &[]).unwrap();
    };
    made(&[("general.architecture", &text("llama"))]);
    says(&refused(&path), &["llama", "t5 and qwen3", "other.gguf"]);
    made(&[]);
    says(&refused(&path), &["general.architecture"]);
    made(&[("general.architecture", &text("qwen3"))]);
    says(&refused(&path), &["qwen3.attention.head_count"]);
    // Four heads of two numbers.
    let (number, wide) = (Value::U32(4), Value::U32(8));
    let keys =
        ["attention.head_count", "embedding_length", "feed_forward_length", "block_count", "context_length"];
    let names: Vec<String> = keys.iter().map(|key| format!("qwen3.{key}")).collect();
    let mut metadata: Vec<(&str, &Value)> = names.iter().map(|name| (name.as_str(), &number)).collect();
    metadata[1].1 = &wide;
    let (kind, other) = (text("qwen3"), text("llama"));
    metadata.push(("general.architecture", &kind));
    made(&metadata);
    says(&refused(&path), &["tokenizer.ggml.model", "missing"]);
    metadata.push(("tokenizer.ggml.model", &other));
    made(&metadata);
    says(&refused(&path), &["tokenizer.ggml.model", "llama", "tokenizer.json"]);
}

#[test]
fn of_several_gguf_files_one_has_to_be_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.gguf", "a.gguf"] {
        std::fs::copy(golden("qwen3.gguf"), folder.path().join(name)).unwrap();
    }
    says(&refused(folder.path()), &["2 GGUF files", "a.gguf"]);
    open(&folder.path().join("b.gguf"));
    std::fs::remove_file(folder.path().join("a.gguf")).unwrap();
    open(folder.path());
}
