//! What may happen to a delivery and a rider: plain functions, no clock, no database.

pub(crate) mod delivery;
pub(crate) mod errand;
pub(crate) mod pace;
pub(crate) mod reach;
pub(crate) mod rider;
pub(crate) mod stage;

pub(crate) use delivery::{Command, Delivery, Event, Refusal};
pub(crate) use errand::Errand;
pub(crate) use reach::Reach;
pub(crate) use rider::Rider;
pub(crate) use stage::{Parcel, Stage};
