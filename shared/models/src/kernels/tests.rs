//! Every level against plain sums in double precision, on shapes that fill neither tiles nor panels.

use super::{Level, Packed, Width, attention, feed_forward, gelu, gelu_near, gelu_tanh, product, relu, rows};
use candle_core::{DType, Device, Tensor};

/// Numbers between −1 and 1, the same for the same seed.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn farthest(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

fn wanted(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let inputs = weight.len() / bias.len();
    let dot = |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
    let of_row = |x: &[f32]| {
        weight.chunks_exact(inputs).zip(bias).map(|(w, b)| dot(x, w) + f64::from(*b)).collect::<Vec<_>>()
    };
    x.chunks_exact(inputs).flat_map(of_row).collect()
}

/// Rounded to `bfloat16`, by way of the type that Candle brings.
fn rounded(values: &[f32]) -> Vec<f32> {
    let tensor = Tensor::new(values, &Device::Cpu).unwrap();
    tensor.to_dtype(DType::BF16).unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

/// Rows, inputs, outputs.
const SHAPES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (12, 32, 32), (13, 7, 33), (25, 384, 40), (230, 65, 96), (3, 128, 31), (20, 1536, 64)];

#[test]
fn a_product_is_the_sum_of_products_at_every_level_and_width() {
    for (rows, inputs, outputs) in SHAPES {
        let (x, weight) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
        let bias = numbers(outputs, 3);
        for width in [Width::F32, Width::Bf16] {
            let packed = Packed::new(&weight, bias.clone(), width);
            let want = match width {
                Width::Bf16 => wanted(&rounded(&x), &rounded(&weight), &bias),
                _ => wanted(&x, &weight, &bias),
            };
            for level in Level::all() {
                let mut out = vec![f32::NAN; rows * outputs];
                product(level, &x, &packed, None, &mut out);
                let off = farthest(&out, &want);
                let most = if inputs > 1000 { 1e-4 } else { 2e-5 };
                assert!(off < most, "{level:?} {width:?} {rows}x{inputs}x{outputs}: {off}");
            }
        }
    }
    let packed = Packed::new(&numbers(6, 1), numbers(2, 1), Width::F32);
    product(Level::best(), &[], &packed, None, &mut []);
}

/// Half a step of each number times the other number, and the halves times each other.
#[test]
fn a_product_in_8_bits_is_off_by_no_more_than_half_steps_and_the_same_at_every_level() {
    let width = |values: &[f32], from: f32| {
        let (low, high) = values.iter().fold((from, from), |(a, b), x| (x.min(a), x.max(b)));
        (f64::from(high), f64::from(low))
    };
    for (rows, inputs, outputs) in SHAPES {
        let (mut x, weight) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
        // Lopsided, as what comes out of an activation.
        x.iter_mut().for_each(|x| *x = (*x + 0.8) * 3.0);
        let bias = numbers(outputs, 3);
        let want = wanted(&x, &weight, &bias);
        let packed = Packed::new(&weight, bias, Width::Int8);
        let mut plain = vec![f32::NAN; rows * outputs];
        product(Level::Plain, &x, &packed, None, &mut plain);
        for (row, x) in x.chunks(inputs).enumerate() {
            let (high, low) = width(x, 0.0);
            let step = (high - low) / 255.0;
            for (output, weight) in weight.chunks(inputs).enumerate() {
                let (high, low) = width(weight, 0.0);
                let other = high.max(-low) / 127.0;
                let of = |x: f32, w: f32| {
                    f64::from(w.abs()) * step / 2.0 + f64::from(x.abs()) * other / 2.0 + step * other / 4.0
                };
                let most: f64 = x.iter().zip(weight).map(|(x, w)| of(*x, *w)).sum();
                let off = (f64::from(plain[row * outputs + output]) - want[row * outputs + output]).abs();
                assert!(off <= most * 1.001 + 1e-6, "{rows}x{inputs}x{outputs}: {off} of {most}");
            }
        }
        for level in Level::all() {
            let mut out = vec![f32::NAN; rows * outputs];
            product(level, &x, &packed, None, &mut out);
            assert_eq!(out, plain, "{level:?} {rows}x{inputs}x{outputs}");
        }
    }
}

#[test]
fn a_row_gives_the_same_bits_in_whatever_rows_it_lies() {
    let (rows, inputs, outputs) = (31, 77, 40);
    let (x, weight) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
    for width in [Width::F32, Width::Bf16, Width::Int8] {
        let packed = Packed::new(&weight, numbers(outputs, 3), width);
        for level in Level::all() {
            let mut all = vec![f32::NAN; rows * outputs];
            product(level, &x, &packed, Some(gelu_near), &mut all);
            for (x, all) in x.chunks(inputs).zip(all.chunks(outputs)) {
                let mut alone = vec![f32::NAN; outputs];
                product(level, x, &packed, Some(gelu_near), &mut alone);
                assert_eq!(alone, all, "{level:?} {width:?}");
            }
        }
    }
}

#[test]
fn two_products_in_one_give_the_bits_of_one_after_the_other() {
    let (rows, inputs, wide) = (31, 20, 77);
    let x = numbers(rows * inputs, 1);
    for width in [Width::F32, Width::Bf16, Width::Int8] {
        let first = Packed::new(&numbers(wide * inputs, 2), numbers(wide, 3), width);
        let second = Packed::new(&numbers(inputs * wide, 4), numbers(inputs, 5), width);
        for level in Level::all() {
            let mut inner = vec![f32::NAN; rows * wide];
            product(level, &x, &first, Some(gelu_near), &mut inner);
            let mut want = vec![f32::NAN; rows * inputs];
            product(level, &inner, &second, None, &mut want);
            let mut out = vec![f32::NAN; rows * inputs];
            feed_forward(level, &x, (&first, gelu_near, &second), &mut out);
            assert_eq!(out, want, "{level:?} {width:?}");
        }
    }
}

