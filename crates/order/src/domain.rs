//! What may happen to an order, as plain functions; and what a store's menu allows.

pub mod basket;
pub mod order;
pub mod store;

pub use basket::{HeldBasket, Rules, Wish, WishRefused, WishedChoice, WishedLine};
pub use order::{Attempt, Command, Event, Food, Order, OrderStatus, Pending, Placed, Refusal, State};
pub use store::{KnownStore, Scarce};
