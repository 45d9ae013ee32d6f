//! The server with clients that were not written here: boto3, the AWS CLI and a parser of Textract's answers.

use crate::common::{BUCKET, Emulated, Program, letter, pdf, pngs, skipped};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_the_aws_cli_and_a_public_parser_understand_every_answer() {
    let Some(python) = std::env::var_os("PRECIS_TEST_PYTHON") else {
        println!("skipped: PRECIS_TEST_PYTHON names no Python that has the packages of tests/clients.py");
        return;
    };
    if skipped() {
        return;
    }
    let (cloud, folder) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let picture = pngs(&[&letter("blue", 3)]).remove(0);
    let file = folder.path().join("picture.png");
    std::fs::write(&file, &picture).unwrap();
    cloud.put("picture.png", picture);
    cloud.put("letters.pdf", pdf(&[&letter("red", 12), &letter("blue", 9)]));
    let server = Program::start(&cloud, &folder.path().join("state"), &[]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.py");
    let endpoint = format!("http://{}", server.address);
    let mut client = Command::new(python);
    client
        .args([script, &endpoint, BUCKET, "letters.pdf", file.to_str().unwrap()])
        .arg("The blue letter was signed in line 2")
        .envs([
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ]);
    let done = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("{said}");
    assert!(done.status.success(), "{said}\n{wrong}");
}
