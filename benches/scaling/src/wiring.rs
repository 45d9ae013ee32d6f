//! Whether the template says in its alarms and policies what its parameters say, and does with it what docs/scaling.md tells.

use crate::Stage;
use crate::assumptions::Assumptions;
use crate::plan::{Adjustment, Alarm, Comparison, Measure, Plan, Policy, Step, Target, targets};
use crate::rules::{goes_off, verdict};
use crate::template::{Error, Template, number};

/// A parameter's value, or NaN, which equals nothing.
fn value(template: &Template, name: &str) -> f64 {
    template.number(name).unwrap_or(f64::NAN)
}

/// Everything that is not as it is said.
pub fn wrong(template: &Template, plan: &Plan, assumptions: &Assumptions) -> Result<Vec<String>, Error> {
    let mut said = Vec::new();
    for stage in Stage::ALL {
        let name = stage.name();
        let on_gpu = assumptions.on_gpu && stage == Stage::Summarize;
        let title = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let policy = |kind: &str| {
            let full = format!("{title}{kind}Policy");
            plan.policy(&full).ok_or_else(|| Error::wrong(&full, "there is no such policy"))
        };
        let alarm = |kind: &str| {
            let full = if kind == "Sleep" { kind.to_owned() } else { format!("{title}{kind}") };
            plan.alarm(&full).ok_or_else(|| Error::wrong(&full, "there is no such alarm"))
        };
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                said.push(format!("{name}: {what}"));
            }
        };
        for (kind, periods, datapoints, cooldown) in [
            ("Wake", "WakeWithin", "", if on_gpu { "GpuWakeCooldown" } else { "WakeCooldown" }),
            ("Grow", "GrowPeriods", "GrowPeriods", "GrowCooldown"),
            ("Shrink", "ShrinkPeriods", "ShrinkPeriods", "ShrinkCooldown"),
            ("Sleep", "SleepPeriods", "SleepPeriods", "ShrinkCooldown"),
        ] {
            let (alarm, policy) = (alarm(kind)?, policy(kind)?);
            let sets_off = |index: &usize| plan.policies[*index].name == policy.name;
            let all = if kind == "Sleep" { Stage::ALL.len() } else { 1 };
            let own = alarm.actions.len() == all && alarm.actions.iter().any(sets_off);
            expect(own, &format!("{kind} sets off another policy, or none"));
            expect(
                alarm.periods as f64 == value(template, periods),
                &format!("{periods} is not what is looked at"),
            );
            let needed = if datapoints.is_empty() { 1.0 } else { value(template, datapoints) };
            expect(alarm.datapoints as f64 == needed, &format!("{kind} needs other minutes than {periods}"));
            expect(
                f64::from(policy.cooldown) == value(template, cooldown),
                &format!("{cooldown} is not what cools {kind} down"),
            );
        }
        expect(
            steps(policy("Wake")?) == [(Some(0.0), None, value(template, "WakeTasks"))],
            "WakeTasks do not wake",
        );
        expect(policy("Wake")?.adjustment == Adjustment::ChangeInCapacity, "waking adds no tasks");
        let band = |at: usize, what: &str| value(template, &format!("Band{at}{what}"));
        let bands: Vec<_> = (1..=4)
            .map(|at| {
                let lower = if at == 1 { 0.0 } else { band(at, "Backlog") };
                (Some(lower), (at < 4).then(|| band(at + 1, "Backlog")), band(at, "Tasks"))
            })
            .collect();
        expect(steps(policy("Grow")?) == bands, "it does not grow by its bands");
        expect(policy("Grow")?.adjustment == Adjustment::ChangeInCapacity, "growing adds no tasks");
        let gone = &policy("Shrink")?.steps;
        let as_said = |step: &Step| step.upper.is_some_and(|upper| step.adjustment == upper - 1.0);
        expect(gone.len() > 1 && gone.iter().all(as_said), "other tasks go than are spare");
        expect(gone.first().is_some_and(|step| step.lower.is_none()), "no tasks go where most are spare");
        expect(gone.last().is_some_and(|step| step.adjustment == -1.0), "no task goes where one is spare");
        expect(policy("Shrink")?.adjustment == Adjustment::ChangeInCapacity, "shrinking takes no tasks");
        expect(
            steps(policy("Sleep")?) == [(None, Some(0.0), value(template, "Floor"))],
            "it does not sleep at the floor",
        );
        expect(
            grows_as_said(alarm("Grow")?, stage, template, assumptions),
            "it grows at another backlog or age than is said",
        );
        expect(
            shrinks_as_said(alarm("Shrink")?, stage, template, assumptions),
            "it counts other tasks as spare than are",
        );
        expect(wakes_at_once(alarm("Wake")?), "it does not wake for one document in one minute");
        let target = plan.targets[stage as usize];
        expect(f64::from(target.floor) == value(template, "Floor"), "its floor is not the Floor");
        if stage != Stage::Ocr {
            let ceiling = format!("{title}{}Ceiling", if on_gpu { "Gpu" } else { "" });
            // With a value that no other parameter has.
            let other = template.clone().with("Gpu", assumptions.on_gpu.to_string())?.with(&ceiling, 77)?;
            let follows = targets(&other)?.iter().any(|(_, of, target)| *of == stage && target.ceiling == 77);
            expect(follows, &format!("{ceiling} is not its ceiling"));
        }
    }
    said.extend(ceilings_of_ocr(template, assumptions)?);
    Ok(said)
}

