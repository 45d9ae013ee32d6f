//! Our models against the reference library's, on the tiny ones of `tests/golden`: `make.py` there made them.

use crate::files::Files;
use crate::kernels::Form;
use crate::model::{Kind, Model};
use crate::precision::Dtypes;
use crate::row::{Feed, Row};
use crate::text::Text;
use crate::weights::Weights;
use candle_core::{DType, Device};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub(crate) fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden(name)).unwrap()).unwrap()
}

pub(crate) fn load(name: &str, dtypes: Dtypes) -> (Model, Kind) {
    Model::load(&Files::open(&golden(name)).unwrap(), &Device::Cpu, dtypes, false).unwrap()
}

pub(crate) fn text(name: &str, kind: &Kind) -> Text {
    let files = Files::open(&golden(name)).unwrap();
    let weights = Weights::open(&files, &Device::Cpu, Dtypes::F32, false).unwrap();
    Text::open(&files, &weights, kind).unwrap()
}

pub(crate) fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A prompt, what the decoder then reads, and the logits that are known of it.
struct Case {
    prompt: Vec<u32>,
    fed: Vec<u32>,
    logits: Vec<(usize, Vec<f32>)>,
}

fn cases(expected: &Value) -> Vec<Case> {
    let case = |case: &Value| {
        let logits = case["logits"].as_object().unwrap().iter();
        let logits =
            logits.map(|(place, row)| (place.parse().unwrap(), serde_json::from_value(row.clone()).unwrap()));
        let prompt = ids(&case["prompt"]);
        // A model without an encoder reads the prompt itself.
        let fed = if case["fed"].is_null() { prompt.clone() } else { ids(&case["fed"]) };
        Case { prompt, fed, logits: logits.collect() }
    };
    expected["cases"].as_array().unwrap().iter().map(case).collect()
}

fn begin(model: &Model, cases: &[Case]) -> Vec<Row> {
    let prompts: Vec<(&[u32], usize)> =
        cases.iter().map(|case| (case.prompt.as_slice(), case.fed.len())).collect();
    model.begin(&prompts).unwrap()
}

/// Logits of every position, all rows in one batch, `chunk` tokens of each at a time.
fn run(model: &Model, cases: &[Case], chunk: usize) -> Vec<Vec<Vec<f32>>> {
    let mut rows = begin(model, cases);
    let mut out: Vec<Vec<Vec<f32>>> = vec![Vec::new(); cases.len()];
    loop {
        let (mut feeds, mut whose) = (Vec::new(), Vec::new());
        for (at, (row, case)) in rows.iter_mut().zip(cases).enumerate() {
            let left = &case.fed[row.length..];
            let tokens = &left[..chunk.min(left.len())];
            if !tokens.is_empty() {
                feeds.push(Feed { row, tokens, wanted: tokens.len() });
                whose.push(at);
            }
        }
        if feeds.is_empty() {
            return out;
        }
        for (at, logits) in whose.into_iter().zip(model.forward(&mut feeds).unwrap()) {
            out[at].extend(logits);
        }
    }
}

/// Largest difference of two positions' logits, relative to the largest of them.
fn relative(got: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let off = got.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    // NaN is not less than anything.
    off.fold(0.0, |most: f32, off| if off <= most { most } else { off }) / largest
}

/// Largest difference to the reference, relative to the largest logit of the position.
fn farthest(got: &[Vec<Vec<f32>>], cases: &[Case]) -> f32 {
    let mut worst = 0.0_f32;
    for (got, case) in got.iter().zip(cases) {
        assert_eq!(got.len(), case.fed.len());
        for (place, wanted) in &case.logits {
            let off = relative(&got[*place], wanted);
            assert!(off.is_finite());
            worst = worst.max(off);
        }
    }
    worst
}

const MODELS: [&str; 3] = ["t5-relu", "t5-gated", "qwen3"];

fn expected(name: &str) -> Vec<Case> {
    cases(&read(&format!("{name}/expected.json")))
}

#[test]
fn logits_in_f32_are_the_reference_librarys() {
    for name in MODELS {
        let (model, _) = load(name, Dtypes::F32);
        let cases = expected(name);
        assert!(cases.iter().any(|case| case.fed.len() > 128) && cases.iter().any(|case| case.fed.len() < 8));
        let off = farthest(&run(&model, &cases, usize::MAX), &cases);
        println!("{name}: {off:e}");
        assert!(off < 1e-5, "{name}: {off:e}");
    }
}

#[test]
fn reading_in_parts_gives_the_same_logits_as_reading_at_once() {
    for name in MODELS {
        let (model, _) = load(name, Dtypes::F32);
        let cases = expected(name);
        for chunk in [1, 7] {
            let off = farthest(&run(&model, &cases, chunk), &cases);
            assert!(off < 1e-5, "{name} by {chunk}: {off:e}");
        }
    }
}

#[test]
fn rows_of_a_batch_are_the_rows_alone() {
    for name in MODELS {
        let (model, _) = load(name, Dtypes::F32);
        let cases = expected(name);
        let together = run(&model, &cases, 5);
        for (case, row) in cases.into_iter().zip(&together) {
            let alone = run(&model, std::slice::from_ref(&case), 5);
            let off = alone[0].iter().zip(row).map(|(a, b)| relative(a, b)).fold(0.0, f32::max);
            println!("{name}: {off:e}");
            assert!(off <= 1e-5, "{name}: {off:e}");
        }
    }
}

