//! Ours against the reference library, on the real weights: `make_golden.py` made the file.

use precis_models::{DeviceChoice, MiniLm, Options, Precision};
use std::path::Path;
use summarizer::Backend;

#[tokio::test]
async fn embeddings_are_the_reference_librarys_within_a_hundred_thousandth() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("../../models/all-MiniLM-L6-v2");
    if !folder.join("model.safetensors").exists() {
        println!("skipped: no model in {} (`make setup` fetches it)", folder.display());
        return;
    }
    let text = std::fs::read_to_string(here.join("tests/golden.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).unwrap();
    let wanted: Vec<Vec<f32>> = serde_json::from_value(golden["embeddings"].clone()).unwrap();
    let model = MiniLm::open(&folder, DeviceChoice::Cpu).unwrap();
    assert_eq!(model.load_time(), None);

    let got = model.embed("", texts.clone()).await.unwrap();

    assert!(model.load_time().is_some());
    assert!(texts.len() >= 24 && got.len() == texts.len());
    let mut worst = 0.0_f32;
    for ((text, ours), theirs) in texts.iter().zip(&got).zip(&wanted) {
        assert_eq!(ours.len(), theirs.len());
        let off = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "{off} off for {text:?}");
        worst = worst.max(off);
    }
    println!("largest difference {worst:e}");
}

/// The reference's unit vectors, and ours in fewer bits: what [`Precision`] and docs/models.md say of them.
#[tokio::test]
async fn fewer_bits_stay_as_near_the_reference_as_is_said() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("../../models/all-MiniLM-L6-v2");
    if !folder.join("model.safetensors").exists() {
        println!("skipped: no model in {} (`make setup` fetches it)", folder.display());
        return;
    }
    let text = std::fs::read_to_string(here.join("tests/golden.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).unwrap();
    let wanted: Vec<Vec<f32>> = serde_json::from_value(golden["embeddings"].clone()).unwrap();
    let exact = MiniLm::open(&folder, DeviceChoice::Cpu).unwrap();
    for (precision, least, mean) in [(Precision::Bf16, 0.9999, 0.99997), (Precision::Int8, 0.985, 0.997)] {
        let model = MiniLm::load_as(&folder, &Options { precision, ..Options::default() }).unwrap();
        assert_eq!(model.name(), format!("{} {precision}", exact.name()));
        let got = model.embed("", texts.clone()).await.unwrap();
        let cosines: Vec<f32> = got
            .iter()
            .zip(&wanted)
            .map(|(ours, theirs)| ours.iter().zip(theirs).map(|(a, b)| a * b).sum())
            .collect();
        let lowest = cosines.iter().copied().fold(f32::INFINITY, f32::min);
        let middle = cosines.iter().sum::<f32>() / cosines.len() as f32;
        println!("{precision}: cosine {middle} in the mean, {lowest} at the least");
        assert!(
            lowest >= least && middle >= mean,
            "{precision}: {middle} in the mean, {lowest} at the least"
        );
    }
}

#[tokio::test]
async fn a_dropped_request_does_not_hold_up_the_next_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/all-MiniLM-L6-v2");
    if !folder.join("model.safetensors").exists() {
        println!("skipped: no model in {} (`make setup` fetches it)", folder.display());
        return;
    }
    let model = MiniLm::load(&folder, DeviceChoice::Cpu).unwrap();
    for _ in 0..50 {
        let long: Vec<String> = (0..200).map(|i| format!("word {i} ").repeat(100)).collect();
        // Polled once, so that it is sent, then dropped.
        let request = model.embed("", long);
        let never = tokio::time::timeout(std::time::Duration::ZERO, request).await;
        assert!(never.is_err());
    }
    // 10,000 long texts would take minutes; this answers because they are skipped.
    let answer = model.embed("", vec!["The rent rises.".into()]);
    let got = tokio::time::timeout(std::time::Duration::from_secs(60), answer).await.unwrap().unwrap();
    assert_eq!(got.len(), 1);
}
