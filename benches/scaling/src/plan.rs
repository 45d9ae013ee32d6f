//! What a template says of scaling: alarms, the policies that they set off, and the bounds of each service.

use crate::Stage;
use crate::expression::{Expression, LONGEST};
use crate::template::{Error, Template, number};
use serde_json::Value;

/// Minutes beyond its periods in which an alarm looks for data that came late. CloudWatch looks further back than the
/// periods and does not say how far ("Configuring how CloudWatch alarms treat missing data").
pub const FURTHER: usize = 3;

/// Something that is measured once a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// `ApproximateNumberOfMessagesVisible` of the queue with that index in [`QUEUES`].
    Visible(usize),
    /// `ApproximateNumberOfMessagesNotVisible` of it.
    InFlight(usize),
    /// `ApproximateAgeOfOldestMessage` of it, in seconds.
    Oldest(usize),
    /// Container Insights' `RunningTaskCount`.
    Running(Stage),
    /// Container Insights' `DesiredTaskCount`.
    Desired(Stage),
    /// The service's `CPUUtilization`, in percent.
    Cpu(Stage),
}

/// The queues, as their names end.
pub const QUEUES: [&str; 5] = ["ingest", "ocr", "ocr-completed", "summarize", "notify"];

/// How an alarm compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are CloudWatch's own names")]
pub enum Comparison {
    GreaterThan,
    GreaterThanOrEqualTo,
    LessThan,
    LessThanOrEqualTo,
}

impl Comparison {
    /// Whether the value breaches the threshold.
    #[must_use]
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThan => value > threshold,
            Self::GreaterThanOrEqualTo => value >= threshold,
            Self::LessThan => value < threshold,
            Self::LessThanOrEqualTo => value <= threshold,
        }
    }
}

/// What an alarm makes of minutes without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are CloudWatch's own names")]
pub enum Missing {
    NotBreaching,
    Breaching,
    Ignore,
    Missing,
}

/// A metric alarm.
#[derive(Debug, Clone)]
pub struct Alarm {
    /// Its logical name.
    pub name: String,
    /// The metrics, then the expressions are named by these.
    pub ids: Vec<String>,
    /// What the first of them measure.
    pub measures: Vec<Measure>,
    /// What is reckoned from them, in order; the last is compared.
    pub expressions: Vec<Expression>,
    /// How the last is compared with the threshold.
    pub comparison: Comparison,
    /// With what.
    pub threshold: f64,
    /// Minutes that are looked at.
    pub periods: usize,
    /// Minutes of them that must breach.
    pub datapoints: usize,
    /// What a minute without data is.
    pub missing: Missing,
    /// Indices of the policies that it sets off.
    pub actions: Vec<usize>,
}

/// How a policy reads its adjustment.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "they are Application Auto Scaling's own names")]
pub enum Adjustment {
    ChangeInCapacity,
    ExactCapacity,
    /// With `MinAdjustmentMagnitude`.
    PercentChangeInCapacity(u32),
    /// Target tracking, with its target; only what is compared with ours does so.
    Track(f64),
}

/// Adds so much if the metric is so far above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From so far above the threshold.
    pub lower: Option<f64>,
    /// To so far above it.
    pub upper: Option<f64>,
    /// Tasks, or percent of them.
    pub adjustment: f64,
}

/// A scaling policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its logical name.
    pub name: String,
    /// Whose tasks it changes.
    pub stage: Stage,
    /// How it changes their number.
    pub adjustment: Adjustment,
    /// By how much.
    pub steps: Vec<Step>,
    /// Seconds.
    pub cooldown: u32,
}

/// A scalable target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Tasks at least.
    pub floor: u32,
    /// Tasks at most.
    pub ceiling: u32,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The alarms.
    pub alarms: Vec<Alarm>,
    /// The policies.
    pub policies: Vec<Policy>,
    /// The bounds, as in [`Stage::ALL`].
    pub targets: [Target; 4],
    /// Seconds between two times that every queue is asked for its attributes; none if nothing asks.
    pub asked_every: Option<u32>,
}

