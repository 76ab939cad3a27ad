//! Copies a context's journal to its stream, in order.
//!
//! ```text
//!   mark ──▶ read a batch of the journal ──▶ publish it, many at once ──▶ all acknowledged?
//!    ▲                                                                        │ yes      │ no
//!    └── now and then: all up to here is in the stream ◀── say the heads ◀────┘          └─▶ again from the mark
//! ```
//!
//! The mark is a cursor in the context's own database. It is moved only over what was acknowledged, and not
//! after every batch: what is published again the broker drops by its id, and whoever hears it by its position.
//! Two relays at once, while one does not know yet that it no longer leads, do no harm for the same reason; the
//! mark lets one of them through.
//!
//! A stream that holds what is not in the journal is a copy of another journal: this one was restored to an earlier
//! state. It is emptied, and filled from the mark on; it never was the only copy of anything.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Info, LastRawMessageErrorKind, Stream};
use baedal_kit::bus::shard_of;
use baedal_kit::database::{Commit, CursorMove, Outcome};
use baedal_kit::epochs::{Cursor, Epoch, Epochs};
use baedal_kit::failure::BoxError;
use baedal_kit::{Bus, Envelope, Failure};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::names::{self, Heads};
use crate::pause::Pause;
use crate::{Nats, cloudevents, stream};

/// Whose cursor the mark is.
const RELAY: &str = "relay";
/// The positions of the journal that are taken at once; as many messages may be without acknowledgement.
const BATCH: usize = 512;
/// How long more may come that is published together, once something was.
const LINGER: Duration = Duration::from_millis(2);
/// How often the heads are said while nothing happens, so that silence means that something is wrong,
const SAY_EVERY: Duration = Duration::from_secs(1);
/// and how often the mark is moved at the most, unless this much came.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// As many events may be published again after a crash.
const MOST_UNMARKED: u64 = 512;

/// Relays the context's journal whenever this process leads, for ever.
pub async fn relay(service: Service, journal: Arc<JournalBus>, nats: Nats, mut leads: watch::Receiver<bool>) {
    let mut pause = Pause::new();
    make_stream(&service, &nats).await;
    while leading(&mut leads, true).await {
        tokio::select! {
            Err(failure) = run(&service, &journal, &nats, &mut pause) => {
                let wait = pause.next();
                tracing::warn!(context = service.name(), ?wait, error = failure.report(), "the relay pauses");
                tokio::time::sleep(wait).await;
            }
            _ = leading(&mut leads, false) => {}
        }
    }
}

/// Makes the stream where there is none yet, so that those who hear it need not wait until somebody leads.
async fn make_stream(service: &Service, nats: &Nats) {
    nats.connected().await;
    if stream::find(nats, service.name()).await.is_ok() {
        return;
    }
    let epochs = Arc::clone(&service.database().epochs().borrow());
    if let Err(failure) = stream::keep(nats, service.name(), &epochs).await {
        tracing::debug!(context = service.name(), error = failure.report(), "whoever leads makes the stream");
    }
}

/// Waits until this process leads, or does not. Whether anybody still says so.
async fn leading(leads: &mut watch::Receiver<bool>, wished: bool) -> bool {
    leads.wait_for(|leads| *leads == wished).await.is_ok()
}

/// Relays from the mark on, until something goes wrong.
async fn run(service: &Service, journal: &JournalBus, nats: &Nats, pause: &mut Pause) -> Result<Never, Failure> {
    nats.connected().await;
    let context = service.name();
    let mut changes = service.database().epochs();
    let epochs = Arc::clone(&changes.borrow_and_update());
    let end = service.database().look_at_head().await?;
    // A mark that is not of this journal is of nothing that the stream could have kept.
    let marked = service.database().cursor(RELAY, context, 0).await?;
    let marked_as_kept = marked;
    let marked = if epochs.hold(marked, end) { marked.position } else { 0 };
    let stream = stream::keep(nats, context, &epochs).await?;
    empty_if_foreign(&stream, service, journal).await?;
    let shards = usize::from(journal.shards());
    let mut relay = Relay {
        service,
        journal,
        nats,
        heads: Heads { upto: marked, shards: vec![marked; shards], epoch: Some(epochs.last()) },
        epochs,
        marked: marked_as_kept,
        marked_at: Instant::now(),
    };
    let mut head = journal.head(context);
    loop {
        head.mark_unchanged();
        if changes.has_changed().unwrap_or(false) {
            return Err(Failure::unavailable(format!("the journal of {context}"), "it may be another than before"));
        }
        let is_behind = relay.copy().await?;
        pause.over();
        let unmarked = relay.heads.upto.saturating_sub(relay.marked.position);
        if unmarked >= MOST_UNMARKED || unmarked > 0 && relay.marked_at.elapsed() >= MARK_EVERY {
            relay.mark().await?;
        }
        if is_behind {
            continue;
        }
        match tokio::time::timeout(SAY_EVERY, head.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(ended)) => return Err(Failure::unavailable(format!("the journal of {context}"), ended)),
            Err(_quiet) => relay.say().await?,
        }
    }
}

