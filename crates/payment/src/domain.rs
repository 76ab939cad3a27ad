//! What may happen to the money of an order, as plain functions.

mod command;
mod decide;
mod division;
mod event;
mod payment;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;

pub use self::command::{Command, Refusal};
pub use self::division::Division;
pub use self::event::{
    CHARGE_EXTRA, ChargeExtra, Earned, Ending, Event, Grant, LOOK_UP, LookUpAttempt, Payer, Purpose, REFUND,
};
pub use self::payment::{Attempt, Outcome, Payment, RefundUnderWay, Word};
