//! Sentences of texts, for `benches/segmentation`: JSON strings in, a line each; arrays of strings out.

use std::io::{BufWriter, Write};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lines() {
        let text: String = serde_json::from_str(&line?)?;
        writeln!(out, "{}", serde_json::json!(precis_summarizer::sentences(&text)))?;
    }
    out.flush()
}
