//! CloudWatch's metric alarms.
//!
//! An alarm is looked at once a minute. It takes the newest `EvaluationPeriods` minutes that have data, looking a few
//! minutes further back for them; only what then is still missing is treated as `TreatMissingData` says. It is in ALARM
//! when `DatapointsToAlarm` of them breach, and it sets its scaling policies off not once but every minute for as long as
//! it stays there. Sources: Amazon CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms
//! treat missing data"; "Alarm actions" for the repeated invocation of Auto Scaling actions.

use crate::Second;
use crate::expression::{Column, LONGEST};
use crate::plan::{Alarm, FURTHER, Missing};

/// What an alarm said last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// It has no data.
    #[default]
    Insufficient,
    /// All is well.
    Ok,
    /// It sets its policies off.
    Alarm,
}

/// Values of an alarm's newest periods, and what it makes of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The new state.
    pub state: State,
    /// The largest of the values that it looked at: what `MetricAggregationType: Maximum` hands to a policy.
    pub value: f64,
}

impl Alarm {
    /// Looks at the metrics as they are known now; `read(index, minute)` is the value of one of its own.
    pub fn look(&self, now: Second, state: State, read: impl Fn(usize, u32) -> f64) -> Verdict {
        let length = self.periods + FURTHER;
        let newest = now / 60;
        let mut columns: [Column; 16] = [[f64::NAN; LONGEST]; 16];
        for (index, column) in columns.iter_mut().enumerate().take(self.measures.len()) {
            for (at, value) in column.iter_mut().enumerate().take(length) {
                let back = (length - 1 - at) as u32;
                *value = newest.checked_sub(back).map_or(f64::NAN, |minute| read(index, minute));
            }
        }
        let mut last = 0;
        for (at, expression) in self.expressions.iter().enumerate() {
            last = self.measures.len() + at;
            columns[last] = expression.column(&columns, length);
        }
        self.judge(&columns[last][..length], state)
    }

    /// The verdict on values, oldest first.
    #[must_use]
    pub fn judge(&self, values: &[f64], state: State) -> Verdict {
        let known = values.iter().rev().filter(|value| !value.is_nan()).take(self.periods);
        let (mut count, mut breaching, mut value) = (0, 0, f64::NEG_INFINITY);
        for known in known {
            count += 1;
            breaching += usize::from(self.comparison.breaches(*known, self.threshold));
            value = value.max(*known);
        }
        let missing = self.periods - count;
        let state = match self.missing {
            Missing::Missing if count == 0 => State::Insufficient,
            Missing::Ignore if missing > 0 => state,
            Missing::Breaching if breaching + missing >= self.datapoints => State::Alarm,
            _ if breaching >= self.datapoints => State::Alarm,
            _ => State::Ok,
        };
        Verdict { state, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Comparison;

    fn alarm(periods: usize, datapoints: usize, missing: Missing) -> Alarm {
        Alarm {
            name: "x".into(),
            ids: vec![],
            measures: vec![],
            expressions: vec![],
            comparison: Comparison::GreaterThan,
            threshold: 5.0,
            periods,
            datapoints,
            missing,
            actions: vec![],
        }
    }

    const GAP: f64 = f64::NAN;

    /// The rows of the table "Evaluating an alarm, 3 out of 3" in the CloudWatch User Guide that a state follows from:
    /// 0 is well, X breaches, – is missing; five minutes are looked at.
    #[test]
    fn missing_data_is_treated_as_in_the_user_guides_table() {
        let rows: [(&[f64], [State; 3]); 4] = [
            (&[0.0, GAP, 9.0, GAP, 9.0], [State::Ok, State::Ok, State::Ok]),
            (&[GAP, GAP, GAP, GAP, 0.0], [State::Ok, State::Ok, State::Ok]),
            (&[GAP, GAP, GAP, GAP, GAP], [State::Insufficient, State::Alarm, State::Ok]),
            (&[0.0, 9.0, 9.0, GAP, 9.0], [State::Alarm, State::Alarm, State::Alarm]),
        ];
        for (values, expected) in rows {
            for (missing, expected) in
                [Missing::Missing, Missing::Breaching, Missing::NotBreaching].into_iter().zip(expected)
            {
                let verdict = alarm(3, 3, missing).judge(values, State::Insufficient);
                assert_eq!(verdict.state, expected, "{values:?} {missing:?}");
            }
        }
        let kept = alarm(3, 3, Missing::Ignore).judge(&[GAP; 5], State::Alarm);
        assert_eq!(kept.state, State::Alarm);
    }

    #[test]
    fn so_many_of_so_many_minutes_must_breach() {
        let one_of_three = alarm(3, 1, Missing::NotBreaching);
        assert_eq!(one_of_three.judge(&[9.0, 0.0, 0.0], State::Ok).state, State::Alarm);
        assert_eq!(one_of_three.judge(&[9.0, 0.0, 0.0, 0.0], State::Ok).state, State::Ok);
        assert_eq!(alarm(3, 2, Missing::NotBreaching).judge(&[9.0, 0.0, 0.0], State::Ok).state, State::Ok);
    }
}
