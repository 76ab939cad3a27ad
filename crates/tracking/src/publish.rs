//! What is told of what happened here: nothing, as nothing happens here.

use baedal_kit::bus::Public;
use baedal_kit::{Failure, Recorded};

/// Publishes nothing. Tracking stands on the bus as every context does, with a journal that stays empty.
///
/// # Errors
/// Never.
pub fn publish(_recorded: &Recorded) -> Result<Option<Public>, Failure> {
    Ok(None)
}
