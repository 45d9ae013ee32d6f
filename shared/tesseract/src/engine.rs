//! The command line.

use crate::OcrError;
use crate::languages::{installed_name, to_tesseract};
use crate::tsv::{Recognised, WordLine, parse};
use crate::turn::Turn;
use domain::text::Line;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Bytes of output that are read: the table of the densest page has a hundred thousand.
const MAX_OUTPUT: u64 = 32 << 20;
/// Below this mean confidence a page is looked at again.
const GOOD: f32 = 0.75;
/// With fewer words a page may be one that lies on its side.
const FEW_WORDS: usize = 8;

/// Tesseract as it is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    program: PathBuf,
    version: String,
    languages: Vec<String>,
    timeout: Duration,
}

impl Engine {
    /// Finds the program on the search path, its version and its languages.
    ///
    /// # Errors
    /// [`OcrError::NotInstalled`], or what the program says when it cannot tell its languages.
    pub async fn find() -> Result<Self, OcrError> {
        Self::at(PathBuf::from("tesseract")).await
    }

    /// Looks at a program by its path.
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub async fn at(program: PathBuf) -> Result<Self, OcrError> {
        let timeout = Duration::from_secs(30);
        let version = run(&program, &["--version"], timeout).await?;
        let version =
            version.lines().next().unwrap_or_default().trim_start_matches("tesseract").trim().to_owned();
        let listed = run(&program, &["--list-langs"], timeout).await?;
        let languages = listed
            .lines()
            .skip(1)
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        Ok(Self { program, version, languages, timeout: Duration::from_secs(120) })
    }

    /// Gives each run on a page so much time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The program's version, for example `5.3.0`; part of what names a result.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The installed languages by Tesseract's names, `osd` (orientation and script) among them.
    #[must_use]
    pub fn languages(&self) -> &[String] {
        &self.languages
    }

    /// Recognises one page. `languages` are tags or Tesseract's names, parted by `+`, commas or spaces, the
    /// likeliest first; none means English. Boxes are fractions of the image as it lies, confidence is 0–1.
    /// Dropping the future ends the program.
    ///
    /// # Errors
    /// See [`OcrError`].
    pub async fn recognise(&self, image: &Path, languages: &str) -> Result<Vec<Line>, OcrError> {
        Ok(self.best(image, languages).await?.lines)
    }

    /// As [`Engine::recognise`], but the lines come as they stand on the page, each with its words: nothing is
    /// joined over the end of a line, and nothing is called furniture.
    ///
    /// # Errors
    /// See [`OcrError`].
    pub async fn recognise_words(&self, image: &Path, languages: &str) -> Result<Vec<WordLine>, OcrError> {
        Ok(self.best(image, languages).await?.standing)
    }

    async fn best(&self, image: &Path, languages: &str) -> Result<Recognised, OcrError> {
        let languages = self.checked(languages)?;
        let image =
            tokio::fs::canonicalize(image).await.map_err(|error| OcrError::Image(error.to_string()))?;
        let first = self.page(&image, &languages).await?;
        if first.words >= FEW_WORDS && first.confidence >= GOOD {
            return Ok(first);
        }
        self.turned(&image, &languages, first).await
    }

    /// Asks how the page lies, or tries, and keeps what reads best.
    async fn turned(
        &self,
        image: &Path,
        languages: &str,
        upright: Recognised,
    ) -> Result<Recognised, OcrError> {
        let told = self.orientation(image).await;
        let turns: Vec<Turn> = match told {
            Some(Orientation { degrees, sure: true }) => Turn::of_degrees(degrees).into_iter().collect(),
            // A few words on a page, read well: a title page, not one on its side.
            _ if upright.words > 0 && upright.confidence >= GOOD => Vec::new(),
            _ => Turn::ALL.to_vec(),
        };
        let mut best = (upright, None);
        for turn in turns {
            let path = image.to_owned();
            let copy = tokio::task::spawn_blocking(move || turn.copy(&path))
                .await
                .map_err(|error| OcrError::Failed(error.to_string()))??;
            let page = self.page(copy.path(), languages).await?;
            // Noise reads a little on every side: another side must be clearly better.
            if page.score > best.0.score * 1.2 {
                best = (page, Some(turn));
            }
        }
        let (mut page, turn) = best;
        if let Some(turn) = turn {
            page.boxes().for_each(|bbox| turn.undo(bbox));
        }
        Ok(page)
    }