impl Plan {
    /// What the template says.
    pub fn of(template: &Template) -> Result<Self, Error> {
        let targets = targets(template)?;
        let policies: Vec<Policy> = template
            .resources("AWS::ApplicationAutoScaling::ScalingPolicy")?
            .into_iter()
            .map(|(name, value)| policy(name, &value, &targets))
            .collect::<Result<_, _>>()?;
        let alarms = template
            .resources("AWS::CloudWatch::Alarm")?
            .into_iter()
            .map(|(name, value)| alarm(name, &value, &policies))
            .collect::<Result<_, _>>()?;
        let mut bounds = [None; 4];
        for (_, stage, target) in targets {
            bounds[stage as usize] = Some(target);
        }
        let bound = |stage: Stage| {
            bounds[stage as usize]
                .ok_or_else(|| Error::wrong("Resources", format!("no scalable target for {}", stage.name())))
        };
        let [ingest, ocr, summarize, notify] = Stage::ALL.map(bound);
        let targets = [ingest?, ocr?, summarize?, notify?];
        Ok(Self { alarms, policies, targets, asked_every: asked_every(template)? })
    }

    /// The alarm of that logical name.
    #[must_use]
    pub fn alarm(&self, name: &str) -> Option<&Alarm> {
        self.alarms.iter().find(|alarm| alarm.name == name)
    }

    /// The policy of that logical name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.name == name)
    }
}

/// The service that a queue's, service's or resource's name ends with.
fn stage_of(name: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| name.ends_with(stage.name()))
}

fn text<'a>(value: &'a Value, key: &str, place: &str) -> Result<&'a str, Error> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| Error::wrong(place, format!("no {key}")))
}

fn figure(value: &Value, key: &str, place: &str) -> Result<f64, Error> {
    value.get(key).and_then(number).ok_or_else(|| Error::wrong(place, format!("{key} is no number")))
}

pub(crate) fn targets(template: &Template) -> Result<Vec<(String, Stage, Target)>, Error> {
    let found = template.resources("AWS::ApplicationAutoScaling::ScalableTarget")?;
    found
        .into_iter()
        .map(|(name, value)| {
            let resource = text(&value, "ResourceId", &name)?;
            let stage = stage_of(resource)
                .ok_or_else(|| Error::wrong(&name, format!("{resource} is no service of ours")))?;
            let floor = figure(&value, "MinCapacity", &name)? as u32;
            let ceiling = figure(&value, "MaxCapacity", &name)? as u32;
            Ok((name, stage, Target { floor, ceiling }))
        })
        .collect()
}

fn policy(name: String, value: &Value, targets: &[(String, Stage, Target)]) -> Result<Policy, Error> {
    let target = text(value, "ScalingTargetId", &name)?;
    let stage = targets.iter().find(|(known, ..)| known == target).map(|(_, stage, _)| *stage);
    let stage = stage.ok_or_else(|| Error::wrong(&name, format!("there is no target {target}")))?;
    let steps = value.get("StepScalingPolicyConfiguration");
    let steps = steps.ok_or_else(|| Error::wrong(&name, "only step scaling is known here"))?;
    let adjustment = match text(steps, "AdjustmentType", &name)? {
        "ChangeInCapacity" => Adjustment::ChangeInCapacity,
        "ExactCapacity" => Adjustment::ExactCapacity,
        "PercentChangeInCapacity" => {
            let least = steps.get("MinAdjustmentMagnitude").and_then(number).unwrap_or(1.0);
            Adjustment::PercentChangeInCapacity(least as u32)
        }
        other => return Err(Error::wrong(&name, format!("AdjustmentType {other} is not known here"))),
    };
    let listed = steps.get("StepAdjustments").and_then(Value::as_array).cloned().unwrap_or_default();
    let listed = listed
        .iter()
        .map(|step| {
            Ok(Step {
                lower: step.get("MetricIntervalLowerBound").and_then(number),
                upper: step.get("MetricIntervalUpperBound").and_then(number),
                adjustment: figure(step, "ScalingAdjustment", &name)?,
            })
        })
        .collect::<Result<_, Error>>()?;
    let cooldown = figure(steps, "Cooldown", &name)? as u32;
    Ok(Policy { stage, adjustment, steps: listed, cooldown, name })
}

