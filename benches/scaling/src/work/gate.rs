//! Rates that all tasks share: Textract's quotas, the pace of e-mails (`ports::Gate`).

/// A bucket of tokens.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Tokens a second.
    pub rate: f64,
    most: f64,
    tokens: f64,
}

impl Gate {
    /// A full one that holds one second's worth.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        Self::bucket(rate.max(1.0), rate)
    }

    /// A full one that holds so many.
    #[must_use]
    pub fn bucket(most: f64, rate: f64) -> Self {
        Self { rate, most, tokens: most }
    }

    /// One second goes by.
    pub fn second(&mut self) {
        self.tokens = (self.tokens + self.rate).min(self.most);
    }

    /// Whole tokens that are there.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.tokens as u32
    }

    /// Takes so many.
    pub fn take(&mut self, count: u32) {
        self.tokens -= f64::from(count);
    }
}
