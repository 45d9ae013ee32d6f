//! Data folders that cannot be opened say what, why and what to do, and stay as they were.

use local::{OpenError, OpenOptions};
use std::fs;
use std::path::Path;

async fn refused(folder: &Path, options: OpenOptions) -> OpenError {
    match local::open(folder, options).await {
        Ok(_) => panic!("{} was opened", folder.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_by_whom_but_commands_work_beside() {
    let folder = tempfile::tempdir().unwrap();
    let first = super::open(folder.path()).await;
    assert!(first.somebody_works());
    let error = refused(folder.path(), OpenOptions::exclusive()).await;
    let pid = std::process::id().to_string();
    assert!(matches!(&error, OpenError::Locked { pid: found, .. } if *found == pid), "{error}");
    assert!(error.to_string().contains(&pid) && error.to_string().contains("Stop that one"), "{error}");
    let beside = local::open(folder.path(), OpenOptions::shared()).await.unwrap();
    assert!(beside.somebody_works());
    drop(first);
    assert!(!beside.somebody_works());
    super::open(folder.path()).await;
}

#[tokio::test]
async fn a_missing_folder_is_made_for_those_who_work_and_named_to_those_who_look() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let error = refused(&folder, OpenOptions::shared()).await;
    assert!(matches!(error, OpenError::Missing(_)) && !folder.exists(), "{error}");
    drop(super::open(&folder).await);
    local::open(&folder, OpenOptions::shared()).await.unwrap();
}

#[tokio::test]
async fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.docx"), "mine").unwrap();
    let error = refused(folder.path(), OpenOptions::exclusive()).await;
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = refused(&folder.path().join("thesis.docx"), OpenOptions::exclusive()).await;
    assert!(matches!(error, OpenError::NotAFolder(_)), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    drop(super::open(folder.path()).await);
    let database = folder.path().join("precis.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&99_i32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    for options in [OpenOptions::exclusive(), OpenOptions::shared()] {
        let error = refused(folder.path(), options).await;
        assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("newer Precis"), "{error}");
    }
    assert_eq!(fs::read(&database).unwrap(), bytes);
}

#[tokio::test]
async fn a_damaged_database_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    drop(super::open(folder.path()).await);
    let database = folder.path().join("precis.db");
    let whole = fs::read(&database).unwrap();
    let mut torn = whole.clone();
    torn[4096..3 * 4096].fill(0xA5);
    for bytes in [b"not a database at all, but long enough to look like one".to_vec(), vec![7; 4096], torn] {
        fs::write(&database, &bytes).unwrap();
        let error = refused(folder.path(), OpenOptions::exclusive()).await;
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("precis import"), "{error}");
        assert_eq!(fs::read(&database).unwrap(), bytes, "it was left untouched");
    }
}

#[tokio::test]
async fn another_programs_database_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    drop(super::open(folder.path()).await);
    let database = folder.path().join("precis.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[68..72].copy_from_slice(&0x4750_4B47_i32.to_be_bytes());
    fs::write(&database, bytes).unwrap();
    let error = refused(folder.path(), OpenOptions::exclusive()).await;
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_understood_are_refused_with_line_and_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precis.toml"), "[defaults]\nwords = 90\nmax_page = 3\n").unwrap();
    let error = refused(folder.path(), OpenOptions::exclusive()).await;
    let text = error.to_string();
    assert!(
        matches!(error, OpenError::Settings(_)) && text.contains("line 3") && text.contains("max_page"),
        "{text}"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_as_that() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may write everywhere");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let error = refused(&folder, OpenOptions::exclusive()).await;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_when_the_folder_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let local = super::open(folder.path()).await;
    local.stack.objects.write_once("jobs/x/1/pages", b"whole".to_vec()).await.unwrap();
    drop(local);
    let local = super::open(folder.path()).await;
    assert_eq!(local.stack.objects.read("jobs/x/1/pages", 10).await.unwrap(), b"whole");
}