#[test]
fn what_is_no_number_and_what_is_without_end_comes_through() {
    for width in [Width::F32, Width::Bf16, Width::Int8] {
        let packed = Packed::new(&[1.0, 1.0], vec![0.0], width);
        for level in Level::all() {
            let mut out = [0.0; 4];
            let x = [f32::NAN, 1.0, f32::INFINITY, 1.0, -f32::NAN, 1.0, 0.0, 0.0];
            product(level, &x, &packed, None, &mut out);
            assert!(out[0].is_nan() && !out[1].is_finite() && out[2].is_nan(), "{level:?} {out:?}");
            assert_eq!(out[3], 0.0);
            assert!(width == Width::Int8 || out[1] == f32::INFINITY, "{level:?} {out:?}");
        }
    }
}

#[test]
fn activations_are_those_of_the_reference_library() {
    let mut x = numbers(999, 4);
    x.iter_mut().for_each(|x| *x *= 12.0);
    x.extend([0.0, -0.0, 40.0, -40.0, 1e-20, -100.0, 300.0]);
    let tensor = Tensor::new(x.as_slice(), &Device::Cpu).unwrap();
    let double = tensor.to_dtype(DType::F64).unwrap();
    let erf: Vec<f64> = double.gelu_erf().unwrap().to_vec1().unwrap();
    let tanh: Vec<f64> = double.gelu().unwrap().to_vec1().unwrap();
    for level in Level::all() {
        let mut out = x.clone();
        gelu(level, &mut out);
        assert!(farthest(&out, &erf) < 1.5e-6, "{level:?}: {}", farthest(&out, &erf));
        let mut out = x.clone();
        gelu_near(level, &mut out);
        for ((x, out), want) in x.iter().zip(&out).zip(&erf) {
            let most = 1.5e-5 + if x.abs() > 4.0 { 3.2e-5 * f64::from(x.abs()) } else { 0.0 };
            assert!((f64::from(*out) - want).abs() <= most, "{level:?}: {x} gives {out}, not {want}");
        }
        let mut out = x.clone();
        gelu_tanh(level, &mut out);
        assert!(farthest(&out, &tanh) < 1.5e-6, "{level:?}: {}", farthest(&out, &tanh));
        let mut out = vec![-1.0, 2.0, -0.0];
        relu(level, &mut out);
        assert_eq!(out, [0.0, 2.0, 0.0]);
        // What is no number is found out at the end, and must come through to there.
        for activation in [gelu, gelu_near, gelu_tanh, relu] {
            let mut out = vec![1.0; 40];
            out[7] = f32::NAN;
            activation(level, &mut out);
            assert!(out[7].is_nan() && out[8].is_finite(), "{level:?}");
        }
    }
}

#[test]
fn a_row_is_added_and_normalised() {
    let width = 40;
    let (values, other) = (numbers(3 * width, 5), numbers(3 * width, 6));
    let (gain, shift) = (numbers(width, 7), numbers(width, 8));
    let want: Vec<f64> = values
        .chunks(width)
        .zip(other.chunks(width))
        .flat_map(|(values, other)| {
            let sum: Vec<f64> =
                values.iter().zip(other).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
            let mean = sum.iter().sum::<f64>() / width as f64;
            let variance = sum.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let one = |(at, x): (usize, &f64)| {
                (x - mean) / (variance + 1e-12).sqrt() * f64::from(gain[at]) + f64::from(shift[at])
            };
            sum.iter().enumerate().map(one).collect::<Vec<_>>()
        })
        .collect();
    for level in Level::all() {
        let mut out = values.clone();
        rows::add_norm(level, &mut out, &other, &gain, &shift, 1e-12);
        assert!(farthest(&out, &want) < 1e-5, "{level:?}");
    }
}

#[test]
fn attention_weighs_the_values_of_each_head_by_the_likeness_of_its_keys() {
    let heads = 3;
    for (tokens, size) in [(1, 4), (7, 8), (50, 32)] {
        let hidden = heads * size;
        let mut qkv = numbers(tokens * 3 * hidden, 9);
        qkv.iter_mut().for_each(|x| *x *= 3.0);
        let at = |token: usize, which: usize, head: usize, place: usize| {
            f64::from(qkv[token * 3 * hidden + which * hidden + head * size + place])
        };
        let mut want = vec![0.0; tokens * hidden];
        for head in 0..heads {
            for token in 0..tokens {
                let score =
                    |other| (0..size).map(|d| at(token, 0, head, d) * at(other, 1, head, d)).sum::<f64>();
                let scores: Vec<f64> = (0..tokens).map(|other| f64::exp(score(other))).collect();
                let total: f64 = scores.iter().sum();
                for place in 0..size {
                    let mix: f64 =
                        (0..tokens).map(|other| scores[other] / total * at(other, 2, head, place)).sum();
                    want[token * hidden + head * size + place] = mix;
                }
            }
        }
        for level in Level::all() {
            let mut out = vec![f32::NAN; tokens * hidden];
            attention(level, &qkv, tokens, heads, &mut out);
            assert!(farthest(&out, &want) < 1e-5, "{level:?} {tokens} tokens: {}", farthest(&out, &want));
        }
    }
}
