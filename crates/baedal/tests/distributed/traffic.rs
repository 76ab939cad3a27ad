//! Steady traffic: parties of people who order, cook and bring, one order after the other, until the day is over.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baedal_client::Error;
use baedal_contracts::OrderId;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::live::Watcher;
use crate::world::{PACE, PATIENCE, People, World, is_early};

/// The people who are about, and what they have come across.
pub(crate) struct Traffic {
    day: Arc<Day>,
    lives: JoinSet<Lived>,
}

/// What a party did in a day.
pub(crate) struct Lived {
    pub(crate) people: People,
    pub(crate) orders: HashSet<OrderId>,
}

/// What everybody shares.
struct Day {
    over: watch::Sender<bool>,
    /// How many orders each party has brought to their end.
    whole: watch::Sender<Vec<usize>>,
    notes: Mutex<Notes>,
    is_watched: bool,
}

/// What was noticed since somebody last looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Requests that got no answer, or one that says to try again later; and how often.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Requests that came before the news that they build on.
    pub(crate) early: BTreeMap<String, usize>,
    /// How many requests were answered.
    pub(crate) answered: usize,
    /// The longest that an order took from its first request to its last.
    pub(crate) slowest: Duration,
    /// The longest that a step of an order took, and which it was.
    pub(crate) slowest_step: (Duration, String),
}

impl Traffic {
    /// So many parties begin to order, each through all the gateways there are. Where it is watched, somebody looks
    /// at the live stream of every order, too.
    pub(crate) async fn begin(world: &mut World, parties: u32, is_watched: bool) -> Self {
        let (over, whole) = (watch::Sender::new(false), watch::Sender::new(vec![0; parties as usize]));
        let day = Arc::new(Day { over, whole, notes: Mutex::default(), is_watched });
        let mut lives = JoinSet::new();
        for number in 0..parties {
            let mut at = world.people_everywhere(number).await;
            // They do not all begin at the same door.
            let first = number as usize % at.len();
            at.rotate_left(first);
            let party = Party { number: number as usize, at, turn: AtomicUsize::new(0), day: Arc::clone(&day) };
            lives.spawn(party.live());
        }
        Self { day, lives }
    }

    /// Waits until every party has brought so many more orders to their end that it began after this. How long that
    /// took.
    async fn goes_on(&mut self, orders: usize) -> Duration {
        let begun = Instant::now();
        let mut whole = self.day.whole.subscribe();
        // The one that each is at now was begun before.
        let goal: Vec<usize> = whole.borrow().iter().map(|whole| whole + 1 + orders).collect();
        let went = whole.wait_for(|whole| whole.iter().zip(&goal).all(|(whole, goal)| whole >= goal));
        let went = tokio::select! {
            went = tokio::time::timeout(2 * PATIENCE, went) => went.is_ok(),
            Some(ended) = self.lives.join_next() => {
                ended.expect("a party goes on");
                unreachable!("no party goes home before the day is over");
            }
        };
        assert!(went, "the orders do not go on: {:?} and not {goal:?}: {:#?}", self.day.whole.borrow(), self.notes());
        begun.elapsed()
    }

    /// The same, and says how it went.
    pub(crate) async fn goes_on_and_tells(&mut self, when: &str, orders: usize) -> Notes {
        let took = self.goes_on(orders).await;
        let notes = self.notes();
        println!("{when}: each party has begun and ended {orders} in {took:?}; {notes:#?}");
        notes
    }

    /// What was noticed since this was last asked.
    fn notes(&self) -> Notes {
        std::mem::take(&mut *self.day.notes.lock())
    }

    /// Everybody finishes what they are at, and goes home.
    pub(crate) async fn end(self) -> Vec<Lived> {
        self.day.over.send_replace(true);
        tokio::time::timeout(2 * PATIENCE, self.lives.join_all()).await.expect("everybody goes home")
    }
}

/// Everybody whom an order needs, at each gateway.
struct Party {
    number: usize,
    at: Vec<People>,
    /// At which gateway they are.
    turn: AtomicUsize,
    day: Arc<Day>,
}

impl Party {
    async fn live(self) -> Lived {
        let mut orders = HashSet::new();
        while !*self.day.over.borrow() {
            let begun = Instant::now();
            let (key, wish) = (Uuid::now_v7().to_string(), self.at[0].wish());
            let place = |people: People| {
                let (key, wish) = (key.clone(), wish.clone());
                async move { people.customer.place(&key, &wish).await }
            };
            let order = self.ask("place", place).await.order_id;
            assert!(orders.insert(order), "another key, another order");
            let watcher = self.day.is_watched.then(|| Watcher::of(order, self.at.clone()));
            self.complete(order).await;
            if let Some(watcher) = watcher {
                watcher.end().await;
            }
            self.note(|notes| notes.slowest = notes.slowest.max(begun.elapsed()));
            self.day.whole.send_modify(|whole| whole[self.number] += 1);
        }
        Lived { people: self.at[0].clone(), orders }
    }

    /// Everything that happens to an order until it is completed.
    async fn complete(&self, order: OrderId) {
        self.ask("accept", |people| async move {
            let accepted = people.owner.accept(order, 15).await;
            if is_early(&accepted) {
                // Where payment did not answer, the customer pays again; who has paid is told so.
                people.customer.pay(order, &people.wish().payment).await?;
            }
            accepted
        })
        .await;
        self.ask("start", |people| async move { people.owner.start(order).await }).await;
        self.ask("finish", |people| async move { people.owner.finish(order).await }).await;
        self.ask("claim", |people| async move { people.rider.claim(order).await }).await;
        self.ask("pick up", |people| async move { people.rider.pick_up(order).await }).await;
        self.ask("deliver", |people| async move { people.rider.deliver(order).await }).await;
        self.ask("confirm", |people| async move { people.customer.confirm(order).await }).await;
    }

    /// Asks until it is done: again, and at another gateway, where no answer came.
    async fn ask<T, Call: Future<Output = Result<T, Error>>>(
        &self,
        what: &str,
        mut call: impl FnMut(People) -> Call,
    ) -> T {
        let begun = Instant::now();
        loop {
            let answer = call(self.here()).await;
            let is_early = is_early(&answer);
            let error = match answer {
                Ok(done) => {
                    self.note(|notes| {
                        notes.answered += 1;
                        if begun.elapsed() > notes.slowest_step.0 {
                            notes.slowest_step = (begun.elapsed(), what.to_owned());
                        }
                    });
                    return done;
                }
                Err(error) => error,
            };
            let said = format!("{what}: {error}");
            assert!(is_early || error.is_transient(), "{said}");
            assert!(begun.elapsed() < PATIENCE, "in vain: {said}");
            if is_early {
                self.note(|notes| *notes.early.entry(said).or_default() += 1);
            } else {
                self.note(|notes| *notes.failed.entry(said).or_default() += 1);
                self.turn.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(PACE).await;
        }
    }

    fn here(&self) -> People {
        self.at[self.turn.load(Ordering::Relaxed) % self.at.len()].clone()
    }

    fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.day.notes.lock());
    }
}
