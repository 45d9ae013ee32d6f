//! Bytes to pages and lines, for every format: the hostile-input boundary.
//!
//! Whoever sends a document decides every byte of it, and the parsers below are large. So nothing outside
//! this crate ever parses a document, and the crate itself does it in a child process ([`read`]) that has
//! little memory, little time, no environment and, where the kernel knows how, no right to any file but its
//! own folder. A hostile file costs one rejected job.
//!
//! What comes out is the same for all formats: pages of lines in reading order ([`domain::text`]), or, page
//! by page, a picture of the page when the file itself holds no good text ([`PageReading::NeedsOcr`]).
//! [`ocr_rule`] says when.

pub mod child;
mod docx;
mod error;
mod flow;
pub mod furniture;
mod html;
pub mod hyphens;
mod kind;
mod limits;
mod mail;
mod markdown;
pub mod ocr_rule;
mod package;
mod pdf;
mod pictures;
mod plain;
mod raster;
mod reader;
mod reading;
mod text;
mod tiffs;
pub mod words;

pub use child::{ReaderProgram, read};
pub use error::ReadError;
pub use kind::{Kind, detect};
pub use limits::Limits;
pub use pictures::{Picture, paint_pages};
pub use reader::{READER, read_in_process};
pub use reading::{PageReading, Reading, Why};
