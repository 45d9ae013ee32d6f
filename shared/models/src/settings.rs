//! Reading a configuration: what a model needs is there and is what our code can do, or the error names it.

use crate::ModelError;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A `config.json` on its way to a model's settings.
pub(crate) struct Settings {
    pub path: PathBuf,
    pub value: Value,
}

impl Settings {
    fn wrong(&self, reason: String) -> ModelError {
        ModelError::Content { path: self.path.clone(), reason }
    }

    fn given(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// A whole number above 0.
    pub(crate) fn size(&self, key: &str) -> Result<usize, ModelError> {
        self.size_or(key, 0)
    }

    /// The same, with what holds where it is not given.
    pub(crate) fn size_or(&self, key: &str, otherwise: usize) -> Result<usize, ModelError> {
        let found = match self.given(key) {
            None => Some(otherwise),
            Some(value) => value.as_u64().and_then(|n| usize::try_from(n).ok()),
        };
        // Far above any model, far below what overflows when multiplied.
        let fits = found.filter(|n| (1..=1 << 24).contains(n));
        fits.ok_or_else(|| match self.given(key) {
            None => self.wrong(format!("{key} is missing")),
            Some(value) => self.wrong(format!("{key} is {value}, which is no size")),
        })
    }

    pub(crate) fn number_or(&self, key: &str, otherwise: f64) -> Result<f64, ModelError> {
        match self.given(key) {
            None => Ok(otherwise),
            Some(value) => {
                value.as_f64().ok_or_else(|| self.wrong(format!("{key} is {value}, which is no number")))
            }
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.given(key).and_then(Value::as_bool)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.given(key).and_then(Value::as_str)
    }

    /// What has no code here.
    pub(crate) fn unsupported(&self, what: &str, found: &str, supported: &str) -> ModelError {
        unsupported(&self.path, what, found, supported)
    }

    /// One token id, or a list of them; nothing if it is not given.
    pub(crate) fn ids(&self, key: &str) -> Result<Vec<u32>, ModelError> {
        let id = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        let found = match self.given(key) {
            None => Some(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(id).collect(),
            Some(value) => id(value).map(|id| vec![id]),
        };
        found.ok_or_else(|| self.wrong(format!("{key} is no token id and no list of them")))
    }
}

pub(crate) fn unsupported(path: &Path, what: &str, found: &str, supported: &str) -> ModelError {
    ModelError::Unsupported {
        path: path.to_owned(),
        what: what.to_owned(),
        found: found.to_owned(),
        supported: supported.to_owned(),
    }
}
