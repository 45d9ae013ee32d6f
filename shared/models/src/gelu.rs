//! GELU with its bias, in one pass over all cores.
//!
//! BERT's activation is x·Φ(x), Φ the normal distribution. Candle computes its error function number by
//! number on one thread, which is a fifth of a forward pass on a processor. Here Φ comes from a table by
//! cubic Hermite interpolation, whose slopes are known exactly (the normal density): off by less than
//! 1e-9, far below what an `f32` holds.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::sync::LazyLock;

/// Beyond this Φ is 0 or 1 for an `f32`.
const EDGE: f32 = 6.0;
/// Table entries for one unit of x.
const STEPS: usize = 64;

/// Φ and its slope times the step, at −6, −6 + 1/64, … 6.
static TABLE: LazyLock<Vec<(f32, f32)>> = LazyLock::new(|| {
    let n = 2 * 6 * STEPS;
    let step = 1.0 / STEPS as f64;
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    // Simpson's rule from the middle, where Φ is exactly one half; the error of a step is about 1e-14.
    let mut half = vec![0.5_f64];
    for i in 0..n / 2 {
        let x = i as f64 * step;
        let area = step / 6.0 * (density(x) + 4.0 * density(x + step / 2.0) + density(x + step));
        half.push(half[i] + area);
    }
    (0..=n + 1)
        .map(|i| {
            let at = i.min(n).abs_diff(n / 2);
            let value = if i < n / 2 { 1.0 - half[at] } else { half[at] };
            (value as f32, (density(at as f64 * step) * step) as f32)
        })
        .collect()
});

fn gelu(table: &[(f32, f32)], x: f32) -> f32 {
    if x >= EDGE {
        return x;
    }
    // NaN stays NaN, infinity must not become it.
    if x <= -EDGE {
        return 0.0;
    }
    if x.is_nan() {
        return x;
    }
    let place = (x + EDGE) * STEPS as f32;
    let index = place as usize;
    let t = place - index as f32;
    let ((a, da), (b, db)) = (table[index], table[index + 1]);
    let (c, d) = (3.0 * (b - a) - 2.0 * da - db, 2.0 * (a - b) + da + db);
    x * (a + t * (da + t * (c + t * d)))
}

struct BiasGelu;

impl CustomOp2 for BiasGelu {
    fn name(&self) -> &'static str {
        "bias-gelu"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        at: &Layout,
        bias: &CpuStorage,
        bias_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (Some((from, to)), Some((start, end))) = (at.contiguous_offsets(), bias_at.contiguous_offsets())
        else {
            bail!("bias-gelu wants contiguous tensors")
        };
        let (xs, bias) = (&xs.as_slice::<f32>()?[from..to], &bias.as_slice::<f32>()?[start..end]);
        let table = TABLE.as_slice();
        let mut out = vec![0_f32; xs.len()];
        out.par_chunks_mut(bias.len() * 8).zip(xs.par_chunks(bias.len() * 8)).for_each(|(out, xs)| {
            for (out, xs) in out.chunks_mut(bias.len()).zip(xs.chunks(bias.len())) {
                for ((out, x), b) in out.iter_mut().zip(xs).zip(bias) {
                    *out = gelu(table, x + b);
                }
            }
        });
        Ok((CpuStorage::F32(out), at.shape().clone()))
    }
}

/// gelu(xs + bias); `bias` is as long as the last dimension of `xs`.
pub(crate) fn bias_gelu(xs: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if xs.device().is_cpu() && xs.dtype() == DType::F32 && bias.elem_count() > 0 {
        return xs.contiguous()?.apply_op2_no_bwd(&bias.contiguous()?, &BiasGelu);
    }
    xs.broadcast_add(bias)?.gelu_erf()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn it_is_candles_own_gelu_to_the_last_digits() {
        let values: Vec<f32> =
            (-8000..8000).map(|i| i as f32 / 1000.0).chain([f32::MIN, f32::MAX, 1e-30, 0.0]).collect();
        let n = values.len();
        let xs = Tensor::from_vec(values, (n / 4, 4), &Device::Cpu).unwrap();
        let bias = Tensor::new(&[0.0_f32, 0.25, -0.5, 1.0], &Device::Cpu).unwrap();
        let ours: Vec<f32> = bias_gelu(&xs, &bias).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let want: Vec<f32> =
            xs.broadcast_add(&bias).unwrap().gelu_erf().unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for (a, b) in ours.iter().zip(&want) {
            assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        assert!(gelu(&TABLE, f32::NAN).is_nan());
        assert_eq!(gelu(&TABLE, -7.0), 0.0);
    }
}
