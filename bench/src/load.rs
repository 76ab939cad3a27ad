//! The load: whole lifecycles, eight calls each, as many as go or at a steady rate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use baedal_client::{Error, Session};
use baedal_contracts::OrderId;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::crowd::{Crowd, Party};

/// The commands of a lifecycle, in order.
pub(crate) const COMMANDS: [&str; 8] = ["place", "accept", "start", "finish", "claim", "pick up", "deliver", "confirm"];

/// What a stretch of load came to.
pub(crate) struct Load {
    /// Latency of each command, in microseconds.
    pub(crate) latencies: Vec<Histogram<u64>>,
    /// Lifecycles that were completed.
    pub(crate) completed: u64,
    /// What went wrong, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Load {
    fn new() -> Self {
        Self {
            latencies: vec![histogram(); COMMANDS.len()],
            completed: 0,
            errors: BTreeMap::new(),
            took: Duration::ZERO,
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.completed as f64 / self.took.as_secs_f64()
    }

    /// The latencies of all commands together.
    pub(crate) fn all(&self) -> Histogram<u64> {
        let mut all = histogram();
        for latencies in &self.latencies {
            // Both have the same bounds, so nothing can be out of range.
            let _ = all.add(latencies);
        }
        all
    }

    fn count(&mut self, life: Life) {
        for (command, took) in life.steps.into_iter().enumerate() {
            self.latencies[command].saturating_record(took.as_micros() as u64);
        }
        match life.error {
            None => self.completed += 1,
            Some(error) => *self.errors.entry(error).or_default() += 1,
        }
    }

    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.latencies.iter_mut().zip(&other.latencies) {
            let _ = ours.add(theirs);
        }
        self.completed += other.completed;
        for (error, count) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
    }
}

/// Microseconds up to a minute, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000, 3).unwrap_or_else(|_| unreachable!("these bounds are allowed"))
}

/// One order's life: how long each command took, and what ended it early.
struct Life {
    steps: Vec<Duration>,
    error: Option<String>,
}

/// Who wants to know of orders that were placed, and by whom.
pub(crate) type Placed = mpsc::Sender<(Session, OrderId)>;

async fn live(party: &Party, placed: Option<&Placed>) -> Life {
    let mut steps = Vec::with_capacity(COMMANDS.len());
    let error = steps_of_life(party, placed, &mut steps).await.err();
    let error = error.map(|error| {
        let step = COMMANDS.get(steps.len()).copied().unwrap_or_default();
        format!("{step}: {error}")
    });
    Life { steps, error }
}

async fn steps_of_life(party: &Party, placed: Option<&Placed>, steps: &mut Vec<Duration>) -> Result<(), Error> {
    let Party { customer, owner, rider, order } = party;
    let order: OrderId = timed(steps, customer.place(&Uuid::now_v7().to_string(), order)).await?.order_id;
    if let Some(placed) = placed {
        // Where nobody is free to watch, this one is not watched.
        let _ = placed.try_send((customer.clone(), order));
    }
    timed(steps, owner.accept(order, 15)).await?;
    timed(steps, owner.start(order)).await?;
    timed(steps, owner.finish(order)).await?;
    timed(steps, rider.claim(order)).await?;
    timed(steps, rider.pick_up(order)).await?;
    timed(steps, rider.deliver(order)).await?;
    timed(steps, customer.confirm(order)).await?;
    Ok(())
}

async fn timed<T>(steps: &mut Vec<Duration>, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let begun = Instant::now();
    let answer = call.await?;
    steps.push(begun.elapsed());
    Ok(answer)
}

/// As many lifecycles as go, each party beginning the next order as soon as the last has ended.
pub(crate) async fn full(crowd: &Crowd, name: &'static str, time: Duration) -> Load {
    let progress = bar(name, time);
    let begun = Instant::now();
    let mut parties = tokio::task::JoinSet::new();
    for party in crowd.parties.clone() {
        let progress = progress.clone();
        parties.spawn(async move {
            let mut load = Load::new();
            while begun.elapsed() < time {
                load.count(live(&party, None).await);
                progress.set_position(begun.elapsed().as_millis() as u64);
            }
            load
        });
    }
    finish(parties, begun, &progress).await
}

/// Lifecycles that begin at a steady rate, whether or not earlier ones have ended. Where all parties are
/// busy the next one begins late, and that shows in the rate.
pub(crate) async fn steady(crowd: &Crowd, name: &'static str, per_second: f64, time: Duration, placed: Placed) -> Load {
    let progress = bar(name, time);
    let begun = Instant::now();
    let mut lives = tokio::task::JoinSet::new();
    let mut load = Load::new();
    let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second.max(1.0)));
    while begun.elapsed() < time {
        beat.tick().await;
        let Some(party) = crowd.idle().await else { break };
        let (back, placed) = (crowd.back(), placed.clone());
        lives.spawn(async move {
            let mut load = Load::new();
            load.count(live(&party, Some(&placed)).await);
            // The crowd outlives its parties; where it does not, nobody waits for them.
            let _ = back.send(party);
            load
        });
        while let Some(Ok(ended)) = lives.try_join_next() {
            load.merge(&ended);
        }
        progress.set_position(begun.elapsed().as_millis() as u64);
    }
    let mut rest = finish(lives, begun, &progress).await;
    rest.merge(&load);
    rest
}

async fn finish(mut running: tokio::task::JoinSet<Load>, begun: Instant, progress: &ProgressBar) -> Load {
    let mut load = Load::new();
    while let Some(Ok(ended)) = running.join_next().await {
        load.merge(&ended);
    }
    load.took = begun.elapsed();
    progress.finish_and_clear();
    load
}

fn bar(name: &'static str, time: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:16} {wide_bar} {elapsed}");
    ProgressBar::new(time.as_millis() as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(name)
}
