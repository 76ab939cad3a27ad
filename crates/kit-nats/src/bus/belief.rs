//! How far the broker is believed about a source: up to where the source says itself that its journal goes.
//!
//! Whoever may publish for a context can say that something happened at a position that is far away. On a shelf it
//! would hide everything up to there, and behind it every cursor would have passed what is still to come. So what lies
//! beyond all that the source has said is only taken when the source, asked again, goes that far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baedal_kit::bus::Archive;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::source::Source;

/// How long the source may take to say how far it is.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// How long it is not asked again where it did not.
const SHY: Duration = Duration::from_secs(1);
/// While the source is away, so much beyond what it said last is believed: what it had told the broker before it went
/// is heard without it. What is further away waits until it is back.
const WHILE_AWAY: u64 = 65_536;

/// How far one source is believed.
pub(super) struct Belief {
    source: Arc<Source>,
    archive: Arc<dyn Archive>,
    /// Where somebody had got to before the source has said anything.
    heard: AtomicU64,
    /// Held by whoever asks; the time until when it is not asked.
    asking: Mutex<Option<Instant>>,
}

impl Belief {
    pub(super) fn new(source: Arc<Source>, archive: Arc<dyn Archive>) -> Self {
        Self { source, archive, heard: AtomicU64::new(0), asking: Mutex::default() }
    }

    /// Somebody has heard up to there, by what their own database says.
    pub(super) fn has_heard(&self, position: u64) {
        if self.source.said().is_none() {
            self.heard.fetch_max(position, Ordering::Relaxed);
        }
    }

    /// The last position that is believed, where something is said to be at this one.
    pub(super) async fn upto(&self, position: u64) -> u64 {
        if let Some(said) = self.source.said().filter(|said| *said >= position) {
            return said;
        }
        let mut shy_until = self.asking.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(said) = self.source.said().filter(|said| *said >= position) {
            return said;
        }
        if shy_until.is_none_or(|until| until <= Instant::now()) {
            match tokio::time::timeout(ANSWER_LIMIT, self.archive.extent(self.source.name)).await {
                Ok(Ok(extent)) => {
                    self.source.know(&extent);
                    *shy_until = None;
                    return self.source.said().unwrap_or(extent.head);
                }
                Ok(Err(_)) | Err(_) => *shy_until = Some(Instant::now() + SHY),
            }
        }
        let known = self.source.said().unwrap_or_else(|| self.heard.load(Ordering::Relaxed));
        known.saturating_add(WHILE_AWAY)
    }
}
