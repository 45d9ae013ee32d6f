//! What the template promises, on loads of every shape.

use scaling::assumptions::Assumptions;
use scaling::loads::{Load, Shape};
use scaling::pipeline::Run;
use scaling::plan::Plan;
use scaling::study::{Row, quantile, study, study_of};
use scaling::template::Template;
use scaling::{Stage, variants};
use std::path::Path;

fn template() -> Template {
    Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/autoscaling.yml"))
        .expect("the template is read")
}

fn plan() -> Plan {
    Plan::of(&template()).expect("it is a plan")
}

fn assumptions() -> Assumptions {
    Assumptions::read().expect("they are read")
}

/// Loads of each shape.
const EACH: u64 = 60;

fn each() -> [(Shape, u64); 7] {
    Shape::ALL.map(|shape| (shape, EACH))
}

fn last(rows: &[Row]) -> &Row {
    rows.last().expect("the last row is of all")
}

#[test]
fn no_job_is_cut_off_and_every_document_is_told_within_the_bounds() {
    let rows = study(&plan(), &assumptions(), &each());
    let all = last(&rows);
    assert_eq!((all.cut_by_scale_in, all.untold, all.loads), (0, 0, 420));
    // Spot may take a task while another one is taken; it is woken again.
    assert!(all.emptied < 6, "a service lost its last task {} times", all.emptied);
    assert!(all.stopped > 1000, "scale-in was tried, {} times", all.stopped);
    assert!(rows[0].first[1] <= 180.0, "first document from zero, p95: {} s", rows[0].first[1]);
    assert!(all.waits[2] <= 1800.0, "the oldest message: {} s", all.waits[2]);
    assert!(all.dollars <= 1.3 * all.oracle, "{} $ beside {} $", all.dollars, all.oracle);
    for row in &rows[1..3] {
        assert!(row.dollars <= 1.3 * row.oracle, "{}: {} $ beside {} $", row.shape, row.dollars, row.oracle);
    }
}

#[test]
fn the_first_document_on_gpus_comes_within_eight_minutes_and_no_instance_too_many() {
    let plan = Plan::of(&template().with("Gpu", "true").unwrap()).unwrap();
    let rows = study(&plan, &assumptions().on_gpu(), &[(Shape::Single, 200)]);
    assert!(rows[0].first[1] <= 480.0, "p95: {} s", rows[0].first[1]);
    assert!(rows[0].first[1] > 200.0, "an instance has to boot: {} s", rows[0].first[1]);
    assert_eq!(rows[0].untold, 0);
    let rows = study(&plan, &assumptions().on_gpu(), &each().map(|(shape, _)| (shape, 20)));
    let all = last(&rows);
    assert_eq!((all.cut_by_scale_in, all.untold), (0, 0));
    assert!(all.dollars <= 1.4 * all.oracle, "{} $ beside {} $", all.dollars, all.oracle);
}

#[test]
fn a_run_is_the_same_every_time() {
    let (plan, assumptions) = (plan(), assumptions());
    for shape in Shape::ALL {
        let load = Load::draw(shape, 11);
        let run = || Run::new(&load, &plan, &assumptions).outcome();
        let (once, again) = (run(), run());
        assert_eq!((once.dollars, once.ended, once.told), (again.dollars, again.ended, again.told));
    }
}

#[test]
fn the_template_beats_what_it_is_compared_with() {
    let shapes = each().map(|(shape, _)| (shape, 12));
    let rows: Vec<(&str, Vec<Row>)> = variants::all(&template())
        .unwrap()
        .iter()
        .map(|(name, plan)| (*name, study(plan, &assumptions(), &shapes)))
        .collect();
    let ours = last(&rows[0].1);
    for (name, rows) in rows.iter().skip(1) {
        let theirs = last(rows);
        let dearer = theirs.dollars > ours.dollars;
        let slower = theirs.waits[1] > 1.1 * ours.waits[1] || theirs.first[1] > 1.1 * ours.first[1];
        assert!(dearer || slower, "{name}: {theirs:?} beside {ours:?}");
    }
    let cpu = rows.iter().find(|(name, _)| name.contains("CPU")).map(|(_, rows)| last(rows)).unwrap();
    assert!(cpu.waits[1] > 2.0 * ours.waits[1], "{} s beside {} s", cpu.waits[1], ours.waits[1]);
}

/// The simulation can see a job being cut off: where documents take minutes in hand and nobody is protected, it does.
#[test]
fn without_protection_long_jobs_are_cut_off_by_scale_in() {
    let shapes = [(Shape::Sawtooth, 40), (Shape::Diurnal, 10)];
    let slow = |load: Load| Load { slow: 10.0, spot: false, ..load };
    let mut bare = assumptions();
    bare.worker.absent = 1.0;
    let without = study_of(&plan(), &bare, &shapes, slow);
    let with = study_of(&plan(), &assumptions(), &shapes, slow);
    let (without, with) = (last(&without).cut_by_scale_in, last(&with).cut_by_scale_in);
    assert!(without > 20, "{without} jobs were cut off without protection");
    assert!(with * 5 < without, "{with} with it, {without} without");
}

#[test]
fn without_the_hourly_question_a_document_after_a_night_waits_for_sqs_to_report() {
    let singles = [(Shape::Single, 120)];
    let mut deaf = plan();
    deaf.asked_every = None;
    let asked = study(&plan(), &assumptions(), &singles);
    let not = study(&deaf, &assumptions(), &singles);
    assert!(not[0].first[2] > 600.0 && asked[0].first[2] < 400.0, "{:?} {:?}", not[0].first, asked[0].first);
}

#[test]
fn textracts_quota_is_never_exceeded_and_bounds_what_ocr_does() {
    let (plan, assumptions) = (plan(), assumptions());
    for seed in 0..10 {
        let load = Load::draw(Shape::QuotaLoss, seed);
        let outcome = Run::new(&load, &plan, &assumptions).outcome();
        let scans = load.documents() as f64 * load.scans;
        let least = scans * 0.9 / assumptions.textract.calls_per_second;
        assert!(f64::from(outcome.ended) > least, "{scans} scans in {} s", outcome.ended);
        assert!(outcome.peak[Stage::Ocr as usize] <= plan.targets[Stage::Ocr as usize].ceiling);
    }
}

#[test]
fn a_quantile_is_the_value_that_so_many_have_at_most() {
    let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
    assert_eq!([0.5, 0.95, 1.0].map(|share| quantile(&sorted, share)), [50.0, 95.0, 100.0]);
    assert_eq!(quantile(&[], 0.5), 0.0);
}
