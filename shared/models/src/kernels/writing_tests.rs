//! Products with weights in every form, and attention over a cache: every level against plain sums in double precision, on
//! shapes that fill neither tiles nor panels nor blocks.

use super::{Asking, BLOCK, Block, Cache, Columns, Form, Level, Matrix, Then, attend, multiply, parts};
use half::{bf16, f16};

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
    // NaN is not less than anything.
    let off = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs());
    off.fold(0.0, |most, off| if off <= most { most } else { off })
}

/// What a form makes of rows that go in: 8 bits for each block where weights are in bits.
fn rounded(form: Form, values: &[f32], inputs: usize) -> Vec<f64> {
    let block = |block: &[f32]| {
        let scale = block.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0;
        let per = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        block.iter().map(|x| f64::from(scale) * f64::from((x * per).round_ties_even())).collect::<Vec<_>>()
    };
    match form {
        Form::F32 => values.iter().map(|x| f64::from(*x)).collect(),
        Form::Bf16 => values.iter().map(|x| bf16::from_f32(*x).to_f64()).collect(),
        Form::Q8 | Form::Q4 => {
            values.chunks(inputs).flat_map(|row| row.chunks(BLOCK).flat_map(block)).collect()
        }
    }
}

/// A matrix with the numbers that it stands for.
fn matrix(form: Form, outputs: usize, inputs: usize) -> (Matrix, Vec<f64>) {
    let values = numbers(outputs * inputs, 2);
    let row = |at: usize, out: &mut [f32]| out.copy_from_slice(&values[at * inputs..][..inputs]);
    match form {
        Form::F32 | Form::Bf16 => (Matrix::new(form, outputs, inputs, row), rounded(form, &values, inputs)),
        Form::Q8 => {
            let stands = values.chunks(inputs).flat_map(|row| {
                row.chunks(BLOCK).flat_map(|some| {
                    let block = Block::nearest(some);
                    let one = |quant: &u8| block.scale.to_f64() * (f64::from(*quant) - 128.0);
                    block.quants[..some.len()].iter().map(one).collect::<Vec<_>>()
                })
            });
            (Matrix::new(form, outputs, inputs, row), stands.collect())
        }
        Form::Q4 => {
            let block = |output: usize, step: usize| {
                let at = |n: usize| values[(output * inputs + step * BLOCK + n) % values.len()].abs();
                let quants = std::array::from_fn(|n| (at(n) * 15.9) as u8);
                Block { scale: f16::from_f32(at(0) / 10.0), least: f16::from_f32(at(1) / 2.0), quants }
            };
            let mut stands = Vec::new();
            for output in 0..outputs {
                for input in 0..inputs {
                    let block = block(output, input / BLOCK);
                    let quant = f64::from(block.quants[input % BLOCK]);
                    stands.push(block.scale.to_f64() * quant - block.least.to_f64());
                }
            }
            (Matrix::of_blocks(form, outputs, inputs, block), stands)
        }
    }
}

const FORMS: [Form; 4] = [Form::F32, Form::Bf16, Form::Q8, Form::Q4];

#[test]
fn a_product_is_the_sum_of_products_in_every_form_at_every_level() {
    let shapes =
        [(1, 32, 32), (2, 64, 300), (3, 96, 31), (5, 32, 65), (8, 256, 40), (13, 160, 130), (40, 64, 33)];
    for (rows, inputs, outputs) in shapes {
        // Blocks of 4 bits are always whole; of the other forms the last step need not be.
        for (form, inputs) in FORMS.map(|form| (form, if form == Form::Q4 { inputs } else { inputs - 5 })) {
            let (weights, stands) = matrix(form, outputs, inputs);
            let x = numbers(rows * inputs, 1);
            let rounded = rounded(form, &x, inputs);
            let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
            let want: Vec<f64> = rounded
                .chunks(inputs)
                .flat_map(|x| stands.chunks(inputs).map(|w| dot(x, w)).collect::<Vec<_>>())
                .collect();
            for level in Level::all() {
                let mut out = vec![f32::NAN; rows * outputs];
                multiply(level, &x, &weights, Then::Set, &mut out);
                let off = farthest(&out, &want);
                assert!(off < 2e-4, "{level:?} {form:?} {rows}x{inputs}x{outputs}: {off}");
                let mut twice = out.clone();
                multiply(level, &x, &weights, Then::Add, &mut twice);
                assert!(twice.iter().zip(&out).all(|(twice, once)| *twice == once + once));
            }
        }
    }
}

