//! How central a sentence is to its document: LexRank, TextRank and SumBasic over stems.
//!
//! Up to `EXACT` sentences the similarity graph is exact. Above, stems that occur in more than `COMMON`
//! sentences no longer propose pairs: they link everything with everything, weigh little (their idf is
//! low), and would make the work quadratic. With them out it grows as the text does, since each word
//! meets at most `COMMON` others.

use std::collections::HashMap;

/// Sentences up to which no pair is left out.
pub(crate) const EXACT: usize = 2000;
/// Above that, stems in more sentences than this propose no pairs.
pub(crate) const COMMON: usize = 250;
/// Cosine above which two sentences are linked in LexRank.
const LINKED: f64 = 0.1;
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 50;

/// Sentences as tf-idf vectors of unit length.
pub(crate) struct Vectors {
    /// For each sentence its terms in ascending order with tf·idf / norm.
    rows: Vec<Vec<(u32, f64)>>,
    /// For each sentence its terms with their counts.
    counts: Vec<Vec<(u32, f64)>>,
    /// For each term the sentences that hold it.
    postings: Vec<Vec<(u32, f64)>>,
}

impl Vectors {
    /// From the stems of each sentence that may link (`Stems::carries`).
    #[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
    pub(crate) fn new(stems: &[Vec<String>]) -> Self {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut counts: Vec<Vec<(u32, f64)>> = Vec::with_capacity(stems.len());
        for sentence in stems {
            let mut row: Vec<u32> = sentence
                .iter()
                .map(|stem| {
                    let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                    *ids.entry(stem.as_str()).or_insert(next)
                })
                .collect();
            row.sort_unstable();
            counts.push(row.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f64)).collect());
        }
        let mut df = vec![0_usize; ids.len()];
        for row in &counts {
            for &(term, _) in row {
                df[term as usize] += 1;
            }
        }
        let n = stems.len() as f64;
        let mut postings: Vec<Vec<(u32, f64)>> = df.iter().map(|&d| Vec::with_capacity(d)).collect();
        let mut rows = Vec::with_capacity(counts.len());
        for (sentence, row) in (0_u32..).zip(&counts) {
            let weighted =
                row.iter().map(|&(term, tf)| (term, tf * ((n / df[term as usize] as f64).ln() + 1.0)));
            let mut weighted: Vec<(u32, f64)> = weighted.collect();
            let norm = weighted.iter().map(|(_, w)| w * w).sum::<f64>().sqrt().max(1e-9);
            for (term, weight) in &mut weighted {
                *weight /= norm;
                postings[*term as usize].push((sentence, *weight));
            }
            rows.push(weighted);
        }
        Self { rows, counts, postings }
    }

    /// tf-idf cosine of two sentences.
    pub(crate) fn cosine(&self, a: usize, b: usize) -> f64 {
        let (mut left, mut right) = (self.rows[a].iter().peekable(), self.rows[b].iter().peekable());
        let mut sum = 0.0;
        while let (Some(&&(s, x)), Some(&&(t, y))) = (left.peek(), right.peek()) {
            if s == t {
                sum += x * y;
            }
            if s <= t {
                left.next();
            }
            if t <= s {
                right.next();
            }
        }
        sum
    }

    /// Mean in-document probability of each sentence's stems.
    pub(crate) fn sum_basic(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.postings.len()];
        for &(term, count) in self.counts.iter().flatten() {
            totals[term as usize] += count;
        }
        let all = totals.iter().sum::<f64>().max(1.0);
        let mean = |row: &Vec<(u32, f64)>| {
            let length = row.iter().map(|(_, count)| count).sum::<f64>().max(1.0);
            row.iter().map(|&(term, count)| count * totals[term as usize] / all).sum::<f64>() / length
        };
        self.counts.iter().map(mean).collect()
    }

    /// LexRank and TextRank of each sentence, in one walk over the pairs that share a stem.
    pub(crate) fn graph_ranks(&self) -> (Vec<f64>, Vec<f64>) {
        self.graph_ranks_within(if self.rows.len() <= EXACT { usize::MAX } else { COMMON })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of terms are small")]
    fn graph_ranks_within(&self, common: usize) -> (Vec<f64>, Vec<f64>) {
        let n = self.rows.len();
        let logs: Vec<f64> = self.rows.iter().map(|row| (row.len() as f64).ln()).collect();
        let (mut lex, mut text) = (Graph::new(n), Graph::new(n));
        let mut dot = vec![0.0_f64; n];
        let mut shared = vec![0.0_f64; n];
        let mut met: Vec<u32> = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            for &(term, x) in row {
                let posting = &self.postings[term as usize];
                if posting.len() > common {
                    continue;
                }
                for &(other, y) in posting {
                    let j = other as usize;
                    if shared[j] == 0.0 {
                        met.push(other);
                    }
                    dot[j] += x * y;
                    shared[j] += 1.0;
                }
            }
            met.sort_unstable();
            for &other in &met {
                let j = other as usize;
                if j == i || dot[j] > LINKED {
                    lex.edge(other, 1.0);
                }
                if j != i && row.len() > 1 && self.rows[j].len() > 1 {
                    text.edge(other, shared[j] / (logs[i] + logs[j]).max(1e-9));
                }
                (dot[j], shared[j]) = (0.0, 0.0);
            }
            met.clear();
            lex.close();
            text.close();
        }
        (lex.page_rank(), text.page_rank())
    }
}

