//! What may happen to the money of an order, as plain functions.

mod command;
mod decide;
mod event;
mod payment;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;

pub use self::command::{Command, Refusal};
pub use self::event::{CHARGE_EXTRA, ChargeExtra, Event, LOOK_UP, LookUpAttempt, Payer, Purpose, REFUND, Word};
pub use self::payment::{Attempt, Outcome, Payment, RefundUnderWay};
