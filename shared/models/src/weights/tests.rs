use super::*;
use crate::parity_tests::read;
use candle_core::quantized::ggml_file::qtensor_from_ggml;

#[test]
fn quantised_blocks_stand_for_the_numbers_that_the_format_says() {
    for block in read("blocks.json")["blocks"].as_array().unwrap() {
        let kind = match block["kind"].as_str().unwrap() {
            "Q4_K" => GgmlDType::Q4K,
            "Q5_K" => GgmlDType::Q5K,
            "Q6_K" => GgmlDType::Q6K,
            "Q8_0" => GgmlDType::Q8_0,
            other => panic!("{other}"),
        };
        let hex = block["bytes"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let shape: Vec<usize> = serde_json::from_value(block["shape"].clone()).unwrap();
        let wanted: Vec<f32> = serde_json::from_value(block["values"].clone()).unwrap();
        let tensor = qtensor_from_ggml(kind, &bytes, shape, &Device::Cpu).unwrap();
        let got: Vec<f32> =
            tensor.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(got.len(), wanted.len());
        for (a, b) in got.iter().zip(&wanted) {
            assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-3), "{kind:?}: {a} {b}");
        }
        if !matches!(kind, GgmlDType::Q4K | GgmlDType::Q8_0) {
            continue;
        }
        // And as a processor's products take them, where a scale has 11 bits.
        let raw = Raw { kind: Kind::Blocks(kind), bytes: &bytes };
        let most = wanted.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        for (at, wanted) in wanted.chunks(32).enumerate() {
            let block = raw.block(kind, 0, at, got.len());
            let middle = if kind == GgmlDType::Q8_0 { 128.0 } else { 0.0 };
            for (quant, wanted) in block.quants.iter().zip(wanted) {
                let stands = block.scale.to_f32() * (f32::from(*quant) - middle) - block.least.to_f32();
                assert!((stands - wanted).abs() <= 1e-3 * most, "{kind:?}: {stands} {wanted}");
            }
        }
    }
}

/// A Qwen3 of one layer in the mixture of kinds that files called Q4_K_M have.
fn mixed(path: &Path) {
    use candle_core::quantized::gguf_file::{Value, write};
    let text = |text: &str| Value::String(text.to_owned());
    let metadata = [
        ("general.architecture", text("qwen3")),
        ("qwen3.block_count", Value::U32(1)),
        ("qwen3.context_length", Value::U32(64)),
        ("qwen3.embedding_length", Value::U32(256)),
        ("qwen3.feed_forward_length", Value::U32(512)),
        ("qwen3.attention.head_count", Value::U32(4)),
        ("qwen3.attention.head_count_kv", Value::U32(2)),
        ("qwen3.attention.key_length", Value::U32(64)),
        ("qwen3.rope.freq_base", Value::F32(1e6)),
    ];
    let (four, six) = (GgmlDType::Q4K, GgmlDType::Q6K);
    let shapes = [
        ("token_embd.weight", vec![100, 256], six),
        ("output.weight", vec![100, 256], six),
        ("output_norm.weight", vec![256], GgmlDType::F32),
        ("blk.0.attn_norm.weight", vec![256], GgmlDType::F32),
        ("blk.0.ffn_norm.weight", vec![256], GgmlDType::F32),
        ("blk.0.attn_q_norm.weight", vec![64], GgmlDType::F32),
        ("blk.0.attn_k_norm.weight", vec![64], GgmlDType::F32),
        ("blk.0.attn_q.weight", vec![256, 256], four),
        ("blk.0.attn_k.weight", vec![128, 256], four),
        ("blk.0.attn_v.weight", vec![128, 256], six),
        ("blk.0.attn_output.weight", vec![256, 256], four),
        ("blk.0.ffn_gate.weight", vec![512, 256], four),
        ("blk.0.ffn_up.weight", vec![512, 256], four),
        ("blk.0.ffn_down.weight", vec![256, 512], six),
    ];
    let mut state = 3_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let tensors: Vec<(&str, QTensor)> = shapes
        .into_iter()
        .map(|(name, shape, kind)| {
            let count = shape.iter().product::<usize>();
            let offset = if shape.len() == 1 { 1.0 } else { 0.0 };
            let values: Vec<f32> = (0..count).map(|_| offset + 0.1 * random()).collect();
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (name, QTensor::quantize(&tensor, kind).unwrap())
        })
        .collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    write(&mut std::fs::File::create(path).unwrap(), &metadata, &tensors).unwrap();
}

#[test]
fn four_and_six_bits_in_one_file_compute_what_their_blocks_stand_for() {
    use crate::model::Model;
    use crate::row::Feed;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny-Q4_K_M.gguf");
    mixed(&path);
    let logits = |plain| {
        let files = Files::open(&path).unwrap();
        let (model, kind) = Model::load(&files, &Device::Cpu, Dtypes::F32, plain).unwrap();
        assert_eq!((kind.vocabulary(), kind.context()), (100, 64));
        let prompts: [Vec<u32>; 2] = [(0..30).collect(), vec![99, 7, 7]];
        let mut rows = model.begin(&prompts.each_ref().map(|prompt| (prompt.as_slice(), 0))).unwrap();
        let mut feeds: Vec<Feed> = rows
            .iter_mut()
            .zip(&prompts)
            .map(|(row, tokens)| Feed { row, tokens, wanted: tokens.len() })
            .collect();
        model.forward(&mut feeds).unwrap().into_iter().flatten().collect::<Vec<_>>()
    };
    let (own, wanted) = (logits(false), logits(true));
    assert_eq!((own.len(), wanted.len()), (33, 33));
    let mut worst = 0.0_f32;
    for (own, wanted) in own.iter().zip(&wanted) {
        let largest = wanted.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let off = own.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(off.is_finite() && largest > 0.1);
        worst = worst.max(off / largest);
    }
    println!("{worst:e}");
    assert!(worst < 0.05, "{worst:e}");
}
