//! Comma-separated values as RFC 4180 has them: fields that may stand in quotes, within which a quote is doubled and a line
//! may break. Written here since a crate for it would have every other crate of the house compiled anew.

use std::io::{self, BufRead};

/// The longest record. A key has 1,024 bytes; what is longer is no inventory.
const LONGEST: usize = 1 << 20;

/// Reads records one after the other.
pub struct Csv<R> {
    from: R,
}

impl<R: BufRead> Csv<R> {
    /// Of this text.
    pub fn new(from: R) -> Self {
        Self { from }
    }

    /// The next record's fields; `None` at the end.
    pub fn record(&mut self) -> io::Result<Option<Vec<String>>> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut text = Vec::new();
        loop {
            let before = text.len();
            self.from.read_until(b'\n', &mut text)?;
            if text.is_empty() {
                return Ok(None);
            }
            // Quotes come in pairs: an odd one says that the line break is within a field.
            let is_whole = text.iter().filter(|byte| **byte == b'"').count() % 2 == 0;
            match (is_whole, text.len() == before) {
                (true, _) => break,
                (false, true) => return Err(wrong("a quote is never closed")),
                (false, false) if text.len() > LONGEST => {
                    return Err(wrong("a record is longer than a megabyte"));
                }
                (false, false) => {}
            }
        }
        let text = String::from_utf8(text).map_err(|_| wrong("it is not UTF-8"))?;
        Ok(Some(fields(text.trim_end_matches(['\r', '\n']))))
    }
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Vec<Vec<String>>> {
        let mut csv = Csv::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(record) = csv.record()? {
            all.push(record);
        }
        Ok(all)
    }

    #[test]
    fn fields_may_be_bare_quoted_or_empty_and_hold_commas_quotes_and_line_breaks() {
        let text = "a,\"b\",,\"c,d\"\r\n\"e \"\"f\"\"\",\"g\nh\",\"\"\nlast";
        assert_eq!(
            read(text).unwrap(),
            [vec!["a", "b", "", "c,d"], vec!["e \"f\"", "g\nh", ""], vec!["last"]]
        );
        assert!(read("").unwrap().is_empty());
        assert!(read("\"never closed,1\n2\n").is_err());
    }
}
