//! Since when, without a break, some replica of the context has been here.
//!
//! ```text
//!   we come, or were away ─▶ "I am new"     for three of our seconds we look whether the document of another that
//!                               │           says "I was here" still grows
//!                               ├ it does ─▶ it was here before us: what is written down still holds
//!                               └ none    ─▶ we write down that somebody is here since we came
//!                                            (of several that do so, the first)
//! ```
//!
//! No replica's clock is compared with another's.

use std::collections::HashMap;

use baedal_kit::Failure;
use baedal_kit::database::{Commit, Document, Write};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Service;
use crate::serving::GAP;

/// The view that says since when.
const SERVING: &str = "serving";
/// Its only document.
const SINCE: &str = "since";
/// What a replica's document says while it does not know whether another was here before.
const NEW: &[u8] = br#"{"serving":false}"#;
/// And what it says then.
const SERVES: &[u8] = br#"{"serving":true}"#;

/// Our part in it.
pub(super) struct Presence {
    me: String,
    /// When we came, or came back, by the context's clock and by ours; nothing before the first beat.
    came: Option<(Timestamp, Instant)>,
    /// The last beat that went through.
    beat: Option<Instant>,
    serves: bool,
    /// Those that say that they were here, and how often they had said so when we came.
    others: HashMap<String, u64>,
    /// Whether one of them has said so again since.
    another_serves: bool,
}

impl Presence {
    pub(super) fn new(me: String) -> Self {
        Self { me, came: None, beat: None, serves: false, others: HashMap::new(), another_serves: false }
    }

    /// A beat begins. Where the last one is too long ago, we were away.
    pub(super) fn begin(&mut self, now: Timestamp, here: Instant) {
        if self.beat.is_none_or(|beat| here.duration_since(beat) >= GAP) {
            *self = Self { came: Some((now, here)), beat: Some(here), ..Self::new(self.me.clone()) };
        }
    }

    /// What our document says of us.
    pub(super) fn said(&self) -> &'static [u8] {
        if self.serves { SERVES } else { NEW }
    }

    /// These are the documents of all replicas.
    pub(super) fn observe(&mut self, found: &[Document]) {
        for document in found.iter().filter(|document| document.id != self.me && document.body == SERVES) {
            let known = *self.others.entry(document.id.clone()).or_insert(document.version);
            self.another_serves |= document.version != known;
        }
    }

    /// The beat went through, as far as this.
    pub(super) async fn settle(&mut self, service: &Service, here: Instant) -> Result<(), Failure> {
        self.beat = Some(here);
        let Some((came_at, came)) = self.came else { return Ok(()) };
        if !self.serves && !self.another_serves && here.duration_since(came) < GAP {
            service.serving().is_not();
            return Ok(());
        }
        let known = service.database().get(SERVING, SINCE).await?;
        if self.serves || self.another_serves {
            self.serves = true;
            if let Some(at) = known.as_ref().and_then(read) {
                service.serving().is_since(at);
                return Ok(());
            }
        }
        // Nobody else was here. Of several that write this, the first is right, and the others read it with their
        // next beat.
        let write = Write {
            view: SERVING.to_owned(),
            id: SINCE.to_owned(),
            expected_version: Some(known.map_or(0, |document| document.version)),
            body: Some(came_at.to_string().into_bytes()),
            tags: Vec::new(),
            left_tags: Vec::new(),
        };
        service.database().commit(Commit { writes: vec![write], ..Commit::default() }).await?;
        self.serves = true;
        Ok(())
    }
}

fn read(document: &Document) -> Option<Timestamp> {
    std::str::from_utf8(&document.body).ok()?.parse().ok()
}
