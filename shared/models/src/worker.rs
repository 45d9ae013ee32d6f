//! The thread that owns a model: it gathers what waits, sorts by length, runs batch after batch.

use crate::encoder::Encoder;
use crate::folder::Folder;
use crate::kernels::Width;
use crate::{DeviceChoice, ModelError, Precision};
use std::sync::OnceLock;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use summarizer::BackendError;
use tokio::sync::oneshot;

/// Tokens of a batch at least: after it, whoever no longer waits is noticed.
const TOKENS: usize = 1024;
/// And for each thread: enough that none is left without texts.
const EACH: usize = 256;
/// Texts gathered for one round, so that no caller waits for an endless one.
const GATHERED: usize = 512;

/// What is loaded, and where it runs.
pub(crate) struct Wanted {
    pub folder: Folder,
    pub device: DeviceChoice,
    pub precision: Precision,
}

impl Wanted {
    /// How wide numbers enter the processor's products.
    pub(crate) fn width(&self) -> Result<Width, ModelError> {
        match self.precision {
            Precision::Auto | Precision::F32 => Ok(Width::F32),
            Precision::Bf16 => Ok(Width::Bf16),
            Precision::Int8 => Ok(Width::Int8),
            Precision::F16 => Err(ModelError::Asked(
                "precision f16: sentences are embedded in f32, bf16 or int8".to_owned(),
            )),
        }
    }
}

/// Texts that somebody waits for. Dropping the other end of `reply` cancels it.
pub(crate) struct Request {
    pub texts: Vec<String>,
    pub reply: oneshot::Sender<Result<Vec<Vec<f32>>, BackendError>>,
}

/// Serves requests until every sender is gone. Without an encoder it loads one at the first request.
pub(crate) fn serve(
    wanted: &Wanted,
    requests: &Receiver<Request>,
    loaded: &OnceLock<Duration>,
    mut encoder: Option<Encoder>,
) {
    while let Ok(first) = requests.recv() {
        let round = gather(first, requests);
        let ready = match encoder.take() {
            Some(encoder) => Ok(encoder),
            None => load(wanted, loaded),
        };
        match ready {
            Ok(ready) => {
                run(&ready, round);
                encoder = Some(ready);
            }
            Err(error) => {
                for request in round {
                    // Nobody waits any more: nothing to tell.
                    let _ = request.reply.send(Err(BackendError::Load(error.to_string())));
                }
            }
        }
    }
}

/// Loads a model and notes how long it took.
pub(crate) fn load(wanted: &Wanted, loaded: &OnceLock<Duration>) -> Result<Encoder, ModelError> {
    let start = Instant::now();
    let encoder = Encoder::load(wanted)?;
    let took = *loaded.get_or_init(|| start.elapsed());
    let duration = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(duration_ms = duration, device = %wanted.device, "model loaded");
    Ok(encoder)
}

fn gather(first: Request, requests: &Receiver<Request>) -> Vec<Request> {
    let mut texts = first.texts.len();
    let mut round = vec![first];
    while texts < GATHERED {
        let Ok(next) = requests.try_recv() else { break };
        texts += next.texts.len();
        round.push(next);
    }
    round.retain(|request| !request.reply.is_closed());
    round
}

/// One text of a round: whose it is, which of theirs, its tokens.
struct Piece {
    owner: usize,
    place: usize,
    tokens: Vec<u32>,
}

fn run(encoder: &Encoder, round: Vec<Request>) {
    let mut results: Vec<Result<Vec<Vec<f32>>, BackendError>> = Vec::with_capacity(round.len());
    let mut pieces = Vec::new();
    for (owner, request) in round.iter().enumerate() {
        match encoder.tokens(&request.texts) {
            Ok(all) => {
                results.push(Ok(vec![Vec::new(); all.len()]));
                pieces.extend(all.into_iter().enumerate().map(|(place, tokens)| Piece {
                    owner,
                    place,
                    tokens,
                }));
            }
            Err(error) => results.push(Err(BackendError::Run(error.to_string()))),
        }
    }
    // Like lengths together: hardly any padding.
    pieces.sort_by_key(|piece| piece.tokens.len());
    let most = TOKENS.max(EACH * rayon::current_num_threads());
    for batch in batches(&pieces, most) {
        let wanted: Vec<&Piece> =
            batch.iter().filter(|piece| !round[piece.owner].reply.is_closed()).collect();
        if wanted.is_empty() {
            continue;
        }
        let rows: Vec<&[u32]> = wanted.iter().map(|piece| piece.tokens.as_slice()).collect();
        let vectors = encoder.forward(&rows);
        spread(&wanted, vectors, &mut results);
    }
    for (request, result) in round.into_iter().zip(results) {
        // Nobody waits any more: nothing to tell.
        let _ = request.reply.send(result);
    }
}

fn spread(
    wanted: &[&Piece],
    vectors: Result<Vec<Vec<f32>>, ModelError>,
    results: &mut [Result<Vec<Vec<f32>>, BackendError>],
) {
    match vectors {
        Ok(vectors) => {
            for (piece, vector) in wanted.iter().zip(vectors) {
                if let Ok(mine) = &mut results[piece.owner] {
                    mine[piece.place] = vector;
                }
            }
        }
        Err(error) => {
            for piece in wanted {
                results[piece.owner] = Err(BackendError::Run(error.to_string()));
            }
        }
    }
}

/// Runs of pieces (sorted by length) whose padded size stays within `most`.
fn batches(pieces: &[Piece], most: usize) -> Vec<&[Piece]> {
    let mut out = Vec::new();
    let mut start = 0;
    for end in 1..=pieces.len() {
        let next = pieces.get(end).map_or(usize::MAX, |piece| piece.tokens.len());
        if next.saturating_mul(end + 1 - start) > most {
            out.push(&pieces[start..end]);
            start = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(lengths: &[usize]) -> Vec<Piece> {
        lengths.iter().map(|&n| Piece { owner: 0, place: 0, tokens: vec![1; n] }).collect()
    }

    #[test]
    fn batches_hold_everything_once_and_stay_within_their_tokens() {
        let all = pieces(&[1, 2, 3, 300, 300, 300, 400, 1000, 2000, 2000]);
        let cut = batches(&all, TOKENS);
        assert_eq!(cut.iter().map(|batch| batch.len()).sum::<usize>(), all.len());
        for batch in cut {
            let padded = batch.len() * batch.last().unwrap().tokens.len();
            assert!(padded <= TOKENS || batch.len() == 1, "{padded}");
        }
        assert!(batches(&[], TOKENS).is_empty());
    }

    #[test]
    fn what_waits_is_gathered_and_what_nobody_wants_is_left_out() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (kept, _wait) = oneshot::channel();
        let (dropped, gone) = oneshot::channel();
        drop(gone);
        sender.send(Request { texts: vec!["b".into()], reply: dropped }).unwrap();
        let first = Request { texts: vec!["a".into()], reply: kept };
        let round = gather(first, &receiver);
        assert_eq!(round.len(), 1);
        assert_eq!(round[0].texts, ["a"]);
    }
}
