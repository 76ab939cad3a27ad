//! Asking again where the answer was lost, or was to ask again.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// The wait after the first failure, where the answer names none; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait, where the answer names none.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Calls until it works, or fails with something that does not pass, or so much time has passed.
///
/// Only for what may be asked twice: reads, and commands that carry a key or are answered the same again.
///
/// ```no_run
/// # async fn example(session: baedal_client::Session, order: baedal_client::types::NewOrder)
/// #     -> Result<(), baedal_client::Error> {
/// use std::time::Duration;
///
/// let key = uuid::Uuid::now_v7().to_string();
/// let placed = baedal_client::retrying(Duration::from_secs(30), || session.place(&key, &order)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The last failure.
pub async fn retrying<T, Called>(limit: Duration, mut call: impl FnMut() -> Called) -> Result<T, Error>
where
    Called: Future<Output = Result<T, Error>>,
{
    let deadline = Instant::now() + limit;
    let mut wait = FIRST_WAIT;
    loop {
        let error = match call().await {
            Err(error) if error.is_transient() => error,
            outcome => return outcome,
        };
        let until = Instant::now() + error.retry_after().unwrap_or(wait);
        if until >= deadline {
            return Err(error);
        }
        tokio::time::sleep_until(until).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