fn steps(policy: &Policy) -> Vec<(Option<f64>, Option<f64>, f64)> {
    policy.steps.iter().map(|step| (step.lower, step.upper, step.adjustment)).collect()
}

/// One document in any queue, in the oldest of the minutes that are looked at, wakes.
fn wakes_at_once(alarm: &Alarm) -> bool {
    alarm.threshold == 0.0 && alarm.comparison == Comparison::GreaterThan && alarm.datapoints == 1
}

/// e = (visible + in hand) / tasks (/ `GpuTimes` on GPUs), from the first band on, or the first band where old ones wait for a free hand.
fn grows_as_said(alarm: &Alarm, stage: Stage, template: &Template, assumptions: &Assumptions) -> bool {
    let (band, age) = (value(template, "Band1Backlog"), value(template, "GrowAge"));
    let hands = f64::from(assumptions.of(stage).task.concurrency);
    let on_gpu = assumptions.on_gpu && stage == Stage::Summarize;
    let times = if on_gpu { value(template, "GpuTimes") } else { 1.0 };
    let sizes = [
        0.0,
        1.0,
        hands,
        2.0 * hands,
        5.0 * hands + 1.0,
        band - 1.0,
        band,
        2.0 * band,
        7.0 * band,
        50.0 * band,
    ];
    let all =
        [0.0, 1.0, 2.0, 5.0].iter().flat_map(|tasks| sizes.iter().map(move |visible| (*tasks, *visible)));
    let all = all.flat_map(|(tasks, visible)| sizes.iter().map(move |flight| (tasks, visible, *flight)));
    let all = all.flat_map(|(tasks, visible, flight)| {
        [0.0, age, age + 1.0].map(|oldest| (tasks, visible, flight, oldest))
    });
    let mut all = all;
    all.all(|(tasks, visible, flight, oldest)| {
        let read = |measure: Measure| match measure {
            Measure::Visible(queue) if queue == stage.queue() => visible,
            Measure::InFlight(queue) if queue == stage.queue() => flight,
            Measure::Oldest(queue) if queue == stage.queue() => oldest,
            Measure::Running(of) if of == stage => tasks,
            _ => f64::NAN,
        };
        let e = (visible + flight.min(tasks.max(1.0) * hands)) / tasks.max(1.0) / times;
        let wanted = if e >= band {
            Some(e)
        } else {
            (oldest > age && visible > tasks.max(1.0) * hands).then_some(band)
        };
        let off = goes_off(alarm, read);
        off == wanted.is_some()
            && (!off
                || wanted
                    .is_some_and(|wanted| (verdict(alarm, read) - alarm.threshold - wanted).abs() < 1e-9))
    })
}

