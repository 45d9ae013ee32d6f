//! Who waits for what: requests of several prompts, whose answers come one by one.

use crate::ModelError;
use crate::controls::Controls;
use crate::generate::Written;
use std::collections::HashMap;
use summarizer::BackendError;
use tokio::sync::oneshot;

/// A prompt that fits.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub prompt: Vec<u32>,
    pub controls: Controls,
}

impl Asked {
    /// Tokens that its rows may come to have.
    pub(super) fn tokens(&self) -> usize {
        (self.prompt.len() + self.controls.max_tokens).saturating_mul(self.controls.rows())
    }
}

pub(super) type Answers = Result<Vec<Result<Written, ModelError>>, BackendError>;

/// Prompts that somebody waits for. Dropping the other end of `reply` cancels them.
pub(super) struct Request {
    pub asked: Vec<Asked>,
    pub reply: oneshot::Sender<Answers>,
}

/// A prompt's place in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    owner: u64,
    index: usize,
}

struct Owner {
    reply: oneshot::Sender<Answers>,
    answers: Vec<Option<Result<Written, ModelError>>>,
}

/// Everybody who waits.
#[derive(Default)]
pub(super) struct Owners {
    next: u64,
    waiting: HashMap<u64, Owner>,
}

impl Owners {
    /// Takes a request apart into its prompts with their places.
    pub(super) fn enter(&mut self, request: Request) -> Vec<(Place, Asked)> {
        let owner = self.next;
        self.next += 1;
        let answers = request.asked.iter().map(|_| None).collect();
        self.waiting.insert(owner, Owner { reply: request.reply, answers });
        let place = |(index, asked)| (Place { owner, index }, asked);
        request.asked.into_iter().enumerate().map(place).collect()
    }

    /// Whether anybody still waits for it.
    pub(super) fn wanted(&self, place: Place) -> bool {
        self.waiting.get(&place.owner).is_some_and(|owner| !owner.reply.is_closed())
    }

    /// Forgets those who have gone.
    pub(super) fn forget(&mut self) {
        self.waiting.retain(|_, owner| !owner.reply.is_closed());
    }

    /// Notes an answer, and replies when it is the last one that was missing.
    pub(super) fn answer(&mut self, place: Place, answer: Result<Written, ModelError>) {
        let Some(owner) = self.waiting.get_mut(&place.owner) else { return };
        owner.answers[place.index] = Some(answer);
        if owner.answers.iter().all(Option::is_some)
            && let Some(owner) = self.waiting.remove(&place.owner)
        {
            // Nobody waits any more: nothing to tell.
            let _ = owner.reply.send(Ok(owner.answers.into_iter().flatten().collect()));
        }
    }

    /// Tells everybody that nothing will come.
    pub(super) fn fail(&mut self, error: &BackendError) {
        for (_, owner) in self.waiting.drain() {
            // Nobody waits any more: nothing to tell.
            let _ = owner.reply.send(Err(error.clone()));
        }
    }
}
