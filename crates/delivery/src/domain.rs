//! What may happen to a delivery and a rider: plain functions, no clock, no database.

pub(crate) mod delivery;
pub(crate) mod errand;
pub(crate) mod pace;
pub(crate) mod reach;
pub(crate) mod rider;

pub(crate) use delivery::{Command, Delivery, Event, Refusal};
pub(crate) use errand::{Errand, Parcel, Stage};
pub(crate) use reach::Reach;
pub(crate) use rider::Rider;
