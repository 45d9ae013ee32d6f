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
//!
//! Models that write have few rows at a time and weights in several forms: for them a [`Matrix`] is laid out, [`multiply`]
//! takes any number of rows to it, and a [`Cache`] keeps keys and values in the same order, so that attention is two
//! such products ([`attend`]).

mod attention;
mod cache;
mod level;
mod matrix;
mod multiply;
mod packed;
pub(crate) mod parts;
mod plain;
pub(crate) mod rows;
mod spread;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_avx2;
#[cfg(target_arch = "x86_64")]
mod tile_x86;
#[cfg(test)]
mod writing_tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use attention::attention;
pub(crate) use cache::{Asking, Cache, Columns, attend};
pub(crate) use level::Level;
pub(crate) use matrix::{BLOCK, Block, Form, Matrix};
pub(crate) use multiply::{Then, multiply, rows_at_once};
pub(crate) use packed::{Packed, Width, product};
pub(crate) use spread::has_bf16;
