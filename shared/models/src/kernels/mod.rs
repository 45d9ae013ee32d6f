//! What a transformer computes on a processor, by hand.
//!
//! A library's matrix product takes its operands as they lie; most of a short product's time then goes into copying
//! the weights into the order in which the processor wants them, anew at each call. Here the weights are copied once,
//! when the model is loaded ([`Packed`]), and each product copies its few rows alone. Everything works on rows that lie
//! one behind the other: the tokens of a batch, of all its texts, without any padding between them.
//!
//! The instructions are chosen when the program runs ([`Level`]). What is not a matrix product is plain Rust, compiled
//! once for each level ([`rows`]); the inner loop of a product is written out for each ([`x86`]), with a plain one
//! beside it that every other processor takes and that the others are tested against.

mod attention;
mod level;
mod packed;
mod plain;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use attention::attention;
pub(crate) use level::Level;
pub(crate) use packed::{Packed, Width, product};
