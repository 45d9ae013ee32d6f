//! Models of the hub, by its own protocol: one request tells the commit and every file's size and hash, then each file
//! is taken in exactly that commit.
//!
//! `HF_ENDPOINT` names another hub (a mirror), `HF_TOKEN` a token; the token that the hub's own tools have left is found
//! as they find it. The crate `hf-hub` is not used: 0.5 comes with roots of its own (which `deny.toml` keeps out), appends
//! whatever a server sends and holds nothing against a hash; 1.0 does neither resume nor check, and brings a second TLS.

use super::http::{Answer, Client, From, Token, is_out_of_time};
use super::source::{Digest, Listing, Offer, Source, Trouble};
use super::transfer::Part;
use crate::show::clean;
use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use std::env::var_os;
use std::io::Read;
use std::path::PathBuf;

/// The hub itself, in two pieces: no text of this repository names a registry's host but this one, which it is for.
const HUB: &str = concat!("https://hugging", "face.co");
/// More than any listing has, in bytes.
const LISTING: u64 = 64 << 20;
const PIECE: usize = 128 * 1024;

/// A model of a hub.
pub struct Hub {
    client: Client,
    base: String,
    name: String,
    revision: String,
}

#[derive(Deserialize)]
struct Info {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Hub {
    /// A model by its name, in this revision: a branch, a tag or a commit.
    pub fn new(name: &str, revision: Option<&str>) -> Result<Self> {
        let revision = revision.unwrap_or("main");
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if revision.is_empty() || !revision.chars().all(good) || revision.contains("..") {
            bail!("{revision:?} is no revision. Do: --revision with a branch, a tag or a commit");
        }
        let base = std::env::var("HF_ENDPOINT").ok().filter(|base| !base.trim().is_empty());
        let base = base.as_deref().unwrap_or(HUB).trim().trim_end_matches('/').to_owned();
        let token = token();
        if token.is_some() && !is_protected(&base) {
            bail!(
                "HF_ENDPOINT is {base:?}: a token would go over the wire for all to read. Do: use https, or take the \
                 token away (HF_TOKEN, and what the hub's own tools have left)"
            );
        }
        Ok(Self { client: Client::new(token), base, name: name.to_owned(), revision: revision.to_owned() })
    }

    /// What an answer that is none means.
    fn refused(&self, answer: &Answer, what: &str) -> Trouble {
        let status = answer.status;
        let code = answer.of_hub("x-error-code").unwrap_or_default();
        let said = answer.of_hub("x-error-message").map(|said| format!(" ({})", clean(said)));
        let said = said.unwrap_or_default();
        let (name, revision) = (&self.name, &self.revision);
        let token = if self.client.has_token() {
            "the token that is set may not read it. Do: ask for access on the model's page, with the token's account"
        } else {
            "nobody may read it without a token. Do: check the name; if it is right, accept the model's terms on its \
             page and set HF_TOKEN"
        };
        match (status, code) {
            // Addresses within the store are good for an hour; the hub gives another one to whoever asks again.
            (401 | 403 | 404, _) if answer.was_sent_elsewhere() => {
                Trouble::passing(format!("the store that the hub sends us to answered {status}"))
            }
            (_, "RevisionNotFound") => anyhow!(
                "{name} has no revision {revision:?}{said}. Do: --revision with one that its page shows"
            )
            .into(),
            (_, "EntryNotFound") => anyhow!("the hub has no {what} of {name}{said}").into(),
            (401 | 403, _) => anyhow!("the hub refuses {name} ({status}){said}: {token}").into(),
            (404, _) => {
                anyhow!("the hub has no model {name}{said}. Do: check the name, and --revision").into()
            }
            (408 | 425 | 429 | 500..=599, _) => {
                let busy = if status == 429 { "the hub wants fewer requests" } else { "the hub is not well" };
                Trouble::Passing { what: format!("{busy} ({status}){said}"), after: answer.retry_after() }
            }
            _ => anyhow!("the hub answered {status} to {what}{said}").into(),
        }
    }

