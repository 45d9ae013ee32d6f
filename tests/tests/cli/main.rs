//! The command line, as people and scripts meet it: what it prints, what it leaves, how it ends.
//!
//! Each test has a folder of its own and starts the program itself; none waits for a time to pass, all wait for
//! what must happen.

mod bad_input;
mod bench_model;
mod erase;
mod folder;
mod heads;
mod hub;
mod jobs;
mod models;
mod operate;
mod pulls;
mod told;
mod up;
mod with_files;
mod writing;

use precis_tests::program::{Place, Ran, eventually};
use precis_tests::running::Up;
use serde_json::Value;

/// Sentences enough for a summary, different for each number.
fn notice(number: u32) -> String {
    format!(
        "Notice {number}\n\nThe rent of hall {number} rises on 1 March 2027 from 40 to {} euros an hour. Members must \
         pay their fee by 15 April, or their key number {number} will no longer open the door. The annual meeting is \
         on 3 May at 19:00 in the library. Please tell the office by Friday who comes. The heating in the small room \
         does not work until the boiler is replaced in February, which will cost {} euros. Until then nobody may use \
         that room after dark.\n",
        44 + number,
        2000 + number
    )
}

/// Starts `precis up` over a place's data folder and waits until it takes documents.
fn up(place: &Place, arguments: &[&str]) -> Up {
    static STARTED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = STARTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let log = place.folder().join(format!("up-{number}.log"));
    let mut up = Up::start(&place.data(), &log, arguments, &[]);
    eventually("precis up takes documents", 60, || {
        assert!(up.ended().is_none(), "precis up ended: {}", up.said());
        up.said().contains("Drop a document").then_some(())
    });
    up
}

/// The jobs of a place, newest first.
fn jobs(place: &Place) -> Vec<Value> {
    place.run(&["jobs", "--json"]).with_status(0).json()
}

/// Waits until every job of a place has ended and there are this many; gives them, newest first.
fn ended(place: &Place, count: usize) -> Vec<Value> {
    eventually(&format!("{count} jobs have ended"), 120, || {
        let jobs = jobs(place);
        (jobs.len() == count && jobs.iter().all(|job| job["stage"].is_null())).then_some(jobs)
    })
}

/// The id of the job with this key.
fn id_of(place: &Place, key: &str) -> String {
    let jobs = jobs(place);
    let job =
        jobs.iter().find(|job| job["key"] == key).unwrap_or_else(|| panic!("no job {key:?} in {jobs:?}"));
    job["id"].as_str().unwrap().to_owned()
}

/// A file of the results folder, which is written a moment after its job has ended.
fn result(place: &Place, name: &str) -> String {
    let file = place.data().join("results").join(name);
    eventually(&format!("{} is there", file.display()), 60, || std::fs::read_to_string(&file).ok())
}

/// Summarizes files in a place's data folder, as JSON.
fn summarize(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["summarize", "--format", "json"], arguments].concat())
}

/// A PDF of so many pages, all with this text; no text is a page that shows nothing.
fn pdf(pages: usize, text: &str) -> Vec<u8> {
    // A line of the page for each sentence.
    let sentences = text.split_inclusive(['.', '\n']).map(str::trim).filter(|sentence| !sentence.is_empty());
    let lines: String = sentences.map(|line| format!("({line}) Tj T* ")).collect();
    let content =
        if text.is_empty() { String::new() } else { format!("BT /F1 10 Tf 16 TL 40 700 Td {lines}ET") };
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", page + 5)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>"),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    objects.extend((0..pages).map(|_| {
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 3 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_owned()
    }));
    let mut out = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (at, body) in objects.iter().enumerate() {
        places.push(out.len());
        out.push_str(&format!("{} 0 obj\n{body}\nendobj\n", at + 1));
    }
    let (start, size) = (out.len(), objects.len() + 1);
    out.push_str(&format!("xref\n0 {size}\n0000000000 65535 f \n"));
    for place in places {
        out.push_str(&format!("{place:010} 00000 n \n"));
    }
    out.push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    out.into_bytes()
}
