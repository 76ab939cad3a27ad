//! Whatever comes, in whatever order, and whatever is lost: what is on the shelf is what happened.

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::bus::Batch;
use baedal_kit::{Envelope, Origin};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::time::Instant;
use uuid::Uuid;

use super::{CAPACITY, Found, GRACE, LONG_GRACE, Shelf};
use crate::names::Heads;

fn event(position: u64) -> Envelope {
    Envelope {
        id: Uuid::nil(),
        source: "order".to_owned(),
        position,
        stream: String::new(),
        kind: String::new(),
        at: Timestamp::UNIX_EPOCH,
        correlation: None,
        command: String::new(),
        origin: Arc::new(Origin::none()),
        data: Box::default(),
    }
}

fn heads(upto: u64) -> Heads {
    Heads { upto, shards: vec![], epoch: None }
}

fn batch(envelopes: Vec<Arc<Envelope>>, upto: u64) -> Batch {
    Batch { envelopes, upto, ..Batch::default() }
}

/// The positions of the events behind one, up to another.
fn between(journal: &[u64], after: u64, upto: u64) -> Vec<u64> {
    journal.iter().copied().filter(|position| (after + 1..=upto).contains(position)).collect()
}

fn positions(batch: &Batch) -> Vec<u64> {
    batch.envelopes.iter().map(|envelope| envelope.position).collect()
}

#[derive(Clone, Debug)]
enum Step {
    /// The stream brings the event at this place, which says that there is none for so long before it.
    Deliver(usize, u64),
    /// The relay says that it is here, and since when there was nothing.
    Claim(u64, u64),
    /// Somebody read so much elsewhere.
    Join(u64, u64),
    /// The source says that it is here.
    Tell(u64),
    /// What was to come has not.
    Wait,
    /// Nobody listens for a while.
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..60_usize, 0..9_u64).prop_map(|(place, less)| Step::Deliver(place, less)),
        2 => (0..200_u64, 0..9_u64).prop_map(|(upto, less)| Step::Claim(upto, less)),
        2 => (0..200_u64, 0..50_u64).prop_map(|(after, count)| Step::Join(after, count)),
        1 => (0..200_u64).prop_map(Step::Tell),
        1 => Just(Step::Wait),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn nothing_is_skipped_and_nothing_made_up(
        journal in proptest::collection::btree_set(1..200_u64, 1..60),
        steps in proptest::collection::vec(step(), 1..80),
        limit in 1..20_usize,
    ) {
        let journal: Vec<u64> = journal.into_iter().collect();
        let mut shelf = Shelf::default();
        let mut now = Instant::now();
        for step in steps {
            match step {
                Step::Deliver(place, less) => {
                    let place = place % journal.len();
                    let prev = place.checked_sub(1).map_or(0, |before| journal[before]);
                    let position = journal[place];
                    shelf.put(event(position), (prev + less).min(position - 1), now);
                }
                Step::Claim(upto, less) => {
                    let last = between(&journal, 0, upto).last().copied().unwrap_or(0);
                    shelf.claimed(&heads(upto), (last + less).min(upto), now);
                }
                Step::Join(after, count) => {
                    let upto = after + count;
                    let envelopes = between(&journal, after, upto).into_iter().map(|one| Arc::new(event(one)));
                    shelf.join(after, &batch(envelopes.collect(), upto), now);
                }
                Step::Tell(position) => drop(shelf.tell(position)),
                Step::Wait => {
                    now += LONG_GRACE;
                    shelf.overdue(now, now);
                }
                Step::Clear => shelf.clear(),
            }
            for after in 0..200 {
                if let Found::Here(batch) = shelf.look(after, limit, 0) {
                    prop_assert!(batch.upto > after);
                    prop_assert!(batch.envelopes.len() <= limit);
                    prop_assert_eq!(positions(&batch), between(&journal, after, batch.upto));
                }
            }
        }
    }
}

