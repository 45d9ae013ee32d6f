//! Numbers that are none: the row is repeated alone in f32, then fails with its cause, and no other row suffers.

use crate::{copy, open, options, prompt, tensors};
use candle_core::{DType, Device, Tensor};
use precis_models::{Controls, ModelError, Precision, Writer, Written};
use std::path::Path;
use summarizer::{Backend, BackendError, Generator, Prompt};
use tempfile::TempDir;

/// Of these prompts the second has a token that the others don't have.
const PROMPTS: [&str; 3] = ["the rent rises", "the roof %", "three months"];

/// A folder in which that token's vector holds `value`: with a head of its own, nothing else does.
fn with(value: f32) -> TempDir {
    let folder = copy("t5-gated");
    let tokenizer = tokenizers::Tokenizer::from_file(folder.path().join("tokenizer.json")).unwrap();
    let ids = |text: &str| tokenizer.encode(text, false).unwrap().get_ids().to_vec();
    let others = [ids(PROMPTS[0]), ids(PROMPTS[2])].concat();
    let odd = ids(PROMPTS[1]).into_iter().find(|id| !others.contains(id) && *id > 2).unwrap();
    let path = folder.path().join("model.safetensors");
    let mut all = tensors(&path);
    all = all.into_iter().map(|(name, tensor)| (name, tensor.to_dtype(DType::F32).unwrap())).collect();
    let table = &all["shared.weight"];
    let mut rows: Vec<Vec<f32>> = table.to_vec2().unwrap();
    rows[usize::try_from(odd).unwrap()][3] = value;
    all.insert("shared.weight".into(), Tensor::new(rows, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&all, &path).unwrap();
    folder
}

async fn written(folder: &Path, precision: Precision) -> Vec<Result<Written, ModelError>> {
    let writer = Writer::load(folder, options(precision)).unwrap();
    let controls = Controls { max_tokens: 12, ..Controls::default() };
    let asked = PROMPTS.map(|text| (prompt(text, 12), controls.clone()));
    writer.write("", asked.to_vec()).await.unwrap()
}

#[tokio::test]
async fn a_row_that_overflows_in_16_bits_is_repeated_in_32() {
    // More than an f16 can be.
    let folder = with(1e5);
    let wanted = written(folder.path(), Precision::F32).await;
    assert!(wanted.iter().all(Result::is_ok));
    let got = written(folder.path(), Precision::F16).await;
    assert_eq!(got[1].as_ref().unwrap(), wanted[1].as_ref().unwrap());
    // The others are as they are without it.
    let clean = with(0.5);
    let alone = written(clean.path(), Precision::F16).await;
    for at in [0, 2] {
        assert_eq!(got[at].as_ref().unwrap(), alone[at].as_ref().unwrap());
    }
}

#[tokio::test]
async fn a_row_whose_numbers_are_none_fails_with_its_cause_and_alone() {
    let folder = with(f32::NAN);
    for precision in [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8] {
        let got = written(folder.path(), precision).await;
        assert!(got[0].is_ok() && got[2].is_ok());
        match &got[1] {
            Err(error @ ModelError::NotFinite { written: 0, .. }) => {
                let text = error.to_string();
                assert!(text.contains("NaN") && text.contains("verify"), "{text}");
                assert!(!error.is_permanent());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_is_an_error_where_one_of_its_prompts_fails_and_the_next_is_written() {
    let folder = with(f32::NAN);
    let writer = open(folder.path());
    let asked: Vec<Prompt> = PROMPTS.map(|text| prompt(text, 8)).to_vec();
    match writer.generate("", asked.clone()).await {
        Err(BackendError::Run(text)) => assert!(text.contains("finite"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(writer.generate("", asked[..1].to_vec()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_says_so_to_every_caller() {
    let folder = copy("t5-relu");
    let path = folder.path().join("model.safetensors");
    let mut all = tensors(&path);
    all.remove("decoder.final_layer_norm.weight");
    candle_core::safetensors::save(&all, &path).unwrap();
    let both = precis_models::Both {
        reader: Nothing,
        writer: Writer::open(folder.path(), options(Precision::F32)).unwrap(),
    };
    for _ in 0..2 {
        match both.generator().unwrap().generate("", vec![prompt("a", 4)]).await {
            Err(error @ BackendError::Load(_)) => {
                assert!(error.is_permanent() && error.to_string().contains("decoder.final_layer_norm"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(both.name(), "nothing");
    assert!(both.embed("", vec![]).await.unwrap().is_empty());
}

struct Nothing;

#[async_trait::async_trait]
impl Backend for Nothing {
    fn name(&self) -> String {
        "nothing".into()
    }

    async fn embed(&self, _: &str, _: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        Ok(Vec::new())
    }
}