/// Spare are those without which the others have `ShrinkBusy` percent of their hands, or of their processors, busy.
fn shrinks_as_said(alarm: &Alarm, stage: Stage, template: &Template, assumptions: &Assumptions) -> bool {
    let most = value(template, "ShrinkBusy") / 100.0;
    let hands = f64::from(assumptions.of(stage).task.concurrency);
    let shares = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];
    let all = [2.0, 3.0, 7.0, 12.0].iter().flat_map(|tasks| shares.iter().map(move |full| (*tasks, *full)));
    let all = all.flat_map(|(tasks, full)| shares.iter().map(move |cpu| (tasks, full, *cpu)));
    // Tasks that start, or that go, are none to take.
    let mut all = all.flat_map(|one| [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)].map(|more| (one, more)));
    all.all(|((tasks, full, cpu), (going, starting)): ((f64, f64, f64), (f64, f64))| {
        let read = |measure: Measure| match measure {
            Measure::Visible(queue) if queue == stage.queue() => 0.0,
            Measure::InFlight(queue) if queue == stage.queue() => full * tasks * hands,
            Measure::Cpu(of) if of == stage => 100.0 * cpu,
            Measure::Desired(of) if of == stage => tasks + starting,
            Measure::Running(of) if of == stage => tasks + going,
            _ => f64::NAN,
        };
        let spare = tasks - (tasks * full.max(cpu) / most).max(1.0);
        let off = goes_off(alarm, read);
        off == (spare >= 1.0) && (!off || (verdict(alarm, read) + spare).abs() < 1e-9)
    })
}

/// The smaller of ⌊jobs ÷ concurrency⌋ and ⌈calls a second × seconds of one ÷ concurrency⌉, at least 1, for every choice.
fn ceilings_of_ocr(template: &Template, assumptions: &Assumptions) -> Result<Vec<String>, Error> {
    let allowed = |name: &str| -> Vec<u32> {
        let values = template.raw(&format!("Parameters.{name}.AllowedValues")).and_then(|all| all.as_array());
        values.into_iter().flatten().filter_map(|value| number(value).map(|value| value as u32)).collect()
    };
    let (concurrencies, jobs, calls) =
        (allowed("Concurrency"), allowed("TextractConcurrentJobs"), allowed("TextractCallsPerSecond"));
    let mut said = Vec::new();
    if (&concurrencies[..], &jobs[..], &calls[..])
        != (&[4, 8, 16], &[100, 200, 400, 600, 1000], &[1, 2, 5, 10, 25, 50])
    {
        said.push("the quotas that can be chosen are others".to_owned());
    }
    for concurrency in &concurrencies {
        for jobs in &jobs {
            for calls in &calls {
                let chosen = template.clone().with("Concurrency", *concurrency)?;
                let chosen =
                    chosen.with("TextractConcurrentJobs", *jobs)?.with("TextractCallsPerSecond", *calls)?;
                let found = targets(&chosen)?.into_iter().find(|(_, stage, _)| *stage == Stage::Ocr);
                let in_hand = (f64::from(*calls) * assumptions.service.ocr.latency).ceil() as u32;
                let expected = (jobs / concurrency).min(in_hand.div_ceil(*concurrency)).max(1);
                if found.is_none_or(|(_, _, Target { ceiling, .. })| ceiling != expected) {
                    said.push(format!("ocr: {concurrency} at once, {jobs} jobs and {calls} calls a second feed {expected} tasks"));
                }
            }
        }
    }
    Ok(said)
}
