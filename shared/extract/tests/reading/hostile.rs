//! What a document may try, and what it costs.

use crate::common::{read, read_bytes, reader, text};
use domain::reason::Reason;
use precis_extract::{Limits, PageReading};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A PDF of objects numbered from 1 (the catalog first), with its table.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n", index + 1).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    out.extend(
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1)
            .bytes(),
    );
    out
}

/// A PDF whose every page has the same content.
fn pages(count: usize, content: &[u8]) -> Vec<u8> {
    let kids: Vec<String> = (0..count).map(|index| format!("{} 0 R", index + 5)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count {count} /Kids [{}] /MediaBox [0 0 612 792] >>", kids.join(" "))
            .into_bytes(),
        [format!("<< /Length {} >>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    let page =
        b"<< /Type /Page /Parent 2 0 R /Contents 3 0 R /Resources << /Font << /F1 4 0 R >> >> >>".to_vec();
    objects.extend(std::iter::repeat_n(page, count));
    pdf(&objects)
}

fn docx(body: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let types = b"<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    for (name, bytes) in [("[Content_Types].xml", &types[..]), ("word/document.xml", body)] {
        zip.start_file(
            name,
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated),
        )
        .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn reason(bytes: &[u8], name: &str, limits: &Limits) -> Reason {
    let error = read_bytes(bytes, name, limits).await.unwrap_err();
    println!("{name}: {} ({error})", error.reason());
    assert!(error.is_permanent());
    error.reason()
}

#[tokio::test]
async fn a_small_pdf_is_read_through_the_child() {
    let reading =
        read_bytes(&pages(2, b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET"), "x.pdf", &Limits::default())
            .await
            .unwrap();
    assert_eq!(text(&reading), "Hello there\nHello there\n");
}

#[tokio::test]
async fn a_full_disk_is_not_the_documents_fault() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("x.pdf"), folder.path().join("out"));
    std::fs::write(&file, pages(2, b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET")).unwrap();
    std::fs::create_dir(&out).unwrap();
    let mount = |arguments: &[&str]| Command::new(arguments[0]).args(&arguments[1..]).arg(&out).output();
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=4k", "none"]).is_ok_and(|output| output.status.success())
    {
        return println!("skipped: only root may mount a small disk");
    }
    std::fs::write(out.join("filler"), [0; 4096]).unwrap();
    let read = precis_extract::read(&file, "x.pdf", &out, &Limits::default(), &reader(), |_, _| {}).await;
    mount(&["umount", "-l"]).unwrap();
    let error = read.unwrap_err();
    assert_eq!((error.reason(), error.is_permanent()), (Reason::StorageFull, false), "{error}");
}

#[tokio::test]
async fn a_pdf_without_pages_has_no_pages() {
    assert_eq!(reason(&pages(0, b""), "none.pdf", &Limits::default()).await, Reason::NoPages);
}

#[tokio::test]
async fn ten_thousand_pages_are_too_many() {
    assert_eq!(reason(&pages(10_000, b""), "long.pdf", &Limits::default()).await, Reason::TooManyPages);
}

#[tokio::test]
async fn a_pdf_cut_anywhere_is_damaged() {
    let whole = pages(3, b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET");
    for part in [4, 7, 9] {
        assert_eq!(
            reason(&whole[..whole.len() * part / 10], "cut.pdf", &Limits::default()).await,
            Reason::Damaged
        );
    }
}

#[tokio::test]
async fn pages_that_the_file_promises_and_lacks_are_named_as_unread() {
    let bytes = pages(3, b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET");
    let lacking =
        String::from_utf8(bytes).unwrap().replace("/Kids [5 0 R 6 0 R 7 0 R]", "/Kids [5 0 R 6 0 R 9 0 R]");
    let reading = read_bytes(lacking.as_bytes(), "x.pdf", &Limits::default()).await.unwrap();
    let PageReading::Read(last) = &reading.pages[2] else { panic!("not read") };
    assert!(last.note.as_deref().unwrap().contains("speaks of 3 pages"), "{last:?}");
}

#[tokio::test]
async fn a_zip_bomb_is_stopped_at_the_limit() {
    let mut body = b"<w:document><w:body><w:p><w:r><w:t>".to_vec();
    body.resize(300 << 20, b'a');
    let bomb = docx(&body);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(reason(&bomb, "bomb.docx", &Limits::default()).await, Reason::ReaderLimit);
}

#[tokio::test]
async fn a_docx_cut_short_is_damaged() {
    let whole = docx(b"<w:document><w:body><w:p><w:r><w:t>words</w:t></w:r></w:p></w:body></w:document>");
    assert_eq!(text(&read_bytes(&whole, "x.docx", &Limits::default()).await.unwrap()), "words\n");
    assert_eq!(reason(&whole[..whole.len() - 40], "cut.docx", &Limits::default()).await, Reason::Damaged);
    let broken = docx(b"<w:document><w:body><w:p><w:r><w:t>words</w:t><w:");
    assert_eq!(reason(&broken, "broken.docx", &Limits::default()).await, Reason::Damaged);
}

#[tokio::test]
async fn deep_html_is_read_or_ended_and_nothing_else_happens() {
    let deep = format!("<p>top</p>{}deep", "<div><b>".repeat(50_000));
    match read_bytes(
        deep.as_bytes(),
        "deep.html",
        &Limits { stall: Duration::from_secs(20), ..Limits::default() },
    )
    .await
    {
        Ok(reading) => assert!(text(&reading).contains("deep")),
        Err(error) => assert!(error.is_permanent(), "{error}"),
    }
}

/// Work for hours: nested forms, each drawn ten times by the one around it.
fn endless() -> Vec<u8> {
    let form = |inner: &str| {
        let content = "/F Do ".repeat(10);
        format!("<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /F {inner} >> >> /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes()
    };
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>".to_vec(),
        b"<< /Length 5 >>\nstream\n/F Do\nendstream".to_vec(),
    ];
    for index in 5..17 {
        objects.push(form(&format!("{} 0 R", index + 1)));
    }
    let paint = "0 0 10 10 re f ";
    objects.push(
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /Length {} >>\nstream\n{paint}\nendstream",
            paint.len()
        )
        .into_bytes(),
    );
    pdf(&objects)
}

#[tokio::test]
async fn endless_work_ends_by_the_clock_of_the_parent() {
    let limits = Limits { wall: Duration::from_millis(500), ..Limits::default() };
    assert_eq!(reason(&endless(), "endless.pdf", &limits).await, Reason::ReaderLimit);
    let limits = Limits { stall: Duration::from_millis(500), ..Limits::default() };
    assert_eq!(reason(&endless(), "endless.pdf", &limits).await, Reason::ReaderLimit);
}

#[tokio::test]
async fn endless_work_ends_by_the_limit_on_processor_time() {
    let limits = Limits { cpu_seconds: 1, ..Limits::default() };
    let error = read_bytes(&endless(), "endless.pdf", &limits).await.unwrap_err();
    assert_eq!(error.to_string(), "it took more than 1 s of processor time");
}

#[tokio::test]
async fn memory_beyond_the_limit_is_not_to_be_had() {
    let limits = Limits { memory_bytes: 160 << 20, ..Limits::default() };
    let many = "<p>words and more words</p>\n".repeat(1_500_000);
    assert_eq!(reason(format!("<html>{many}").as_bytes(), "large.html", &limits).await, Reason::ReaderLimit);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_taken() {
    let limits = Limits { output_bytes: 4096, ..Limits::default() };
    assert_eq!(reason("many words\n\n".repeat(2000).as_bytes(), "x.txt", &limits).await, Reason::ReaderLimit);
}

#[tokio::test]
async fn dropping_the_future_ends_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endless.pdf");
    std::fs::write(&file, endless()).unwrap();
    let out = folder.path().join("out");
    let limits = Limits::default();
    let program = reader();
    {
        let reading = precis_extract::read(&file, "endless.pdf", &out, &limits, &program, |_, _| {});
        tokio::pin!(reading);
        tokio::select! {
            read = &mut reading => panic!("it ended: {read:?}"),
            () = until(|| out.is_dir() && !children_in(&out).is_empty()) => {}
        }
    }
    until(|| children_in(&out).is_empty()).await;
}

/// The parent is killed without a chance to end its child: the child notices by itself.
#[tokio::test]
async fn the_child_does_not_outlive_a_parent_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endless.pdf");
    std::fs::write(&file, endless()).unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut parent = Command::new(env!("CARGO_BIN_EXE_precis-reader"))
        .args([&file, &out])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until(|| !children_in(&out).is_empty()).await;
    parent.kill().unwrap();
    parent.wait().unwrap();
    until(|| children_in(&out).is_empty()).await;
}

/// Waits until something holds; gives up after a time that only a fault takes.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not come about");
}

/// Processes at work in a folder.
fn children_in(folder: &std::path::Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder))
        .filter(|process| {
            std::fs::read_to_string(process.join("status")).is_ok_and(|status| !status.contains("State:\tZ"))
        })
        .collect()
}

#[tokio::test]
async fn the_document_cannot_be_missing_without_a_word() {
    let error = read(std::path::Path::new("/nonexistent/x.pdf"), &Limits::default()).await.unwrap_err();
    assert!(!error.is_permanent());
    assert!(error.to_string().contains("the document cannot be opened"), "{error}");
}

#[tokio::test]
async fn progress_is_told_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pdf");
    std::fs::write(&file, pages(5, b"BT /F1 12 Tf 72 700 Td (Hello there) Tj ET")).unwrap();
    let mut told = Vec::new();
    precis_extract::read(
        &file,
        "x.pdf",
        &folder.path().join("out"),
        &Limits::default(),
        &reader(),
        |done, total| told.push((done, total)),
    )
    .await
    .unwrap();
    assert_eq!(told.last(), Some(&(5, 5)), "{told:?}");
}
