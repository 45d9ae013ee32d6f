//! `precis models pull` from a hub: what comes, what goes wrong on the way, and that the same command goes on.

use crate::hub::{COMMIT, FORMER, Hub, NAME, sha256};
use precis_tests::program::{Place, Ran, eventually, run};
use precis_tests::shared::skip;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;

const WEIGHTS: &str = "model.safetensors";
const SIZE: usize = 300_000;

/// Bytes without a pattern that a mistake could hide in.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The files of a small model, and some that nobody needs.
pub fn files(weights: usize) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("config.json", br#"{"model_type":"bert"}"#.to_vec()),
        ("tokenizer.json", b"{}".to_vec()),
        ("tokenizer_config.json", b"hello\n".to_vec()),
        ("1_Pooling/config.json", b"{}\n".to_vec()),
        (WEIGHTS, bytes(weights)),
        ("pytorch_model.bin", bytes(5000)),
        ("README.md", b"# Tiny".to_vec()),
        ("modeling.py", b"import os".to_vec()),
    ]
}

/// A command on this hub, without anything of the environment that could change its way there.
fn command(place: &Place, hub: &Hub, arguments: &[&str]) -> Command {
    let mut command = place.precis(&[&["models", "pull"], arguments].concat());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_TOKEN", "HF_TOKEN_PATH"] {
        command.env_remove(name);
    }
    command.env("HF_ENDPOINT", &hub.endpoint).env("HF_HOME", place.folder().join("no-token"));
    command
}

fn pull(place: &Place, hub: &Hub, more: &[&str]) -> Ran {
    let source = format!("hf:{NAME}");
    run(&mut command(place, hub, &[&[source.as_str(), "--to", "shelf"], more].concat()))
}

fn at(place: &Place, path: &str) -> PathBuf {
    place.folder().join("shelf").join(path)
}

/// What lies in the folder of models, hidden things too.
fn shelf(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(at(place, "")).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_whole(place: &Place) {
    assert_eq!(std::fs::read(at(place, "tiny-bert/model.safetensors")).unwrap(), bytes(SIZE));
    assert_eq!(shelf(place), ["tiny-bert"], "nothing else is left");
    let verified = run(&mut place.precis(&["models", "verify", "tiny-bert", "--in", "shelf"]));
    verified.with_status(0).saying(&["ok    tiny-bert", "5 files"]);
}

#[test]
fn a_model_of_the_hub_comes_whole_in_its_commit_with_its_record_and_only_once() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    let said = pull(&place, &hub, &[]).with_status(0);
    said.saying(&["Pulled tiny-bert: 5 files", &format!("commit {COMMIT}"), "into shelf/tiny-bert"]);
    is_whole(&place);
    let mut there = precis_tests::running::files(&at(&place, "tiny-bert"));
    there.sort();
    let names: Vec<_> = there.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "config.json",
            "config.json",
            WEIGHTS,
            "precis-model.json",
            "tokenizer.json",
            "tokenizer_config.json"
        ]
    );

    let record: Value =
        serde_json::from_slice(&std::fs::read(at(&place, "tiny-bert/precis-model.json")).unwrap()).unwrap();
    assert_eq!((&record["source"], &record["revision"]), (&json!(format!("hf:{NAME}")), &json!(COMMIT)));
    let weights = record["files"].as_array().unwrap().iter().find(|file| file["name"] == WEIGHTS).unwrap();
    assert_eq!((&weights["size"], &weights["sha256"]), (&json!(SIZE), &json!(sha256(&bytes(SIZE)))));

    // By the branch, by the commit, by a name with a slash: it is the same, and nothing is served again.
    hub.state().served.clear();
    for more in [&[][..], &["--revision", COMMIT], &["--revision", "refs/pr/1"]] {
        pull(&place, &hub, more).with_status(0).saying(&["is there already"]);
    }
    assert!(hub.state().served.is_empty());
    // A listing and a file ask for exactly this commit.
    let seen = hub.state().seen.clone();
    assert!(seen.iter().all(|(path, _)| !path.contains("/resolve/") || path.contains(COMMIT)), "{seen:?}");
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke_off_and_told_if_it_stays_cut() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    // Once: the same command goes on by itself.
    hub.state().cut = Some((WEIGHTS.to_owned(), 100_000));
    hub.state().cuts = 1;
    let said = pull(&place, &hub, &[]).with_status(0);
    said.saying(&["the connection was cut", "going on in"]);
    is_whole(&place);
    assert_eq!(hub.served(WEIGHTS), SIZE, "no byte is served twice");

    // For good: it says so and keeps what came; nothing that looks like a model is there.
    let place = Place::new();
    hub.state().cuts = 1000;
    let said = pull(&place, &hub, &[]).with_status(1);
    said.saying(&["the connection was cut", "are here and stay", "Do: ", "it goes on from there"]);
    assert_eq!(shelf(&place), [".pull-tiny-bert", ".pull-tiny-bert.json"]);
    let part = at(&place, ".pull-tiny-bert/model.safetensors.part");
    assert_eq!(std::fs::read(&part).unwrap(), bytes(SIZE)[..100_000]);
    let listed = run(&mut place.precis(&["models", "list", "--in", "shelf"])).with_status(0);
    listed.saying(&["tiny-bert", "unfinished: 100.", &format!("precis models pull hf:{NAME}")]);

    hub.state().cuts = 0;
    hub.state().served.clear();
    pull(&place, &hub, &[]).with_status(0);
    assert_eq!(hub.served(WEIGHTS), SIZE - 100_000);
    assert_eq!(hub.served("config.json"), 0, "what was done is not fetched again");
    is_whole(&place);
}

