//! Texts → token ids and back, and the form in which a model is asked.
//!
//! What a document says is text, whatever it looks like: the model's own marks (`<|im_end|>`, `</s>`) are put in as ids by
//! the template here, and never read out of instructions or contents.

mod gguf;
#[cfg(test)]
mod tests;

use crate::ModelError;
use crate::files::Files;
use crate::model::Kind;
use crate::weights::Weights;
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

pub(crate) struct Text {
    tokenizer: Tokenizer,
    /// Ids of the marks. A vocabulary of word pieces may have them as pieces too.
    marks: HashSet<u32>,
    template: Template,
}

enum Template {
    /// The prompt as one text, closed by the end mark.
    Plain { end: u32 },
    /// Turns of a conversation.
    Chat(Chat),
}

/// The conversation's marks, and the ids of what always stands between them.
struct Chat {
    start: u32,
    end: u32,
    line: Vec<u32>,
    /// The assistant's turn as far as its empty thoughts: the answer follows at once.
    answer: Vec<u32>,
}

impl Text {
    /// The tokenizer of a folder, or of a GGUF file without one beside it, held against the model's vocabulary.
    pub(crate) fn open(files: &Files, weights: &Weights, kind: &Kind) -> Result<Self, ModelError> {
        let (path, json) = source(files, weights)?;
        let tokenizer = tokenizer(&path, json)?;
        let highest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if usize::try_from(highest).is_ok_and(|id| id >= kind.vocabulary()) {
            return Err(ModelError::Vocabulary { path, highest, rows: kind.vocabulary() });
        }
        let mut text = Self { marks: marks(&tokenizer), tokenizer, template: Template::Plain { end: 0 } };
        text.template = match kind {
            Kind::T5(config) => Template::Plain { end: config.ends.first().copied().unwrap_or(1) },
            Kind::Qwen3(_) => Template::Chat(text.chat(&path)?),
        };
        Ok(text)
    }

    fn chat(&self, path: &Path) -> Result<Chat, ModelError> {
        let mark = |name: &str| {
            let reason = format!("it has no {name}: this is not the tokenizer of a model for conversations");
            self.tokenizer
                .token_to_id(name)
                .ok_or_else(|| ModelError::Content { path: path.to_owned(), reason })
        };
        let either = |name: &str| match self.tokenizer.token_to_id(name) {
            Some(id) => Ok(vec![id]),
            None => self.ids(name),
        };
        let start = mark("<|im_start|>")?;
        let parts = [
            vec![start],
            self.ids("assistant\n")?,
            either("<think>")?,
            self.ids("\n\n")?,
            either("</think>")?,
            self.ids("\n\n")?,
        ];
        Ok(Chat { start, end: mark("<|im_end|>")?, line: self.ids("\n")?, answer: parts.concat() })
    }

    /// Ids of a text, none of them a mark.
    fn ids(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(ModelError::run)?;
        Ok(encoding.get_ids().iter().copied().filter(|id| !self.marks.contains(id)).collect())
    }

    /// What the model reads: instructions and content in the form it was trained on.
    pub(crate) fn prompt(&self, instructions: &str, content: &str) -> Result<Vec<u32>, ModelError> {
        match &self.template {
            Template::Plain { end } => {
                let between = if instructions.is_empty() || content.is_empty() { "" } else { "\n\n" };
                let mut ids = self.ids(&format!("{instructions}{between}{content}"))?;
                ids.push(*end);
                Ok(ids)
            }
            Template::Chat(chat) => {
                let mut ids = Vec::new();
                for (role, said) in [("system", instructions), ("user", content)] {
                    if role == "system" && said.is_empty() {
                        continue;
                    }
                    ids.push(chat.start);
                    ids.extend(self.ids(&format!("{role}\n{said}"))?);
                    ids.push(chat.end);
                    ids.extend(&chat.line);
                }
                ids.extend(&chat.answer);
                Ok(ids)
            }
        }
    }

    /// Tokens of a text, without what the template adds.
    pub(crate) fn count(&self, text: &str) -> usize {
        // A tokenizer that fails on a text will say so when it is asked to write; until then it is long.
        self.ids(text).map_or(text.len(), |ids| ids.len())
    }

    /// The text of an answer, without marks.
    pub(crate) fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids, true).map_err(ModelError::run)
    }

    #[cfg(test)]
    pub(crate) fn encoded(&self, text: &str) -> Vec<u32> {
        match self.template {
            Template::Plain { .. } => self.prompt("", text).unwrap(),
            Template::Chat(_) => self.ids(text).unwrap(),
        }
    }
}

/// The tokenizer's JSON, and the file that it is of.
fn source(files: &Files, weights: &Weights) -> Result<(PathBuf, Value), ModelError> {
    let path = files.file("tokenizer.json");
    match (files.json("tokenizer.json")?, weights.gguf()) {
        (Some(json), _) => Ok((path, json)),
        (None, Some(gguf)) => Ok((gguf.path.clone(), gguf::tokenizer(gguf)?)),
        (None, None) => Err(ModelError::File { path, source: std::io::ErrorKind::NotFound.into() }),
    }
}

/// Without padding and truncation, which the file may carry from whoever exported it; its marks are not looked for in texts.
fn tokenizer(path: &Path, mut json: Value) -> Result<Tokenizer, ModelError> {
    if let Some(added) = json.get_mut("added_tokens").and_then(Value::as_array_mut) {
        for token in added {
            // All of them: `<think>` and the like are marks too, though files call only some of them special.
            token["special"] = Value::Bool(true);
        }
    }
    let wrong = |reason: String| ModelError::Content { path: path.to_owned(), reason };
    let mut tokenizer = Tokenizer::from_bytes(json.to_string()).map_err(|error| wrong(error.to_string()))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
    tokenizer.set_encode_special_tokens(true);
    Ok(tokenizer)
}

/// All but that for what the tokenizer doesn't know, which stands in texts.
fn marks(tokenizer: &Tokenizer) -> HashSet<u32> {
    let added = tokenizer.get_added_tokens_decoder().into_iter();
    added.filter(|(_, token)| token.special && token.content != "<unk>").map(|(id, _)| id).collect()
}
