//! `scaling`: simulates `infra/autoscaling.yml`. `run.sh` beside it makes docs/scaling.md of what this prints.
//!
//! `study` runs the loads under the template and under what it is compared with, `sweep` runs them under many values of
//! its parameters; both print JSON. `look` prints the template's own figures for people.

use anyhow::Context;
use clap::{Parser, Subcommand};
use rayon::prelude::*;
use scaling::assumptions::Assumptions;
use scaling::loads::{Load, Shape};
use scaling::pipeline::Run;
use scaling::plan::Plan;
use scaling::study::{Row, study, study_of};
use scaling::template::Template;
use scaling::{Stage, rules, variants};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Simulates how the services scale.
#[derive(Debug, Parser)]
struct Args {
    /// The template.
    #[arg(long, default_value = "infra/autoscaling.yml", global = true)]
    template: PathBuf,
    /// Loads, of all shapes together.
    #[arg(long, default_value_t = 10_000, global = true)]
    loads: u64,
    /// Another value of a parameter of the template.
    #[arg(long = "set", value_name = "NAME=VALUE", global = true)]
    set: Vec<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The template beside other ways to scale, twice as slow starts, GPUs, and what goes wrong without its parts.
    Study,
    /// Other values of the parameters, one or two at a time.
    Sweep,
    /// The template alone, for people.
    Look,
    /// What is wrong with each of many templates: a JSON list of them in, a list of what is said of each out.
    Check {
        /// The list.
        file: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let What::Check { file } = &args.what {
        return check(file);
    }
    let mut template = Template::read(&args.template)?;
    for set in &args.set {
        let (name, value) = set.split_once('=').context("--set takes NAME=VALUE")?;
        template = template.with(name, value)?;
    }
    let on_gpu = template.parameters().any(|(name, value)| name == "Gpu" && value == "true");
    let assumptions = Assumptions::read()?;
    let assumptions = if on_gpu { assumptions.on_gpu() } else { assumptions };
    let broken = rules::broken(&Plan::of(&template)?, &assumptions);
    anyhow::ensure!(broken.is_empty(), "the template breaks rules:\n- {}", broken.join("\n- "));
    let shapes = Shape::ALL.map(|shape| (shape, args.loads.div_ceil(Shape::ALL.len() as u64)));
    match args.what {
        What::Study => println!("{}", all(&template, &assumptions, &shapes)?),
        What::Sweep => {
            let few = shapes.map(|(shape, count)| (shape, count.div_ceil(4)));
            println!("{}", sweep(&template, &assumptions, &few)?);
        }
        What::Look => look(&study(&Plan::of(&template)?, &assumptions, &shapes)),
        What::Check { .. } => {}
    }
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let templates: Vec<Value> = serde_json::from_slice(&std::fs::read(file)?)?;
    let assumptions = Assumptions::read()?;
    let said: Vec<Vec<String>> =
        templates.into_par_iter().map(|whole| rules::of(&Template::of(whole), &assumptions)).collect();
    println!("{}", json!(said));
    Ok(())
}

fn all(template: &Template, assumptions: &Assumptions, shapes: &[(Shape, u64)]) -> anyhow::Result<Value> {
    let plan = Plan::of(template)?;
    let few: Vec<(Shape, u64)> = shapes.iter().map(|(shape, count)| (*shape, count.div_ceil(10))).collect();
    let tables: Vec<Value> = variants::all(template)?
        .iter()
        .map(|(name, plan)| json!({ "name": name, "rows": study(plan, assumptions, &few) }))
        .collect();
    let single = [(Shape::Single, shapes[0].1)];
    let gpu_plan = Plan::of(&template.clone().with("Gpu", "true")?)?;
    let gpu = assumptions.on_gpu();
    let mut deaf = plan.clone();
    deaf.asked_every = None;
    let mut bare = *assumptions;
    bare.worker.absent = 1.0;
    let slow = |load: Load| Load { slow: 10.0, ..load };
    let mut seconds = *assumptions;
    seconds.service.summarize.cpu *= 2.0;
    Ok(json!({
        "parameters": template.parameters().map(|(name, value)| (name.to_owned(), value.clone())).collect::<serde_json::Map<_, _>>(),
        "rates": Stage::ALL.map(|stage| assumptions.of(stage).rate()),
        "dollars_an_hour": Stage::ALL.map(|stage| 3600.0 * assumptions.dollars_a_second(stage)),
        "ceilings": plan.targets.map(|target| target.ceiling),
        "ours": study(&plan, assumptions, shapes),
        "variants": tables,
        "twice_starts": study(&plan, &assumptions.starts_times(2.0), &single),
        "gpu": study(&gpu_plan, &gpu, &few),
        "gpu_single": study(&gpu_plan, &gpu, &single),
        "gpu_twice_starts": study(&gpu_plan, &gpu.starts_times(2.0), &single),
        "not_asked": study(&deaf, assumptions, &single),
        "slow": study_of(&plan, assumptions, &few, slow),
        "slow_unprotected": study_of(&plan, &bare, &few, slow),
        "half_as_fast": study(&plan, &seconds, &few),
        "traces": traces(&plan, assumptions),
    }))
}

/// One load of the shapes that are worth a look.
fn traces(plan: &Plan, assumptions: &Assumptions) -> Value {
    let trace = |shape: Shape, seed: u64| {
        let load = Load::draw(shape, seed);
        json!({ "shape": shape.name(), "seed": seed, "minutes": Run::new(&load, plan, assumptions).traced().outcome().trace })
    };
    json!([trace(Shape::Burst, 3), trace(Shape::Diurnal, 5), trace(Shape::Sawtooth, 2)])
}

/// The values that are tried, one list for each set of parameters that change together.
fn grid() -> Vec<(&'static [&'static str], Vec<Vec<f64>>)> {
    let single = |values: &[f64]| values.iter().map(|value| vec![*value]).collect::<Vec<_>>();
    vec![
        (&["Band1Backlog"], single(&[50.0, 100.0, 300.0, 600.0, 1000.0])),
        (&["GrowAge"], single(&[60.0, 120.0, 180.0, 300.0, 86_400.0])),
        (
            &["Band1Backlog", "Band2Backlog", "Band3Backlog", "Band4Backlog"],
            [0.1, 0.3, 1.0, 3.0]
                .map(|times| [600.0, 1500.0, 5000.0, 20_000.0].map(|from| from * times).to_vec())
                .to_vec(),
        ),
        (
            &["Band1Tasks", "Band2Tasks", "Band3Tasks", "Band4Tasks"],
            vec![
                vec![1.0, 2.0, 3.0, 4.0],
                vec![1.0, 2.0, 3.0, 6.0],
                vec![1.0, 3.0, 6.0, 12.0],
                vec![1.0, 3.0, 8.0, 20.0],
            ],
        ),
        (&["GrowCooldown"], single(&[60.0, 120.0, 180.0, 240.0])),
        (
            &["GrowCooldown", "ShrinkCooldown"],
            [[60.0, 60.0], [120.0, 120.0], [180.0, 180.0], [180.0, 240.0], [240.0, 240.0]]
                .map(|both| both.to_vec())
                .to_vec(),
        ),
        (&["ShrinkBusy"], single(&[50.0, 70.0, 80.0, 85.0, 90.0, 95.0])),
        (&["ShrinkPeriods"], single(&[2.0, 3.0, 5.0])),
        (&["ShrinkCooldown"], single(&[120.0, 180.0, 240.0, 300.0])),
        (&["SleepPeriods"], single(&[2.0, 3.0, 5.0, 10.0])),
        (&["SummarizeCeiling"], single(&[8.0, 12.0, 16.0, 20.0])),
        (&["IngestCeiling"], single(&[3.0, 4.0, 6.0, 8.0])),
        (&["NotifyCeiling"], single(&[2.0, 3.0, 4.0, 8.0])),
    ]
}

