//! The protocol, driven by the AWS SDK for Rust.

use crate::common::{BUCKET, Emulated, Program, ROLE, TOPIC, letter, pdf, pngs, serve, skipped};
use aws_sdk_textract::Client;
use aws_sdk_textract::error::ProvideErrorMetadata;
use aws_sdk_textract::primitives::Blob;
use aws_sdk_textract::types::{
    Block, BlockType, Document, DocumentLocation, JobStatus, NotificationChannel, RelationshipType, S3Object,
};
use std::time::{Duration, Instant};

fn object(key: &str) -> S3Object {
    S3Object::builder().bucket(BUCKET).name(key).build()
}

fn by_bytes(bytes: Vec<u8>) -> Document {
    Document::builder().bytes(Blob::new(bytes)).build()
}

/// Starts a job; the code if it is refused.
async fn start(client: &Client, key: &str, token: &str) -> Result<String, String> {
    let channel = NotificationChannel::builder().sns_topic_arn(TOPIC).role_arn(ROLE).build().unwrap();
    let call = client
        .start_document_text_detection()
        .document_location(DocumentLocation::builder().s3_object(object(key)).build())
        .client_request_token(token)
        .job_tag("tag")
        .notification_channel(channel);
    match call.send().await {
        Ok(started) => Ok(started.job_id.unwrap()),
        Err(error) => Err(error.code().unwrap_or("none").to_owned()),
    }
}

/// Everything about a job that is done, and how many answers it took.
async fn whole(client: &Client, job: &str, most: i32) -> (JobStatus, Vec<Block>, usize) {
    let (mut blocks, mut answers, mut next) = (Vec::new(), 0, None);
    loop {
        let call = client.get_document_text_detection().job_id(job).max_results(most).set_next_token(next);
        let answer = call.send().await.unwrap();
        let status = answer.job_status().unwrap().clone();
        if status == JobStatus::InProgress {
            tokio::time::sleep(Duration::from_millis(100)).await;
            next = None;
            continue;
        }
        answers += 1;
        blocks.extend(answer.blocks.unwrap_or_default());
        next = answer.next_token;
        if next.is_none() {
            return (status, blocks, answers);
        }
    }
}