    fn url(&self, listing: &Listing, offer: &Offer) -> String {
        let commit = listing.revision.as_deref().unwrap_or_default();
        format!("{}/{}/resolve/{commit}/{}", self.base, self.name, offer.path)
    }
}

/// Whether nobody on the way reads what is sent there.
fn is_protected(base: &str) -> bool {
    let host = base.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    base.starts_with("https://")
        || matches!(host, Some("127.0.0.1" | "localhost" | "["))
        || base.starts_with("http://[::1]")
}

/// The token: set, or left by the hub's own tools.
fn token() -> Option<Token> {
    let set = |name: &str| var_os(name).filter(|value| !value.is_empty());
    let text = set("HF_TOKEN").and_then(|token| token.into_string().ok()).or_else(|| {
        let home = || set("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = || set("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let of_tools = || set("HF_HOME").map(PathBuf::from).or_else(|| Some(cache()?.join("huggingface")));
        let path = set("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(of_tools()?.join("token")))?;
        std::fs::read_to_string(path).ok()
    })?;
    let text = text.trim();
    if text.is_empty() { None } else { Some(Token::new(text)) }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a hash is by its length.
fn digest(text: &str) -> Digest {
    match text {
        text if is_hex(text, 64) => Digest::Sha256(text.to_ascii_lowercase()),
        text if is_hex(text, 40) => Digest::GitBlob(text.to_ascii_lowercase()),
        _ => Digest::Unknown,
    }
}

fn bare(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"')
}

impl Sibling {
    fn offer(self) -> Offer {
        let of_lfs = self.lfs.as_ref().and_then(|lfs| lfs.sha256.clone());
        let hash = of_lfs.or(self.blob_id).unwrap_or_default();
        let size = self.lfs.and_then(|lfs| lfs.size).or(self.size).unwrap_or(0);
        Offer { path: self.rfilename, size, digest: digest(&hash), version: hash }
    }
}

impl Source for Hub {
    fn list(&self) -> Result<Listing, Trouble> {
        let revision = self.revision.replace('/', "%2F");
        let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.base, self.name);
        let answer = self.client.get(&url, None)?;
        if answer.status != 200 {
            return Err(self.refused(&answer, "the listing"));
        }
        let mut bytes = Vec::new();
        let read = answer.body.into_reader().take(LISTING).read_to_end(&mut bytes);
        read.map_err(|error| Trouble::passing(format!("the listing was cut off ({error})")))?;
        let info: Info = serde_json::from_slice(&bytes)
            .map_err(|error| anyhow!("{} does not speak as the hub does ({error})", self.base))?;
        let Some(commit) = info.sha.filter(|sha| is_hex(sha, 40)) else {
            return Err(anyhow!("{} names no commit of {}", self.base, self.name).into());
        };
        let offers = info.siblings.into_iter().map(Sibling::offer).collect();
        Ok(Listing { revision: Some(commit), origin: None, offers })
    }

    /// The hub tells every hash; some mirrors list names alone.
    fn look(&self, offer: &mut Offer) -> Result<(), Trouble> {
        let (base, path) = (&self.base, &offer.path);
        match offer.digest {
            Digest::Unknown => Err(anyhow!(
                "{base} tells no hash of {path}, so nothing could be held against it. Do: set HF_ENDPOINT to another \
                 mirror, or take it away"
            )
            .into()),
            _ => Ok(()),
        }
    }

    fn go_on(&self, offer: &Offer, listing: &Listing, part: &mut Part<'_>) -> Result<(), Trouble> {
        while part.len() < offer.size {
            let begun = part.len();
            match self.ask_for_rest(offer, listing, part)? {
                Came::All => break,
                // Slow is no trouble: another request brings the next piece.
                Came::OutOfTime if part.len() > begun => {}
                Came::OutOfTime => return Err(Trouble::passing("nothing came for two minutes")),
            }
        }
        Ok(())
    }
}

/// How a body ended that did not break off.
enum Came {
    All,
    OutOfTime,
}

impl Hub {
    fn ask_for_rest(&self, offer: &Offer, listing: &Listing, part: &mut Part<'_>) -> Result<Came, Trouble> {
        let (begun, tag) = (part.len(), part.tag());
        let from = (begun > 0).then_some(From { byte: begun, tag: tag.as_deref() });
        let answer = self.client.get(&self.url(listing, offer), from.as_ref())?;
        is_what_was_listed(&answer, offer)?;
        match answer.status {
            206 if begun > 0 => continues(&answer, begun, offer)?,
            // It takes no ranges, or the tag is another one: everything comes.
            200 => part.restart()?,
            416 => return Err(Trouble::Changed),
            _ => return Err(self.refused(&answer, &offer.path)),
        }
        // A weak tag promises too little to go on by; the hash tells in the end.
        if let Some(tag) = answer.header("etag").filter(|tag| tag.starts_with('"')) {
            part.set_tag(tag);
        }
        let mut body = answer.body.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            match body.read(&mut piece) {
                Ok(0) => return Ok(Came::All),
                Ok(read) => part.append(&piece[..read])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if is_out_of_time(&error) => return Ok(Came::OutOfTime),
                Err(error) => return Err(Trouble::passing(format!("the connection was cut ({error})"))),
            }
        }
    }
}

/// Whether a part of a body begins where ours ends.
fn continues(answer: &Answer, begun: u64, offer: &Offer) -> Result<(), Trouble> {
    let range = answer.header("content-range").unwrap_or_default();
    let begins = range.starts_with(&format!("bytes {begun}-"));
    let total = range.rsplit('/').next().and_then(|total| total.parse().ok());
    if begins && total.is_none_or(|total: u64| total == offer.size) { Ok(()) } else { Err(Trouble::Changed) }
}

/// A file that its own headers call another one is not worth its gigabytes.
fn is_what_was_listed(answer: &Answer, offer: &Offer) -> Result<(), Trouble> {
    let said = answer.of_hub("x-linked-etag").map(bare).map(digest);
    let (hash, other) = match (&offer.digest, &said) {
        (Digest::Sha256(wanted), Some(Digest::Sha256(said))) => (wanted, wanted != said),
        _ => (&offer.version, false),
    };
    let size = answer.of_hub("x-linked-size").and_then(|size| size.parse().ok());
    let whole =
        answer.header("content-length").and_then(|size| size.parse().ok()).filter(|_| answer.status == 200);
    if other || size.or(whole).is_some_and(|size: u64| size != offer.size) {
        return Err(anyhow!(
            "the hub lists {} bytes with the hash {hash}, and offers something else. Do: try again later",
            offer.size
        )
        .into());
    }
    Ok(())
}