/// What devices other than the processor take.
#[test]
fn candles_operations_give_the_same_logits() {
    for name in MODELS {
        let (model, _) = load(name, Dtypes { own: false, ..Dtypes::F32 });
        let cases = expected(name);
        for chunk in [usize::MAX, 7] {
            let off = farthest(&run(&model, &cases, chunk), &cases);
            println!("{name} by Candle: {off:e}");
            assert!(off < 1e-5, "{name}: {off:e}");
        }
    }
}

/// To the last bit, so that no answer can depend on who else is served, on the cut of a prompt or on the number of cores.
#[test]
fn a_row_is_the_same_in_any_company_by_any_cut_on_any_number_of_threads() {
    for name in MODELS {
        for form in [Form::F32, Form::Bf16, Form::Q8] {
            let (model, _) = load(name, Dtypes { form, ..Dtypes::F32 });
            let cases = expected(name);
            let by = |threads: usize, chunk: usize, cases: &[Case]| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| run(&model, cases, chunk))
            };
            let together = by(1, 9, &cases);
            assert!(by(3, 9, &cases) == together, "{name} {form:?} on several threads");
            assert!(by(2, 4, &cases) == together, "{name} {form:?} in other pieces");
            for (case, row) in cases.iter().zip(&together) {
                assert!(by(2, 9, std::slice::from_ref(case))[0] == *row, "{name} {form:?} alone");
            }
        }
    }
}

/// Weights and what they meet in 8 bits: bound as files in 8 bits are.
#[test]
fn eight_bits_made_at_loading_stay_within_their_bound() {
    for name in MODELS {
        let expected = read(&format!("{name}/expected.json"));
        let bound = 5.0 * expected["coarse"]["bf16"].as_f64().unwrap() as f32;
        let (model, _) = load(name, Dtypes { form: Form::Q8, ..Dtypes::F32 });
        let cases = cases(&expected);
        let off = farthest(&run(&model, &cases, usize::MAX), &cases);
        println!("{name} in 8 bits: {off:e} of {bound:e}");
        assert!(off < bound, "{name}: {off:e} of {bound:e}");
    }
}

/// The reference is so far from itself: ours may be no farther but for luck, whether it computes in 16 bits or only has its
/// weights in them.
#[test]
fn sixteen_bits_stay_as_near_as_the_reference_librarys() {
    for (dtype, key) in [(DType::F16, "f16"), (DType::BF16, "bf16")] {
        for name in MODELS {
            let expected = read(&format!("{name}/expected.json"));
            let bound = expected["coarse"][key].as_f64().unwrap() as f32;
            let cases = cases(&expected);
            for acts in [DType::F32, dtype] {
                let own = acts == DType::F32;
                let form = if own && dtype == DType::BF16 { Form::Bf16 } else { Form::F32 };
                let (model, _) = load(name, Dtypes { weights: dtype, acts, form, own });
                let off = farthest(&run(&model, &cases, usize::MAX), &cases);
                println!("{name} {key} with activations in {acts:?}: {off:e} (reference {bound:e})");
                assert!(off < 1.5 * bound, "{name} {key} {acts:?}: {off:e} of {bound:e}");
            }
        }
    }
}

const GGUF: [(&str, &str); 2] = [("qwen3.gguf", "qwen3-gguf.json"), ("t5-gguf", "t5-gguf/expected.json")];

#[test]
fn a_gguf_file_unpacked_gives_the_reference_librarys_logits() {
    for (file, expected) in GGUF {
        let files = Files::open(&golden(file)).unwrap();
        let (model, kind) = Model::load(&files, &Device::Cpu, Dtypes::F32, true).unwrap();
        let cases = cases(&read(expected));
        let off = farthest(&run(&model, &cases, 9), &cases);
        println!("{file} unpacked: {off:e}");
        assert!(off < 1e-5, "{file}: {off:e}");
        // The same ends as the folder of the same model.
        let folder = if file == "t5-gguf" { "t5-gated" } else { "qwen3" };
        assert_eq!(kind.ends(), load(folder, Dtypes::F32).1.ends());
    }
}

/// The products take their input in 8 bits too, two fewer than bf16 has with its rounding: five times as far as the reference
/// in bf16 is from itself, on weights that enlarge what is rounded.
#[test]
fn a_gguf_file_in_its_own_bits_stays_within_its_bound() {
    for (file, expected) in GGUF {
        let (model, _) = load(file, Dtypes::F32);
        let expected = read(expected);
        let bound = 5.0 * expected["coarse"]["bf16"].as_f64().unwrap() as f32;
        let cases = cases(&expected);
        let together = run(&model, &cases, 9);
        let off = farthest(&together, &cases);
        println!("{file} in Q8_0: {off:e} of {bound:e}");
        assert!(off < bound, "{file}: {off:e} of {bound:e}");
        for (case, row) in cases.into_iter().zip(&together) {
            let alone = run(&model, std::slice::from_ref(&case), 9);
            let off = alone[0].iter().zip(row).map(|(a, b)| relative(a, b)).fold(0.0, f32::max);
            assert!(off <= 1e-5, "{file} alone: {off:e}");
        }
    }
}
