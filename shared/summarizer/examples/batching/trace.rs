//! Documents, and when they come: made, the same for the same seed.

/// Sentences of a page.
const SENTENCES: usize = 24;
/// What the model truncates at.
const LONGEST: f64 = 256.0;
/// The tenant of seven documents in ten; three others share the rest.
pub const BUSY: &str = "busy";

/// What is asked of the encoder.
#[derive(Clone, Copy)]
pub enum Workload {
    /// A vector for every sentence.
    Every,
    /// For as many as the summarizer asks by default: a sixth of them, at least 8 and at most 32.
    Asked,
}

impl Workload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Every => "every sentence",
            Self::Asked => "8 to 32 sentences",
        }
    }
}

pub struct Document {
    pub tenant: &'static str,
    pub pages: usize,
    /// Tokens of its sequences.
    pub lengths: Vec<usize>,
}

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.next();
        random
    }

    /// In 0..1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap_or(0)) / f64::from(1_u32 << 31)
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        least + whole(self.next() * real(most + 1 - least))
    }

    /// Tokens of a sentence: most have 15 to 45, a few more than 100.
    fn sentence(&mut self) -> usize {
        let normal: f64 = (0..12).map(|_| self.next()).sum::<f64>() - 6.0;
        whole((5.0 + (3.0 + 0.6 * normal).exp()).min(LONGEST))
    }

    /// Three of five are letters of one page, one of twenty has more than a hundred.
    fn pages(&mut self) -> usize {
        match self.between(1, 100) {
            1..=60 => 1,
            61..=85 => self.between(2, 20),
            86..=95 => self.between(21, 100),
            _ => self.between(101, 300),
        }
    }

    fn tenant(&mut self) -> &'static str {
        match self.between(1, 10) {
            1..=7 => BUSY,
            8 => "a",
            9 => "b",
            _ => "c",
        }
    }
}

pub fn documents(count: usize, workload: Workload, random: &mut Random) -> Vec<Document> {
    let document = |_| {
        let (tenant, pages) = (random.tenant(), random.pages());
        let sentences = pages * SENTENCES;
        let sequences = match workload {
            Workload::Every => sentences,
            Workload::Asked => (sentences / 6).clamp(8, 32),
        };
        Document { tenant, pages, lengths: (0..sequences).map(|_| random.sentence()).collect() }
    };
    (0..count).map(document).collect()
}

/// Seconds, ascending, so many a second in the mean.
pub fn arrivals(count: usize, rate: f64, random: &mut Random) -> Vec<f64> {
    let mut now = 0.0;
    let next = |_| {
        now -= (1.0 - random.next()).ln() / rate;
        now
    };
    (0..count).map(next).collect()
}

/// Of sorted values.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let last = values.len().saturating_sub(1);
    values.get(whole(real(last) * share)).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
pub fn whole(n: f64) -> usize {
    n as usize
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn real(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn real_of(n: u64) -> f64 {
    n as f64
}
