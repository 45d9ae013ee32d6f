//! The whole encoder beside Candle's operations, and beside itself in other company.

use super::*;
use crate::bert::{Bert, pooled as pooled_tensor};
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use tempfile::TempDir;

const WIDTHS: [Width; 3] = [Width::F32, Width::Bf16, Width::Int8];

/// A small model with random weights that fill neither tiles nor panels.
fn small(act: HiddenAct) -> (VarMap, Config) {
    let config = Config {
        vocab_size: 50,
        hidden_size: 36,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        intermediate_size: 70,
        hidden_act: act,
        max_position_embeddings: 40,
        ..Config::default()
    };
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    Bert::load(&vb, &config).unwrap();
    for (name, var) in map.data().lock().unwrap().iter() {
        let mean = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        var.set(&Tensor::randn(mean, 0.3_f32, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    (map, config)
}

/// As a file, in a folder that must outlive it.
fn saved(map: &VarMap) -> (TempDir, Arc<Mapped>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    map.save(&path).unwrap();
    (folder, Arc::new(Mapped::open(&path).unwrap()))
}

/// Texts of 1 to 40 tokens.
fn ragged() -> Vec<Vec<u32>> {
    let text = |at: u32| (0..1 + at * 7 % 40).map(|place| (place * 13 + at) % 50).collect();
    (0..60).map(text).collect()
}

fn borrowed(texts: &[Vec<u32>]) -> Vec<&[u32]> {
    texts.iter().map(Vec::as_slice).collect()
}

#[test]
fn packed_rows_are_what_candle_computes_for_each_text_alone() {
    let texts: [&[u32]; 4] = [&[3, 1, 4, 1, 5, 9, 2, 6], &[7], &[49; 40], &[0, 2, 4]];
    for act in [HiddenAct::Gelu, HiddenAct::GeluApproximate, HiddenAct::Relu] {
        let (map, config) = small(act);
        let (_folder, file) = saved(&map);
        let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let reference = Bert::load(&vb, &config).unwrap();
        let alone = |text: &[u32]| -> Vec<f32> {
            let ids = Tensor::new(text, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
            let mask = ids.ones_like().unwrap().to_dtype(DType::F32).unwrap();
            let hidden = reference.forward(&ids, None).unwrap();
            pooled_tensor(&hidden, &mask).unwrap().squeeze(0).unwrap().to_vec1().unwrap()
        };
        let want: Vec<Vec<f32>> = texts.iter().map(|text| alone(text)).collect();
        for level in Level::all() {
            for (width, most) in [(Width::F32, 1e-5), (Width::Bf16, 2e-2), (Width::Int8, 5e-2)] {
                let model = PackedBert::load(&file, &config, level, width).unwrap();
                for (got, want) in model.forward(&texts).unwrap().iter().zip(&want) {
                    let off = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(off <= most, "{level:?} {width:?}: {off}");
                }
            }
        }
    }
}

#[test]
fn a_text_gives_the_same_bits_alone_and_in_any_company() {
    let (map, config) = small(HiddenAct::Gelu);
    let (_folder, file) = saved(&map);
    let texts = ragged();
    let backwards: Vec<Vec<u32>> = texts.iter().rev().cloned().collect();
    for level in Level::all() {
        for width in WIDTHS {
            let model = PackedBert::load(&file, &config, level, width).unwrap();
            let alone: Vec<Vec<f32>> =
                texts.iter().map(|text| model.forward(&[text]).unwrap().remove(0)).collect();
            assert_eq!(model.forward(&borrowed(&texts)).unwrap(), alone, "{level:?} {width:?}");
            let mut turned = model.forward(&borrowed(&backwards)).unwrap();
            turned.reverse();
            assert_eq!(turned, alone, "{level:?} {width:?}, backwards");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (map, config) = small(HiddenAct::Gelu);
    let (_folder, file) = saved(&map);
    let texts = ragged();
    for width in WIDTHS {
        let model = PackedBert::load(&file, &config, Level::best(), width).unwrap();
        let by = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| model.forward(&borrowed(&texts)).unwrap())
        };
        let one = by(1);
        for threads in [2, 3, 8] {
            assert_eq!(by(threads), one, "{width:?} by {threads}");
        }
    }
}

#[test]
fn weights_in_sixteen_bits_are_widened_and_their_table_held() {
    let (map, config) = small(HiddenAct::Gelu);
    let (folder, file) = saved(&map);
    let halved = folder.path().join("half.safetensors");
    let tensors: std::collections::HashMap<String, Tensor> = map
        .data()
        .lock()
        .unwrap()
        .iter()
        .map(|(name, var)| (name.clone(), var.to_dtype(DType::BF16).unwrap()))
        .collect();
    candle_core::safetensors::save(&tensors, &halved).unwrap();
    let file = [file, Arc::new(Mapped::open(&halved).unwrap())];
    let [exact, near] = file.map(|file| {
        let model = PackedBert::load(&file, &config, Level::best(), Width::F32).unwrap();
        model.forward(&[&[3, 1, 4, 1, 5]]).unwrap().remove(0)
    });
    let off = exact.iter().zip(&near).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off > 0.0 && off < 2e-2, "{off}");
}

#[test]
fn what_does_not_fit_the_model_is_an_error() {
    let (map, config) = small(HiddenAct::Gelu);
    let (_folder, file) = saved(&map);
    let model = PackedBert::load(&file, &config, Level::best(), Width::F32).unwrap();
    for (text, said) in [(&[50_u32] as &[u32], "token 50"), (&[], "0 tokens"), (&[1; 41], "41 tokens")] {
        assert!(model.forward(&[text]).unwrap_err().to_string().contains(said));
    }
    assert!(model.forward(&[]).unwrap().is_empty());
}

#[test]
fn texts_are_grouped_in_their_order_and_each_once() {
    let texts = ragged();
    let texts = borrowed(&texts);
    let groups = groups(&texts);
    assert_eq!(groups.concat(), texts);
    assert!(
        groups.iter().all(|group| {
            group.len() == 1 || group.iter().map(|text| text.len()).sum::<usize>() <= TOGETHER
        })
    );
}