    async fn page(&self, image: &Path, languages: &str) -> Result<Recognised, OcrError> {
        let path = image.to_string_lossy();
        let arguments = [&path, "stdout", "-l", languages, "--dpi", "200", "-c", "tessedit_create_tsv=1"];
        run(&self.program, &arguments, self.timeout).await.map(|table| parse(&table))
    }

    /// How the page lies, if the data for that is installed and the page has enough on it to tell.
    async fn orientation(&self, image: &Path) -> Option<Orientation> {
        if !self.languages.iter().any(|language| language == "osd") {
            return None;
        }
        let path = image.to_string_lossy();
        let told =
            run(&self.program, &[&path, "stdout", "--psm", "0", "--dpi", "200"], self.timeout).await.ok()?;
        orientation(&told)
    }

    fn checked(&self, languages: &str) -> Result<String, OcrError> {
        let mut names: Vec<String> = Vec::new();
        for tag in languages.split(['+', ',', ' ']).filter(|tag| !tag.is_empty()) {
            let name = to_tesseract(tag);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push("eng".to_owned());
        }
        match names.iter().find(|name| !self.languages.contains(name)) {
            Some(missing) => {
                Err(OcrError::LanguageMissing { language: missing.clone(), package: installed_name(missing) })
            }
            None => Ok(names.join("+")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Orientation {
    /// Clockwise, to make it upright.
    degrees: u32,
    sure: bool,
}

fn orientation(told: &str) -> Option<Orientation> {
    let value = |field: &str| told.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
    let degrees = value("Rotate:")?.parse().ok()?;
    let confidence: f32 = value("Orientation confidence:")?.parse().ok()?;
    Some(Orientation { degrees, sure: confidence >= 2.0 })
}

/// Runs the program and returns what it prints.
async fn run(program: &Path, arguments: &[&str], timeout: Duration) -> Result<String, OcrError> {
    let failed = |error: std::io::Error| OcrError::Failed(error.to_string());
    let mut command = Command::new(program);
    command.args(arguments).env("OMP_THREAD_LIMIT", "1").env("LC_ALL", "C").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    let mut child = match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(OcrError::NotInstalled),
        spawned => spawned.map_err(failed)?,
    };
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(OcrError::Failed("its output cannot be read".to_owned()));
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (mut output, mut errors) = (output.take(MAX_OUTPUT), errors.take(64 << 10));
    let whole = async {
        let (read, _) = tokio::join!(output.read_to_end(&mut out), errors.read_to_end(&mut err));
        read?;
        child.wait().await
    };
    let status = match tokio::time::timeout(timeout, whole).await {
        Ok(status) => status.map_err(failed)?,
        Err(_) => {
            let _ = child.kill().await;
            return Err(OcrError::TimedOut(timeout));
        }
    };
    if status.success() {
        return Ok(String::from_utf8_lossy(&out).into_owned());
    }
    Err(judge(&String::from_utf8_lossy(&err)))
}

/// What the program's words mean.
fn judge(words: &str) -> OcrError {
    let last =
        words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing").to_owned();
    let unreadable = ["cannot be read", "pix not read", "Image file", "Error during processing"];
    if unreadable.iter().any(|sign| words.contains(sign)) {
        OcrError::Image(last)
    } else {
        OcrError::Failed(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_is_read_from_what_the_program_says() {
        let told = "Page number: 0\nOrientation in degrees: 270\nRotate: 90\nOrientation confidence: 15.25\nScript: Latin\n";
        assert_eq!(orientation(told), Some(Orientation { degrees: 90, sure: true }));
        assert_eq!(orientation("Too few characters. Skipping this page\n"), None);
    }

    #[test]
    fn languages_are_checked_before_a_page_is() {
        let engine = Engine {
            program: PathBuf::from("tesseract"),
            version: "5".to_owned(),
            languages: ["eng", "osd"].map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(1),
        };
        assert_eq!(engine.checked("").unwrap(), "eng");
        assert_eq!(engine.checked("en, eng").unwrap(), "eng");
        let error = engine.checked("en+fr").unwrap_err();
        assert_eq!(
            error.to_string(),
            "Tesseract has no data for fra: run `apt-get install tesseract-ocr-fra`"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_not_installed() {
        let error = Engine::at(PathBuf::from("/nonexistent/tesseract")).await.unwrap_err();
        assert_eq!(error, OcrError::NotInstalled);
    }
}
