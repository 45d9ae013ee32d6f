//! The reader alone: reads one document in a child process and prints its pages as text. It shows people
//! what Precis sees, and tests what a document can do to the child.

use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    precis_extract::child::run_if_asked();
    let Some(file) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: precis-reader FILE [FOLDER FOR PAGE IMAGES]");
        return ExitCode::from(2);
    };
    let out_dir =
        std::env::args_os().nth(2).map_or_else(|| std::env::temp_dir().join("precis-reader"), PathBuf::from);
    match run(&file, &out_dir).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "{}: {error}\n{}\n{}",
                error.reason(),
                error.reason().explanation(),
                error.reason().advice()
            );
            ExitCode::FAILURE
        }
    }
}

async fn run(file: &std::path::Path, out_dir: &std::path::Path) -> Result<(), precis_extract::ReadError> {
    let program = precis_extract::ReaderProgram::current()?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let reading =
        precis_extract::read(file, &name, out_dir, &precis_extract::Limits::default(), &program, |_, _| {})
            .await?;
    eprintln!("{} · {} pages · {:?}", reading.kind.media_type(), reading.pages.len(), reading.title);
    for page in &reading.pages {
        match page {
            precis_extract::PageReading::Read(page) => {
                println!("── page {} ({})", page.number, page.origin.as_str());
                for line in &page.lines {
                    println!("{:>3} {:<12} {}", line.paragraph, format!("{:?}", line.role), line.text);
                }
            }
            precis_extract::PageReading::NeedsOcr { number, image, why, .. } => {
                println!("── page {number} needs OCR: {} ({})", why.as_str(), image.display());
            }
        }
    }
    Ok(())
}
