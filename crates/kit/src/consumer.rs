//! Hearing events: policies and projections, in batches, each event's effect exactly once.
//!
//! A consumer's cursor moves in the same commit as what it did about the events, so an event at or below
//! the cursor has had its effect and one above it has not. A batch that fails is taken apart: each event
//! then commits alone, and one that still fails becomes a job that tries again and, in the end, a dead
//! letter in the open, while the events of other orders go on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::select_all;
use serde::{Deserialize, Serialize};

use crate::bus::Batch;
use crate::database::{CursorMove, JobChange, Outcome};
use crate::jobs::{Job, JobHandler};
use crate::message::Envelope;
use crate::service::generation_name;
use crate::{Failure, Origin, Service, Work};

/// How many positions of a source are taken at once.
const BATCH: usize = 256;
/// The shard read while there is one.
const SHARD: u16 = 0;
/// The view that tells which generation of each view is in use.
const GENERATIONS: &str = "generations";
/// The job that lets a consumer hear an event again.
const HEAR_AGAIN: &str = "hear_again";

/// Hears other contexts' events and does something about them.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name, which its cursors are kept under. Changing it makes it hear everything again.
    fn name(&self) -> &'static str;

    /// The contexts it hears.
    fn sources(&self) -> &'static [&'static str];

    /// Puts what is to be done about an event into `work`. It may be called again for the same event
    /// when its work could not be committed.
    async fn hear(&self, event: &Envelope, work: &mut Work) -> Result<(), Failure>;
}

/// A consumer that does nothing but write views, and can therefore be run again from the beginning.
pub trait Projection: Consumer {
    /// The views it writes. Nobody else does.
    fn views(&self) -> &'static [&'static str];
}

/// Which generation of a projection's views is in use, and which is being built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Generations {
    active: u32,
    building: Option<u32>,
}

/// Lets a policy hear for ever.
pub async fn run_policy(service: Service, policy: Arc<dyn Consumer>) {
    let mut ear = Ear::new(&service, policy.as_ref(), 0);
    let mut heads = Heads::new(&service, policy.sources());
    loop {
        heads.mark();
        match ear.hear_some().await {
            Ok(true) => {}
            Ok(false) => heads.changed().await,
            Err(failure) => pause(&service, policy.name(), &failure).await,
        }
    }
}

/// Lets a projection hear for ever, and builds its views anew beside the ones in use when asked to.
pub async fn run_projection(service: Service, projection: Arc<dyn Projection>) {
    let mut wanted = service.rebuilds().subscribe();
    let mut heads = Heads::new(&service, projection.sources());
    let mut stage: Option<Stage> = None;
    loop {
        heads.mark();
        if wanted.has_changed().unwrap_or(false) {
            wanted.mark_unchanged();
            stage = None;
        }
        match Stage::advance(&mut stage, &service, &projection).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    () = heads.changed() => {}
                    _ = wanted.changed() => {}
                }
            }
            Err(failure) => pause(&service, projection.name(), &failure).await,
        }
    }
}

/// Asks for the views of a projection to be built anew. Whether this context has it.
///
/// # Errors
/// A failure of the database.
pub async fn request_rebuild(
    service: &Service,
    projections: &[Arc<dyn Projection>],
    view: &str,
) -> Result<bool, Failure> {
    let Some(projection) = projections.iter().find(|projection| projection.views().contains(&view)) else {
        return Ok(false);
    };
    let name = projection.name();
    service
        .execute(&Origin::none(), |work| {
            Box::pin(async move {
                let mut generations: Generations = work.document(GENERATIONS, name).await?.unwrap_or_default();
                if generations.building.is_none() {
                    generations.building = Some(generations.active + 1);
                    work.put(GENERATIONS, name, &generations, [])?;
                }
                Ok::<_, Failure>(())
            })
        })
        .await?;
    service.rebuilds().send_modify(|count| *count += 1);
    Ok(true)
}

/// Reads which generation of each view is in use. To be called before anybody reads views.
///
/// # Errors
/// A failure of the database.
pub async fn restore_generations(service: &Service, projections: &[Arc<dyn Projection>]) -> Result<(), Failure> {
    for projection in projections {
        let mut work = service.work(Origin::none());
        let generations: Generations = work.document(GENERATIONS, projection.name()).await?.unwrap_or_default();
        for view in projection.views() {
            service.set_generation(view, generations.active);
        }
        // A generation that was replaced may have outlived the process that replaced it.
        if let Some(before) = generations.active.checked_sub(1) {
            clear(service, projection, before).await?;
        }
    }
    Ok(())
}

/// Takes away what a projection has written in a generation.
async fn clear(service: &Service, projection: &Arc<dyn Projection>, generation: u32) -> Result<(), Failure> {
    let mut work = service.work(Origin::none());
    for view in projection.views() {
        work.clear_view(generation_name(view, generation));
    }
    work.commit().await.map(drop)
}