#[test]
fn a_pull_that_is_killed_goes_on_and_two_at_once_are_refused() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    let (reached, is_reached) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let wait = move || {
        reached.send(()).unwrap();
        let _ = may_go.recv();
    };
    hub.state().hook = Some((WEIGHTS.to_owned(), 150_000, Box::new(wait)));
    let source = format!("hf:{NAME}");
    let mut first = command(&place, &hub, &[&source, "--to", "shelf"]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    is_reached.recv().unwrap();
    let second = pull(&place, &hub, &[]).with_status(1);
    second.saying(&["another command is at it", &format!("process {}", first.id()), "Do: wait"]);
    // Another model of the same folder comes meanwhile.
    pull(&place, &hub, &["--as", "other"]).with_status(0);
    let part = at(&place, ".pull-tiny-bert/model.safetensors.part");
    let length = || std::fs::metadata(&part).map_or(0, |found| found.len() as usize);
    eventually("some of it has come", 60, || (length() > 0).then_some(()));
    first.kill().unwrap();
    first.wait().unwrap();
    drop(go);
    std::fs::remove_dir_all(at(&place, "other")).unwrap();
    let here = length();
    hub.state().served.clear();
    pull(&place, &hub, &[]).with_status(0);
    assert_eq!(hub.served(WEIGHTS), SIZE - here);
    is_whole(&place);
}

#[test]
fn wrong_bytes_are_thrown_away_and_a_wrong_beginning_is_taken_anew() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    for file in ["tokenizer_config.json", WEIGHTS] {
        hub.state().wrong = Some(file.to_owned());
        let said = pull(&place, &hub, &[]).with_status(1);
        said.saying(&[file, "other bytes than its source says", "thrown away", "Do: try again"]);
        let kept = std::fs::metadata(at(&place, &format!(".pull-tiny-bert/{file}.part"))).unwrap().len();
        assert_eq!(kept, 0);
    }
    hub.state().wrong = None;
    // Somebody (a disk, a mirror) spoilt what had come.
    let mut begun = bytes(SIZE)[..200_000].to_vec();
    begun[77] ^= 1;
    std::fs::write(at(&place, ".pull-tiny-bert/model.safetensors.part"), begun).unwrap();
    pull(&place, &hub, &[]).with_status(0).saying(&["it is taken anew"]);
    is_whole(&place);
}

#[test]
fn another_etag_or_a_store_without_ranges_begins_at_the_beginning() {
    for no_ranges in [false, true] {
        let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
        hub.state().cut = Some((WEIGHTS.to_owned(), 100_000));
        hub.state().cuts = 1000;
        pull(&place, &hub, &[]).with_status(1);
        hub.state().cuts = 0;
        hub.state().no_ranges = no_ranges;
        hub.state().files.get_mut(WEIGHTS).unwrap().tag = "moved-to-another-shelf".to_owned();
        hub.state().served.clear();
        pull(&place, &hub, &[]).with_status(0);
        assert_eq!(hub.served(WEIGHTS), SIZE);
        is_whole(&place);
    }
}

