//! The tests of the context as a whole.

mod deadlines;
mod hearing;
mod live;
mod machine;
mod near;
mod races;
mod riding;
mod scenarios;
mod secrets;
mod silence;
pub(crate) mod world;
