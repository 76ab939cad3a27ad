//! Events that could not be handled: set aside as jobs, heard again, and dead letters in the end.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::Failure;
use baedal_kit::Job;
use baedal_kit::bus::{UNPUBLISHABLE, shard_of};
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit::generation::generation_name;
use baedal_kit::message::Envelope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Consumer;
use crate::jobs::JobHandler;
use crate::{Service, UnitOfWork};

/// The job that lets a consumer hear an event again.
pub(super) const HEAR_AGAIN: &str = "hear_again";
/// The view of the events that policies could not handle yet, by the key of that job, tagged with what they belong to.
const PARKED: &str = "parked_events";

/// An event set aside for a consumer.
#[derive(Serialize, Deserialize)]
pub(super) struct ParkedEvent {
    pub(super) consumer: String,
    /// Which generation of it could not handle the event, and of which views; a policy has but one, and none.
    #[serde(default)]
    pub(super) generation: u32,
    #[serde(default)]
    pub(super) views: Vec<String>,
    pub(super) envelope: Envelope,
}

pub(super) fn unpublishable(envelope: &Envelope) -> Failure {
    let said = envelope.data.get();
    Failure::broken(format!("{} {} could not be published: {said}", envelope.source, envelope.position))
}

/// Writes down that a policy has not handled an event about something, until it has.
pub(super) fn park(work: &mut UnitOfWork, job: &Job, envelope: &Envelope) -> Result<(), Failure> {
    let belongs_to = envelope.correlation.map(|correlation| correlation.to_string());
    work.put(PARKED, &job.key, &(&envelope.source, envelope.position), belongs_to)
}

/// Nothing where the policies have handled every event about something that came to them.
///
/// # Errors
/// [`Failure::Unavailable`] where one of them is set aside, or a dead letter: it comes first, and may change everything.
pub(crate) async fn none_parked(service: &Service, correlation: Uuid) -> Result<(), Failure> {
    let (select, direction) = (Select::Tag(correlation.to_string()), Direction::Ascending);
    let query = Query { select, direction, after: None, limit: 1 };
    match service.database().list(PARKED, query).await?.first() {
        None => Ok(()),
        Some(parked) => {
            let which = format!("the event set aside as {HEAR_AGAIN} {}", parked.id);
            Err(Failure::unavailable(which, "it has to be handled first; see the dead letters"))
        }
    }
}

/// Lets consumers hear again what was set aside.
pub struct RetryParked(pub Vec<Arc<dyn Consumer>>);

#[async_trait]
impl JobHandler for RetryParked {
    fn kinds(&self) -> &'static [&'static str] {
        &[HEAR_AGAIN]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let aside: ParkedEvent = job.read()?;
        let consumer = self.0.iter().find(|consumer| consumer.name() == aside.consumer);
        let consumer = consumer.ok_or_else(|| Failure::broken(format!("there is no consumer {}", aside.consumer)))?;
        if aside.views.is_empty() {
            work.delete(PARKED, &job.key);
        }
        for view in &aside.views {
            let Some((view, active)) = work.service().generation(view) else { continue };
            if aside.generation < active {
                // The view was rebuilt since, and heard this event in its turn.
                return Ok(());
            }
            if aside.generation > active {
                work.rename_view(view, generation_name(view, aside.generation));
            }
        }
        let Some(envelope) = published_by_now(work.service(), aside.envelope).await? else { return Ok(()) };
        work.set_origin(envelope.as_origin());
        consumer.handle(&envelope, work).await
    }
}

/// What was set aside because it could not be published, as it is published now; nothing where it turns
/// out to be private.
async fn published_by_now(service: &Service, aside: Envelope) -> Result<Option<Arc<Envelope>>, Failure> {
    if aside.kind != UNPUBLISHABLE {
        return Ok(Some(Arc::new(aside)));
    }
    let shard = shard_of(&aside.stream, service.bus().shards());
    match service.bus().read_again(&aside.source, shard, aside.position).await? {
        Some(envelope) if envelope.id != aside.id => {
            let what =
                format!("{} {} is another event since {} was restored", aside.source, aside.position, aside.source);
            Err(Failure::broken(what))
        }
        Some(envelope) if envelope.kind == UNPUBLISHABLE => Err(unpublishable(&envelope)),
        found => Ok(found),
    }
}
