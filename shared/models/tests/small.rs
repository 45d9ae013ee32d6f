//! A small model with random weights, made here: batching, and every way in which a folder can be wrong.

mod common;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use common::{config, model, weights, write};
use precis_models::{DeviceChoice, MiniLm, ModelError};
use std::path::Path;
use std::sync::Arc;
use summarizer::{Backend, BackendError};

fn refused(folder: &Path) -> ModelError {
    MiniLm::load(folder, DeviceChoice::Cpu).err().expect("a broken folder loads")
}

fn texts() -> Vec<String> {
    [
        "the rent rises",
        "",
        "the roof leaks now the roof leaks now the roof leaks now",
        "notice",
        "is due now",
        "the unknown word",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[tokio::test]
async fn rows_of_a_batch_are_the_rows_alone() {
    let (folder, _) = model();
    let model = MiniLm::load(folder.path(), DeviceChoice::Cpu).unwrap();
    let together = model.embed("", texts()).await.unwrap();
    for (text, row) in texts().into_iter().zip(&together) {
        let alone = model.embed("", vec![text.clone()]).await.unwrap();
        assert!(farthest(&alone[0], row) <= 1e-5, "{text}");
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert!(model.embed("", vec![]).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_encoder_computes_what_candles_bert_computes() {
    let (folder, weights) = model();
    let ours = MiniLm::load(folder.path(), DeviceChoice::Cpu).unwrap();
    let config: Config = serde_json::from_value(config()).unwrap();
    let theirs =
        BertModel::load(VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu), &config).unwrap();
    // [CLS] the rent rises [SEP]
    let ids = Tensor::new(&[[2_u32, 4, 5, 6, 3]], &Device::Cpu).unwrap();
    let hidden = theirs.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
    let mean: Vec<f32> = hidden.mean(1).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
    let norm = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    let want: Vec<f32> = mean.iter().map(|x| x / norm).collect();
    let got = ours.embed("", vec!["The rent rises".into()]).await.unwrap();
    assert!(farthest(&got[0], &want) < 1e-5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_get_their_own_rows() {
    let (folder, _) = model();
    let model = MiniLm::load(folder.path(), DeviceChoice::Cpu).unwrap();
    let want = model.embed("", texts()).await.unwrap();
    let model = Arc::new(model);
    let ask = |i: usize| {
        let (model, which) = (Arc::clone(&model), i % texts().len());
        let text = texts()[which].clone();
        tokio::spawn(async move { (which, model.embed("", vec![text]).await.unwrap()) })
    };
    let calls: Vec<_> = (0..40).map(ask).collect();
    for call in calls {
        let (which, got) = call.await.unwrap();
        assert!(farthest(&got[0], &want[which]) <= 1e-5);
    }
}

#[test]
fn the_name_follows_the_weights_and_needs_no_loading() {
    let (folder, _) = model();
    let first = MiniLm::open(folder.path(), DeviceChoice::Cpu).unwrap();
    let again = MiniLm::open(folder.path(), DeviceChoice::Cpu).unwrap();
    assert_eq!(first.name(), again.name());
    assert_eq!(first.load_time(), None);
    write(folder.path(), &weights(2));
    assert_ne!(MiniLm::open(folder.path(), DeviceChoice::Cpu).unwrap().name(), first.name());
}

#[test]
fn a_sentence_encoder_says_that_it_cannot_write() {
    let (folder, _) = model();
    let model = MiniLm::open(folder.path(), DeviceChoice::Cpu).unwrap();
    assert!(model.generator().is_none());
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let (folder, _) = model();
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let text = refused(folder.path()).to_string();
    assert!(text.contains("tokenizer.json") && text.contains("make setup"), "{text}");
}

#[test]
fn a_missing_tensor_is_named_with_the_shape_that_was_wanted() {
    let (folder, mut weights) = model();
    let name = "encoder.layer.1.output.dense.weight";
    weights.remove(name);
    write(folder.path(), &weights);
    match refused(folder.path()) {
        ModelError::MissingTensor { tensor, wanted, .. } => {
            assert_eq!((tensor.as_str(), wanted), (name, vec![32, 64]))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_tensor_of_the_wrong_shape_is_named_with_both_shapes() {
    let (folder, mut weights) = model();
    let name = "embeddings.LayerNorm.bias";
    weights.insert(name.into(), Tensor::zeros(31, DType::F32, &Device::Cpu).unwrap());
    write(folder.path(), &weights);
    let error = refused(folder.path());
    assert!(error.is_permanent());
    let text = error.to_string();
    assert!(
        text.contains(name)
            && text.contains("[31]")
            && text.contains("[32]")
            && text.contains("model.safetensors"),
        "{text}"
    );
}

#[test]
fn a_truncated_file_is_told_from_a_wrong_one() {
    let (folder, _) = model();
    let path = folder.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    for keep in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..keep]).unwrap();
        let text = refused(folder.path()).to_string();
        assert!(text.contains("truncated") && text.contains("model.safetensors"), "{keep}: {text}");
    }
}

#[test]
fn a_broken_config_or_tokenizer_is_named() {
    for name in ["config.json", "tokenizer.json"] {
        let (folder, _) = model();
        std::fs::write(folder.path().join(name), "{").unwrap();
        assert!(refused(folder.path()).to_string().contains(name));
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_says_so_to_every_caller() {
    let (folder, mut weights) = model();
    weights.remove("embeddings.word_embeddings.weight");
    write(folder.path(), &weights);
    let model = MiniLm::open(folder.path(), DeviceChoice::Cpu).unwrap();
    for _ in 0..2 {
        match model.embed("", texts()).await {
            Err(error @ BackendError::Load(_)) => {
                assert!(error.is_permanent() && error.to_string().contains("word_embeddings"));
            }
            other => panic!("{other:?}"),
        }
    }
}
