//! Notify: says how a document ended, to people (e-mail, Markdown) and to programs (JSON), once.
//!
//! Rendering is pure and apart from telling. Whatever comes from a document or its key is hostile: [`clean`]
//! takes away what characters do, [`body`] keeps the document's lines apart from ours, [`mod@markdown`] escapes
//! every mark. [`step`] reads the job and its result, renders and publishes.

pub mod body;
pub mod causes;
pub mod clean;
pub mod digest;
mod facts;
pub mod links;
pub mod mail;
pub mod many;
pub mod markdown;
pub mod render;
pub mod report;
pub mod step;
pub mod subject;
pub mod wrap;

pub use body::text_result;
pub use digest::Rule;
pub use links::Links;
pub use markdown::markdown;
pub use render::render;
pub use report::report;
pub use step::{Echo, NotifyStep};
