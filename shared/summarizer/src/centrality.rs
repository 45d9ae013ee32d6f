//! How central a sentence is to its document: LexRank, TextRank and SumBasic over stems.
//!
//! Up to `EXACT` sentences the similarity graph is exact. Above, a sentence is compared with a sample of `EXACT`
//! of them, one of each stretch of the document: the sample is ranked exactly among itself, each of its members
//! standing for the `n / EXACT` of its stretch, and every other sentence takes its rank from the links that it has
//! into the sample. So the work grows as the text does, and what is held is the sample's graph, whatever the
//! length. (Leaving out frequent stems instead, as is often done, leaves out what a book is about.)

use std::collections::HashMap;

/// Sentences up to which no pair is left out, and sentences of the sample above.
pub(crate) const EXACT: usize = 2000;
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
    /// Distinct terms of the document.
    terms: usize,
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
        let mut rows = Vec::with_capacity(counts.len());
        for row in &counts {
            let weighted =
                row.iter().map(|&(term, tf)| (term, tf * ((n / df[term as usize] as f64).ln() + 1.0)));
            let mut weighted: Vec<(u32, f64)> = weighted.collect();
            let norm = weighted.iter().map(|(_, w)| w * w).sum::<f64>().sqrt().max(1e-9);
            weighted.iter_mut().for_each(|(_, weight)| *weight /= norm);
            rows.push(weighted);
        }
        Self { rows, counts, terms: df.len() }
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
        let mut totals = vec![0.0; self.terms];
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
        self.graph_ranks_within(EXACT)
    }

    /// The same with a sample of at most `most` sentences.
    #[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
    fn graph_ranks_within(&self, most: usize) -> (Vec<f64>, Vec<f64>) {
        let n = self.rows.len();
        let sample = sample(n, most);
        let walk = Walk::new(self, &sample);
        // Each member stands for so many sentences; its link with itself stands for itself.
        let share = n as f64 / sample.len().max(1) as f64;
        let (mut lex, mut text) = (Graph::new(sample.len()), Graph::new(sample.len()));
        let mut met = Meeting::new(sample.len());
        for (own, &i) in sample.iter().enumerate() {
            walk.meet(i as usize, &mut met);
            for (j, linked, shared) in met.take() {
                if j == own {
                    lex.edge(j, 1.0);
                } else {
                    lex.edge(j, if linked { share } else { 0.0 });
                    text.edge(j, share * shared);
                }
            }
            lex.close();
            text.close();
        }
        let (lex, text) = (Ranks::of(&lex), Ranks::of(&text));
        if sample.len() == n {
            return (lex.rank, text.rank);
        }
        let (mut central, mut related) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut next = sample.iter().map(|&i| i as usize).enumerate().peekable();
        for i in 0..n {
            if let Some((own, _)) = next.next_if(|&(_, at)| at == i) {
                central.push(lex.rank[own]);
                related.push(text.rank[own]);
                continue;
            }
            walk.meet(i, &mut met);
            let (mut flow, mut degree, mut flow_of_text) = (0.0, 1.0, 0.0);
            for (j, linked, shared) in met.take() {
                if linked {
                    flow += share * lex.flow[j];
                    degree += share;
                }
                flow_of_text += share * shared * text.flow[j];
            }
            // Its link with itself gives back a part of its own rank.
            central.push((lex.base + DAMPING * flow) / (1.0 - DAMPING / degree));
            related.push(text.base + DAMPING * flow_of_text);
        }
        (central, related)
    }
}

/// Indices of at most `most` of `n` sentences, ascending: a stretch of the document each, and of each stretch one
/// by chance (the same at every run), so that no rhythm of the text is met by a rhythm of the sample.
fn sample(n: usize, most: usize) -> Vec<u32> {
    let count = n.min(most);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let pick = |k: usize| {
        let (from, to) = (k * n / count, (k + 1) * n / count);
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = usize::try_from(state >> 33).unwrap_or(0);
        u32::try_from(from + chance % (to - from)).unwrap_or(u32::MAX)
    };
    (0..count).map(pick).collect()
}

/// What a sentence shares with the members of the sample that it meets.
struct Meeting {
    dot: Vec<f64>,
    shared: Vec<f64>,
    /// TextRank divides by it; 0 where nothing is to relate.
    scale: Vec<f64>,
    met: Vec<u32>,
}

impl Meeting {
    fn new(members: usize) -> Self {
        Self {
            dot: vec![0.0; members],
            shared: vec![0.0; members],
            scale: vec![0.0; members],
            met: Vec::new(),
        }
    }