#[test]
fn what_the_hub_refuses_is_told_with_what_to_do() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    let refused = |arguments: &[&str], said: &[&str]| {
        let arguments = [arguments, &["--to", "shelf"]].concat();
        run(&mut command(&place, &hub, &arguments)).with_status(1).saying(said);
        assert!(shelf(&place).is_empty(), "{:?}", shelf(&place));
    };
    refused(&["hf:ours/unheard"], &["401", "check the name", "HF_TOKEN"]);
    refused(&[&format!("hf:{NAME}"), "--revision", "v9"], &["no revision \"v9\"", "Do: --revision"]);
    refused(&[&format!("hf:{NAME}"), "--revision", "../x"], &["is no revision"]);
    refused(&[&format!("hf:{NAME}"), "--as", "../x"], &["is no name for a model"]);
    refused(&["https://example.org/m"], &["is no source", "hf:OWNER/NAME"]);
    refused(&["no-such-folder"], &["there is no folder no-such-folder"]);
    refused(&[&format!("hf:{NAME}"), "--file", "pytorch_model.bin"], &["runs as a program"]);
    refused(&[&format!("hf:{NAME}"), "--file", "x.gguf"], &["there is no x.gguf", WEIGHTS]);
    hub.state().names_only = true;
    refused(&[&format!("hf:{NAME}")], &["tells no hash of", "HF_ENDPOINT"]);
    hub.state().names_only = false;
    hub.state().busy = vec![(429, "3600")];
    refused(&[&format!("hf:{NAME}")], &["fewer requests (429)", "again in 3600 seconds"]);
    hub.state().busy = vec![(503, "0"); 4];
    refused(&[&format!("hf:{NAME}")], &["the hub is not well (503)"]);
    hub.state().busy = vec![(500, ""), (429, "1")];
    pull(&place, &hub, &[]).with_status(0).saying(&["fewer requests (429)", "going on in 1.0 s"]);
    is_whole(&place);
}

#[test]
fn a_listing_that_lies_is_found_out_before_gigabytes_come() {
    // A file that there is not; one whose large bytes are others than listed.
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    hub.state().also_listed =
        vec![json!({"rfilename": "generation_config.json", "size": 9, "blobId": COMMIT})];
    pull(&place, &hub, &[]).with_status(1).saying(&["the hub has no generation_config.json"]);
    hub.state().also_listed.clear();
    let listed = json!({"rfilename": WEIGHTS, "lfs": {"sha256": sha256(&bytes(5000)), "size": SIZE}});
    let weights = hub.state().files.remove(WEIGHTS).unwrap();
    hub.state().also_listed = vec![listed];
    hub.state().hidden = Some((WEIGHTS.to_owned(), weights));
    pull(&place, &hub, &[]).with_status(1).saying(&["offers something else"]);
    let part = at(&place, ".pull-tiny-bert/model.safetensors.part");
    assert_eq!(std::fs::metadata(part).unwrap().len(), 0, "nothing of it was taken");
}

#[test]
fn a_hub_that_is_not_there_is_told_as_that() {
    let place = Place::new();
    let mut hub = Hub::start(&[]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    hub.endpoint = format!("http://{closed}");
    pull(&place, &hub, &[]).with_status(1).saying(&["127.0.0.1 was not reached", "see to the connection"]);
}

#[test]
fn the_token_opens_what_is_closed_and_goes_to_the_hub_alone() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    hub.state().token = Some("hf_opens".to_owned());
    let source = format!("hf:{FORMER}");
    let mut wrong = command(&place, &hub, &[&source, "--to", "shelf"]);
    run(wrong.env("HF_TOKEN", "hf_other")).with_status(1).saying(&["the token that is set may not read it"]);
    // Where the hub's own tools leave it.
    place.write("no-token/token", "hf_opens\n");
    let source = run(&mut command(&place, &hub, &[&source, "--to", "shelf", "--as", "tiny-bert"]));
    source.with_status(0);
    is_whole(&place);
    let seen = hub.state().seen.clone();
    assert!(seen.iter().any(|(path, _)| path.contains("/kept/")), "{seen:?}");
    for (path, token) in seen {
        assert_eq!(token, !path.contains("/kept/"), "{path}");
    }
    let mut open = command(&place, &hub, &["hf:a/b", "--to", "shelf"]);
    open.env("HF_ENDPOINT", "http://hub.example").env("HF_TOKEN", "hf_opens");
    run(&mut open).with_status(1).saying(&["for all to read"]);
}

