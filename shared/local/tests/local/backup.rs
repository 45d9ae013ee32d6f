//! Backups are whole, checked, and come back.

use local::backup::{self, BackupError};
use std::fs;
use std::path::Path;

const LARGE: usize = 200_000;

async fn filled(folder: &Path) -> domain::Document {
    let local = super::open(folder).await;
    let objects = &local.stack.objects;
    objects.write_once("jobs/x/1/small", b"small".to_vec()).await.unwrap();
    objects.write_once("jobs/x/1/large", vec![9; LARGE]).await.unwrap();
    let file = folder.join("source");
    fs::write(&file, vec![3; LARGE]).unwrap();
    let document = objects.upload("in/a.bin", &file).await.unwrap();
    fs::remove_file(file).unwrap();
    fs::write(local.layout.results().join("a.md"), "# A").unwrap();
    fs::write(local.layout.settings(), "[defaults]\nwords = 77\n").unwrap();
    document
}

#[tokio::test]
async fn a_folder_at_work_is_exported_and_comes_back_as_it_was() {
    let parent = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (parent.path().join("data"), parent.path().join("b.tar"), parent.path().join("new"));
    let document = filled(&data).await;
    let at_work = super::open(&data).await;
    let made = backup::export(&data, &file).await.unwrap();
    assert_eq!(made.files, 5, "database, two large objects, settings, a result");
    drop(at_work);
    let error = backup::export(&data, &file).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(backup::import(&file, &new).await.unwrap(), made);
    let error = backup::import(&file, &new).await.unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty(_)), "{error}");
    let local = super::open(&new).await;
    assert_eq!(local.stack.objects.read("jobs/x/1/small", 10).await.unwrap(), b"small");
    assert_eq!(local.stack.objects.read("jobs/x/1/large", 1 << 20).await.unwrap(), vec![9; LARGE]);
    let into = parent.path().join("fetched");
    local.stack.objects.fetch(&document, 1 << 20, &into).await.unwrap();
    assert_eq!(fs::read(into).unwrap(), vec![3; LARGE]);
    assert_eq!(fs::read_to_string(local.layout.results().join("a.md")).unwrap(), "# A");
    let layers = local.stack.settings.layers(local::UPLOADS, "k").await.unwrap();
    assert_eq!(layers[0].1.words, Some(77));
}

#[tokio::test]
async fn a_changed_or_cut_backup_is_refused_and_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let (data, file) = (parent.path().join("data"), parent.path().join("b.tar"));
    filled(&data).await;
    backup::export(&data, &file).await.unwrap();
    let whole = fs::read(&file).unwrap();
    let at = whole.windows(64).position(|window| window == [9; 64]).unwrap();
    let mut changed = whole.clone();
    changed[at] = 8;
    let cut = whole[..whole.len() / 2].to_vec();
    for (number, bytes) in [changed, cut, b"no tar".to_vec(), Vec::new()].into_iter().enumerate() {
        fs::write(&file, bytes).unwrap();
        let new = parent.path().join(format!("new-{number}"));
        let error = backup::import(&file, &new).await.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }) && !new.exists(), "{number}: {error}");
    }
    let left: Vec<_> = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[tokio::test]
async fn an_archive_that_points_elsewhere_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (file, new) = (parent.path().join("b.tar"), parent.path().join("new"));
    let mut header = tar::Header::new_gnu();
    let name = b"objects/../../escaped";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(4);
    header.set_mode(0o600);
    header.set_cksum();
    let mut builder = tar::Builder::new(fs::File::create(&file).unwrap());
    builder.append(&header, b"evil".as_slice()).unwrap();
    builder.finish().unwrap();
    let error = backup::import(&file, &new).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    assert!(!parent.path().join("escaped").exists() && !new.exists());
}
