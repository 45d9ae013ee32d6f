//! A CloudFormation template, as CloudFormation would read it.
//!
//! YAML with the short forms of intrinsic functions (`!Ref`) becomes JSON with the long ones (`{"Ref": …}`), and that is
//! resolved with the values of the parameters. Only the functions that our templates use are known; another one is an
//! error, so that a number which was not understood is never simulated.

mod intrinsics;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no YAML.
    #[error("the template is no YAML: {0}")]
    Yaml(#[from] saphyr::ScanError),
    /// It is YAML, but not what was looked for.
    #[error("{place}: {why}")]
    Wrong {
        /// Where in the template.
        place: String,
        /// What is wrong, and what is needed.
        why: String,
    },
}

impl Error {
    /// Something is wrong there.
    pub fn wrong(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Wrong { place: place.into(), why: why.into() }
    }
}

/// A template whose parameters have values.
#[derive(Debug, Clone)]
pub struct Template {
    whole: Value,
    parameters: BTreeMap<String, Value>,
}

impl Template {
    /// The template in that file, with the defaults of its parameters.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Read { path: path.display().to_string(), error })?;
        Self::parse(&text)
    }

    /// The template that a text is, with the defaults of its parameters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let documents = Yaml::load_from_str(text)?;
        let [document] = documents.as_slice() else {
            return Err(Error::wrong("template", "one YAML document is needed"));
        };
        Ok(Self::of(json(document)?))
    }

    /// The template that this is, with intrinsic functions in their long form and the defaults of its parameters.
    #[must_use]
    pub fn of(whole: Value) -> Self {
        let declared = whole.get("Parameters").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut parameters = BTreeMap::new();
        for (name, declaration) in declared {
            // What has no default has no value here, and a reference to it is an error.
            if let Some(default) = declaration.get("Default") {
                parameters.insert(name, default.clone());
            }
        }
        Self { whole, parameters }
    }

    /// The same with another value of a parameter.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Result<Self, Error> {
        let held = self.parameters.get_mut(name);
        *held.ok_or_else(|| Error::wrong(format!("Parameters.{name}"), "there is no such parameter"))? =
            value.into();
        Ok(self)
    }

    /// The value of a parameter that is a number.
    pub fn number(&self, name: &str) -> Result<f64, Error> {
        let value = self.parameters.get(name);
        value
            .and_then(number)
            .ok_or_else(|| Error::wrong(format!("Parameters.{name}"), "it is missing or no number"))
    }

    /// The names of the parameters, and what each says of itself.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// What is written there, unresolved: keys joined by `.`.
    #[must_use]
    pub fn raw(&self, place: &str) -> Option<&Value> {
        place.split('.').try_fold(&self.whole, |value, key| value.get(key))
    }

    /// The resources of that type: name and resolved properties, in the order of the template.
    pub fn resources(&self, kind: &str) -> Result<Vec<(String, Value)>, Error> {
        let all = self.whole.get("Resources").and_then(Value::as_object);
        let all = all.ok_or_else(|| Error::wrong("Resources", "there are none"))?;
        all.iter()
            .filter(|(_, resource)| resource.get("Type").and_then(Value::as_str) == Some(kind))
            .map(|(name, resource)| {
                let properties = resource.get("Properties").cloned().unwrap_or_else(|| json!({}));
                Ok((name.clone(), self.resolve(&properties, &format!("Resources.{name}"))?))
            })
            .collect()
    }
}

/// A number, also one that is written as text.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// YAML as JSON, with intrinsic functions in their long form.
fn json(node: &Yaml<'_>) -> Result<Value, Error> {
    Ok(match node {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => json!(value),
            Scalar::Integer(value) => json!(value),
            Scalar::FloatingPoint(value) => json!(value.into_inner()),
            Scalar::String(value) => json!(value),
        },
        Yaml::Representation(text, ..) => json!(text),
        Yaml::Sequence(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match json(key)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                map.insert(key, json(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tag, inner) => {
            let name = match tag.suffix.as_str() {
                plain @ ("Ref" | "Condition") => plain.to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: json(inner)? })
        }
        Yaml::Alias(_) | Yaml::BadValue => {
            return Err(Error::wrong("template", "CloudFormation takes no YAML aliases"));
        }
    })
}
