//! Which sequences a model runs next: plans for batches, and nothing but plans.
//!
//! No thread, no clock, no channel is in here. The thread that owns the device asks for the next batch, runs it, says how
//! it went, and asks again; so a batch is what came while the last one ran, and nobody waits for a timer. The same calls
//! give the same plans. Two kinds share their ideas:
//!
//! * [`Encoding`]: sequences go through the model once (embeddings). They are packed, one behind the other, without padding.
//! * [`Decoding`]: rows stay for as many steps as they write tokens (generation). They join as soon as there is room and
//!   leave when they are done, while the others go on.
//!
//! **A budget of work, not of documents.** The work of a sequence of n tokens is n + n²/`even`: what the linear layers do
//! for its tokens, and attention, which looks from each token at each. Batches of equal work take like times, whatever is
//! in them. One sequence of more than a budget runs alone.
//!
//! **Memory is computed, not found out.** [`Memory`] says what a token takes; a plan that takes more than the limit is
//! never made, and what cannot fit even alone is refused when it comes. Where the device runs out all the same (another
//! program has taken of it), what ran is planned again at half the size, and only what is too large by itself fails.
//!
//! **Fair by turns.** Tenants take turns, and in a tenant's turn its documents do; a turn is `turn` of work (deficit round
//! robin, with the last sequence of a turn overdrawn and paid back in the next). Rather turns than virtual time: who has
//! come later stands further back in the line, and nothing that comes afterwards gets ahead of him. With start times of
//! virtual time, an endless stream of new one-page letters holds the clock still and starves the book that has had its
//! share; here it cannot.
//!
//! There are two lines, one of those who have waited since their last turn and one of those who have had none yet, and they
//! are served in alternation. So a letter overtakes books, however many there are, and the books still have every other
//! turn. What follows from it, with L the work of the largest sequence:
//!
//! * A letter of at most one turn of work waits, among the documents of its tenant, for at most 2(F + 1) turns of others:
//!   less than **2(F + 1)(`turn` + L)** of work, where F documents of that tenant have come just before it and have had no
//!   turn. The book's length is not in it. With `turn` 1,024 and sequences of at most 256 tokens that is less than 2,616
//!   tokens behind a book of any number of pages, where first come, first served waits for the whole book (a thousand pages
//!   of 500 words: some 700,000 tokens).
//! * Among T other tenants it waits besides for 2T + 1 turns of theirs for each turn that its own tenant needs:
//!   [`Budget::wait`] computes the sum.
//! * A book waits, from each of its turns to the next, for at most 2N + 1 turns, where N documents waited at the end of the
//!   former. Documents that come meanwhile don't change that, so nobody starves. (A turn is lost only to a debt as large
//!   as it, which sequences of at most `turn` never make.)
//!
//! To that comes the batch that is running, and the end of the batch that takes the last sequence: one budget each.
//! Whatever is planned again after an error of memory comes first and is not counted.
//!
//! Results carry their [`Place`] (which request, which of its sequences), so no order of a plan changes whose result it is.

mod allowance;
mod decode;
mod encode;
mod fair;
mod memory;

pub use decode::{Decoding, Prefill, RowSize, Slice, Step};
pub use encode::{Batch, Encoding, Piece, Settled};
pub use memory::Memory;

/// Sequences that somebody waits for together: a document's. Numbers are given in the order of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request(u64);

/// One sequence of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose it is.
    pub request: Request,
    /// Which of theirs, from 0, in the order in which they were submitted.
    pub at: usize,
}

/// How much is taken at a time. Work is counted in tokens: what a model does for one in its linear layers is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most work of a batch, or most tokens of a decoder's step. Enough to keep the device busy; more only makes others wait.
    pub work: u64,
    /// Work of a document, and of a tenant, before it is another's turn. What is to be done in one turn fits it: a letter.
    pub turn: u64,
    /// The length of a sequence at which attention costs as much as the linear layers: 6 times the hidden size for a
    /// transformer whose feed-forward layers are 4 times as wide as it. `u64::MAX` leaves attention out.
    pub even: u64,
}

impl Budget {
    /// Work of a sequence of so many tokens; one without tokens counts as one token.
    #[must_use]
    pub fn cost(&self, tokens: usize) -> u64 {
        let tokens = count(tokens).max(1);
        tokens.saturating_add(tokens.saturating_mul(tokens) / self.even.max(1))
    }

    /// Less than this much work of others is taken from the moment that a document of at most one turn of work comes until
    /// the last of its sequences is taken: `fresh` documents of the same tenant wait that have had no turn yet, at most
    /// `tenants` others have something waiting at any time, and no sequence takes more than `largest`.
    ///
    /// ```
    /// use precis_summarizer::batch::Budget;
    ///
    /// let budget = Budget { work: 1024, turn: 1024, even: 2304 };
    /// // Behind one book, or any number of them, of sequences up to 256 tokens.
    /// assert_eq!(budget.wait(0, 0, budget.cost(256)), 2616);
    /// ```
    #[must_use]
    pub fn wait(&self, fresh: usize, tenants: usize, largest: u64) -> u64 {
        let turn = self.turn.max(1);
        let longest = turn.saturating_add(largest);
        let own = count(fresh).saturating_add(1).saturating_mul(2).saturating_mul(longest);
        if tenants == 0 {
            return own;
        }
        // Its tenant may stand in debt for one sequence, and must be served what is before the letter and the letter.
        let needed = own.saturating_add(longest).div_ceil(turn);
        let between = count(tenants).saturating_mul(2).saturating_add(1);
        own.saturating_add(needed.saturating_mul(between).saturating_mul(longest))
    }
}

/// Why something is not taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No sequence, no prompt, or an answer of no tokens.
    #[error("there is nothing to run")]
    Empty,
    /// It would not fit if it ran alone.
    #[error("sequence {} has {tokens} tokens, which need {needed} bytes of memory, and there are {limit}", .at + 1)]
    TooLarge {
        /// Which of the request's sequences, from 0.
        at: usize,
        /// Its tokens: of a row those of the prompt and of the answer.
        tokens: usize,
        /// Bytes with the model's weights.
        needed: u64,
        /// Bytes that there are.
        limit: u64,
    },
}

/// `u64` holds every `usize` of the machines that there are.
fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
