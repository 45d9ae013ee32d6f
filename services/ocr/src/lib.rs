//! The step that costs: read the pages whose text the file does not hold, and only those.
//!
//! [`handler`] does a job's work. Each page has its own artifacts (image in, lines out), so a worker that dies in
//! the middle of a long scan loses at most the pages in its hands, and a retry reads only what is missing. Pages
//! go to the engine in *parts*: one page each where it answers at once, many where it works between visits; such
//! work is written down on the job, and [`completed`] goes on with the job when the engine says that it is done.
//! What a place may spend in a month is taken before each call (`pay`), so that a cap holds whoever dies in between.

pub mod completed;
pub mod config;
pub mod handler;
mod pages;
mod part;
mod pay;

pub use completed::Completed;
pub use config::Config;
pub use handler::OcrStep;
