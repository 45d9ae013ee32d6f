//! How a gate stands, and what follows for who asks. Pure: times are given, nothing is read or written.

use super::{AGAIN, Limit, UNLIMITED};
use crate::dynamodb::{Item, number, number_of, text};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a throttle leaves of the rate.
const LESSON: f64 = 0.7;
/// What a quiet minute brings back.
const RECOVERY: f64 = 0.1;
/// Never less than this part of the limit.
const LEAST: f64 = 0.1;
/// Throttles closer together than this are one.
const SAME: Duration = Duration::from_secs(2);

/// How a gate stands. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct State {
    pub(super) version: i64,
    pub(super) closed_until: i64,
    pub(super) next_at: i64,
    pub(super) leases: BTreeMap<String, i64>,
    /// Part of the limit that the last lesson left, and when that was.
    pub(super) learnt: Option<(f64, i64)>,
}

impl State {
    pub(super) fn of(item: Option<&Item>) -> Self {
        let Some(item) = item else { return Self::default() };
        let leases = item.get("leases").and_then(|value| value.as_m().ok());
        let lease =
            |(id, until): (&String, &AttributeValue)| Some((id.clone(), until.as_n().ok()?.parse().ok()?));
        let learnt = number_of(item, "learnt_at");
        #[expect(clippy::cast_precision_loss, reason = "thousandths up to one")]
        let factor = number_of(item, "learnt_permille") as f64 / 1000.0;
        Self {
            version: number_of(item, "version"),
            closed_until: number_of(item, "closed_until"),
            next_at: number_of(item, "next_at"),
            leases: leases.into_iter().flatten().filter_map(lease).collect(),
            learnt: (learnt > 0).then_some((factor, learnt)),
        }
    }

    pub(super) fn item(&self, name: &str) -> Item {
        let leases = self.leases.iter().map(|(id, until)| (id.clone(), number(until))).collect();
        let mut item = Item::from([
            ("name".to_owned(), text(name)),
            ("version".to_owned(), number(self.version + 1)),
            ("closed_until".to_owned(), number(self.closed_until)),
            ("next_at".to_owned(), number(self.next_at)),
            ("leases".to_owned(), AttributeValue::M(leases)),
        ]);
        if let Some((factor, at)) = self.learnt {
            item.insert("learnt_permille".to_owned(), number((factor * 1000.0).round()));
            item.insert("learnt_at".to_owned(), number(at));
        }
        item
    }

    /// The part of the limit that holds now.
    pub(super) fn factor(&self, now: i64) -> f64 {
        let Some((factor, at)) = self.learnt else { return 1.0 };
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let minutes = (now - at).max(0) as f64 / 60e6;
        (factor + minutes * RECOVERY).min(1.0)
    }

    /// Asks for a pass: who may go on changes the state, who may not is told when to ask again.
    pub(super) fn take(&mut self, limit: Limit, now: i64, ttl: Duration, id: String) -> Result<String, i64> {
        if self.closed_until > now {
            return Err(self.closed_until);
        }
        self.leases.retain(|_, until| *until > now);
        let factor = self.factor(now);
        if let Some(concurrent) = limit.concurrent {
            let most = (f64::from(concurrent) * factor).floor().max(1.0);
            #[expect(clippy::cast_precision_loss, reason = "leases are few")]
            if self.leases.len() as f64 >= most {
                let first = self.leases.values().copied().min().unwrap_or(now);
                return Err(first.clamp(now, now + span(AGAIN)));
            }
        }
        if let Some(rate) = limit.per_second {
            // Passes are due one interval apart; a quiet second saves up as many as a second has.
            let interval = span(Duration::from_secs_f64(1.0 / (rate * factor).max(0.001)));
            let due = self.next_at.max(now - 1_000_000 + interval.min(1_000_000));
            if due > now {
                return Err(due);
            }
            self.next_at = due + interval;
        }
        if limit.concurrent.is_none() {
            return Ok(UNLIMITED.to_owned());
        }
        self.leases.insert(id.clone(), now + span(ttl));
        Ok(id)
    }

    /// Somebody was throttled.
    pub(super) fn close(&mut self, until: i64, now: i64) {
        self.closed_until = self.closed_until.max(until);
        if until <= now || self.learnt.is_some_and(|(_, at)| now - at < span(SAME)) {
            return;
        }
        self.learnt = Some(((self.factor(now) * LESSON).max(LEAST), now));
    }
}

fn span(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const NOW: i64 = 1_800_000_000 * SECOND;
    const TTL: Duration = Duration::from_secs(60);

    fn rate(per_second: f64) -> Limit {
        Limit { concurrent: None, per_second: Some(per_second) }
    }

    /// Passes within so many seconds, asked for a hundred times a second.
    fn passes(state: &mut State, limit: Limit, from: i64, seconds: i64) -> usize {
        let asks = (0..seconds * 100).map(|tick| from + tick * SECOND / 100);
        asks.filter(|now| state.take(limit, *now, TTL, now.to_string()).is_ok()).count()
    }

    #[test]
    fn a_rate_is_kept_and_a_quiet_second_saves_up_no_more_than_itself() {
        let mut state = State::default();
        let passed = passes(&mut state, rate(5.0), NOW, 10);
        assert!((50..=55).contains(&passed), "{passed}");
        let later = passes(&mut state, rate(5.0), NOW + 3600 * SECOND, 1);
        assert!((5..=10).contains(&later), "{later}");
    }

    #[test]
    fn a_slow_gate_lets_one_through_and_says_when_the_next_may_come() {
        let mut state = State::default();
        assert!(state.take(rate(0.1), NOW, TTL, "a".into()).is_ok());
        let until = state.take(rate(0.1), NOW, TTL, "b".into()).unwrap_err();
        assert!((9 * SECOND..=10 * SECOND).contains(&(until - NOW)), "{}", until - NOW);
    }

    #[test]
    fn a_throttle_slows_the_gate_and_quiet_minutes_bring_it_back() {
        let mut state = State::default();
        state.close(NOW + SECOND, NOW);
        state.close(NOW + SECOND, NOW + SECOND);
        assert!((state.factor(NOW) - LESSON).abs() < 1e-9, "two at once are one lesson");
        state.close(NOW + 5 * SECOND, NOW + 4 * SECOND);
        assert!(state.factor(NOW + 4 * SECOND) < LESSON * LESSON + 0.02);
        for lesson in 1..40 {
            state.close(NOW + 1, NOW + lesson * 10 * SECOND - 1);
        }
        assert!(state.factor(NOW + 400 * SECOND) >= LEAST);
        assert!((state.factor(NOW + 3600 * SECOND) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_state_comes_back_as_it_was_written() {
        let mut state = State::default();
        let limit = Limit { concurrent: Some(2), per_second: Some(3.0) };
        state.take(limit, NOW, TTL, "a".into()).unwrap();
        state.close(NOW + 9 * SECOND, NOW);
        let read = State::of(Some(&state.item("gate#ocr")));
        assert_eq!(read, State { version: 1, ..state });
    }

    #[test]
    fn what_was_learnt_lowers_concurrency_too_but_never_to_nothing() {
        let limit = Limit { concurrent: Some(4), per_second: None };
        let mut state = State { learnt: Some((0.5, NOW)), ..State::default() };
        let out = (0..9).filter(|id| state.take(limit, NOW, TTL, format!("l{id}")).is_ok()).count();
        assert_eq!(out, 2);
        let mut state = State { learnt: Some((0.1, NOW)), ..State::default() };
        assert!(state.take(limit, NOW, TTL, "one".into()).is_ok());
    }
}
