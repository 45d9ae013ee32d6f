//! What a worker tells while it works: one job can be followed through its log, and its figures are counted.
//!
//! Alone in its process, because logs and metrics are the process's.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod common;
#[path = "common/pipeline.rs"]
mod pipeline;

use common::seconds;
use pipeline::start_pipeline;
use ports::memory::Memory;
use ports::{Filter, Jobs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_job_is_followed_through_all_stages_by_its_id_and_trace_and_its_figures_are_counted() {
    let (log, metrics) = (Buffer::default(), telemetry::recorder().unwrap());
    let writer = log.clone();
    telemetry::init_with(telemetry::Format::Json, "info", move || writer.clone(), false).unwrap();
    let memory = Memory::new();
    for (key, body) in [("a.txt", "same"), ("b.txt", "same"), ("scan.pdf", "other")] {
        memory.put(key, body);
    }
    let pipeline = start_pipeline(&memory.stack(), 1);
    seconds(60).await;
    pipeline.stop().await;

    let jobs = Jobs::list(&memory, &Filter::default()).await.unwrap();
    let scan = jobs.iter().find(|job| job.document.key == "scan.pdf").unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours = lines.iter().filter(|line| line["span"]["job.id"] == scan.id.as_str());
    let done: Vec<_> = ours.filter(|line| line["message"] == "stage done").collect();
    let stages: Vec<_> = done.iter().map(|line| line["span"]["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["ingest", "ocr", "summarize", "notify"], "{log}");
    let trace: telemetry::TraceParent = scan.trace.as_deref().unwrap().parse().unwrap();
    let traces: BTreeSet<_> = done.iter().map(|line| line["span"]["trace.id"].as_str().unwrap()).collect();
    assert_eq!(traces, BTreeSet::from([trace.trace_id().as_str()]), "{log}");
    assert!(done.iter().all(|line| line["span"]["job.run"] == 1 && line["duration_ms"].is_u64()), "{log}");
    assert_eq!(done[2]["outcome"], "summarized");

    let page = metrics.render();
    for figure in [
        "precis_stage_seconds_count{stage=\"ocr\"} 1",
        "precis_stage_seconds_count{stage=\"notify\"} 3",
        "precis_messages_handled_total{queue=\"summarize\",settlement=\"done\"} 2",
        "precis_in_flight{queue=\"ingest\"} 0",
    ] {
        assert!(page.contains(figure), "{figure} is not on\n{page}");
    }
    let deferred = "precis_deferrals_total{queue=\"ingest\",why=\"not_ready\"}";
    assert!(page.contains(deferred), "the second of one content waited for the first:\n{page}");
}