    /// Each member met, ascending: whether it is linked, and TextRank's weight. Forgets them.
    fn take(&mut self) -> Vec<(usize, bool, f64)> {
        self.met.sort_unstable();
        let Self { dot, shared, scale, met } = self;
        let out = met.drain(..).map(|member| {
            let j = member as usize;
            let weight = if scale[j] > 0.0 { shared[j] / scale[j] } else { 0.0 };
            let row = (j, dot[j] > LINKED, weight);
            (dot[j], shared[j]) = (0.0, 0.0);
            row
        });
        out.collect()
    }
}

/// The sample's own postings.
struct Walk<'a> {
    vectors: &'a Vectors,
    postings: Vec<Vec<(u32, f64)>>,
    /// Logarithm of the number of terms of each member; negative for a single one, which relates to nothing.
    logs: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(vectors: &'a Vectors, sample: &[u32]) -> Self {
        let mut postings = vec![Vec::new(); vectors.terms];
        for (member, &i) in (0_u32..).zip(sample) {
            for &(term, weight) in &vectors.rows[i as usize] {
                postings[term as usize].push((member, weight));
            }
        }
        let logs = sample.iter().map(|&i| log_terms(&vectors.rows[i as usize])).collect();
        Self { vectors, postings, logs }
    }

    /// Meets all members that share a term with sentence `i`.
    fn meet(&self, i: usize, into: &mut Meeting) {
        let row = &self.vectors.rows[i];
        for &(term, x) in row {
            for &(member, y) in &self.postings[term as usize] {
                let j = member as usize;
                if into.shared[j] == 0.0 {
                    into.met.push(member);
                }
                into.dot[j] += x * y;
                into.shared[j] += 1.0;
            }
        }
        let own = log_terms(row);
        for &member in &into.met {
            let other = self.logs[member as usize];
            into.scale[member as usize] =
                if own < 0.0 || other < 0.0 { 0.0 } else { (own + other).max(1e-9) };
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of terms are small")]
fn log_terms(row: &[(u32, f64)]) -> f64 {
    if row.len() > 1 { (row.len() as f64).ln() } else { -1.0 }
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
    fn edge(&mut self, to: usize, weight: f64) {
        if weight > 0.0 {
            self.edges.push((u32::try_from(to).unwrap_or(u32::MAX), weight as f32));
        }
    }

    fn close(&mut self) {
        self.starts.push(self.edges.len());
    }
}

/// Where a damped random walk is found; a sentence without links jumps anywhere.
struct Ranks {
    rank: Vec<f64>,
    /// The rank that each sends along an edge of weight 1.
    flow: Vec<f64>,
    /// What each gets without any edge.
    base: f64,
}

impl Ranks {
    #[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
    fn of(graph: &Graph) -> Self {
        let n = graph.starts.len() - 1;
        let rows = || graph.starts.windows(2).map(|pair| &graph.edges[pair[0]..pair[1]]);
        let sums: Vec<f64> = rows().map(|row| row.iter().map(|&(_, w)| f64::from(w)).sum()).collect();
        let mut out = Self { rank: vec![1.0 / n.max(1) as f64; n], flow: Vec::new(), base: 0.0 };
        for _ in 0..ROUNDS {
            let lost: f64 = out.rank.iter().zip(&sums).filter(|(_, sum)| **sum <= 0.0).map(|(p, _)| p).sum();
            let flow = |(p, sum): (&f64, &f64)| if *sum > 0.0 { p / sum } else { 0.0 };
            out.flow = out.rank.iter().zip(&sums).map(flow).collect();
            out.base = (1.0 - DAMPING + DAMPING * lost) / n as f64;
            let step = |row: &[(u32, f32)]| {
                out.base
                    + DAMPING * row.iter().map(|&(j, w)| f64::from(w) * out.flow[j as usize]).sum::<f64>()
            };
            let next: Vec<f64> = rows().map(step).collect();
            let moved: f64 = next.iter().zip(&out.rank).map(|(a, b)| (a - b).abs()).sum();
            out.rank = next;
            if moved < 1e-9 {
                break;
            }
        }
        out
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

    /// `n` sentences on 20 topics of different sizes, each with two words that everybody uses: words are drawn as
    /// in real text, few often and most seldom.
    fn topics(n: usize) -> Vec<Vec<String>> {
        let mut seed = 1_u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as f64 / (1_u64 << 31) as f64
        };
        let sentence = |_| {
            let topic = (20.0 * next().powi(2)) as u32;
            let length = 6 + (next() * 10.0) as usize;
            let own: Vec<String> =
                (0..length).map(|_| format!("t{topic}w{}", 400.0_f64.powf(next()) as u32)).collect();
            own.into_iter().chain((0..2).map(|_| format!("c{}", (next() * 6.0) as u32))).collect()
        };
        (0..n).map(sentence).collect()
    }

    /// Spearman's correlation of ranks.
    fn spearman(a: &[f64], b: &[f64]) -> f64 {
        let places = |values: &[f64]| {
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
            let mut place = vec![0.0; values.len()];
            order.iter().enumerate().for_each(|(at, &i)| place[i] = at as f64);
            place
        };
        let (a, b) = (places(a), places(b));
        let mean = (a.len() as f64 - 1.0) / 2.0;
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| (p - mean) * (q - mean)).sum::<f64>();
        dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
    }

    fn best(values: &[f64], count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[j].total_cmp(&values[i]).then(i.cmp(&j)));
        order.truncate(count);
        order
    }

    /// How near the sample's ranks are to those of the whole graph: Spearman for LexRank and TextRank, and how many
    /// of the 20 best by both (weighted as recipe C does) are the same.
    fn likeness(stems: &[Vec<String>], most: usize) -> (f64, f64, usize) {
        let v = Vectors::new(stems);
        let (exact, exact_text) = v.graph_ranks_within(usize::MAX);
        let (lex, text) = v.graph_ranks_within(most);
        let both = |lex: &[f64], text: &[f64]| {
            let (lex, text) = (crate::rank::z(lex), crate::rank::z(text));
            let sum: Vec<f64> = lex.iter().zip(&text).map(|(a, b)| a + 0.3 * b).collect();
            best(&sum, 20)
        };
        let (wanted, got) = (both(&exact, &exact_text), both(&lex, &text));
        let same = got.iter().filter(|i| wanted.contains(i)).count();
        (spearman(&exact, &lex), spearman(&exact_text, &text), same)
    }

    #[test]
    fn above_the_threshold_the_sample_ranks_as_the_whole_graph_does() {
        for n in [EXACT, EXACT + 1, EXACT + 100, EXACT * 5 / 4] {
            let (lex, text, same) = likeness(&topics(n), EXACT);
            assert!(lex > 0.99 && text > 0.99 && same >= 17, "{n}: {lex:.4} {text:.4} {same} of 20");
            assert!(n > EXACT || same == 20 && lex > 1.0 - 1e-9 && text > 1.0 - 1e-9);
        }
        let (lex, text, _) = likeness(&topics(2 * EXACT), EXACT);
        assert!(lex > 0.97 && text > 0.97, "{lex:.4} {text:.4}");
    }

    #[test]
    fn on_a_long_public_document_half_of_it_ranks_as_all_of_it_does() {
        let shared = std::env::var_os("PRECIS_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            Into::into,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("documents/truth/message-1946-long.txt")) else {
            eprintln!("skipped: no documents/truth in {}", shared.display());
            return;
        };
        let stems = crate::words::Stems::new(Some("en"));
        let sentences: Vec<Vec<String>> =
            crate::sentences(&text.split_whitespace().collect::<Vec<_>>().join(" "))
                .into_iter()
                .map(|sentence| stems.of(sentence).into_iter().filter(|stem| stems.carries(stem)).collect())
                .collect();
        assert!(sentences.len() > 500);
        let (lex, text, same) = likeness(&sentences, sentences.len() * 3 / 4);
        eprintln!("{} sentences: {lex:.3} {text:.3} {same} of 20", sentences.len());
        assert!(lex > 0.9 && text > 0.95 && same >= 14, "{lex:.3} {text:.3} {same} of 20");
    }

    #[test]
    fn the_sample_has_one_sentence_of_each_stretch() {
        let chosen = sample(10_000, 100);
        assert!(chosen.iter().enumerate().all(|(k, &i)| i as usize / 100 == k));
        assert_eq!(sample(3, 100), [0, 1, 2]);
        assert!(sample(0, 100).is_empty());
    }

    #[test]
    fn nothing_to_rank_is_no_error() {
        let (lex, text) = vectors(&[]).graph_ranks();
        assert!(lex.is_empty() && text.is_empty());
        let (lex, _) = Vectors::new(&[vec![], vec![]]).graph_ranks();
        assert!((lex[0] - 0.5).abs() < 1e-9);
    }
}
