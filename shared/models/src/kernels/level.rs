//! Which instructions this processor has.

use std::sync::LazyLock;

/// Sets of instructions, the fastest last. A level is only ever had from [`Level::best`] or [`Level::all`], which ask
/// the processor: so whoever holds one may use its instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Whatever the program was compiled for.
    Plain,
    /// AVX2 and FMA: 8 numbers at once.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512: 16 numbers at once.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 with VNNI: products of four bytes.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// The same with BF16: products of pairs of `bfloat16`.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Level {
    /// Those that this processor has, ascending.
    pub(crate) fn all() -> Vec<Self> {
        let mut levels = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f") {
                    levels.push(Self::Avx512);
                    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni") {
                        levels.push(Self::Avx512Vnni);
                        if is_x86_feature_detected!("avx512bf16") {
                            levels.push(Self::Avx512Bf16);
                        }
                    }
                }
            }
        }
        levels
    }

    /// The fastest that this processor has.
    pub(crate) fn best() -> Self {
        static BEST: LazyLock<Level> = LazyLock::new(|| *Level::all().last().unwrap_or(&Level::Plain));
        *BEST
    }
}

/// Compiles a plain function once for each level, and takes the one that was asked for.
macro_rules! levels {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),* $(,)?) = $plain:path;) => {
        $(#[$doc])*
        pub(crate) fn $name(level: Level, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) {
                    $plain($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,avx512f")]
                fn avx512($($arg: $kind),*) {
                    $plain($($arg),*)
                }
                #[expect(unsafe_code, reason = "a level is only had where the processor has its instructions")]
                match level {
                    Level::Plain => {}
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Avx512 | Level::Avx512Vnni | Level::Avx512Bf16 => return unsafe { avx512($($arg),*) },
                }
            }
            let _ = level;
            $plain($($arg),*)
        }
    };
}
pub(super) use levels;