fn sweep(template: &Template, assumptions: &Assumptions, shapes: &[(Shape, u64)]) -> anyhow::Result<Value> {
    let cells: Vec<_> = grid()
        .into_iter()
        .flat_map(|(names, values)| values.into_iter().map(move |values| (names, values)))
        .collect();
    let rows: Vec<Value> = cells
        .into_par_iter()
        .map(|(names, values)| {
            let mut changed = template.clone();
            for (name, value) in names.iter().zip(&values) {
                changed = changed.with(name, *value)?;
            }
            let plan = Plan::of(&changed)?;
            let rows = study(&plan, assumptions, shapes);
            let broken = rules::broken(&plan, assumptions);
            Ok::<_, anyhow::Error>(
                json!({ "names": names, "values": values, "broken": broken, "rows": rows }),
            )
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(json!({ "sweep": rows }))
}

fn look(rows: &[Row]) {
    println!(
        "shape                   loads  cut  first document, s   wait, s             ocr, s        peak               cost   oracle"
    );
    for row in rows {
        let [first, first95, slowest] = row.first;
        let [wait95, wait99, longest] = row.waits;
        println!(
            "{:22} {:6} {:4}  {first:4.0} {first95:4.0} {slowest:6.0}  {wait95:5.0} {wait99:5.0} {longest:6.0}  {:5.0} {:7.0}  {:?}  ${:.3} ${:.3} {:.2} times ({:.2}, {:.2}) untold {} emptied {}",
            row.shape,
            row.loads,
            row.cut_by_scale_in,
            row.ocr[0],
            row.ocr[1],
            row.peak,
            row.dollars,
            row.oracle,
            row.dollars / row.oracle,
            row.ratios[0],
            row.ratios[1],
            row.untold,
            row.emptied,
        );
        for (stage, [dollars, oracle]) in Stage::ALL.iter().zip(row.services) {
            println!("    {:10} ${dollars:.3} ${oracle:.3} {:.2} times", stage.name(), dollars / oracle);
        }
    }
}
