use super::*;

const FREE: Memory = Memory::UNLIMITED;

fn planner(work: u64, memory: Memory, prefill: Prefill) -> Decoding<()> {
    Decoding::new(Budget { work, turn: 1000, even: u64::MAX }, memory, prefill)
}

fn size(prompt: usize, answer: usize) -> RowSize {
    RowSize { prompt, answer, width: 1 }
}

fn rows(sizes: &[RowSize]) -> Vec<(RowSize, ())> {
    sizes.iter().map(|&size| (size, ())).collect()
}

/// Request, place in it, tokens, for each slice.
fn shape(step: &Step) -> Vec<(u64, usize, usize)> {
    step.slices.iter().map(|slice| (slice.place.request.0, slice.place.at, slice.tokens)).collect()
}

fn next(planner: &mut Decoding<()>) -> Vec<(u64, usize, usize)> {
    let step = planner.step().unwrap();
    let shape = shape(&step);
    planner.done(step, &[], &[]);
    shape
}

#[test]
fn rows_join_while_others_write_and_prompts_are_read_in_what_is_left_of_the_budget() {
    let mut planner = planner(6, FREE, Prefill::Chunks);
    planner.submit("a", rows(&[size(4, 3)])).unwrap();
    assert_eq!(next(&mut planner), [(0, 0, 4)]);
    planner.submit("a", rows(&[size(8, 2), size(2, 1)])).unwrap();
    assert_eq!(next(&mut planner), [(0, 0, 1), (1, 0, 5)]);
    // The rest of the prompt, and the next row has joined.
    assert_eq!(next(&mut planner), [(0, 0, 1), (1, 0, 3), (1, 1, 2)]);
    // The first row is done, and so is the last.
    assert_eq!(next(&mut planner), [(1, 0, 1)]);
    assert!(planner.step().is_none() && planner.open.is_empty());
}

#[test]
fn a_row_joins_only_when_its_caches_fit_and_holds_up_those_behind_it() {
    // 10 bytes a token in the cache, 1 on its way: a row of 4 + 4 tokens takes 81 and for its prompt 3 more.
    let memory = Memory { limit: 300, weights: 100, cached: 10, active: 1, pair: 0, scored: 0 };
    let mut planner = planner(100, memory, Prefill::Chunks);
    planner.submit("a", rows(&[size(4, 4), size(10, 5), size(1, 1)])).unwrap();
    let step = planner.step().unwrap();
    assert_eq!((shape(&step), step.bytes), (vec![(0, 0, 4)], 84));
    let ended = [step.slices[0].place];
    planner.done(step, &ended, &[]);
    // 151 for the second row, and 9 for its prompt; 21 for the third, and nothing more.
    let step = planner.step().unwrap();
    assert_eq!((shape(&step), step.bytes), (vec![(0, 1, 10), (0, 2, 1)], 151 + 9 + 21));
}

#[test]
fn what_can_never_fit_is_refused_with_the_figures() {
    let memory = Memory { limit: 300, weights: 100, cached: 10, active: 1, pair: 2, scored: 0 };
    let mut chunks = planner(100, memory, Prefill::Chunks);
    // 10 × 16 in the caches, 1 + 2 × 16 for a token on its way.
    let refused = Refused::TooLarge { at: 1, tokens: 18, needed: 100 + 180 + 1 + 36, limit: 300 };
    assert_eq!(chunks.submit("a", rows(&[size(12, 4), size(12, 6)])), Err(refused));
    let mut whole = planner(100, memory, Prefill::Whole);
    // The prompt at once: 12 tokens and 12 × 12 pairs.
    let refused = Refused::TooLarge { at: 0, tokens: 16, needed: 100 + 160 + 12 + 288, limit: 300 };
    assert_eq!(whole.submit("a", rows(&[size(12, 4)])), Err(refused));
    let narrow = RowSize { width: 0, ..size(1, 1) };
    for nothing in [vec![], rows(&[size(0, 1)]), rows(&[size(1, 0)]), rows(&[narrow])] {
        assert_eq!(whole.submit("a", nothing), Err(Refused::Empty));
    }
    assert!(whole.step().is_none() && chunks.step().is_none());
}

#[test]
fn a_prompt_too_long_for_the_budget_takes_a_step_for_itself_and_then_others_write_again() {
    let mut planner = planner(5, FREE, Prefill::Whole);
    planner.submit("a", rows(&[size(2, 3), size(9, 1), size(9, 2), size(1, 1)])).unwrap();
    let steps: Vec<_> = (0..5).map(|_| next(&mut planner)).collect();
    assert_eq!(steps[..4], [[(0, 0, 2)], [(0, 1, 9)], [(0, 0, 1)], [(0, 2, 9)]]);
    assert_eq!(steps[4], [(0, 0, 1), (0, 2, 1), (0, 3, 1)]);
    assert!(planner.step().is_none());
}

#[test]
fn cancelled_rows_leave_at_once_and_make_room() {
    let memory = Memory { limit: 100, weights: 0, cached: 10, active: 0, pair: 0, scored: 0 };
    let mut planner = planner(100, memory, Prefill::Chunks);
    let gone = planner.submit("a", rows(&[size(2, 4), size(2, 4)])).unwrap();
    let stays = planner.submit("b", rows(&[size(2, 5)])).unwrap();
    let step = planner.step().unwrap();
    assert_eq!(shape(&step), [(0, 0, 2)]);
    assert!(planner.cancel(gone) && !planner.cancel(gone));
    let place = step.slices[0].place;
    assert!(planner.done(step, &[place], &[]).is_empty() && planner.row(place).is_none());
    let step = planner.step().unwrap();
    assert_eq!(shape(&step), [(1, 0, 2)]);
    let place = step.slices[0].place;
    assert_eq!(planner.done(step, &[place], &[]), [(stays, vec![()])]);
}

