//! The intrinsic functions that our templates use.

use super::{Error, Template, number};
use serde_json::{Map, Value, json};

impl Template {
    /// The value without intrinsic functions. A reference to a resource is its logical name, an attribute of one is
    /// `Name.Attribute`, a pseudo parameter its own name.
    pub(super) fn resolve(&self, value: &Value, place: &str) -> Result<Value, Error> {
        match value {
            Value::Array(items) => {
                let resolved: Result<Vec<_>, _> =
                    items.iter().map(|item| self.resolve(item, place)).collect();
                Ok(Value::Array(resolved?.into_iter().filter(|item| !is_no_value(item)).collect()))
            }
            Value::Object(map) => match single(map) {
                Some((name, argument)) => self.call(name, argument, place),
                None => {
                    let mut resolved = Map::new();
                    for (key, value) in map {
                        let value = self.resolve(value, &format!("{place}.{key}"))?;
                        if !is_no_value(&value) {
                            resolved.insert(key.clone(), value);
                        }
                    }
                    Ok(Value::Object(resolved))
                }
            },
            plain => Ok(plain.clone()),
        }
    }

    fn call(&self, function: &str, argument: &Value, place: &str) -> Result<Value, Error> {
        let wrong = |why: &str| Error::wrong(place, format!("{function}: {why}"));
        match function {
            "Ref" => self.reference(argument.as_str().ok_or_else(|| wrong("a name is needed"))?, place),
            "Fn::GetAtt" => Ok(match argument {
                Value::Array(parts) => {
                    json!(parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("."))
                }
                other => other.clone(),
            }),
            "Fn::Sub" => {
                self.substitute(argument.as_str().ok_or_else(|| wrong("one text is needed"))?, place)
            }
            "Fn::If" => {
                let parts = list(argument);
                let [condition, then, otherwise] = &parts[..] else {
                    return Err(wrong("three values are needed"));
                };
                let chosen = if self.condition(condition, place)? { then } else { otherwise };
                self.resolve(chosen, place)
            }
            "Fn::FindInMap" => {
                let keys = list(&self.resolve(argument, place)?);
                let keys: Vec<String> = keys.iter().map(text).collect();
                let [map, first, second] = &keys[..] else { return Err(wrong("three keys are needed")) };
                let found =
                    self.whole.get("Mappings").and_then(|maps| maps.get(map)?.get(first)?.get(second));
                found.cloned().ok_or_else(|| wrong(&format!("{map} has no {first}, {second}")))
            }
            other => Err(Error::wrong(place, format!("the function {other} is not known here"))),
        }
    }

    fn reference(&self, name: &str, place: &str) -> Result<Value, Error> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let is_resource = self.whole.get("Resources").is_some_and(|all| all.get(name).is_some());
        if is_resource || name.starts_with("AWS::") {
            return Ok(json!(name));
        }
        Err(Error::wrong(place, format!("{name} is neither a parameter nor a resource")))
    }

    fn substitute(&self, pattern: &str, place: &str) -> Result<Value, Error> {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find("${") {
            let end =
                rest[at..].find('}').ok_or_else(|| Error::wrong(place, "Fn::Sub: a ${ is not closed"))?;
            out.push_str(&rest[..at]);
            let name = &rest[at + 2..at + end];
            match name.split_once('.') {
                Some(_) => out.push_str(name),
                None => out.push_str(&text(&self.reference(name, place)?)),
            }
            rest = &rest[at + end + 1..];
        }
        out.push_str(rest);
        Ok(json!(out))
    }

    fn condition(&self, condition: &Value, place: &str) -> Result<bool, Error> {
        if let Some(name) = condition.as_str() {
            let held = self.whole.get("Conditions").and_then(|all| all.get(name));
            let held = held.ok_or_else(|| Error::wrong(place, format!("there is no condition {name}")))?;
            return self.condition(held, place);
        }
        let function = condition.as_object().and_then(single);
        match function {
            Some(("Fn::Equals", sides)) => {
                let sides = list(&self.resolve(sides, place)?);
                Ok(sides.len() == 2 && text(&sides[0]) == text(&sides[1]))
            }
            Some(("Fn::Not", inner)) => match list(inner).first() {
                Some(inner) => Ok(!self.condition(inner, place)?),
                None => Err(Error::wrong(place, "Fn::Not: a condition is needed")),
            },
            _ => Err(Error::wrong(place, format!("the condition {condition} is not known here"))),
        }
    }
}

/// An intrinsic function: an object with one key that names it.
fn single(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    match (value.as_str(), number(value)) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => number.to_string(),
        _ => value.to_string(),
    }
}

fn is_no_value(value: &Value) -> bool {
    value.as_str() == Some("AWS::NoValue")
}
