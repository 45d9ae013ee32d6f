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
    }
}