fn lines(blocks: &[Block]) -> Vec<String> {
    let lines = blocks.iter().filter(|block| block.block_type() == Some(&BlockType::Line));
    lines.map(|line| line.text().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_picture_is_read_at_once_from_its_bytes_or_from_s3() {
    if skipped() {
        return;
    }
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let client = serve(&cloud, state.path(), &[]).await;
    let png = pngs(&[&letter("blue", 3)]).remove(0);
    cloud.put("a b/ü.png", png.clone());
    let from_s3 = Document::builder().s3_object(object("a b/ü.png")).build();
    for document in [by_bytes(png), from_s3, by_bytes(pdf(&[&letter("blue", 3)]))] {
        let answer = client.detect_document_text().document(document).send().await.unwrap();
        assert_eq!(answer.document_metadata().unwrap().pages(), Some(1));
        let blocks = answer.blocks();
        assert_eq!(lines(blocks)[1], "The blue letter was signed in line 2");
        let find = |id: &String| blocks.iter().find(|block| block.id() == Some(id)).unwrap();
        let children = |block: &Block| {
            let related = &block.relationships()[0];
            assert_eq!(related.r#type(), Some(&RelationshipType::Child));
            related.ids().iter().map(find).collect::<Vec<_>>()
        };
        assert_eq!(blocks[0].block_type(), Some(&BlockType::Page));
        let line = children(&blocks[0])[1];
        let words: Vec<_> = children(line).iter().map(|word| word.text().unwrap()).collect();
        assert_eq!(words.join(" "), line.text().unwrap());
        let bbox = line.geometry().unwrap().bounding_box().unwrap();
        assert!(
            (bbox.left() - 72.0 / 612.0).abs() < 0.01 && bbox.top() > 0.1 && bbox.top() < 0.2,
            "{bbox:?}"
        );
        assert!(line.confidence().unwrap() > 50.0);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_the_name_that_the_api_has_for_it() {
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let client = serve(&cloud, state.path(), &[]).await;
    let picture = pngs(&["x"]).remove(0);
    cloud.put("large.pdf", vec![b' '; (10 << 20) + 1]);
    let from_s3 = |key| Document::builder().s3_object(object(key)).build();
    for (document, code) in [
        (by_bytes(b"plain words".to_vec()), "UnsupportedDocumentException"),
        (by_bytes(picture[..picture.len() / 2].to_vec()), "BadDocumentException"),
        (by_bytes(pdf(&["one", "two"])), "UnsupportedDocumentException"),
        (by_bytes(vec![b' '; (10 << 20) + 1]), "DocumentTooLargeException"),
        (from_s3("large.pdf"), "DocumentTooLargeException"),
        (from_s3("missing"), "InvalidS3ObjectException"),
        (Document::builder().build(), "InvalidParameterException"),
    ] {
        let error = client.detect_document_text().document(document).send().await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert!(error.message().is_some());
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    }
    let error = client.detect_document_text().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"));
    let error = client.analyze_document().document(by_bytes(picture)).send().await.unwrap_err();
    assert!(error.as_service_error().is_none_or(|error| error.code() == Some("UnknownOperationException")));
}

#[tokio::test]
async fn a_job_is_read_told_once_and_answered_in_pieces() {
    if skipped() {
        return;
    }
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let client = serve(&cloud, state.path(), &[]).await;
    cloud.put("letters.pdf", pdf(&[&letter("red", 12), "", &letter("green", 9)]));
    let job = start(&client, "letters.pdf", "token-1").await.unwrap();
    assert_eq!(start(&client, "letters.pdf", "token-1").await, Ok(job.clone()));
    let told = cloud.completions(1).await.remove(0);
    let field = |name: &str| told[name].as_str().unwrap().to_owned();
    assert_eq!([field("JobId"), field("Status"), field("JobTag")], [&job, "SUCCEEDED", "tag"]);
    assert_eq!(told["DocumentLocation"]["S3ObjectName"], "letters.pdf");

    let (status, blocks, answers) = whole(&client, &job, 25).await;
    assert_eq!(status, JobStatus::Succeeded);
    assert!(answers > 5 && answers == blocks.len().div_ceil(25), "{answers}");
    let read = lines(&blocks);
    assert_eq!((read.len(), read[0].as_str()), (21, "The red letter was signed in line 1"));
    let pages: Vec<_> = blocks.iter().filter(|block| block.block_type() == Some(&BlockType::Page)).collect();
    assert_eq!(pages.iter().map(|page| page.page().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(whole(&client, &job, 1000).await.1, blocks);

    // Once more with the same token: the same job, and nobody is told again.
    assert_eq!(start(&client, "letters.pdf", "token-1").await, Ok(job.clone()));
    assert_eq!(
        start(&client, "other.pdf", "token-1").await,
        Err("IdempotentParameterMismatchException".into())
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(cloud.completions(1).await.len(), 1);

    let ask = |job: &str, next: Option<&str>| {
        client.get_document_text_detection().job_id(job).set_next_token(next.map(str::to_owned)).send()
    };
    assert_eq!(ask("unheard-of", None).await.unwrap_err().code(), Some("InvalidJobIdException"));
    assert_eq!(ask(&job, Some("7")).await.unwrap_err().code(), Some("InvalidParameterException"));
}

#[tokio::test]
async fn a_job_that_fails_keeps_its_token_and_one_with_a_bad_page_is_a_partial_success() {
    if skipped() {
        return;
    }
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let client = serve(&cloud, state.path(), &[]).await;
    cloud.put("words.txt", "plain words");
    let job = start(&client, "words.txt", "token-1").await.unwrap();
    assert_eq!(cloud.completions(1).await[0]["Status"], "FAILED");
    let answer = client.get_document_text_detection().job_id(&job).send().await.unwrap();
    assert_eq!(answer.job_status(), Some(&JobStatus::Failed));
    assert_eq!(answer.status_message(), Some("INVALID_IMAGE_TYPE"));
    assert_eq!(start(&client, "words.txt", "token-1").await, Ok(job));
    assert_eq!(start(&client, "missing", "token-2").await, Err("InvalidS3ObjectException".into()));

    // It says that it has two pages, and one is in it.
    let text = String::from_utf8(pdf(&[&letter("red", 3)])).unwrap().replace("/Count 1", "/Count 2");
    cloud.put("short.pdf", text);
    let job = start(&client, "short.pdf", "token-3").await.unwrap();
    assert_eq!(cloud.completions(2).await[1]["Status"], "PARTIAL_SUCCESS");
    let answer = client.get_document_text_detection().job_id(&job).send().await.unwrap();
    assert_eq!(answer.warnings()[0].pages(), [2]);
    assert_eq!(lines(answer.blocks()).len(), 3);
}

#[tokio::test]
async fn quotas_are_refused_as_textract_refuses_them() {
    if skipped() {
        return;
    }
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    cloud.put("a.pdf", pdf(&["Hello there"]));
    let flags =
        ["--concurrent-jobs", "2", "--delay", "3", "--gets-per-second", "1", "--calls-per-second", "6"];
    let client = serve(&cloud, state.path(), &flags).await;
    let first = start(&client, "a.pdf", "a").await.unwrap();
    start(&client, "a.pdf", "b").await.unwrap();
    assert_eq!(start(&client, "a.pdf", "c").await, Err("LimitExceededException".into()));
    assert_eq!(start(&client, "a.pdf", "a").await, Ok(first.clone()));
    let get = || client.get_document_text_detection().job_id(&first).send();
    assert_eq!(get().await.unwrap().job_status(), Some(&JobStatus::InProgress));
    let error = get().await.unwrap_err();
    assert_eq!(error.code(), Some("ProvisionedThroughputExceededException"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let throttled = async {
        loop {
            let error = get().await.unwrap_err();
            if error.code() == Some("ThrottlingException") {
                return error.raw_response().unwrap().status().as_u16();
            }
        }
    };
    assert_eq!(throttled.await, 500);
    cloud.completions(2).await;
    assert!(start(&client, "a.pdf", "c").await.is_ok());
}

#[tokio::test]
async fn a_killed_server_takes_its_jobs_up_again_and_keeps_what_was_done() {
    if skipped() {
        return;
    }
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    cloud.put("a.pdf", pdf(&[&letter("red", 3)]));
    let server = Program::start(&cloud, state.path(), &[]).await;
    let client = crate::common::client(server.address);
    let done = start(&client, "a.pdf", "done").await.unwrap();
    cloud.completions(1).await;
    let before = whole(&client, &done, 1000).await.1;
    drop(server);

    let server = Program::start(&cloud, state.path(), &["--delay", "30"]).await;
    let client = crate::common::client(server.address);
    let open = start(&client, "a.pdf", "open").await.unwrap();
    drop(server);

    let mut server = Program::start(&cloud, state.path(), &[]).await;
    let client = crate::common::client(server.address);
    assert_eq!(start(&client, "a.pdf", "open").await, Ok(open.clone()));
    assert_eq!(cloud.completions(2).await[1]["JobId"], open.as_str());
    assert_eq!(whole(&client, &open, 1000).await.0, JobStatus::Succeeded);
    assert_eq!(whole(&client, &done, 1000).await.1, before);
    assert_eq!(start(&client, "a.pdf", "done").await, Ok(done));
    assert_eq!(cloud.completions(2).await.len(), 2);

    let began = Instant::now();
    let ended = std::process::Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(ended.success() && server.child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn it_says_that_it_is_well_and_answers_nothing_else_on_other_paths() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let server = Program::start(&cloud, state.path(), &[]).await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404"),
        ("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 400"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(status), "{answer}");
    }
}