async fn pause(service: &Service, consumer: &str, failure: &Failure) {
    tracing::warn!(context = service.name(), consumer, error = failure.story(), "a consumer pauses");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// The heads of the sources a consumer hears.
struct Heads(Vec<tokio::sync::watch::Receiver<u64>>);

impl Heads {
    fn new(service: &Service, sources: &[&str]) -> Self {
        Self(sources.iter().map(|source| service.bus().head(source)).collect())
    }

    fn mark(&mut self) {
        self.0.iter_mut().for_each(tokio::sync::watch::Receiver::mark_unchanged);
    }

    async fn changed(&mut self) {
        let any = select_all(self.0.iter_mut().map(|head| Box::pin(head.changed()))).await;
        if any.0.is_err() {
            // The source ended with the process; nothing more will come.
            std::future::pending::<()>().await;
        }
    }
}

/// One consumer in one generation: reads, lets hear, commits.
struct Ear<'c> {
    service: Service,
    consumer: &'c dyn Consumer,
    name: String,
    renamed: Vec<(&'static str, String)>,
    cursors: Option<HashMap<&'static str, u64>>,
}

impl<'c> Ear<'c> {
    fn new(service: &Service, consumer: &'c dyn Consumer, generation: u32) -> Self {
        Self {
            service: service.clone(),
            consumer,
            name: generation_name(consumer.name(), generation),
            renamed: Vec::new(),
            cursors: None,
        }
    }

    /// Hears what there is, one batch from each source. Whether there was anything.
    async fn hear_some(&mut self) -> Result<bool, Failure> {
        let cursors = self.cursors().await?;
        let mut batches = Vec::new();
        for source in self.consumer.sources() {
            let from = cursors.get(source).copied().unwrap_or(0);
            let batch = self.service.bus().read(source, SHARD, from, BATCH).await?;
            if batch.upto > from {
                batches.push((*source, from, batch));
            }
        }
        if batches.is_empty() {
            return Ok(false);
        }
        match self.hear_together(&batches).await {
            Ok(true) => Ok(true),
            // Somebody changed the same aggregates meanwhile: once more, with a fresh look.
            Ok(false) => {
                self.cursors = None;
                Ok(true)
            }
            Err(failure) if failure.is_passing() => Err(failure),
            Err(_) => self.hear_one_by_one(batches).await.map(|()| true),
        }
    }

    /// All the batches in one commit. Whether it went through.
    async fn hear_together(&mut self, batches: &[(&'static str, u64, Batch)]) -> Result<bool, Failure> {
        let mut work = self.begin();
        for (source, from, batch) in batches {
            for envelope in &batch.envelopes {
                work.set_origin(envelope.as_origin());
                self.consumer.hear(envelope, &mut work).await?;
            }
            work.move_cursor(self.cursor_move(source, *from, batch.upto));
        }
        if work.commit().await? == Outcome::Conflict {
            return Ok(false);
        }
        self.moved(batches.iter().map(|(source, _, batch)| (*source, batch.upto)));
        let heard: usize = batches.iter().map(|(_, _, batch)| batch.envelopes.len()).sum();
        metrics::counter!("baedal_events_heard_total", "consumer" => self.name.clone()).increment(heard as u64);
        Ok(true)
    }

    /// Each event in a commit of its own, so that one that fails holds up no other.
    async fn hear_one_by_one(&mut self, batches: Vec<(&'static str, u64, Batch)>) -> Result<(), Failure> {
        for (source, mut from, batch) in batches {
            for envelope in &batch.envelopes {
                loop {
                    let mut work = self.begin();
                    work.set_origin(envelope.as_origin());
                    if let Err(failure) = self.consumer.hear(envelope, &mut work).await {
                        if failure.is_passing() {
                            return Err(failure);
                        }
                        tracing::warn!(
                            context = self.service.name(), consumer = self.name, event = %envelope.id, kind = envelope.kind,
                            order_id = envelope.correlation.map(tracing::field::display), error = failure.story(),
                            "an event could not be handled and is set aside"
                        );
                        work = self.begin();
                        work.set_origin(envelope.as_origin());
                        let mut again =
                            Job::new(HEAR_AGAIN, format!("{}:{}", self.name, envelope.id), work.at()).with(&SetAside {
                                consumer: self.consumer.name().to_owned(),
                                envelope: (**envelope).clone(),
                            });
                        again.correlation = envelope.correlation;
                        work.change_job(JobChange::Schedule(again));
                    }
                    work.move_cursor(self.cursor_move(source, from, envelope.position));
                    if matches!(work.commit().await?, Outcome::Committed { .. }) {
                        break;
                    }
                    self.cursors = None;
                    if self.cursors().await?.get(source).copied() != Some(from) {
                        return Ok(());
                    }
                }
                from = envelope.position;
                self.moved([(source, from)]);
            }
        }
        Ok(())
    }

    fn begin(&self) -> Work {
        let mut work = self.service.work(Origin::none());
        for (view, name) in &self.renamed {
            work.rename_view(view, name.clone());
        }
        work
    }

    fn cursor_move(&self, source: &str, from: u64, to: u64) -> CursorMove {
        CursorMove { consumer: self.name.clone(), source: source.to_owned(), shard: SHARD, from, to }
    }

    async fn cursors(&mut self) -> Result<HashMap<&'static str, u64>, Failure> {
        if let Some(cursors) = &self.cursors {
            return Ok(cursors.clone());
        }
        let mut cursors = HashMap::new();
        for source in self.consumer.sources() {
            cursors.insert(*source, self.service.database().cursor(&self.name, source, SHARD).await?);
        }
        self.cursors = Some(cursors.clone());
        self.tell_progress(&cursors);
        Ok(cursors)
    }

    fn moved(&mut self, moves: impl IntoIterator<Item = (&'static str, u64)>) {
        let mut cursors = self.cursors.take().unwrap_or_default();
        cursors.extend(moves);
        self.tell_progress(&cursors);
        self.cursors = Some(cursors);
    }

    /// Lets those wait who want to read what they wrote. A view being built is nobody's to wait for.
    fn tell_progress(&self, cursors: &HashMap<&'static str, u64>) {
        if self.renamed.is_empty() {
            let progress = cursors.iter().map(|(source, position)| ((*source).to_owned(), *position)).collect();
            self.service.progress(self.consumer.name()).send_replace(progress);
        }
    }
}

/// A projection's generation in use, and the one being built beside it.
struct Stage {
    generations: Generations,
    live: HashMap<&'static str, u64>,
    built: HashMap<&'static str, u64>,
}

impl Stage {
    /// One step: the views in use first, then the ones being built. Whether there was anything to do.
    async fn advance(
        stage: &mut Option<Self>,
        service: &Service,
        projection: &Arc<dyn Projection>,
    ) -> Result<bool, Failure> {
        if stage.is_none() {
            let found = service.work(Origin::none()).document(GENERATIONS, projection.name()).await?;
            *stage = Some(Self { generations: found.unwrap_or_default(), live: HashMap::new(), built: HashMap::new() });
        }
        let Some(known) = stage.as_mut() else { return Ok(false) };
        let generations = known.generations;
        let consumer: &dyn Consumer = projection.as_ref();
        let mut live = Ear::new(service, consumer, generations.active);
        live.cursors = Some(std::mem::take(&mut known.live)).filter(|cursors| !cursors.is_empty());
        let heard = live.hear_some().await?;
        known.live = live.cursors.take().unwrap_or_default();

        let Some(generation) = generations.building else { return Ok(heard) };
        let mut builder = Ear::new(service, consumer, generation);
        builder.renamed = projection.views().iter().map(|view| (*view, generation_name(view, generation))).collect();
        builder.cursors = Some(std::mem::take(&mut known.built)).filter(|cursors| !cursors.is_empty());
        builder.hear_some().await?;
        let built = builder.cursors().await?;
        known.built = built.clone();
        if known.live.iter().any(|(source, live)| built.get(source).copied().unwrap_or(0) < *live) {
            return Ok(true);
        }
        Self::take_over(service, projection, generations, generation).await?;
        *stage = None;
        Ok(true)
    }

    /// The generation that was built is in use from now on, and the one before it goes.
    async fn take_over(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        generation: u32,
    ) -> Result<(), Failure> {
        let mut work = service.work(Origin::none());
        work.put(GENERATIONS, projection.name(), &Generations { active: generation, building: None }, [])?;
        work.commit().await?;
        for view in projection.views() {
            service.set_generation(view, generation);
        }
        // What the new generation has heard and the old one had not, nobody was woken for.
        service.database().feeds().wake_all();
        // The old one goes only now, so that nobody finds it empty.
        clear(service, projection, old.active).await?;
        tracing::info!(context = service.name(), projection = projection.name(), generation, "views were rebuilt");
        Ok(())
    }
}

/// An event set aside for a consumer.
#[derive(Serialize, Deserialize)]
struct SetAside {
    consumer: String,
    envelope: Envelope,
}

/// Lets consumers hear again what was set aside.
pub struct HearAgain(pub Vec<Arc<dyn Consumer>>);

#[async_trait]
impl JobHandler for HearAgain {
    fn kinds(&self) -> &'static [&'static str] {
        &[HEAR_AGAIN]
    }

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
        let aside: SetAside = job.read()?;
        let consumer = self.0.iter().find(|consumer| consumer.name() == aside.consumer);
        let consumer = consumer.ok_or_else(|| Failure::broken(format!("there is no consumer {}", aside.consumer)))?;
        work.set_origin(aside.envelope.as_origin());
        consumer.hear(&aside.envelope, work).await
    }
}
