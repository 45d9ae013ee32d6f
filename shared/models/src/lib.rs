//! The transformers, behind summarizer's `Backend`: on a processor by kernels of our own, on other devices in Candle's
//! operations. Loads folders, fetches nothing.
//!
//! One thread owns a model and its device ([`MiniLm`]). Requests of many documents wait in its queue while it runs; what has
//! come by then is planned into the next batch, fair between tenants and documents, so batches grow with the load and a lone
//! document never waits for company.
//!
//! [`Writer`] is the same for models that write (T5, Qwen3): there rows join a running batch and leave it at every step.
//! [`Both`] makes one backend of a reader and a writer.

mod attention;
mod bert;
mod both;
mod controls;
mod desk;
mod device;
mod encoder;
mod error;
mod files;
mod folder;
mod generate;
mod kernels;
mod linear;
mod mapped;
mod minilm;
mod model;
mod norm;
mod packed_bert;
#[cfg(test)]
mod parity_tests;
mod precision;
mod qwen3;
mod ran;
mod reader;
mod row;
mod settings;
mod t5;
mod table;
mod text;
mod weights;
mod writer;

pub use both::{Both, Options, open};
pub use controls::Controls;
pub use device::DeviceChoice;
pub use error::ModelError;
pub use generate::Written;
pub use minilm::MiniLm;
pub use precision::Precision;
pub use ran::{Ran, Watch};
pub use writer::{Writer, WriterOptions};
