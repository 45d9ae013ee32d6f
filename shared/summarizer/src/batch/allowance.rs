//! A limit that halves when the device has run out of memory, and grows back when it has not for a while.

/// Batches that must go well before a halved limit doubles: the cause may have passed, and a try that fails costs one batch.
const PATIENCE: u32 = 64;

#[derive(Debug)]
pub(super) struct Allowance {
    full: u64,
    now: u64,
    good: u32,
}

impl Allowance {
    pub(super) fn new(full: u64) -> Self {
        let full = full.max(1);
        Self { full, now: full, good: 0 }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// So much was too much.
    pub(super) fn halve(&mut self, used: u64) {
        self.now = (used.min(self.now) / 2).max(1);
        self.good = 0;
    }

    pub(super) fn went_well(&mut self) {
        if self.now == self.full {
            return;
        }
        self.good += 1;
        if self.good == PATIENCE {
            self.good = 0;
            self.now = self.now.saturating_mul(2).min(self.full);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_what_was_used_and_comes_back_after_a_while_of_peace() {
        let mut allowance = Allowance::new(1000);
        allowance.halve(600);
        assert_eq!(allowance.now(), 300);
        for _ in 0..PATIENCE {
            assert_eq!(allowance.now(), 300);
            allowance.went_well();
        }
        assert_eq!(allowance.now(), 600);
        (0..PATIENCE).for_each(|_| allowance.went_well());
        assert_eq!(allowance.now(), 1000);
    }

    #[test]
    fn it_never_comes_to_nothing() {
        let mut allowance = Allowance::new(3);
        (0..5).for_each(|_| allowance.halve(u64::MAX));
        assert_eq!(allowance.now(), 1);
    }
}