fn alarm(name: String, value: &Value, policies: &[Policy]) -> Result<Alarm, Error> {
    let metrics = value.get("Metrics").and_then(Value::as_array);
    let metrics = metrics.ok_or_else(|| Error::wrong(&name, "an alarm of ours has Metrics"))?;
    let (mut ids, mut measures, mut expressions) = (Vec::new(), Vec::new(), Vec::new());
    for metric in metrics {
        let id = text(metric, "Id", &name)?.to_owned();
        match metric.get("Expression").and_then(Value::as_str) {
            Some(expression) => expressions.push(Expression::parse(expression, &ids)?),
            None if expressions.is_empty() => measures.push(measure(metric, &name)?),
            None => return Err(Error::wrong(&name, "metrics come before expressions")),
        }
        ids.push(id);
    }
    let comparison = match text(value, "ComparisonOperator", &name)? {
        "GreaterThanThreshold" => Comparison::GreaterThan,
        "GreaterThanOrEqualToThreshold" => Comparison::GreaterThanOrEqualTo,
        "LessThanThreshold" => Comparison::LessThan,
        "LessThanOrEqualToThreshold" => Comparison::LessThanOrEqualTo,
        other => return Err(Error::wrong(&name, format!("{other} is not known here"))),
    };
    let missing = match text(value, "TreatMissingData", &name)? {
        "notBreaching" => Missing::NotBreaching,
        "breaching" => Missing::Breaching,
        "ignore" => Missing::Ignore,
        _ => Missing::Missing,
    };
    let periods = figure(value, "EvaluationPeriods", &name)? as usize;
    if periods == 0 || periods + FURTHER > LONGEST {
        let most = LONGEST - FURTHER;
        return Err(Error::wrong(&name, format!("{periods} periods; 1 to {most} can be simulated")));
    }
    let actions = value.get("AlarmActions").and_then(Value::as_array).cloned().unwrap_or_default();
    let actions = actions
        .iter()
        .map(|action| {
            let wanted = action.as_str().unwrap_or_default();
            let found = policies.iter().position(|policy| policy.name == wanted);
            found.ok_or_else(|| Error::wrong(&name, format!("{wanted} is no policy")))
        })
        .collect::<Result<_, _>>()?;
    Ok(Alarm {
        ids,
        measures,
        expressions,
        comparison,
        threshold: figure(value, "Threshold", &name)?,
        periods,
        datapoints: figure(value, "DatapointsToAlarm", &name)? as usize,
        missing,
        actions,
        name,
    })
}

fn measure(metric: &Value, place: &str) -> Result<Measure, Error> {
    let stat =
        metric.get("MetricStat").ok_or_else(|| Error::wrong(place, "neither metric nor expression"))?;
    if figure(stat, "Period", place)? != 60.0 {
        return Err(Error::wrong(place, "SQS and Container Insights report once a minute: Period is 60"));
    }
    let metric = stat.get("Metric").ok_or_else(|| Error::wrong(place, "MetricStat without Metric"))?;
    let dimension = |wanted: &str| {
        let all = metric.get("Dimensions").and_then(Value::as_array)?;
        let one = all.iter().find(|one| one.get("Name").and_then(Value::as_str) == Some(wanted))?;
        one.get("Value").and_then(Value::as_str)
    };
    let queue = || {
        // The stack's name comes before the first hyphen of our defaults, and a queue's own may have one too.
        let named = dimension("QueueName").and_then(|name| Some(name.split_once('-')?.1));
        let found = named.and_then(|name| QUEUES.iter().position(|queue| *queue == name));
        found.ok_or_else(|| Error::wrong(place, "QueueName is no queue of ours"))
    };
    let service = || {
        let found = dimension("ServiceName").and_then(stage_of);
        found.ok_or_else(|| Error::wrong(place, "ServiceName is no service of ours"))
    };
    let name = text(metric, "MetricName", place)?;
    match name {
        "ApproximateNumberOfMessagesVisible" => Ok(Measure::Visible(queue()?)),
        "ApproximateNumberOfMessagesNotVisible" => Ok(Measure::InFlight(queue()?)),
        "ApproximateAgeOfOldestMessage" => Ok(Measure::Oldest(queue()?)),
        "RunningTaskCount" => Ok(Measure::Running(service()?)),
        "DesiredTaskCount" => Ok(Measure::Desired(service()?)),
        "CPUUtilization" => Ok(Measure::Cpu(service()?)),
        other => Err(Error::wrong(place, format!("the metric {other} is not known here"))),
    }
}

fn asked_every(template: &Template) -> Result<Option<u32>, Error> {
    let schedules = template.resources("AWS::Scheduler::Schedule")?;
    let Some((name, schedule)) = schedules.first() else { return Ok(None) };
    let rate = text(schedule, "ScheduleExpression", name)?;
    let inner = rate.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')'));
    let (count, unit) = inner
        .and_then(|rate| rate.split_once(' '))
        .ok_or_else(|| Error::wrong(name, format!("{rate}: rate(N minutes) is known here")))?;
    let count: u32 =
        count.parse().map_err(|_| Error::wrong(name, format!("{rate}: {count} is no number")))?;
    match unit.trim_end_matches('s') {
        "minute" => Ok(Some(60 * count)),
        "hour" => Ok(Some(3600 * count)),
        "day" => Ok(Some(86_400 * count)),
        other => Err(Error::wrong(name, format!("{other} is no unit of a rate"))),
    }
}
