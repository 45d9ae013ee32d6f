//! Pages as Textract's blocks: the page, its lines, its words, each naming what it is made of.
//!
//! Blocks are made when they are asked for, from the lines that were kept: written out, a page of them is ten times as
//! long. Their ids follow from the job, the page and the place, so every answer gives the same block the same id.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tesseract::WordLine;

/// Text in its place: left, top, width, height as fractions of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The text.
    #[serde(rename = "t")]
    pub text: String,
    /// The box.
    #[serde(rename = "b")]
    pub bbox: [f32; 4],
    /// 0–1.
    #[serde(rename = "c")]
    pub confidence: f32,
}

/// A page that was read, as it is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReadPage {
    /// Counted from 1.
    pub number: u32,
    /// Lines, each with its words.
    pub lines: Vec<(Placed, Vec<Placed>)>,
}

impl ReadPage {
    /// A page of these lines.
    #[must_use]
    pub fn new(number: u32, lines: Vec<WordLine>) -> Self {
        let placed = |text: String, bbox: domain::text::BoundingBox, confidence| Placed {
            text,
            bbox: [bbox.left, bbox.top, bbox.width, bbox.height],
            confidence,
        };
        let lines = lines.into_iter().filter_map(|WordLine { line, words }| {
            let words = words.into_iter().map(|word| placed(word.text, word.bbox, word.confidence)).collect();
            Some((placed(line.text, line.bbox?, line.confidence.unwrap_or(1.0)), words))
        });
        Self { number, lines: lines.collect() }
    }

    /// How many blocks it makes.
    #[must_use]
    pub fn blocks(&self) -> usize {
        1 + self.lines.iter().map(|(_, words)| 1 + words.len()).sum::<usize>()
    }

    /// Its blocks: the page, then all lines, then all words. `work` is what the ids begin from.
    #[must_use]
    pub fn to_blocks(&self, work: &str) -> Vec<Value> {
        let id = |index: usize| uuid(&format!("{work} {} {index}", self.number));
        let first_word = 1 + self.lines.len();
        let lines: Vec<String> = (1..first_word).map(id).collect();
        let whole = json!({"BlockType": "PAGE", "Geometry": geometry([0.0, 0.0, 1.0, 1.0]), "Id": id(0)});
        let mut out = vec![related(whole, lines.clone(), self.number)];
        let mut words = Vec::new();
        for ((line, of_line), line_id) in self.lines.iter().zip(lines) {
            let ids: Vec<String> = (0..of_line.len()).map(|at| id(first_word + words.len() + at)).collect();
            words.extend(of_line.iter().zip(&ids).map(|(word, id)| {
                let mut block = text_block("WORD", word, id);
                block["TextType"] = json!("PRINTED");
                related(block, Vec::new(), self.number)
            }));
            out.push(related(text_block("LINE", line, &line_id), ids, self.number));
        }
        out.extend(words);
        out
    }
}

fn text_block(kind: &str, placed: &Placed, id: &str) -> Value {
    json!({
        "BlockType": kind,
        "Confidence": (placed.confidence * 100.0).clamp(0.0, 100.0),
        "Text": placed.text,
        "Geometry": geometry(placed.bbox),
        "Id": id,
    })
}

fn related(mut block: Value, children: Vec<String>, page: u32) -> Value {
    if !children.is_empty() {
        block["Relationships"] = json!([{"Type": "CHILD", "Ids": children}]);
    }
    block["Page"] = json!(page);
    block
}

fn geometry([left, top, width, height]: [f32; 4]) -> Value {
    let corner = |x: f32, y: f32| json!({"X": x, "Y": y});
    json!({
        "BoundingBox": {"Width": width, "Height": height, "Left": left, "Top": top},
        "Polygon": [
            corner(left, top),
            corner(left + width, top),
            corner(left + width, top + height),
            corner(left, top + height),
        ],
    })
}

/// A name in the form of a UUID that follows from a text.
#[must_use]
pub fn uuid(text: &str) -> String {
    let hash = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
    let parts = [&hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..]];
    parts.join("-")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn page(number: u32, lines: &[&str]) -> ReadPage {
        let placed =
            |text: &str, left| Placed { text: text.into(), bbox: [left, 0.2, 0.25, 0.05], confidence: 0.5 };
        let lines = lines.iter().map(|line| {
            let words = line.split(' ').zip([0.0, 0.25, 0.5, 0.75]).map(|(word, left)| placed(word, left));
            (placed(line, 0.0), words.collect())
        });
        ReadPage { number, lines: lines.collect() }
    }

    #[test]
    fn a_page_names_its_lines_and_a_line_its_words() {
        let page = page(3, &["good day", "sir"]);
        let blocks = page.to_blocks("job");
        assert_eq!(blocks.len(), page.blocks());
        let kinds: Vec<_> = blocks.iter().map(|block| block["BlockType"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["PAGE", "LINE", "LINE", "WORD", "WORD", "WORD"]);
        let ids = |block: &Value| block["Relationships"][0]["Ids"].clone();
        let own = |at: usize| blocks[at]["Id"].clone();
        assert_eq!(ids(&blocks[0]), json!([own(1), own(2)]));
        assert_eq!(ids(&blocks[1]), json!([own(3), own(4)]));
        assert_eq!(ids(&blocks[2]), json!([own(5)]));
        assert!(blocks[5].get("Relationships").is_none());
        assert!(blocks.iter().all(|block| block["Page"] == 3));
        assert_eq!(blocks[4]["Confidence"], 50.0);
        assert_eq!(blocks[4]["Geometry"]["BoundingBox"]["Left"], 0.25);
        assert_eq!(blocks[4]["Geometry"]["Polygon"][2], json!({"X": 0.5, "Y": 0.25}));
    }

    #[test]
    fn ids_are_the_same_in_every_answer_and_differ_between_jobs_and_pages() {
        let id = |work, number| page(number, &["x"]).to_blocks(work)[1]["Id"].clone();
        assert_eq!(id("a", 1), id("a", 1));
        assert_ne!(id("a", 1), id("b", 1));
        assert_ne!(id("a", 1), id("a", 2));
    }

    #[test]
    fn an_empty_page_is_a_block_without_relationships() {
        let blocks = ReadPage { number: 1, lines: Vec::new() }.to_blocks("job");
        assert_eq!(blocks.len(), 1);
        assert!(blocks[0].get("Relationships").is_none());
    }
}
