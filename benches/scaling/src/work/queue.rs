//! A queue: messages that wait, in the order of their coming, and those that were put back for later.
//!
//! Messages that came in the same second and are alike are kept as one entry with a count, so that 100,000 of them cost
//! what a few hundred entries cost.

use crate::Second;
use std::collections::{BTreeMap, VecDeque};

/// Messages that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// When they came to this queue.
    pub at: Second,
    /// When their documents came to the first one.
    pub born: Second,
    /// How many.
    pub count: u32,
    /// 0 for what will succeed; else the number of the attempt, which fails. At notify: times it waited for the gate.
    pub tries: u8,
    /// Seconds in hand, of one that takes long.
    pub long: Option<f64>,
}

impl Batch {
    /// Ordinary messages.
    #[must_use]
    pub fn of(at: Second, born: Second, count: u32) -> Self {
        Self { at, born, count, tries: 0, long: None }
    }
}

/// A queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    waiting: VecDeque<Batch>,
    visible: u32,
    /// Those of the waiting ones that take long, and the seconds in hand that they need.
    long: (u32, f64),
    later: BTreeMap<Second, Vec<Batch>>,
    put_back: u32,
}

impl Queue {
    /// Messages come.
    pub fn send(&mut self, batch: Batch) {
        if batch.count == 0 {
            return;
        }
        self.visible += batch.count;
        self.count_long(&batch, 1.0);
        let alike = |last: &Batch| {
            batch.long.is_none()
                && last.long.is_none()
                && (last.at, last.born, last.tries) == (batch.at, batch.born, batch.tries)
        };
        match self.waiting.back_mut().filter(|last| alike(last)) {
            Some(last) => last.count += batch.count,
            None => self.waiting.push_back(batch),
        }
    }

    /// The oldest, if there is any.
    #[must_use]
    pub fn first(&self) -> Option<&Batch> {
        self.waiting.front()
    }

    /// Takes up to so many of the oldest, all alike.
    pub fn take(&mut self, most: u32) -> Option<Batch> {
        let first = self.waiting.front_mut()?;
        let count = first.count.min(most);
        if count == 0 {
            return None;
        }
        let taken = Batch { count, ..*first };
        first.count -= count;
        if first.count == 0 {
            self.waiting.pop_front();
        }
        self.visible -= count;
        self.count_long(&taken, -1.0);
        Some(taken)
    }

    /// Puts messages back until then: they stay in flight.
    pub fn put_back(&mut self, until: Second, batch: Batch) {
        if batch.count > 0 {
            self.put_back += batch.count;
            self.later.entry(until).or_default().push(batch);
        }
    }

    /// Gives back at once what was in hand, ahead of the others, since it is older.
    pub fn give_back(&mut self, batch: Batch) {
        self.visible += batch.count;
        self.count_long(&batch, 1.0);
        self.waiting.push_front(batch);
    }

    /// What was put back until now is visible again.
    pub fn second(&mut self, now: Second) {
        while let Some(entry) = self.later.first_entry().filter(|entry| *entry.key() <= now) {
            for batch in entry.remove() {
                self.put_back -= batch.count;
                self.send(batch);
            }
        }
    }

    /// Messages that can be received.
    #[must_use]
    pub fn visible(&self) -> u32 {
        self.visible
    }

    /// Seconds in hand that those which wait need, where others need so many each.
    #[must_use]
    pub fn work(&self, each: f64) -> f64 {
        let (long, seconds) = self.long;
        f64::from(self.visible - long) * each + seconds
    }

    fn count_long(&mut self, batch: &Batch, sign: f64) {
        if let Some(seconds) = batch.long {
            self.long.0 = self.long.0.saturating_add_signed(sign as i32 * batch.count as i32);
            self.long.1 += sign * seconds * f64::from(batch.count);
        }
    }

    /// When the oldest message came that is there, those included that were put back.
    #[must_use]
    pub fn oldest(&self) -> Option<Second> {
        let later = self.later.values().flatten();
        self.waiting.iter().chain(later).map(|batch| batch.at).min()
    }

    /// Messages that were put back: in flight, in nobody's hands.
    #[must_use]
    pub fn put_back_count(&self) -> u32 {
        self.put_back
    }

    /// Is there nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.visible == 0 && self.put_back == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_came_and_are_counted_where_they_are() {
        let mut queue = Queue::default();
        queue.send(Batch::of(1, 0, 5));
        queue.send(Batch::of(1, 0, 5));
        queue.send(Batch::of(2, 0, 1));
        assert_eq!(queue.take(7), Some(Batch::of(1, 0, 7)));
        queue.put_back(9, Batch { tries: 1, ..Batch::of(1, 0, 2) });
        assert_eq!((queue.visible(), queue.put_back_count()), (4, 2));
        assert_eq!(queue.take(9).map(|batch| (batch.at, batch.count)), Some((1, 3)));
        queue.second(9);
        assert_eq!((queue.visible(), queue.put_back_count()), (3, 0));
        assert_eq!(queue.take(9).map(|batch| batch.at), Some(2));
        assert!(queue.take(9).is_some() && queue.is_empty());
    }
}
