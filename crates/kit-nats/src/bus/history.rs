//! A stretch behind the shelf, from what the stream still keeps.
//!
//! Positions on a subject grow, so the place of a position in the stream is found by halves. What is found is
//! given out only where it is chained: the stream may have lost its beginning, or anything else.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use baedal_kit::Envelope;
use baedal_kit::epochs::Epochs;
use baedal_kit::failure::BoxError;
use futures::TryStreamExt;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::source;
use crate::cloudevents::{Place, place};
use crate::{Nats, names};

/// How long a stretch may take to read.
const LIMIT: Duration = Duration::from_secs(1);
/// How long the stream is left alone when it did not answer.
const SHY: Duration = Duration::from_secs(5);
/// When the broker forgets a consumer that read a stretch.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// Where a reader left off: behind this position, at this place of the stream.
#[derive(Clone, Copy, Default)]
pub(super) struct Hint {
    position: u64,
    sequence: u64,
}

/// What is wanted of a shard: at the most `limit` events, right behind a position.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) source: &'static str,
    pub(super) shard: u16,
    pub(super) after: u64,
    pub(super) limit: usize,
    pub(super) epochs: &'a Epochs,
    /// What lies beyond this position is not believed.
    pub(super) believed: u64,
}

/// Reads what streams still keep.
pub(super) struct History {
    nats: Nats,
    shards: usize,
    shy_until: Mutex<Option<Instant>>,
}

impl History {
    pub(super) fn new(nats: Nats, shards: u16) -> Self {
        Self { nats, shards: usize::from(shards), shy_until: Mutex::default() }
    }

    /// The envelopes of a shard that come right behind a position. Nothing where the stream does not keep them
    /// any more, or does not answer.
    pub(super) async fn read(&self, wanted: Stretch<'_>, hint: &mut Hint) -> Vec<Envelope> {
        let shy_until = *self.shy_until.lock();
        if !self.nats.is_connected() || shy_until.is_some_and(|until| until > Instant::now()) {
            return Vec::new();
        }
        let error = match tokio::time::timeout(LIMIT, self.try_read(wanted, hint)).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => error,
            Err(late) => late.into(),
        };
        let Stretch { source, shard, after, .. } = wanted;
        tracing::debug!(source, shard, after, error = %error, "the stream did not answer; the source is asked instead");
        *self.shy_until.lock() = Some(Instant::now() + SHY);
        Vec::new()
    }

    async fn try_read(&self, wanted: Stretch<'_>, hint: &mut Hint) -> Result<Vec<Envelope>, BoxError> {
        let Stretch { source, shard, after, limit, epochs, believed } = wanted;
        let subject = names::events(source, shard);
        let begin = if after > 0 && hint.position == after {
            hint.sequence
        } else {
            let stream = self.nats.jetstream.get_stream_no_info(names::stream(source)).await?;
            match find(&stream, &subject, after).await? {
                Some(begin) => begin,
                None => return Ok(Vec::new()),
            }
        };
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: begin },
            ack_policy: AckPolicy::None,
            filter_subject: subject,
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self.nats.jetstream.create_consumer_on_stream(config, names::stream(source)).await?;
        let mut messages = consumer.fetch().max_messages(limit).messages().await?;
        let (mut covered, mut found) = (after, Vec::new());
        while let Some(message) = messages.try_next().await? {
            let Ok((_, carried)) = source::read(source, self.shards, &message, epochs) else { break };
            if carried.envelope.position <= covered {
                continue;
            }
            if carried.prev > covered || carried.envelope.position > believed {
                break;
            }
            covered = carried.envelope.position;
            *hint = Hint { position: covered, sequence: message.info()?.stream_sequence + 1 };
            found.push(carried.envelope);
        }
        Ok(found)
    }
}

/// Where in the stream the first message of a subject behind a position is, if it is right behind it.
async fn find(stream: &Stream<()>, subject: &str, after: u64) -> Result<Option<u64>, BoxError> {
    let Some(first) = next(stream, subject, 1).await? else { return Ok(None) };
    let Ok(Place { prev, position, .. }) = place(&first.payload) else { return Ok(None) };
    if position > after {
        return Ok((prev <= after).then_some(first.sequence));
    }
    let last = stream.direct_get_last_for_subject(subject).await?;
    if place(&last.payload).map_or(true, |last| last.position <= after) {
        return Ok(None);
    }
    // The message at `low` is at or before the position; the first one from `high` on is behind it.
    let (mut low, mut high) = (first.sequence, last.sequence);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let Some(message) = next(stream, subject, middle).await? else { return Ok(None) };
        let Ok(Place { position, .. }) = place(&message.payload) else { return Ok(None) };
        if position > after {
            high = middle;
        } else {
            low = message.sequence;
        }
    }
    Ok(Some(high))
}

/// The first message of a subject from a place of the stream on.
async fn next(stream: &Stream<()>, subject: &str, sequence: u64) -> Result<Option<StreamMessage>, BoxError> {
    let asked = stream.direct_get_builder().next_by_subject(subject).sequence(sequence).send();
    match asked.await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
