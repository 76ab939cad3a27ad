//! What may happen to a store, its stock and its tickets: plain functions, no IO, no clock.

mod cook_minutes;
mod portions;
pub(crate) mod stock;
pub(crate) mod store;
pub(crate) mod ticket;

pub(crate) use cook_minutes::CookMinutes;
pub(crate) use portions::Portions;
pub(crate) use stock::Stock;
pub(crate) use store::Store;
pub(crate) use ticket::Ticket;