#[test]
fn a_row_comes_to_the_same_to_the_last_bit_in_any_company() {
    let (inputs, outputs) = (96, 200);
    let x = numbers(14 * inputs, 1);
    for form in FORMS {
        let (weights, _) = matrix(form, outputs, inputs);
        for level in Level::all() {
            let mut alone = vec![0.0; outputs];
            multiply(level, &x[..inputs], &weights, Then::Set, &mut alone);
            for rows in 2..=14 {
                let mut out = vec![0.0; rows * outputs];
                multiply(level, &x[..rows * inputs], &weights, Then::Set, &mut out);
                assert!(out[..outputs] == alone, "{level:?} {form:?} {rows}");
            }
        }
    }
}

#[test]
fn one_thread_and_several_come_to_the_same() {
    let (rows, inputs, outputs) = (30, 256, 3000);
    let x = numbers(rows * inputs, 1);
    for form in FORMS {
        let (weights, _) = matrix(form, outputs, inputs);
        let by = |threads: usize, rows: usize| {
            let mut out = vec![0.0; rows * outputs];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let x = &x[..rows * inputs];
            pool.install(|| multiply(Level::best(), x, &weights, Then::Set, &mut out));
            out
        };
        for rows in [1, 7, rows] {
            assert!(by(1, rows) == by(5, rows), "{form:?} {rows}");
        }
    }
}

#[test]
fn what_is_no_number_comes_through_in_every_form() {
    let inputs = 64;
    for form in FORMS {
        let (weights, _) = matrix(form, 3, inputs);
        for level in Level::all() {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut x = numbers(2 * inputs, 1);
                x[40] = bad;
                let mut out = [0.0; 6];
                multiply(level, &x, &weights, Then::Set, &mut out);
                assert!(out[..3].iter().all(|x| !x.is_finite()), "{form:?} {level:?} {out:?}");
                assert!(out[3..].iter().all(|x| x.is_finite()), "{form:?} {level:?} {out:?}");
            }
        }
    }
    let bad = |_: usize, out: &mut [f32]| out.fill(f32::NAN);
    let mut out = [0.0];
    multiply(Level::best(), &[1.0; 40], &Matrix::new(Form::Q8, 1, 40, bad), Then::Set, &mut out);
    assert!(out[0].is_nan());
}

/// Attention of the last `count` of `length` tokens, in double precision.
struct Plain<'a> {
    qkv: &'a [f32],
    heads: usize,
    owners: usize,
    dim: usize,
}

impl Plain<'_> {
    fn at(&self, token: usize, column: usize) -> f64 {
        f64::from(self.qkv[token * (self.heads + 2 * self.owners) * self.dim + column])
    }

    /// `bias` of head, query and key is added to a score.
    fn attend(&self, query: usize, seen: usize, bias: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
        let (heads, owners, dim) = (self.heads, self.owners, self.dim);
        let mut out = Vec::new();
        for head in 0..heads {
            let owner = head / (heads / owners);
            let (key, value) = ((heads + owner) * dim, (heads + owners + owner) * dim);
            let score = |token| {
                (0..dim).map(|d| self.at(query, head * dim + d) * self.at(token, key + d)).sum::<f64>()
            };
            let scores: Vec<f64> =
                (0..seen).map(|token| (score(token) + bias(head, query, token)).exp()).collect();
            let all: f64 = scores.iter().sum();
            for d in 0..dim {
                let mix =
                    scores.iter().enumerate().map(|(token, score)| score / all * self.at(token, value + d));
                out.push(mix.sum());
            }
        }
        out
    }
}

#[test]
fn attention_over_a_cache_weighs_the_values_of_what_a_query_sees() {
    for (heads, owners, dim, length, piece) in
        [(2, 2, 8, 5, 5), (4, 2, 16, 70, 1), (6, 6, 64, 40, 7), (4, 1, 40, 33, 33), (3, 3, 33, 100, 25)]
    {
        let width = (heads + 2 * owners) * dim;
        let qkv = numbers(length * width, 7);
        let plain = Plain { qkv: &qkv, heads, owners, dim };
        let slope =
            |head: usize, query: usize, key: usize| (head + 1) as f64 * 0.01 * (key as f64 - query as f64);
        let bias = |head: usize, query: usize, scores: &mut [f32]| {
            scores.iter_mut().enumerate().for_each(|(key, score)| *score += slope(head, query, key) as f32);
        };
        let part = |from| Columns { rows: &qkv, width, from };
        for (form, most) in [(Form::F32, 2e-6), (Form::Bf16, 0.05)] {
            for level in Level::all() {
                let mut cache = Cache::room(form, owners, length + 3, dim);
                let mut out = vec![f32::NAN; length * heads * dim];
                for at in (0..length).step_by(piece) {
                    let count = piece.min(length - at);
                    cache.put(at, at, count, part(heads * dim), part((heads + owners) * dim));
                    let asking = Asking { cache: &cache, row: at, count, length: at + count, causal: true };
                    attend(level, part(0), heads, &[asking], Some(&bias), &mut out);
                }
                let want: Vec<f64> = (0..length).flat_map(|at| plain.attend(at, at + 1, slope)).collect();
                let off = farthest(&out, &want);
                assert!(
                    off < most,
                    "{level:?} {form:?} {heads}/{owners} of {dim}, {length} by {piece}: {off}"
                );
                // Of everything, without a bias, after some tokens were written that do not count.
                cache.put(length, 0, 3, part(heads * dim), part((heads + owners) * dim));
                let asking = [Asking { cache: &cache, row: 0, count: length, length, causal: false }];
                attend(level, part(0), heads, &asking, None, &mut out);
                let want: Vec<f64> =
                    (0..length).flat_map(|at| plain.attend(at, length, |_, _, _| 0.0)).collect();
                let off = farthest(&out, &want);
                assert!(off < most, "{level:?} {form:?} whole: {off}");
            }
        }
    }
}

