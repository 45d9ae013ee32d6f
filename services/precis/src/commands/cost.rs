//! `precis cost`: what documents will cost, from requests that were counted and a list of prices; and what they did cost,
//! from what each job says of itself.

use super::place::{self, Place};
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use aws::Aws;
use aws::prices::{PriceList, Prices};
use domain::Job;
use domain::outcome::Cost;
use jiff::Timestamp;
use ports::Filter;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;

/// Requests that a small document costs in all, those that it shares with others by parts: docs/aws-calls.md, counted by
/// `tests/tests/stack/calls.rs`.
const SQS: f64 = 9.3;
const DYNAMODB: f64 = 14.2;
const S3: f64 = 6.0;
const SNS: f64 = 2.0;
/// Beside them, each page that needs OCR: its image and its lines, written and read.
const S3_A_SCAN: f64 = 4.0;
/// Hours of a month.
const MONTH: f64 = 730.0;

/// Runs the command.
pub async fn run(args: &cli::Cost, out: &mut dyn Write) -> Result<()> {
    if args.example {
        out.write_all(PriceList::example().as_bytes())?;
        return Ok(());
    }
    match (args.documents, args.since) {
        (Some(documents), _) => estimate(args, documents, out),
        (None, Some(since)) => sum(&place::open(&args.data).await?, args, since, out).await,
        (None, None) => bail!(
            "say what is to be counted. Do: --documents N for an estimate, or --since DAY for what it did cost (see --help)"
        ),
    }
}

/// The prices of a place: of its deployment's region, or of the one that is meant.
pub fn prices(aws: Option<&Aws>, file: &cli::PriceFile, region: Option<&str>) -> Result<PriceList> {
    let exported = || std::env::var("AWS_REGION").ok().filter(|region| !region.is_empty());
    let region =
        aws.map(|aws| aws.names.region.clone()).or_else(|| region.map(str::to_owned)).or_else(exported);
    Ok(PriceList::of(region.as_deref().unwrap_or("us-east-1"), file.file.as_deref())?)
}

/// What the requests of a document without scans cost, e-mails apart.
pub fn requests(prices: &Prices) -> f64 {
    SQS * prices.sqs_request + DYNAMODB * prices.dynamodb() + S3 * prices.s3() + SNS * prices.sns_publish
}

fn estimate(args: &cli::Cost, documents: f64, out: &mut dyn Write) -> Result<()> {
    let list = prices(None, &args.prices, args.data.region.as_deref())?;
    let prices = &list.prices;
    let scans = documents * args.pages * args.scanned;
    let gb = documents * args.megabytes / 1000.0;
    let rows = [
        ("OCR", format!("{scans:.0} pages"), scans * prices.textract_page),
        (
            "requests",
            format!("{:.0}", documents * (SQS + DYNAMODB + S3 + SNS) + scans * S3_A_SCAN),
            documents * requests(prices) + scans * S3_A_SCAN * prices.s3(),
        ),
        ("e-mails", format!("{:.0}", documents * args.emails), documents * args.emails * prices.sns_email),
        ("storage", format!("{gb:.1} GB"), gb * prices.s3_gb_month),
        (
            "services",
            format!("{} vCPU, {} GB", args.vcpu, args.memory),
            MONTH * prices.fargate_hour(args.vcpu, args.memory),
        ),
    ];
    let total: f64 = rows.iter().map(|(_, _, usd)| usd).sum();
    let each = if documents > 0.0 { total / documents } else { 0.0 };
    if args.json {
        let parts: serde_json::Map<_, _> =
            rows.iter().map(|(name, _, usd)| ((*name).to_owned(), json!(usd))).collect();
        let row = json!({ "documents": documents, "pages": args.pages, "scanned": args.scanned, "region": list.region,
            "prices_of": list.date, "usd": parts, "usd_total": total, "usd_each": each });
        writeln!(out, "{row}")?;
        return Ok(());
    }
    let corrected = if list.corrected { ", corrected by your file" } else { "" };
    writeln!(
        out,
        "{documents:.0} documents a month of {} pages, {:.0}% of the pages by OCR; {}, list prices of {}{corrected}",
        args.pages,
        args.scanned * 100.0,
        list.region,
        list.date
    )?;
    for (name, what, usd) in &rows {
        writeln!(out, "  {name:<9} {what:<18} ${usd:>10.2}")?;
    }
    writeln!(out, "  {:<9} {:<18} ${total:>10.2}", "together", "")?;
    writeln!(out, "  {:<9} {:<18} ${each:>10.4}", "", "for each document")?;
    writeln!(out, "Storage grows by as much each month; services run whether documents come or not.")?;
    writeln!(out, "Free tiers, discounts, taxes, KMS, logs and data transfer are not in it.")?;
    Ok(())
}

/// Sums over the jobs of one prefix.
#[derive(Default)]
struct Sum {
    documents: u64,
    pages: u64,
    runs: u64,
    cost: Cost,
    work_ms: u64,
}

