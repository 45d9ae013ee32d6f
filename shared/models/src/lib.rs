//! The transformers, in Candle, behind summarizer's `Backend`. Loads folders, fetches nothing.
//!
//! One thread owns a model and its device ([`MiniLm`]). Requests of many documents wait in its queue
//! while it runs; what has gathered by then becomes the next batch, so batches grow with the load and a
//! lone document never waits for company.

mod bert;
mod device;
mod encoder;
mod error;
mod folder;
mod gelu;
mod minilm;
mod worker;

pub use device::DeviceChoice;
pub use error::ModelError;
pub use minilm::MiniLm;