#[test]
fn a_listing_that_leads_out_is_refused_and_leaves_nothing() {
    for path in ["../../outside.safetensors", "/tmp/outside.safetensors", "a/../../config.json", "..\\x"] {
        let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
        hub.state().also_listed = vec![json!({"rfilename": path, "size": 3, "blobId": COMMIT})];
        let said = pull(&place, &hub, &[]).with_status(1);
        said.saying(&["outside of the model's folder", "Nothing was taken"]);
        assert!(shelf(&place).is_empty());
    }
    // An index is a listing too.
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    hub.state().files.remove(WEIGHTS);
    hub.put("model-00001-of-00001.safetensors", bytes(SIZE));
    hub.put("model.safetensors.index.json", br#"{"weight_map":{"a":"../../outside"}}"#.to_vec());
    pull(&place, &hub, &[]).with_status(1).saying(&["index.json", "which is not there"]);
    assert_eq!(hub.served("model-00001-of-00001.safetensors"), 0, "it is seen before gigabytes come");
    let good = br#"{"weight_map":{"a":"model-00001-of-00001.safetensors"}}"#;
    hub.put("model.safetensors.index.json", good.to_vec());
    pull(&place, &hub, &[]).with_status(0).saying(&["6 files"]);
}

#[test]
fn weights_that_run_as_programs_never_come_and_ggufs_are_chosen_by_name() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    hub.state().files.remove(WEIGHTS);
    pull(&place, &hub, &[]).with_status(1).saying(&["pytorch_model.bin is a pickle", "Do: "]);
    hub.put("tiny-Q8_0.gguf", [&b"GGUF"[..], &bytes(3000)].concat());
    pull(&place, &hub, &[]).with_status(1).saying(&["--file tiny-Q8_0.gguf"]);
    pull(&place, &hub, &["--file", "tiny-Q8_0.gguf"]).with_status(0);
    assert!(at(&place, "tiny-bert/tiny-Q8_0.gguf").is_file());
    assert_eq!(hub.served("pytorch_model.bin"), 0);
}

/// A small file system in memory, gone at the end; `None`, and said so, where this user may not mount.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(&at);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        skip("only root may mount a small disk");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_keeps_what_came_and_the_same_command_goes_on() {
    let size = 3_000_000;
    let (place, hub) = (Place::new(), Hub::start(&files(size)));
    let Some(disk) = Disk::mount(place.folder().join("shelf"), "8m") else { return };
    let filler = disk.0.join("filler");
    let fill = {
        let filler = filler.clone();
        move || {
            // Another program takes all the room that is left.
            let mut file = std::fs::File::create(filler).unwrap();
            while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
        }
    };
    hub.state().hook = Some((WEIGHTS.to_owned(), 1_000_000, Box::new(fill)));
    let said = pull(&place, &hub, &[]).with_status(1);
    said.saying(&["the disk of shelf is full", "are here and stay", "Do: make room"]);
    let part = at(&place, ".pull-tiny-bert/model.safetensors.part");
    let here = std::fs::metadata(&part).unwrap().len() as usize;
    assert!(here > 0 && here < size, "{here}");

    // Still full: it is said before anything more comes.
    hub.state().served.clear();
    pull(&place, &hub, &[]).with_status(1).saying(&["are still to come", "Do: make room"]);
    assert_eq!(hub.served(WEIGHTS), 0);
    std::fs::remove_file(filler).unwrap();
    pull(&place, &hub, &[]).with_status(0);
    assert_eq!(hub.served(WEIGHTS), size - here);
    assert_eq!(std::fs::read(at(&place, "tiny-bert/model.safetensors")).unwrap(), bytes(size));
}

#[test]
fn another_content_meanwhile_is_taken_anew_and_what_stayed_the_same_is_kept() {
    let (place, hub) = (Place::new(), Hub::start(&files(SIZE)));
    hub.state().cut = Some((WEIGHTS.to_owned(), 100_000));
    hub.state().cuts = 1000;
    pull(&place, &hub, &[]).with_status(1);
    hub.state().cuts = 0;
    hub.state().served.clear();
    // The branch has moved: other weights of the same size.
    let other: Vec<u8> = bytes(SIZE).into_iter().rev().collect();
    hub.put(WEIGHTS, other.clone());
    pull(&place, &hub, &[]).with_status(0);
    assert_eq!((hub.served(WEIGHTS), hub.served("config.json")), (SIZE, 0));
    assert_eq!(std::fs::read(at(&place, "tiny-bert/model.safetensors")).unwrap(), other);

    // One that is there is not touched unless somebody says so, and then at once.
    hub.put(WEIGHTS, bytes(SIZE));
    pull(&place, &hub, &[]).with_status(1).saying(&["already", "--replace", "--as NAME"]);
    assert_eq!(std::fs::read(at(&place, "tiny-bert/model.safetensors")).unwrap(), other);
    pull(&place, &hub, &["--replace"]).with_status(0);
    is_whole(&place);
}
