//! Documents of every kind go through, and each is told once to people and to programs.

use crate::{queues_are_empty, told_once};
use precis_tests::deployment::{Deployment, Plan};
use precis_tests::{program::repository, shared};
use std::path::PathBuf;
use std::time::Duration;

/// The samples, and where they are the documents kept beside the repository: one of each kind and folder.
fn documents() -> Vec<PathBuf> {
    let numbered = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(|c: char| c.is_ascii_digit()))
    };
    let samples =
        std::fs::read_dir(repository().join("samples")).unwrap().flatten().map(|entry| entry.path());
    let mut all: Vec<_> = samples.filter(|path| path.is_file()).filter(numbered).collect();
    if let Some(folder) = shared::documents() {
        let beside = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        let kinds = ["pdf", "docx", "html", "md", "txt", "eml", "png", "jpg", "tif", "tiff"];
        let read = |path: &PathBuf| path.extension().is_some_and(|e| kinds.contains(&&*e.to_string_lossy()));
        let mut beside: Vec<_> = beside.filter(|path| path.is_file()).filter(read).collect();
        beside.sort();
        all.extend(beside);
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_of_every_kind_are_told_once_to_people_and_to_programs() {
    let Some(deployment) = Deployment::start(Plan { copies: [2, 1, 2, 2], ..Plan::default() }).await else {
        return;
    };
    let documents = documents();
    for file in &documents {
        deployment.put(&format!("in/{}", file.file_name().unwrap().to_string_lossy()), file).await;
    }
    let jobs = deployment.ended(documents.len(), Duration::from_secs(600)).await;
    assert_eq!(jobs.len(), documents.len());
    queues_are_empty(&deployment).await;
    let told = told_once(&deployment.outcomes().await);
    assert_eq!(told.len(), documents.len(), "{told:?}");
    let mails = deployment.mails().await;
    assert_eq!(mails.len(), documents.len(), "each has one e-mail");
    for (subject, text) in &mails {
        assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
        assert!(text.contains("Job ") && text.contains("console.aws.amazon.com/s3/object/"), "{text}");
    }
    let cited = mails.iter().filter(|(_, text)| text.contains("[p. ")).count();
    let summarized = told.values().filter(|outcome| *outcome == "summarized").count();
    println!("{} documents: {summarized} summarized, {cited} e-mails cite pages", documents.len());
    assert!(cited >= summarized && summarized * 10 >= documents.len() * 7, "{told:?}");
    for worker in &deployment.workers {
        println!("{} holds {:.1} MB", worker.service, worker.resident() as f64 / 1e6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_small_at_rest_and_stop_in_time() {
    let Some(mut deployment) = Deployment::start(Plan::default()).await else { return };
    tokio::time::sleep(Duration::from_secs(3)).await;
    for worker in &deployment.workers {
        let megabytes = worker.resident() as f64 / 1e6;
        println!("{} idles at {megabytes:.1} MB", worker.service);
        assert!(
            worker.service == "precis-summarize" || megabytes < 40.0,
            "{} takes {megabytes} MB",
            worker.service
        );
    }
    let metrics = deployment.workers[0].page("/metrics").unwrap();
    assert!(metrics.contains("precis_aws_calls_total{service=\"SQS\""), "{metrics}");
    std::thread::scope(|scope| {
        let stopped: Vec<_> =
            deployment.workers.iter_mut().map(|worker| scope.spawn(|| worker.terminate())).collect();
        for stopped in stopped {
            let (took, well) = stopped.join().unwrap();
            println!("SIGTERM to end: {took:?}");
            assert!(well && took < Duration::from_secs(110), "it took {took:?}, ended well: {well}");
        }
    });
}
