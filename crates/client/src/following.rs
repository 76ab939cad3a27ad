//! A live stream that does not end: it goes on where it ended when the server is replaced or the
//! connection breaks.

use std::time::Duration;

use crate::error::Error;
use crate::live::{Frame, Live};
use crate::session::Session;

/// How long to wait before a stream is opened again.
const PAUSE: Duration = Duration::from_millis(250);

/// Somebody who looks at a live stream for as long as it takes. Dropping it closes the stream.
#[derive(Debug)]
pub struct Following {
    session: Session,
    path: String,
    live: Option<Live>,
    last_event_id: Option<String>,
}

impl Following {
    pub(crate) fn new(session: Session, path: String) -> Self {
        Self { session, path, live: None, last_event_id: None }
    }

    /// The next frame. It is never one that was seen before, and never one that only says to come back.
    ///
    /// # Errors
    /// A problem that does not pass, as `not_found`. What passes is waited for.
    pub async fn next(&mut self) -> Result<Frame, Error> {
        loop {
            match self.next_of_this_connection().await {
                Ok(Some(frame)) if frame.event == "reconnect" => {}
                Ok(Some(frame)) => {
                    self.last_event_id = Some(frame.id.clone()).filter(|id| !id.is_empty());
                    return Ok(frame);
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(error.retry_after().unwrap_or_default()).await;
                }
                Err(error) => return Err(error),
            }
            self.live = None;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn next_of_this_connection(&mut self) -> Result<Option<Frame>, Error> {
        let live = match &mut self.live {
            Some(live) => live,
            None => self.live.insert(self.session.live(&self.path, self.last_event_id.as_deref()).await?),
        };
        live.next().await
    }
}
