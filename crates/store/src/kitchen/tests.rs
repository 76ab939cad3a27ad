//! What must always hold of tickets and stock together.

mod invariants;
mod races;