#[test]
fn without_memory_the_last_to_join_gives_up_its_room_and_begins_anew() {
    let memory = Memory { limit: 1000, weights: 0, cached: 10, active: 0, pair: 0, scored: 0 };
    let mut planner = planner(64, memory, Prefill::Chunks);
    planner.submit("a", rows(&[size(2, 2), size(3, 3), size(4, 4)])).unwrap();
    let step = planner.step().unwrap();
    assert_eq!((step.tokens, step.bytes), (9, 180));
    let last = step.slices[1..].iter().rev().map(|slice| slice.place).collect();
    assert_eq!(planner.out_of_memory(step), Ok(last));
    // 90 bytes and 4 tokens from now on: the second row would make it 100.
    let step = planner.step().unwrap();
    assert_eq!(shape(&step), [(0, 0, 2)]);
    planner.done(step, &[], &[]);
    assert_eq!(next(&mut planner), [(0, 0, 1)]);
    let step = planner.step().unwrap();
    assert_eq!(step.slices[0], Slice { place: step.slices[0].place, from: 0, tokens: 3, writes: true });
    assert_eq!(shape(&step), [(0, 1, 3)]);
}

#[test]
fn a_row_that_is_alone_reads_shorter_chunks_and_fails_when_one_token_is_too_much() {
    let mut planner = planner(8, FREE, Prefill::Chunks);
    let large = planner.submit("a", rows(&[size(20, 1)])).unwrap();
    let mut tried = Vec::new();
    let failed = loop {
        let step = planner.step().unwrap();
        tried.push(step.tokens);
        if let Err(request) = planner.out_of_memory(step) {
            break request;
        }
    };
    assert_eq!((tried, failed), (vec![8, 4, 2, 1], large));
    let small = planner.submit("a", rows(&[size(1, 1)])).unwrap();
    let step = planner.step().unwrap();
    assert_eq!(planner.done(step, &[], &[]), [(small, vec![()])]);
}

#[test]
fn no_more_rows_join_than_a_step_has_tokens() {
    for prefill in [Prefill::Chunks, Prefill::Whole] {
        let mut planner = planner(2, FREE, prefill);
        planner.submit("a", rows(&[size(3, 5); 4])).unwrap();
        let mut most = 0;
        while let Some(step) = planner.step() {
            most = most.max(planner.active());
            planner.done(step, &[], &[]);
        }
        assert_eq!(most, 2);
    }
}

#[test]
fn a_row_that_reads_several_tokens_in_a_step_has_room_for_them_in_all_steps_to_come() {
    for prefill in [Prefill::Chunks, Prefill::Whole] {
        let mut planner = planner(9, FREE, prefill);
        let wide = RowSize { width: 4, ..size(1, 3) };
        planner.submit("a", rows(&[wide; 3])).unwrap();
        // Three prompts would fit the first step, and no three rows the second.
        assert_eq!(next(&mut planner), [(0, 0, 1), (0, 1, 1)]);
        assert_eq!(next(&mut planner), [(0, 0, 4), (0, 1, 4)]);
        assert_eq!(next(&mut planner), [(0, 0, 4), (0, 1, 4)]);
        assert_eq!(next(&mut planner), [(0, 2, 1)]);
    }
    // Wider than a step: alone.
    let mut planner = planner(3, FREE, Prefill::Chunks);
    planner.submit("a", rows(&[RowSize { width: 5, ..size(2, 2) }, size(1, 1)])).unwrap();
    let steps: Vec<_> = (0..3).map(|_| next(&mut planner)).collect();
    assert_eq!(steps, [[(0, 0, 2)], [(0, 0, 5)], [(0, 1, 1)]]);
}

#[test]
fn scores_of_what_is_written_are_promised_with_the_caches() {
    let memory = Memory { limit: 99, weights: 0, cached: 1, active: 0, pair: 0, scored: 10 };
    let mut planner = planner(100, memory, Prefill::Chunks);
    let guesses = RowSize { width: 4, ..size(5, 5) };
    planner.submit("a", rows(&[guesses; 2])).unwrap();
    let step = planner.step().unwrap();
    assert_eq!((shape(&step), step.bytes), (vec![(0, 0, 5)], 50));
    let all = RowSize { width: 10, ..size(1, 1) };
    let refused = Refused::TooLarge { at: 0, tokens: 2, needed: 102, limit: 99 };
    assert_eq!(planner.submit("a", rows(&[all])), Err(refused));
}

#[test]
fn a_row_that_begins_anew_reads_its_prompt_again_and_others_go_on() {
    for prefill in [Prefill::Chunks, Prefill::Whole] {
        let mut planner = planner(20, FREE, prefill);
        let request = planner.submit("a", rows(&[size(3, 2), size(5, 3)])).unwrap();
        assert_eq!(next(&mut planner), [(0, 0, 3), (0, 1, 5)]);
        let step = planner.step().unwrap();
        let bad = step.slices[1].place;
        assert!(planner.done(step, &[], &[bad]).is_empty());
        // The first row has ended.
        let step = planner.step().unwrap();
        assert_eq!(step.slices, [Slice { place: bad, from: 0, tokens: 5, writes: true }]);
        assert!(planner.done(step, &[], &[]).is_empty());
        assert_eq!([next(&mut planner), next(&mut planner)], [[(0, 1, 1)], [(0, 1, 1)]]);
        assert!(planner.step().is_none() && !planner.cancel(request));
    }
}
