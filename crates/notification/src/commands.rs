//! Runs the commands of this context, with all that belongs into the same commit.

use baedal_kit_runtime::CommitHook;

use crate::domain::Notice;

impl CommitHook for Notice {}
