//! Runs the commands of this context, with all that belongs into the same commit.

use baedal_kit_runtime::CommitHook;

use crate::domain::{Stock, Store, Ticket};

impl CommitHook for Stock {}

impl CommitHook for Store {}

impl CommitHook for Ticket {}
