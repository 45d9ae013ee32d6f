//! What a transformer computes on a processor, by hand.
//!
//! A library's matrix product takes its operands as they lie; most of a short product's time then goes into copying
//! the weights into the order in which the processor wants them, anew at each call. Here the weights are laid out once,
//! when the model is loaded ([`Packed`]), and rows are taken as they lie. Everything works on rows one behind the other:
//! the tokens of a batch, of all its texts, without any padding between them.
//!
//! Numbers enter a product in one of three widths ([`Width`]); what comes out, and all between the products, is in single
//! precision. A row's result does not depend on which rows are computed beside it, nor on how many threads there are: it is
//! the same to the last bit.
//!
//! The instructions are chosen when the program runs ([`Level`]). What is not a matrix product is plain Rust, compiled
//! once for each level ([`rows`]); the inner loop of a product is written out for each ([`x86`]), with a plain one
//! beside it that every other processor takes and that the others are tested against.
//!
//! Threads are those of Rayon's one pool, as many as the process has cores, whichever model asks: two models at work at
//! once share them and do not come to twice as many. No thread of the async runtime computes; callers wait for a message.
//!
//! Models that write have few rows at a time and weights in several forms: for them a [`Matrix`] is laid out, [`multiply`]
//! takes any number of rows to it, and a [`Cache`] keeps keys and values in the same order, so that attention is two
//! such products ([`attend`]).

mod activations;
mod attention;
mod cache;
mod inner;
mod level;
mod matrix;
mod multiply;
mod packed;
mod panels;
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

pub(crate) use activations::{gelu, gelu_near, gelu_tanh, rectified, relu};
pub(crate) use attention::attention;
pub(crate) use cache::{Asking, Cache, Columns, attend};
pub(crate) use level::Level;
pub(crate) use matrix::{BLOCK, Block, Form, Matrix};
pub(crate) use multiply::{Then, multiply, rows_at_once};
pub(crate) use packed::{Packed, feed_forward, product};
pub(crate) use panels::Width;
pub(crate) use spread::has_bf16;
