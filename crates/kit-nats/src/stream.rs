//! A context's stream at the broker: made by the relay that writes it. Those who hear it wait until it is there.
//!
//! It carries the epochs of the journal that it is a copy of, so that those who hear it can tell which events are of
//! that journal also while its source is away.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType, Stream};
use baedal_kit::Failure;
use baedal_kit::epochs::Epochs;

use crate::{Nats, names};

/// For how long the broker knows a message that comes again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// What the epochs are called among what the broker keeps of a stream.
const EPOCHS: &str = "baedal-epochs";
/// The most that the epochs may be, in bytes; the broker keeps 128 KiB of all there is. Where they are more, they are
/// to be had from the source only.
const MOST_EPOCHS: usize = 64 * 1024;

/// Makes the stream of a journal with these epochs as the settings wish it, where it is not so.
pub(crate) async fn keep(nats: &Nats, context: &str, epochs: &Epochs) -> Result<Stream<Info>, Failure> {
    let away = |error| Failure::unavailable(format!("the stream of {context}"), error);
    nats.jetstream.create_or_update_stream(config(nats, context, epochs)?).await.map_err(away)?;
    nats.jetstream
        .get_stream(names::stream(context))
        .await
        .map_err(|error| Failure::unavailable(format!("the stream of {context}"), error))
}

/// The epochs that the stream carries. Whoever hears a stream does not make it: that is its source's alone.
pub(crate) async fn find(nats: &Nats, context: &str) -> Result<Epochs, Failure> {
    let stream = nats.jetstream.get_stream(names::stream(context)).await;
    let stream = stream.map_err(|error| Failure::unavailable(format!("the stream of {context}"), error))?;
    let carried = stream.cached_info().config.metadata.get(EPOCHS);
    let read = |text: &String| {
        serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::warn!(source = context, %error, "the epochs of a stream cannot be read");
            Epochs::default()
        })
    };
    Ok(carried.map(read).unwrap_or_default())
}

fn config(nats: &Nats, context: &str, epochs: &Epochs) -> Result<Config, Failure> {
    let settings = &nats.settings;
    let keep_for = settings.keep_for.unsigned_abs();
    let carried = serde_json::to_string(epochs).map_err(|error| Failure::broken_by("the epochs", error))?;
    let carried = (!epochs.is_empty() && carried.len() <= MOST_EPOCHS).then_some(carried);
    Ok(Config {
        name: names::stream(context),
        subjects: vec![names::all_events(context)],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_age: keep_for,
        max_bytes: i64::try_from(settings.keep_bytes).unwrap_or(i64::MAX),
        num_replicas: settings.stream_replicas,
        duplicate_window: if keep_for.is_zero() { DUPLICATE_WINDOW } else { DUPLICATE_WINDOW.min(keep_for) },
        allow_direct: true,
        description: Some(format!("what {context} tells")),
        metadata: carried.map(|carried| (EPOCHS.to_owned(), carried)).into_iter().collect::<HashMap<_, _>>(),
        ..Config::default()
    })
}
