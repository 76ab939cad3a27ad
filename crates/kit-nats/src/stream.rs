//! A context's stream at the broker: made by whoever needs it first, the relay that writes it or those who hear.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use baedal_kit::Failure;

use crate::{Nats, names};

/// For how long the broker knows a message that comes again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// Makes the stream as the settings wish it, where it is not so.
pub(crate) async fn keep(nats: &Nats, context: &str) -> Result<(), Failure> {
    let settings = &nats.settings;
    let keep_for = settings.keep_for.unsigned_abs();
    let config = Config {
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
        ..Config::default()
    };
    let kept = nats.jetstream.create_or_update_stream(config).await;
    kept.map_err(|error| Failure::unavailable(format!("the stream of {context}"), error))?;
    Ok(())
}
