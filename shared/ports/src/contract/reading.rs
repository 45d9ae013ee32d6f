//! Promises of the store of objects to whoever reads a bucket that nobody sends events of: what is in it, and how a
//! read that broke off goes on.

use super::Fresh;
use super::objects::{LARGE, bytes, fetch, folder, upload};
use crate::Fault;
use domain::Document;
use std::path::Path;

pub(super) async fn documents_are_listed_in_their_newest_version(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    let first = upload(stack, &folder, "m/b", b"first").await;
    upload(stack, &folder, "m/b", b"second one").await;
    upload(stack, &folder, "m/a/deep", b"x").await;
    upload(stack, &folder, "m", b"beside").await;
    upload(stack, &folder, "m\u{e9}", b"after").await;
    let listed = stack.objects.documents(&first.bucket, "m/").await.expect("documents can be listed");
    let told: Vec<_> = listed.iter().map(|document| (document.key.as_str(), document.size)).collect();
    assert_eq!(told, [("m/a/deep", 1), ("m/b", 10)]);
    // Each can be read as it was listed.
    assert_eq!(fetch(stack, &listed[1], &folder.path().join("into")).await, b"second one");
    let all = stack.objects.documents(&first.bucket, "").await.expect("documents can be listed");
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(stack.objects.documents(&first.bucket, "nothing").await.expect("an empty list").is_empty());
    let error = stack.objects.documents("precis-no-such-bucket", "").await.expect_err("there is none");
    assert!(error.is_permanent(), "{error}");
}

async fn resumed(fresh: &Fresh, document: &Document, into: &Path) -> Vec<u8> {
    fresh.stack.objects.resume(document, into).await.expect("resume works");
    std::fs::read(into).expect("what came can be read")
}

pub(super) async fn a_read_that_broke_off_goes_on(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    for length in [0, 10, LARGE] {
        let document = upload(stack, &folder, &format!("{length}"), &bytes(length)).await;
        for begun in [0, 1, length / 2, length] {
            let into = folder.path().join(format!("into-{length}-{begun}"));
            if begun > 0 {
                std::fs::write(&into, &bytes(length)[..begun.min(length)]).expect("it can be written");
            }
            assert!(resumed(&fresh, &document, &into).await == bytes(length), "{begun} of {length}");
            assert!(resumed(&fresh, &document, &into).await == bytes(length), "nothing is there twice");
        }
        let into = folder.path().join(format!("long-{length}"));
        std::fs::write(&into, bytes(length + 1)).expect("it can be written");
        let error = stack.objects.resume(&document, &into).await.expect_err("it is longer");
        assert_eq!(error.fault, Fault::TooLarge);
    }
    let document = upload(stack, &folder, "a", b"first").await;
    let never = Document { version: "0".repeat(32), ..document.clone() };
    let into = folder.path().join("beginning");
    std::fs::write(&into, b"fi").expect("it can be written");
    let error = stack.objects.resume(&never, &into).await.expect_err("there is no such version");
    assert!(matches!(error.fault, Fault::Conflict | Fault::NotFound), "{error}");
    assert_eq!(std::fs::read(&into).expect("it is there"), b"fi", "what had come is left as it was");
    let gone = Document { key: "gone".into(), ..document };
    let error = stack.objects.resume(&gone, &into).await.expect_err("there is no such key");
    assert_eq!(error.fault, Fault::NotFound);
}

pub(super) async fn a_hash_that_is_kept_is_that_of_the_bytes(fresh: Fresh) {
    let (stack, folder) = (&fresh.stack, folder());
    let document = upload(stack, &folder, "a", b"abc").await;
    if let Some(hash) = stack.objects.sha256(&document).await.expect("it can be asked") {
        // The example of FIPS 180-2, appendix B.1.
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    let gone = Document { key: "gone".into(), ..document };
    let error = stack.objects.sha256(&gone).await.expect_err("there is no such key");
    assert_eq!(error.fault, Fault::NotFound);
}
