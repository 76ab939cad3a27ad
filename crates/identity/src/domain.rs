//! What identity decides: whether somebody has an account, and under which phone number.

mod account;
mod password;
mod phone;

pub use account::{Account, Command, Event, Profile, Refusal};
pub use password::{Password, WeakPassword};
pub use phone::{NotAPhone, Phone};