#[test]
fn attention_comes_to_the_same_however_a_prompt_is_cut() {
    let (heads, owners, dim, length) = (4, 2, 32, 50);
    let width = (heads + 2 * owners) * dim;
    let qkv = numbers(length * width, 3);
    let part = |from| Columns { rows: &qkv, width, from };
    for form in [Form::F32, Form::Bf16] {
        for level in Level::all() {
            let by = |piece: usize| {
                let mut cache = Cache::room(form, owners, length, dim);
                let mut out = vec![f32::NAN; length * heads * dim];
                for at in (0..length).step_by(piece) {
                    let count = piece.min(length - at);
                    cache.put(at, at, count, part(heads * dim), part((heads + owners) * dim));
                    let asking = Asking { cache: &cache, row: at, count, length: at + count, causal: true };
                    attend(level, part(0), heads, &[asking], None, &mut out);
                }
                out
            };
            let whole = by(length);
            for piece in [1, 7] {
                assert!(by(piece) == whole, "{level:?} {form:?} {piece}");
            }
        }
    }
}

#[test]
fn norms_turns_and_gates_are_what_their_formulas_say() {
    let (width, half) = (40, 20);
    let (x, gain, angles) = (numbers(3 * width, 5), numbers(width, 7), numbers(half, 8));
    let scale = |row: &[f32]| {
        let squares: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
        1.0 / (squares / width as f64 + 1e-6).sqrt()
    };
    let normed: Vec<f64> = x
        .chunks(width)
        .flat_map(|row| {
            row.iter().zip(&gain).map(|(x, g)| f64::from(*x) * scale(row) * f64::from(*g)).collect::<Vec<_>>()
        })
        .collect();
    let turned: Vec<f64> = normed
        .chunks(width)
        .flat_map(|row| {
            let one = |at: usize| {
                let (sin, cos) = f64::from(angles[at % half]).sin_cos();
                let other = row[(at + half) % width];
                0.5 * (row[at] * cos + if at < half { -other * sin } else { other * sin })
            };
            (0..width).map(one).collect::<Vec<_>>()
        })
        .collect();
    let wide: Vec<f32> = x.iter().map(|x| x * 20.0).collect();
    let gated = |of: fn(f64) -> f64| -> Vec<f64> {
        wide.iter().zip(&x).map(|(gate, other)| of(f64::from(*gate)) * f64::from(*other)).collect()
    };
    let silu = gated(|x| x / (1.0 + (-x).exp()));
    let gelu = gated(|x| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x.powi(3))).tanh()));
    let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|angle| (angle.cos(), angle.sin())).unzip();
    for level in Level::all() {
        let mut out = vec![0.0; x.len()];
        parts::rms_norm(level, &x, &gain, 1e-6, &mut out);
        assert!(farthest(&out, &normed) < 1e-6, "{level:?}");
        let mut heads = x.clone();
        parts::turn(level, &mut heads, &gain, 1e-6, &cos, &sin, 0.5);
        assert!(farthest(&heads, &turned) < 1e-6, "{level:?}");
        parts::silu_times(level, &wide, &x, &mut out);
        assert!(farthest(&out, &silu) < 3e-6, "{level:?}: {}", farthest(&out, &silu));
        parts::gelu_times(level, &wide, &x, &mut out);
        assert!(farthest(&out, &gelu) < 3e-6, "{level:?}: {}", farthest(&out, &gelu));
        let mut scores = wide.clone();
        parts::softmax(level, &mut scores);
        let all: f64 = wide.iter().map(|x| f64::from(*x).exp()).sum();
        let want: Vec<f64> = wide.iter().map(|x| f64::from(*x).exp() / all).collect();
        assert!(farthest(&scores, &want) < 1e-6, "{level:?}");
    }
}
