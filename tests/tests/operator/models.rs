//! `precis models pull s3://…` from a bucket of an emulator: what comes, what it is held against, how it goes on.

use precis_tests::deployment::{Deployment, Plan};
use precis_tests::program::{Place, Ran, run};
use serde_json::{Value, json};
use std::path::Path;

/// Larger than one request's buffers, and no multiple of anything.
const SIZE: usize = 9 * 1024 * 1024 + 7;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 31) ^ (at >> 8)) as u8).collect()
}

fn pull(deployment: &Deployment, place: &Place, source: &str, to: &str) -> Ran {
    let mut command = place.precis(&["models", "pull", source, "--to", to]);
    command.envs(deployment.environment()).env_remove("AWS_CA_BUNDLE").env_remove("AWS_PROFILE");
    run(&mut command)
}

async fn put(deployment: &Deployment, prefix: &str, folder: &Path, names: &[&str]) {
    for name in names {
        deployment.put(&format!("{prefix}{name}"), &folder.join(name)).await;
    }
}

fn record(place: &Place, folder: &str) -> Value {
    let path = place.folder().join(folder).join("precis-model.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_of_a_bucket_comes_whole_goes_on_where_it_broke_off_and_is_held_against_its_hashes() {
    let plan = Plan { copies: [0; 4], ..Plan::default() };
    let Some(deployment) = Deployment::start(plan).await else { return };
    let place = Place::new();
    let given = place.folder().join("given");
    place.write("given/config.json", r#"{"model_type":"t5"}"#);
    place.write("given/tokenizer.json", "{}");
    place.write("given/pytorch_model.bin", "a program");
    place.write("given/model.safetensors", bytes(SIZE));
    let names = ["config.json", "tokenizer.json", "pytorch_model.bin", "model.safetensors"];
    put(&deployment, "models/tiny/", &given, &names).await;
    put(&deployment, "models/tiny-two/", &given, &["config.json"]).await;
    let bucket = deployment.aws.names.uploads();
    let source = format!("s3://{bucket}/models/tiny");
    pull(&deployment, &place, &source, "shelf").with_status(0).saying(&["Pulled tiny: 3 files"]);
    assert!(std::fs::read(place.folder().join("shelf/tiny/model.safetensors")).unwrap() == bytes(SIZE));
    let whole = record(&place, "shelf/tiny");
    assert_eq!(whole["source"], format!("{source}/"));
    pull(&deployment, &place, &source, "shelf").with_status(0).saying(&["is there already"]);

    // As a pull that was broken off leaves it. A spoilt beginning that went on from would not pass the hash, so what
    // comes out right was gone on with.
    place.write("second/.pull-tiny/model.safetensors.part", &bytes(SIZE)[..5_000_000]);
    let left = json!({"source": source, "revision": null, "files": whole["files"]});
    place.write("second/.pull-tiny.json", left.to_string());
    pull(&deployment, &place, &source, "second").with_status(0);
    assert_eq!(record(&place, "second/tiny")["files"], whole["files"]);
    let mut spoilt = bytes(SIZE)[..5_000_000].to_vec();
    spoilt[1] ^= 1;
    place.write("third/.pull-tiny/model.safetensors.part", spoilt);
    place.write("third/.pull-tiny.json", left.to_string());
    pull(&deployment, &place, &source, "third").with_status(0).saying(&["it is taken anew"]);
    assert_eq!(record(&place, "third/tiny")["files"], whole["files"]);

    // A model with its record, copied into a bucket, is held against that.
    let folder = place.folder().join("shelf/tiny");
    std::fs::write(folder.join("tokenizer.json"), "[]").unwrap();
    let names = ["config.json", "tokenizer.json", "model.safetensors", "precis-model.json"];
    put(&deployment, "copies/tiny/", &folder, &names).await;
    let copied = format!("s3://{bucket}/copies/tiny/");
    pull(&deployment, &place, &copied, "fourth")
        .with_status(1)
        .saying(&["tokenizer.json came with other bytes"]);
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    put(&deployment, "copies/tiny/", &folder, &["tokenizer.json"]).await;
    pull(&deployment, &place, &copied, "fourth").with_status(0);
    assert_eq!(record(&place, "fourth/tiny")["origin"], whole["source"]);

    // What is not there, or leads out.
    pull(&deployment, &place, &format!("s3://{bucket}/nothing/"), "fifth")
        .with_status(1)
        .saying(&["is empty"]);
    pull(&deployment, &place, "s3://precis-no-such-bucket/m/", "fifth")
        .with_status(1)
        .saying(&["s3://precis-no-such-bucket/m/", "--profile"]);
    deployment.put("models/tiny/../../evil.safetensors", &given.join("config.json")).await;
    pull(&deployment, &place, &source, "fifth").with_status(1).saying(&["outside of the model's folder"]);
    assert!(!place.folder().join("fifth/tiny").exists());
}
