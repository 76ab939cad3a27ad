//! What identity decides: whether somebody has an account, and under which phone number.

mod account;

pub use account::{Account, Command, Event, Profile, Refusal};
