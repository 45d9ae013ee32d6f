//! What this machine does at best, for `benches/models`: products a second that never leave the registers, by the width of
//! their numbers, and bytes a second that come from memory.
//!
//! ```text
//! roofline     one line of JSON: {"1": {"f32": GFLOP/s, "bf16": …, "int8": …, "read": GB/s}, "2": …} by the number of cores
//! ```
//! A multiplication and an addition are two operations, whatever their width. What the processor has no instruction for is
//! left out. The best of several turns counts, since nothing makes a turn too fast.

use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

const TURNS: usize = 40;
/// More than any cache holds.
const MEMORY: usize = 1 << 28;
/// Steps of a turn, for each of a thread's sums.
const STEPS: usize = 1_000_000;

/// Does so many steps, and says how many operations a step has.
type Kernel = fn(usize) -> usize;

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = vec![1_u64; MEMORY / 8];
    let mut all = Map::new();
    for threads in [1, cores] {
        let mut best = Map::new();
        for (name, kernel) in kernels() {
            let operations = black_box(kernel)(1) * STEPS * threads;
            let took = at_best(threads, |_| {
                black_box(kernel)(STEPS);
            });
            best.insert(name.to_owned(), rate(operations, took));
        }
        let part = memory.len() / threads;
        let took = at_best(threads, |thread| {
            let sum =
                memory[thread * part..][..part].iter().fold(0_u64, |sum, value| sum.wrapping_add(*value));
            black_box(sum);
        });
        best.insert("read".to_owned(), rate(part * threads * 8, took));
        all.insert(threads.to_string(), Value::Object(best));
    }
    println!("{}", Value::Object(all));
}

/// Thousands of millions a second.
fn rate(count: usize, took: Duration) -> Value {
    json!(count as f64 / took.as_secs_f64() / 1e9)
}

/// The shortest time in which all threads did it once.
fn at_best(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let turn = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for thread in 1..threads {
                let work = &work;
                scope.spawn(move || work(thread));
            }
            work(0);
        });
        start.elapsed()
    };
    (0..TURNS).map(|_| turn()).min().unwrap_or_default()
}

#[cfg(not(target_arch = "x86_64"))]
fn kernels() -> Vec<(&'static str, Kernel)> {
    /// Eight sums of four.
    fn plain(steps: usize) -> usize {
        let (a, b) = (black_box([0.5_f32; 32]), black_box([0.25_f32; 32]));
        let mut sums = [0.0_f32; 32];
        for _ in 0..steps {
            for at in 0..32 {
                sums[at] = a[at].mul_add(b[at], sums[at]);
            }
        }
        black_box(sums);
        64
    }
    vec![("f32", plain)]
}

#[cfg(target_arch = "x86_64")]
use x86::kernels;

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![expect(unsafe_code, reason = "each kernel is only had where the processor has its instructions")]

    use super::Kernel;
    use core::arch::x86_64::*;
    use std::hint::black_box;

    /// Sums at once: more than an instruction takes steps to end.
    const SUMS: usize = 12;

    pub fn kernels() -> Vec<(&'static str, Kernel)> {
        let mut all: Vec<(&str, Kernel)> = Vec::new();
        if is_x86_feature_detected!("avx512f") {
            all.push(("f32", |steps| unsafe { wide(steps) }));
            if is_x86_feature_detected!("avx512bf16") {
                all.push(("bf16", |steps| unsafe { halves(steps) }));
            }
            if is_x86_feature_detected!("avx512vnni") {
                all.push(("int8", |steps| unsafe { bytes(steps) }));
            }
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(("f32", |steps| unsafe { narrow(steps) }));
        }
        all
    }

    /// A kernel: `SUMS` sums, each by a step of its own.
    macro_rules! kernel {
        ($name:ident, $features:literal, $of:ident, $zero:expr, $one:expr, $step:expr) => {
            #[target_feature(enable = $features)]
            fn $name(steps: usize) -> usize {
                let (a, b) = (black_box($one), black_box($one));
                let mut sums = [$zero; SUMS];
                for _ in 0..steps {
                    for sum in &mut sums {
                        *sum = $step(*sum, a, b);
                    }
                }
                black_box(sums);
                SUMS * $of
            }
        };
    }

    const WIDE: usize = 32;
    const HALVES: usize = 64;
    const BYTES: usize = 128;
    const NARROW: usize = 16;
    kernel!(wide, "avx512f", WIDE, _mm512_setzero_ps(), _mm512_set1_ps(0.5), |sum, a, b| _mm512_fmadd_ps(
        a, b, sum
    ));
    kernel!(
        halves,
        "avx512f,avx512bf16",
        HALVES,
        _mm512_setzero_ps(),
        _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5), _mm512_set1_ps(0.5)),
        |sum, a, b| _mm512_dpbf16_ps(sum, a, b)
    );
    kernel!(
        bytes,
        "avx512f,avx512vnni",
        BYTES,
        _mm512_setzero_si512(),
        _mm512_set1_epi32(0x0101_0101),
        |sum, a, b| _mm512_dpbusd_epi32(sum, a, b)
    );
    kernel!(narrow, "avx2,fma", NARROW, _mm256_setzero_ps(), _mm256_set1_ps(0.5), |sum, a, b| {
        _mm256_fmadd_ps(a, b, sum)
    });
}
