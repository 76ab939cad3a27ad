//! A simulated town: its customers, kitchens and riders use the platform over its real HTTP interface.
//!
//! It knows nothing that its people could not know: it signs in, looks, decides by chance and habit, and
//! acts, at a believable pace that can be made faster.
//!
//! - [`seed`]: the stores, menus and people of a real part of Seoul, and how they get their accounts;
//! - [`customer`], [`kitchen`], [`rider`]: what each of them does all day;
//! - [`show`]: what the terminal shows of it.

mod customer;
mod habits;
mod kitchen;
mod rider;
pub mod seed;
mod show;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use baedal_client::Client;

use crate::habits::Habits;
use crate::seed::Seed;
use crate::show::Show;

/// A town to be simulated.
#[derive(Clone, Debug)]
pub struct Town {
    /// Where the platform is, as `http://127.0.0.1:8080`.
    pub base_url: String,
    /// Where it shows its metrics, as `http://127.0.0.1:9080`, where that is known.
    pub admin_url: Option<String>,
    /// How many orders are placed in a minute.
    pub orders_per_minute: f64,
    /// How many times faster than life people act.
    pub speed: f64,
    /// Whether nothing is shown.
    pub quiet: bool,
}

impl Town {
    /// Opens what accounts and stores are missing, then lets everybody live until the future is dropped.
    ///
    /// # Errors
    /// Where the platform does not let the town be built.
    pub async fn live(&self) -> Result<()> {
        let seed = Seed::built_in()?;
        let show = Show::new(self.quiet);
        let town = seed.settle(&Client::new(&self.base_url), &show).await?;
        show.say(&seed::sign_ins(&town, &self.base_url, self.admin_url.as_deref()));
        show.begin();

        let habits = Habits { speed: self.speed };
        let mut people = tokio::task::JoinSet::new();
        for kitchen in town.kitchens {
            people.spawn(kitchen::work(kitchen, habits));
        }
        for (place, rider) in town.riders.into_iter().enumerate() {
            people.spawn(rider::ride(rider, place, habits));
        }
        let places = Arc::new(seed);
        let mut hungry = town.customers.into_iter().cycle();
        loop {
            habits.until_the_next_order(self.orders_per_minute).await;
            if let Some(customer) = hungry.next() {
                people.spawn(customer::order(customer, Arc::clone(&places), habits, show.clone()));
            }
            // Those who have eaten are let go, so that nothing grows.
            while people.try_join_next().is_some() {}
        }
    }
}

/// How long anybody waits before trying again what did not work.
const PATIENCE: Duration = Duration::from_secs(1);
