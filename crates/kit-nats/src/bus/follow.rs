//! Hears a source's stream: the shards that are heard here, from each one's last event on.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use baedal_kit::failure::BoxError;
use futures::StreamExt;
use tokio::sync::watch;

use super::belief::Belief;
use super::source::Source;
use crate::cloudevents::place;
use crate::pause::Pause;
use crate::{Nats, names, stream};

/// How many messages are asked for in advance, and put on the shelves together.
const AHEAD: usize = 512;
/// How soon it is looked again for a stream that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a request for more stands.
const REQUEST_LASTS: Duration = Duration::from_secs(20);
/// How often the broker says that it is there while nothing comes.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// When the broker forgets a consumer that nobody asks for more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// Follows a source for ever; begins anew whenever the heard shards change, the broker comes back, or the
/// stream does not go on.
///
/// A new beginning needs no place to go on from: the last event of each shard names the one before it, which
/// shows what was missed meanwhile.
pub(super) async fn follow(
    source: Arc<Source>,
    nats: Nats,
    belief: Arc<Belief>,
    mut heard: watch::Receiver<Arc<[u16]>>,
) {
    let mut connections = nats.changes();
    let mut pause = Pause::new();
    loop {
        connections.mark_unchanged();
        let shards = Arc::clone(&heard.borrow_and_update());
        let error = tokio::select! {
            error = listen(&source, &nats, &belief, &shards, &mut pause) => error,
            changed = heard.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = source.anew.notified() => continue,
            _ = connections.changed() => continue,
        };
        if nats.is_connected() {
            tracing::info!(source = source.name, error = %error, "the stream does not go on; we begin anew");
        }
        tokio::select! {
            () = tokio::time::sleep(pause.next()) => {}
            _ = heard.changed() => {}
            _ = connections.changed() => {}
        }
    }
}

/// Puts what comes on the shelves, until nothing can come any more.
async fn listen(source: &Source, nats: &Nats, belief: &Belief, shards: &[u16], pause: &mut Pause) -> BoxError {
    if shards.is_empty() {
        return std::future::pending().await;
    }
    nats.connected().await;
    match try_listen(source, nats, belief, shards, pause).await {
        Ok(()) => "the stream ended".into(),
        Err(error) => error,
    }
}

async fn try_listen(
    source: &Source,
    nats: &Nats,
    belief: &Belief,
    shards: &[u16],
    pause: &mut Pause,
) -> Result<(), BoxError> {
    let config = pull::Config {
        deliver_policy: DeliverPolicy::LastPerSubject,
        ack_policy: AckPolicy::None,
        filter_subjects: shards.iter().map(|shard| names::events(source.name, *shard)).collect(),
        inactive_threshold: FORGOTTEN_AFTER,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    // Its source makes it, in a moment.
    while let Err(failure) = stream::find(nats, source.name).await {
        if !nats.is_connected() {
            return Err(failure.into());
        }
        tracing::debug!(source = source.name, error = failure.report(), "there is no stream yet");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let consumer = nats.jetstream.create_consumer_on_stream(config, names::stream(source.name)).await?;
    let asked = consumer.stream().max_messages_per_batch(AHEAD).expires(REQUEST_LASTS).heartbeat(HEARTBEAT);
    let mut messages = asked.messages().await?.ready_chunks(AHEAD);
    while let Some(chunk) = messages.next().await {
        let mut came = Vec::with_capacity(chunk.len());
        let mut ended: Result<(), BoxError> = Ok(());
        for message in chunk {
            match message {
                Ok(message) => came.push(message),
                Err(error) => ended = Err(error.into()),
            }
        }
        if !came.is_empty() {
            pause.over();
            let furthest = came.iter().filter_map(|message| place(&message.payload).ok()).map(|place| place.position);
            let believed = belief.upto(furthest.max().unwrap_or(0)).await;
            source.deliver(&came, believed);
        }
        ended?;
    }
    Ok(())
}