/// A symmetric graph, row after row.
struct Graph {
    starts: Vec<usize>,
    edges: Vec<(u32, f32)>,
}

impl Graph {
    fn new(n: usize) -> Self {
        let mut starts = Vec::with_capacity(n + 1);
        starts.push(0);
        Self { starts, edges: Vec::new() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a weight needs no more than f32")]
    fn edge(&mut self, to: u32, weight: f64) {
        self.edges.push((to, weight as f32));
    }

    fn close(&mut self) {
        self.starts.push(self.edges.len());
    }

    /// Damped random walk; a sentence without links jumps anywhere.
    #[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
    fn page_rank(&self) -> Vec<f64> {
        let n = self.starts.len() - 1;
        let rows = || self.starts.windows(2).map(|pair| &self.edges[pair[0]..pair[1]]);
        let sums: Vec<f64> = rows().map(|row| row.iter().map(|&(_, w)| f64::from(w)).sum()).collect();
        let mut rank = vec![1.0 / n.max(1) as f64; n];
        for _ in 0..ROUNDS {
            let lost: f64 = rank.iter().zip(&sums).filter(|(_, sum)| **sum <= 0.0).map(|(p, _)| p).sum();
            let flow: Vec<f64> =
                rank.iter().zip(&sums).map(|(p, sum)| if *sum > 0.0 { p / sum } else { 0.0 }).collect();
            let base = (1.0 - DAMPING + DAMPING * lost) / n as f64;
            let step = |row: &[(u32, f32)]| {
                base + DAMPING * row.iter().map(|&(j, w)| f64::from(w) * flow[j as usize]).sum::<f64>()
            };
            let next: Vec<f64> = rows().map(step).collect();
            let moved: f64 = next.iter().zip(&rank).map(|(a, b)| (a - b).abs()).sum();
            rank = next;
            if moved < 1e-9 {
                break;
            }
        }
        rank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(texts: &[&str]) -> Vectors {
        Vectors::new(&texts.iter().map(|t| t.split(' ').map(str::to_owned).collect()).collect::<Vec<_>>())
    }

    #[test]
    fn the_sentence_that_shares_most_is_the_most_central() {
        let (lex, text) =
            vectors(&["rent rise", "rent march", "march notice", "roof leak", "rent tax"]).graph_ranks();
        assert!(lex[1] > lex[2] && lex[1] > lex[3] && text[1] > text[3], "{lex:?} {text:?}");
        assert!((lex.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn cosine_is_one_with_itself_and_zero_without_a_shared_word() {
        let v = vectors(&["rent rise", "rent rise", "roof leak"]);
        assert!((v.cosine(0, 1) - 1.0).abs() < 1e-9);
        assert!(v.cosine(0, 2).abs() < 1e-12);
    }

    #[test]
    fn the_sparse_graph_ranks_as_the_exact_one_does() {
        // 600 sentences on 20 topics of different sizes, each with two words that everybody uses.
        let mut seed = 1_u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as f64 / (1_u64 << 31) as f64
        };
        let texts: Vec<Vec<String>> = (0..600)
            .map(|_| {
                let topic = (20.0 * next().powi(2)) as u32;
                let own: Vec<String> =
                    (0..8).map(|_| format!("t{topic}w{}", 40.0_f64.powf(next()) as u32)).collect();
                own.into_iter().chain((0..2).map(|_| format!("c{}", (next() * 6.0) as u32))).collect()
            })
            .collect();
        let v = Vectors::new(&texts);
        let (exact, _) = v.graph_ranks_within(usize::MAX);
        let (sparse, _) = v.graph_ranks_within(150);
        let mean = 1.0 / 600.0;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
        let correlation = dot(&exact, &sparse) / (dot(&exact, &exact) * dot(&sparse, &sparse)).sqrt();
        assert!(correlation > 0.9, "{correlation}");
    }

    #[test]
    fn nothing_to_rank_is_no_error() {
        let (lex, text) = vectors(&[]).graph_ranks();
        assert!(lex.is_empty() && text.is_empty());
        let (lex, _) = Vectors::new(&[vec![], vec![]]).graph_ranks();
        assert!((lex[0] - 0.5).abs() < 1e-9);
    }
}
