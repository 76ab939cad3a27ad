//! A day: people come, order, cook and ride while things go wrong; then it is waited until all has come to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::Instant;

use super::books::{Books, Finding};
use super::evidence;
use super::kitchen;
use super::misfortune::{self, Diary};
use super::mishap::{self, Clocks, Planned};
use super::people::People;
use super::platform::Platform;
use super::road;
use super::script::Script;
use super::table::{self, Table};
use super::{Options, Seed};

/// How long people stay after the last order may have been placed.
const EVENING: Duration = Duration::from_secs(12);
/// How long deadlines, leases that nobody gave up and attempts that failed may take to come to their end, after
/// that.
const NIGHT: Duration = Duration::from_secs(100);
/// How often the books are looked at.
const GLANCE: Duration = Duration::from_secs(2);

/// What people mean to do on a day, and what is to befall them.
pub(super) struct Day {
    seed: Seed,
    lasts: Duration,
    scripts: Vec<Script>,
    clocks: Clocks,
    mishaps: Vec<Planned>,
}

impl Day {
    /// The day of a seed.
    pub(super) fn of(options: &Options, seed: Seed) -> Self {
        let lasts = Duration::from_secs(options.seconds.into());
        let clocks = if options.clocks.is_some() { Clocks::of_a_day(seed) } else { Clocks::default() };
        let mishaps = if options.mishaps { mishap::of_a_day(seed, lasts, &clocks) } else { Vec::new() };
        // Where nobody has a clock of its own, none can be set.
        let can_happen = |planned: &Planned| options.clocks.is_some() || !planned.mishap.sets_a_clock();
        let mishaps = mishaps.into_iter().filter(can_happen).collect();
        Self { seed, lasts, scripts: Script::of_a_day(seed, options.orders, lasts), clocks, mishaps }
    }

    /// Lives it. What is wrong in the end, which was printed, and how the orders ended.
    pub(super) async fn live(self, mut platform: Platform) -> Result<(Platform, Vec<Finding>, String), String> {
        self.set_clocks(&mut platform)?;
        let people = Arc::new(People::come(&mut platform, self.seed).await?);
        let mut books = Books::of(&mut platform, Arc::clone(&people));
        let begun = Instant::now();
        let mishaps = self.mishaps.clone();
        let befalling = tokio::task::spawn_blocking(move || {
            let diary = misfortune::befall(&mut platform.composition, &mishaps, begun.into_std());
            (platform, diary)
        });
        let over = begun + self.lasts + EVENING;
        let (noon, others) = (begun + self.lasts / 2, Arc::clone(&people));
        tokio::spawn(async move {
            tokio::time::sleep_until(noon).await;
            // Where nobody answers, all stays as it is.
            let _ = join_all(others.stores.iter().map(|store| store.raise_prices())).await;
            let _ = join_all(others.stores.iter().map(|store| store.restock())).await;
            let _ = others.operator.here().rebuild("orders").await;
        });
        let lives = self.scripts.iter().map(|script| {
            let (people, script) = (Arc::clone(&people), Arc::new(script.clone()));
            async move {
                tokio::time::sleep_until(begun + script.at).await;
                (script.number, order(people, script, over).await)
            }
        });
        let lived = join_all(lives).await;
        let (platform, diary) = befalling.await.map_err(|error| error.to_string())?;
        let diary = diary?;
        books.known = lived.iter().filter_map(|(_, order)| *order).collect();
        books.scripts = self.scripts.len();
        books.clocks_agree = self.clocks == Clocks::default();
        let findings = settled(&mut books).await;
        if !findings.is_empty() {
            self.tell(&people, &books, &findings, &lived, &diary).await;
        }
        Ok((platform, findings, books.summary()))
    }

    fn set_clocks(&self, platform: &mut Platform) -> Result<(), String> {
        for who in Clocks::everybody() {
            let ahead = self.clocks.ahead.get(&who).copied().unwrap_or_default();
            let replica = misfortune::replica(&mut platform.composition, who)?;
            if replica.has_clock() {
                replica.set_clock(ahead)?;
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        people: &People,
        books: &Books,
        findings: &[Finding],
        lived: &[(usize, Option<baedal_contracts::OrderId>)],
        diary: &Diary,
    ) {
        println!("\n── seed {} ──", self.seed);
        if !self.clocks.ahead.is_empty() {
            let ahead = self.clocks.ahead.iter().filter(|(_, ahead)| **ahead != 0);
            let ahead: Vec<_> = ahead.map(|(who, ahead)| format!("{who} {ahead:+} s")).collect();
            println!("clocks: {}", ahead.join(", "));
        }
        println!("what befell them:\n  {}", diary.join("\n  "));
        for (order, findings) in evidence::by_order(findings) {
            let number = lived.iter().find(|(_, lived)| *lived == order && order.is_some()).map(|(number, _)| *number);
            let script = number.and_then(|number| self.scripts.get(number));
            evidence::tell(people, books, order, &findings, script).await;
        }
    }
}

/// One order, from the first thought of it to where people leave it. Which it is, where it was placed.
async fn order(people: Arc<People>, script: Arc<Script>, over: Instant) -> Option<baedal_contracts::OrderId> {
    let order = table::place(&people, &script, over).await?;
    let (tell, seen) = watch::channel(table::Seen::default());
    let table = Table { people: Arc::clone(&people), script, order, seen, over };
    let everybody = async {
        tokio::join!(
            table::pay_again(table.clone()),
            table::wish(table.clone()),
            table::confirm(table.clone()),
            table::oversee(table.clone()),
            kitchen::cook(table.clone()),
            road::ride(table.clone()),
        );
    };
    tokio::join!(everybody, table::watch(people, order, tell, over));
    Some(order)
}

/// What is still wrong when all that was to come must have come; nothing as soon as nothing is.
async fn settled(books: &mut Books) -> Vec<Finding> {
    let deadline = Instant::now() + NIGHT;
    loop {
        let findings = match books.look().await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::of_all(format!("the books cannot be looked at: {error}"))],
        };
        if findings.is_empty() || Instant::now() > deadline {
            return findings;
        }
        tokio::time::sleep(GLANCE).await;
    }
}
