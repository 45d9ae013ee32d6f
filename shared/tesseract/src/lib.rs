//! Page images to lines, by the Tesseract command line.
//!
//! One page is one short process: it takes one core (`OMP_THREAD_LIMIT=1`, so that pages run side by side
//! instead), has a wall clock, and ends when nobody waits for it any more. A page that comes out badly is
//! looked at again: Tesseract does not turn pages by itself, so its script detection is asked how the page
//! lies, and where that does not know, each way is tried and the best kept.

mod engine;
mod error;
mod languages;
mod tsv;
mod turn;

pub use engine::Engine;
pub use error::OcrError;
pub use languages::{installed_name, to_tesseract};
pub use tsv::{PlacedWord, WordLine};
