//! Metric math, as far as our alarms use it: numbers, names, `+ - * /`, comparisons, `IF` and `FILL`.
//!
//! A value is a column: one number for each minute that is looked at, oldest first, NaN where there is no data. As in
//! CloudWatch, what is reckoned with missing data is missing, and only `FILL` puts something in its place. Source: Amazon
//! CloudWatch User Guide, "Using math expressions with CloudWatch metrics".

use crate::template::Error;

/// Minutes that are looked at, at most.
pub const LONGEST: usize = 24;

/// One number a minute; NaN is missing.
pub type Column = [f64; LONGEST];

/// An expression whose names are known.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// The metric or earlier expression with that index.
    Named(usize),
    /// Two sides and what is done with them.
    Two(char, Box<Self>, Box<Self>),
    /// `IF(condition, then, otherwise)`: 0 is false.
    If(Box<Self>, Box<Self>, Box<Self>),
    /// `FILL(values, with)`; `None` repeats the last value that is there.
    Fill(Box<Self>, Option<f64>),
}

impl Expression {
    /// Reads an expression; `names` says which index a name has.
    pub fn parse(text: &str, names: &[String]) -> Result<Self, Error> {
        let mut reader = Reader { text: text.as_bytes(), at: 0, names };
        let whole = reader.comparison()?;
        reader.blank();
        if reader.at < text.len() {
            return Err(reader.wrong("an operator or the end is needed"));
        }
        Ok(whole)
    }

    /// Its column of `length` minutes, given those of the names.
    #[must_use]
    pub fn column(&self, named: &[Column], length: usize) -> Column {
        match self {
            Self::Number(value) => [*value; LONGEST],
            Self::Named(index) => named[*index],
            Self::Two(operator, left, right) => {
                let (left, right) = (left.column(named, length), right.column(named, length));
                let mut out = [f64::NAN; LONGEST];
                for minute in 0..length {
                    out[minute] = two(*operator, left[minute], right[minute]);
                }
                out
            }
            Self::If(condition, then, otherwise) => {
                let condition = condition.column(named, length);
                let (then, otherwise) = (then.column(named, length), otherwise.column(named, length));
                let mut out = [f64::NAN; LONGEST];
                for minute in 0..length {
                    out[minute] = match condition[minute] {
                        missing if missing.is_nan() => f64::NAN,
                        0.0 => otherwise[minute],
                        _ => then[minute],
                    };
                }
                out
            }
            Self::Fill(inner, with) => {
                let mut out = inner.column(named, length);
                let mut last = f64::NAN;
                for value in &mut out[..length] {
                    if value.is_nan() {
                        *value = with.unwrap_or(last);
                    }
                    last = *value;
                }
                out
            }
        }
    }
}

fn two(operator: char, left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() {
        return f64::NAN;
    }
    let truth = |yes: bool| f64::from(u8::from(yes));
    match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        // CloudWatch gives no data for a division by zero.
        '/' if right == 0.0 => f64::NAN,
        '/' => left / right,
        '<' => truth(left < right),
        '>' => truth(left > right),
        'l' => truth(left <= right),
        'g' => truth(left >= right),
        _ => truth(left == right),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    names: &'a [String],
}

impl Reader<'_> {
    fn wrong(&self, why: &str) -> Error {
        let text = String::from_utf8_lossy(self.text);
        Error::wrong(format!("expression {text:?}, at {}", self.at), why)
    }

    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        self.blank();
        let found = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn need(&mut self, word: &str) -> Result<(), Error> {
        if self.take(word) { Ok(()) } else { Err(self.wrong(&format!("{word} is needed"))) }
    }

    fn comparison(&mut self) -> Result<Expression, Error> {
        let left = self.sum()?;
        for (word, operator) in [("<=", 'l'), (">=", 'g'), ("==", '='), ("<", '<'), (">", '>')] {
            if self.take(word) {
                return Ok(Expression::Two(operator, Box::new(left), Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expression, Error> {
        let mut left = self.product()?;
        while let Some(operator) = ['+', '-'].into_iter().find(|sign| self.take(&sign.to_string())) {
            left = Expression::Two(operator, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Error> {
        let mut left = self.atom()?;
        while let Some(operator) = ['*', '/'].into_iter().find(|sign| self.take(&sign.to_string())) {
            left = Expression::Two(operator, Box::new(left), Box::new(self.atom()?));
        }
        Ok(left)
    }

    fn atom(&mut self) -> Result<Expression, Error> {
        if self.take("(") {
            let inner = self.comparison()?;
            self.need(")")?;
            return Ok(inner);
        }
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        self.blank();
        let start = self.at;
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        while self.text.get(self.at).is_some_and(is_part) {
            self.at += 1;
        }
        let word = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        if let Ok(value) = word.parse() {
            return Ok(Expression::Number(value));
        }
        if self.take("(") {
            return self.call(&word);
        }
        let index = self.names.iter().position(|name| *name == word);
        index.map(Expression::Named).ok_or_else(|| self.wrong(&format!("{word:?} is no metric of the alarm")))
    }

    fn call(&mut self, function: &str) -> Result<Expression, Error> {
        let first = Box::new(self.comparison()?);
        self.need(",")?;
        let whole = match function {
            "FILL" if self.take("REPEAT") => Expression::Fill(first, None),
            "FILL" => match self.comparison()? {
                Expression::Number(with) => Expression::Fill(first, Some(with)),
                _ => return Err(self.wrong("FILL takes a number or REPEAT")),
            },
            "IF" => {
                let then = Box::new(self.comparison()?);
                self.need(",")?;
                Expression::If(first, then, Box::new(self.comparison()?))
            }
            other => return Err(self.wrong(&format!("the function {other} is not known here"))),
        };
        self.need(")")?;
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, a: &[f64]) -> Vec<f64> {
        let mut column = [f64::NAN; LONGEST];
        column[..a.len()].copy_from_slice(a);
        let expression = Expression::parse(text, &["a".to_owned()]).unwrap();
        expression.column(&[column], a.len())[..a.len()].to_vec()
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        assert_eq!(value("1 + a * 2 - (a - 1) / 2", &[3.0]), [6.0]);
        assert_eq!(value("IF(a >= 16, a, -1)", &[15.0, 16.0]), [-1.0, 16.0]);
    }

    #[test]
    fn what_is_missing_stays_missing_until_it_is_filled() {
        let nan = f64::NAN;
        assert!(value("a + 1", &[nan])[0].is_nan());
        assert!(value("1 / a", &[0.0])[0].is_nan());
        assert_eq!(value("FILL(a, 0)", &[nan, 2.0]), [0.0, 2.0]);
        let repeated = value("FILL(a, REPEAT)", &[nan, 2.0, nan]);
        assert!(repeated[0].is_nan() && repeated[1..] == [2.0, 2.0]);
        assert_eq!(value("FILL(FILL(a, REPEAT), 0)", &[nan, 2.0, nan]), [0.0, 2.0, 2.0]);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let error = Expression::parse("a + nobody", &["a".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("at 10") && error.contains("nobody"), "{error}");
        assert!(Expression::parse("RATE(a, 1)", &["a".to_owned()]).is_err());
    }
}