impl Sum {
    fn add(&mut self, job: &Job) {
        self.documents += 1;
        self.pages += u64::from(job.pages.unwrap_or(0));
        self.runs += u64::from(job.run);
        self.cost += job.total_cost();
        // Of former runs the history tells, as far as it goes back.
        self.work_ms += job.history.iter().filter_map(|entry| entry.duration_ms).sum::<u64>();
    }
}

/// What a job's requests cost.
pub fn requests_of(cost: &Cost, prices: &Prices) -> f64 {
    let calls = &cost.calls;
    f64::from(calls.sqs) * prices.sqs_request
        + f64::from(calls.sns) * prices.sns_publish
        + f64::from(calls.s3) * prices.s3()
        + f64::from(calls.dynamodb) * prices.dynamodb()
}

async fn sum(place: &Place, args: &cli::Cost, since: Timestamp, out: &mut dyn Write) -> Result<()> {
    let list = prices(place.aws(), &args.prices, args.data.region.as_deref())?;
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut filter = Filter {
        key_prefix: args.prefix.clone().filter(|prefix| !prefix.is_empty()),
        limit: 200,
        ..Filter::default()
    };
    'pages: loop {
        let page = place.stack.jobs.list(&filter).await?;
        filter.after = page.last().map(|job| job.id.clone());
        let more = page.len() >= filter.limit;
        for job in &page {
            // Newest first.
            if job.created_at < since {
                break 'pages;
            }
            sums.entry(group(job, args.depth)).or_default().add(job);
        }
        if !more {
            break;
        }
    }
    let mut total = Sum::default();
    for sum in sums.values() {
        total.documents += sum.documents;
        total.pages += sum.pages;
        total.runs += sum.runs;
        total.cost += sum.cost;
        total.work_ms += sum.work_ms;
    }
    if !args.json {
        writeln!(
            out,
            "{:>9}  {:>6}  {:>8}  {:>8}  {:>10}  {:>9}  {:>10}  {:>8}  PREFIX",
            "DOCUMENTS", "RUNS", "PAGES", "BY OCR", "OCR $", "REQUESTS", "REQUESTS $", "WORK"
        )?;
    }
    for (prefix, sum) in &sums {
        row(Some(prefix), sum, &list, args.json, out)?;
    }
    row(None, &total, &list, args.json, out)?;
    if !args.json {
        writeln!(
            out,
            "Dollars of OCR as of the day it was done; of requests at list prices in {} of {}.",
            list.region, list.date
        )?;
    }
    Ok(())
}

/// A line; without a prefix it is that of all together.
fn row(prefix: Option<&str>, sum: &Sum, list: &PriceList, json: bool, out: &mut dyn Write) -> Result<()> {
    let calls = sum.cost.calls;
    let requests =
        u64::from(calls.s3) + u64::from(calls.sqs) + u64::from(calls.sns) + u64::from(calls.dynamodb);
    let usd = requests_of(&sum.cost, &list.prices);
    if json {
        let row = json!({ "prefix": prefix, "documents": sum.documents, "runs": sum.runs,
            "pages": sum.pages, "ocr_paid": sum.cost.ocr_paid, "ocr_usd": sum.cost.usd, "calls": calls,
            "requests_usd": usd, "work_s": sum.work_ms / 1000 });
        writeln!(out, "{row}")?;
        return Ok(());
    }
    let shown = prefix.map_or_else(|| "together".to_owned(), clean);
    writeln!(
        out,
        "{:>9}  {:>6}  {:>8}  {:>8}  {:>10.4}  {requests:>9}  {usd:>10.4}  {:>8}  {shown}",
        sum.documents,
        sum.runs,
        sum.pages,
        sum.cost.ocr_paid,
        sum.cost.usd,
        show::millis(sum.work_ms)
    )?;
    Ok(())
}

/// The first parts of a job's key.
fn group(job: &Job, depth: usize) -> String {
    if job.is_forgotten() {
        return "(erased)".to_owned();
    }
    let folders: Vec<&str> = job.document.key.split('/').collect();
    let folders = &folders[..folders.len().saturating_sub(1).min(depth)];
    if folders.is_empty() { "(no prefix)".to_owned() } else { format!("{}/", folders.join("/")) }
}

/// What a job cost, in a line.
pub fn line(cost: &Cost) -> String {
    let mut line = format!("${:.4}", cost.usd);
    if cost.ocr_paid > 0 {
        line.push_str(&format!(": {} pages by OCR", cost.ocr_paid));
    }
    let calls = cost.calls;
    let counted = [
        ("S3", calls.s3),
        ("DynamoDB", calls.dynamodb),
        ("SQS", calls.sqs),
        ("SNS", calls.sns),
        ("Textract", calls.textract),
    ];
    let counted: Vec<_> = counted
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if !counted.is_empty() {
        line.push_str(&format!("; requests: {}", counted.join(", ")));
    }
    line
}