#[test]
fn the_oldest_go() {
    let mut shelf = Shelf::default();
    let now = Instant::now();
    let many = 3 * CAPACITY as u64;
    for position in 1..=many {
        assert!(shelf.put(event(position), position - 1, now));
    }
    assert_eq!(shelf.envelopes.len(), CAPACITY);
    assert!(matches!(shelf.look(many - CAPACITY as u64 - 1, 10, 0), Found::Behind));
    let older = (1..=many).map(|position| Arc::new(event(position))).collect();
    shelf.join(0, &batch(older, many), now);
    assert_eq!(shelf.envelopes.len(), CAPACITY, "and do not come back");
    assert!(matches!(shelf.look(many - CAPACITY as u64, 10, 0), Found::Here(_)));
}

#[test]
fn a_gap_begins_anew_and_what_is_missing_is_joined() {
    let (mut shelf, now) = (Shelf::default(), Instant::now());
    assert!(shelf.put(event(3), 1, now));
    assert!(shelf.put(event(9), 7, now));
    assert!(matches!(shelf.look(3, 10, 0), Found::Behind));
    let missing = vec![Arc::new(event(5)), Arc::new(event(7))];
    shelf.join(3, &batch(missing, 7), now);
    let Found::Here(batch) = shelf.look(3, 10, 0) else { panic!("it was joined") };
    assert_eq!(positions(&batch), [5, 7, 9]);
    assert!(!shelf.put(event(9), 7, now));
}

#[test]
fn the_relays_word_is_believed_once_what_it_names_is_there() {
    let (mut shelf, now) = (Shelf::default(), Instant::now());
    shelf.put(event(3), 0, now);
    assert!(!shelf.claimed(&heads(10), 8, now));
    assert!(matches!(shelf.look(3, 10, 0), Found::Nothing), "it is on its way");
    shelf.put(event(8), 3, now);
    let Found::Here(batch) = shelf.look(3, 10, 0) else { panic!("it came") };
    assert_eq!((positions(&batch), batch.upto), (vec![8], 10));
}

#[test]
fn what_the_relay_names_and_does_not_come_is_missing() {
    let (mut shelf, began) = (Shelf::default(), Instant::now());
    shelf.put(event(3), 0, began);
    shelf.claimed(&heads(10), 8, began);
    assert!(!shelf.overdue(began, began + GRACE / 2));
    // Other things still come: it may only be late,
    let later = began + GRACE * 2;
    assert!(!shelf.overdue(later, later));
    // but not for ever.
    let much_later = began + LONG_GRACE + Duration::from_millis(1);
    assert!(shelf.overdue(much_later, much_later));
    assert!(matches!(shelf.look(3, 10, 0), Found::Untold));
    assert!(matches!(shelf.look(10, 10, 0), Found::Nothing));
}

#[test]
fn the_sources_last_word_counts() {
    let mut shelf = Shelf::default();
    assert!(shelf.tell(5));
    assert!(shelf.tell(5), "it is still missing");
    assert!(matches!(shelf.look(4, 10, 0), Found::Untold));
    shelf.tell(4);
    assert!(matches!(shelf.look(4, 10, 0), Found::Nothing), "it was restored to what it was");
}

#[test]
fn a_shard_that_nobody_tells_of_follows_the_sources_head() {
    let shelf = Shelf::default();
    assert!(matches!(shelf.look(4, 10, 5), Found::Untold));
    assert!(matches!(shelf.look(5, 10, 5), Found::Nothing));
}

#[test]
fn what_reaches_beyond_what_a_restored_source_still_has_goes() {
    let (mut shelf, now) = (Shelf::default(), Instant::now());
    shelf.put(event(3), 0, now);
    shelf.put(event(8), 3, now);
    assert!(!shelf.claimed(&heads(20), 12, now));
    assert!(!shelf.keep_upto(8));
    assert!(matches!(shelf.look(3, 10, 0), Found::Here(_)), "all of it is what it was");
    shelf.overdue(now, now + LONG_GRACE);
    assert!(matches!(shelf.look(8, 10, 0), Found::Nothing), "what was said to come is not to come any more");
    assert!(shelf.keep_upto(7));
    assert!(matches!(shelf.look(3, 10, 0), Found::Nothing));
    assert!(shelf.put(event(5), 3, now), "its place is another's");
}