/// Empties a stream that holds what is not in the journal. Only the last event of each shard need be looked at: they
/// were put there in order.
async fn empty_if_foreign(stream: &Stream<Info>, service: &Service, journal: &JournalBus) -> Result<(), Failure> {
    let context = service.name();
    let away = |error: BoxError| Failure::unavailable(format!("the stream of {context}"), error);
    for shard in 0..journal.shards() {
        let last = match stream.get_last_raw_message_by_subject(&names::events(context, shard)).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => continue,
            Err(error) => return Err(away(error.into())),
        };
        // Another relay may be ahead of what we knew a moment ago.
        let end = service.database().look_at_head().await?;
        let epochs = Arc::clone(&service.database().epochs().borrow());
        let is_foreign = cloudevents::place(&last.payload)
            .is_ok_and(|last| last.position > end || last.epoch.is_some_and(|epoch| epochs.at(last.position) != epoch));
        if is_foreign {
            tracing::warn!(
                context,
                shard,
                end,
                "the stream holds events that are not in the journal, which was restored to an earlier state;                  it is emptied, and filled from the journal"
            );
            stream.purge().await.map_err(|error| away(error.into()))?;
            metrics::counter!("baedal_relay_purges_total", "context" => context).increment(1);
            return Ok(());
        }
    }
    Ok(())
}

/// The relay ends only by failing.
enum Never {}

/// A relay at work.
struct Relay<'r> {
    service: &'r Service,
    journal: &'r JournalBus,
    nats: &'r Nats,
    /// How far the journal is in the stream, acknowledged. Each shard's last event there was at the position
    /// here, or before the mark that we began with.
    heads: Heads,
    /// The epochs of the journal.
    epochs: Arc<Epochs>,
    marked: Cursor,
    marked_at: Instant,
}

impl Relay<'_> {
    /// Copies what there is, one batch of it. Whether there may be more.
    async fn copy(&mut self) -> Result<bool, Failure> {
        let context = self.service.name();
        let batch = self.journal.read_all(context, self.heads.upto, BATCH).await?;
        let head = *self.journal.head(context).borrow();
        metrics::gauge!("baedal_relay_lag_events", "context" => context)
            .set(head.saturating_sub(self.heads.upto) as f64);
        if !batch.continues(self.epochs.cursor(self.heads.upto)) {
            return Err(Failure::unavailable(format!("the journal of {context}"), "it is another than before"));
        }
        if batch.upto <= self.heads.upto {
            return Ok(false);
        }
        let mut lasts = self.heads.shards.clone();
        let mut acknowledgements = Vec::with_capacity(batch.envelopes.len());
        for envelope in &batch.envelopes {
            let shard = shard_of(&envelope.stream, self.journal.shards());
            let last = &mut lasts[usize::from(shard)];
            acknowledgements.push(self.publish(envelope, shard, *last, batch.epoch).await?);
            *last = envelope.position;
        }
        for acknowledgement in acknowledgements {
            acknowledgement.await.map_err(|error| Failure::unavailable(format!("the stream of {context}"), error))?;
        }
        metrics::counter!("baedal_relayed_events_total", "context" => context).increment(batch.envelopes.len() as u64);
        self.heads = Heads { upto: batch.upto, shards: lasts, epoch: self.heads.epoch };
        self.say().await?;
        if self.heads.upto >= head {
            tokio::time::sleep(LINGER).await;
        }
        Ok(true)
    }

    async fn publish(
        &self,
        envelope: &Envelope,
        shard: u16,
        prev: u64,
        epoch: Epoch,
    ) -> Result<PublishAckFuture, Failure> {
        let context = self.service.name();
        let message = |body| {
            let id = names::message_id(context, envelope.position, epoch);
            PublishMessage::build().headers(cloudevents::headers()).payload(body).message_id(id)
        };
        let subject = names::events(context, shard);
        let body = cloudevents::encode(envelope, prev, epoch)?;
        let sent = match self.nats.jetstream.send_publish(subject.clone(), message(body)).await {
            Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                let elsewhere = cloudevents::encode_elsewhere(envelope, prev, epoch, self.journal.shards())?;
                self.nats.jetstream.send_publish(subject, message(elsewhere)).await
            }
            sent => sent,
        };
        sent.map_err(|error| Failure::unavailable("the broker", error))
    }

    /// Says how far the journal is in the stream.
    async fn say(&self) -> Result<(), Failure> {
        if !self.nats.is_connected() {
            return Ok(());
        }
        let said = serde_json::to_vec(&self.heads).map_err(|error| Failure::broken_by("the heads", error))?;
        let sent = self.nats.client.publish(names::heads(self.service.name()), said.into()).await;
        sent.map_err(|error| Failure::unavailable("the broker", error))
    }

    /// Remembers how far the journal is in the stream.
    async fn mark(&mut self) -> Result<(), Failure> {
        let context = self.service.name();
        let to = self.epochs.cursor(self.heads.upto);
        let (consumer, source) = (RELAY.to_owned(), context.to_owned());
        let cursor = CursorMove { consumer, source, shard: 0, from: self.marked, to };
        let commit = Commit { cursors: vec![cursor], ..Commit::default() };
        if self.service.database().commit(commit).await? == Outcome::Conflict {
            return Err(Failure::unavailable("the mark of the relay", "another relay has moved it"));
        }
        (self.marked, self.marked_at) = (to, Instant::now());
        Ok(())
    }
}
