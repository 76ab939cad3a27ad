//! Hearing events: policies and projections, in batches, each event's effect exactly once.
//!
//! A consumer's cursor moves in the same commit as what it did about the events, so an event at or below
//! the cursor has had its effect and one above it has not, or needed none: events that a consumer does
//! nothing about move its cursor only when there is something else to commit, or when there are many. A
//! batch that fails is taken apart: each event then commits alone, and one that still fails becomes a job
//! that tries again and, in the end, a dead letter in the open, while the events behind it go on.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::select_all;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::bus::{Batch, UNPUBLISHABLE};
use crate::database::{CursorMove, Outcome};
use crate::failure::caught;
use crate::jobs::{Job, JobHandler};
use crate::message::Envelope;
use crate::service::{generation_name, step_aside};
use crate::{Failure, Origin, Service, Work};

/// How many positions of a source are taken at once, while nobody else changes the same things.
const BATCH: usize = 256;
/// How many positions of a source may be heard, and nothing done about them, before the cursor is moved all
/// the same: as many are heard again after a restart.
const MOST_UNKEPT: u64 = 512;
/// How often an event alone may collide with others before the consumer pauses.
const MOST_CONFLICTS: u32 = 20;
/// How long a consumer pauses at first when something it needs does not answer; the wait doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long it pauses at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a view that was replaced stays, for those who asked what it is called just before.
const LEAVE: Duration = Duration::from_secs(1);
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
    /// The generation that was in use before and is still to be cleared away.
    #[serde(default)]
    leaving: Option<u32>,
}

/// Lets a policy hear for ever.
pub fn run_policy(service: Service, policy: Arc<dyn Consumer>) -> impl Future<Output = ()> + Send {
    service.follows(policy.name(), policy.sources());
    async move {
        let mut heads = Heads::new(&service, policy.sources());
        let mut pause = Pause::new(&service, policy.name());
        let mut ear = Ear::new(&service, policy, 0);
        loop {
            heads.mark();
            match ear.hear_some().await {
                Ok(true) => pause.over(),
                Ok(false) => {
                    pause.over();
                    heads.changed().await;
                }
                Err(failure) => pause.after(&failure).await,
            }
        }
    }
}

/// Lets a projection hear for ever, and builds its views anew beside the ones in use when asked to.
pub fn run_projection(service: Service, projection: Arc<dyn Projection>) -> impl Future<Output = ()> + Send {
    service.follows(projection.name(), projection.sources());
    async move {
        let mut wanted = service.rebuilds().subscribe();
        let mut heads = Heads::new(&service, projection.sources());
        let mut pause = Pause::new(&service, projection.name());
        let mut stage: Option<Stage> = None;
        loop {
            heads.mark();
            if wanted.has_changed().unwrap_or(false) {
                wanted.mark_unchanged();
                stage = None;
            }
            match Stage::advance(&mut stage, &service, &projection).await {
                Ok(true) => pause.over(),
                Ok(false) => {
                    pause.over();
                    let leave = stage.as_ref().and_then(|stage| stage.leaves_at);
                    tokio::select! {
                        () = heads.changed() => {}
                        _ = wanted.changed() => stage = None,
                        () = sleep_until(leave) => {}
                    }
                }
                Err(failure) => pause.after(&failure).await,
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
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
    }
    Ok(())
}

/// The waits of a consumer while something it needs does not answer: longer each time, and each told.
struct Pause {
    context: &'static str,
    consumer: &'static str,
    next: Duration,
}

impl Pause {
    fn new(service: &Service, consumer: &'static str) -> Self {
        Self { context: service.name(), consumer, next: FIRST_PAUSE }
    }

    fn over(&mut self) {
        self.next = FIRST_PAUSE;
    }

    async fn after(&mut self, failure: &Failure) {
        let (context, consumer, wait) = (self.context, self.consumer, self.next);
        tracing::warn!(context, consumer, ?wait, error = failure.story(), "a consumer pauses");
        self.next = (wait * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(wait).await;
    }
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

    /// Returns when any of them has moved since they were marked.
    async fn changed(&mut self) {
        while !self.0.is_empty() {
            let (moved, ended, _) = select_all(self.0.iter_mut().map(|head| Box::pin(head.changed()))).await;
            if moved.is_ok() {
                return;
            }
            // That source has ended with whatever told it; the others may still tell.
            self.0.swap_remove(ended);
        }
        std::future::pending::<()>().await;
    }
}

/// One consumer in one generation: reads, lets hear, commits.
struct Ear {
    service: Service,
    consumer: Arc<dyn Consumer>,
    generation: u32,
    name: String,
    /// The views it writes, where it is a projection.
    views: &'static [&'static str],
    /// Whether its views are being built and nobody reads them yet.
    is_building: bool,
    /// How far it has heard.
    cursors: Option<HashMap<&'static str, u64>>,
    /// How far the database says it has heard: not as far where the last events were nothing to it.
    kept: HashMap<&'static str, u64>,
    /// How often in a row its commits have collided with others.
    conflicts: u32,
}

impl Ear {
    fn new(service: &Service, consumer: Arc<dyn Consumer>, generation: u32) -> Self {
        Self {
            service: service.clone(),
            name: generation_name(consumer.name(), generation),
            consumer,
            generation,
            views: &[],
            is_building: false,
            cursors: None,
            kept: HashMap::new(),
            conflicts: 0,
        }
    }

    fn of_projection(service: &Service, projection: &Arc<dyn Projection>, generation: u32, is_building: bool) -> Self {
        let consumer = Arc::clone(projection) as Arc<dyn Consumer>;
        Self { views: projection.views(), is_building, ..Self::new(service, consumer, generation) }
    }

    /// Hears what there is, one batch from each source. Whether there was anything.
    ///
    /// The more often it has collided with others in a row, the less it takes at once: a long batch that
    /// touches what everybody is changing would never get through.
    async fn hear_some(&mut self) -> Result<bool, Failure> {
        let cursors = self.cursors().await?;
        let limit = (BATCH >> self.conflicts.min(BATCH.ilog2())).max(1);
        let mut batches = Vec::new();
        for source in self.consumer.sources() {
            let from = cursors.get(source).copied().unwrap_or(0);
            let batch = self.service.bus().read(source, SHARD, from, limit).await?;
            if batch.upto > from {
                batches.push((*source, batch));
            }
        }
        if batches.is_empty() {
            return Ok(false);
        }
        match self.hear_together(&batches).await {
            Ok(true) => self.conflicts = 0,
            // Somebody changed the same aggregates meanwhile: once more, with a fresh look.
            Ok(false) => self.collided().await,
            Err(failure) if failure.is_passing() => return Err(failure),
            Err(_) => self.hear_one_by_one(batches).await?,
        }
        Ok(true)
    }

    /// All the batches in one commit. Whether it went through.
    async fn hear_together(&mut self, batches: &[(&'static str, Batch)]) -> Result<bool, Failure> {
        let mut work = self.begin();
        for envelope in batches.iter().flat_map(|(_, batch)| &batch.envelopes) {
            self.hear(envelope, &mut work).await?;
        }
        let unkept = batches.iter().map(|(source, batch)| batch.upto - self.kept_of(source)).max().unwrap_or(0);
        if !work.is_empty() || unkept >= MOST_UNKEPT {
            for (source, batch) in batches {
                work.move_cursor(self.cursor_move(source, batch.upto));
            }
            if work.commit().await? == Outcome::Conflict {
                return Ok(false);
            }
            self.kept.extend(batches.iter().map(|(source, batch)| (*source, batch.upto)));
        }
        self.moved(batches.iter().map(|(source, batch)| (*source, batch.upto)));
        self.count(batches.iter().map(|(_, batch)| batch.envelopes.len()).sum());
        Ok(true)
    }

    /// Each event in a commit of its own, so that one that fails holds up no other.
    async fn hear_one_by_one(&mut self, batches: Vec<(&'static str, Batch)>) -> Result<(), Failure> {
        for (source, batch) in batches {
            for envelope in &batch.envelopes {
                while !self.hear_alone(source, envelope).await? {
                    self.collided().await;
                    if self.conflicts > MOST_CONFLICTS {
                        let busy = "others changed the same at the same time, over and over";
                        return Err(Failure::unavailable("a quiet moment", busy));
                    }
                    self.cursors().await?;
                    if self.kept_of(source) >= envelope.position {
                        // Another one of us has heard it.
                        return Ok(());
                    }
                }
                self.kept.insert(source, envelope.position);
                self.conflicts = 0;
                self.moved([(source, envelope.position)]);
                self.count(1);
            }
        }
        Ok(())
    }

    /// One event in one commit, or, where that fails, set aside in one. Whether it went through.
    async fn hear_alone(&self, source: &str, envelope: &Arc<Envelope>) -> Result<bool, Failure> {
        let cursor = self.cursor_move(source, envelope.position);
        let mut work = self.begin();
        let heard = match self.hear(envelope, &mut work).await {
            Ok(()) => {
                work.move_cursor(cursor.clone());
                work.commit().await
            }
            Err(failure) => Err(failure),
        };
        let failure = match heard {
            Err(failure) if !failure.is_passing() => failure,
            heard => return Ok(heard? != Outcome::Conflict),
        };
        tracing::warn!(
            context = self.service.name(), consumer = self.name, event = %envelope.id, kind = envelope.kind,
            order_id = envelope.correlation.map(tracing::field::display), error = failure.story(),
            "an event could not be handled and is set aside"
        );
        let mut work = self.begin();
        work.set_origin(envelope.as_origin());
        let mut again = Job::new(HEAR_AGAIN, format!("{}:{}", self.name, envelope.id), work.at()).with(&SetAside {
            consumer: self.consumer.name().to_owned(),
            generation: self.generation,
            views: self.views.iter().map(|view| (*view).to_owned()).collect(),
            envelope: (**envelope).clone(),
        });
        again.correlation = envelope.correlation;
        work.schedule(again);
        work.move_cursor(cursor);
        Ok(work.commit().await? != Outcome::Conflict)
    }

    async fn hear(&self, envelope: &Envelope, work: &mut Work) -> Result<(), Failure> {
        if envelope.kind == UNPUBLISHABLE {
            return Err(unpublishable(envelope));
        }
        work.set_origin(envelope.as_origin());
        caught(self.consumer.name(), self.consumer.hear(envelope, work)).await
    }

    fn begin(&self) -> Work {
        let mut work = self.service.work(Origin::none());
        if self.is_building {
            for view in self.views {
                work.rename_view(view, generation_name(view, self.generation));
            }
        }
        work
    }

    fn cursor_move(&self, source: &str, to: u64) -> CursorMove {
        let from = self.kept_of(source);
        CursorMove { consumer: self.name.clone(), source: source.to_owned(), shard: SHARD, from, to }
    }

    fn kept_of(&self, source: &str) -> u64 {
        self.kept.get(source).copied().unwrap_or(0)
    }

    /// What it believed about its cursors may be wrong now.
    async fn collided(&mut self) {
        self.cursors = None;
        self.conflicts += 1;
        step_aside(self.conflicts).await;
    }

    async fn cursors(&mut self) -> Result<HashMap<&'static str, u64>, Failure> {
        if let Some(cursors) = &self.cursors {
            return Ok(cursors.clone());
        }
        let mut cursors = HashMap::new();
        for source in self.consumer.sources() {
            cursors.insert(*source, self.service.database().cursor(&self.name, source, SHARD).await?);
        }
        self.kept.clone_from(&cursors);
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
        if !self.is_building {
            let progress = cursors.iter().map(|(source, position)| ((*source).to_owned(), *position)).collect();
            self.service.progress(self.consumer.name()).send_replace(progress);
        }
    }

    fn count(&self, heard: usize) {
        metrics::counter!("baedal_events_heard_total", "consumer" => self.name.clone()).increment(heard as u64);
    }
}

/// A projection's generation in use, and the one being built beside it.
struct Stage {
    generations: Generations,
    live: Ear,
    builder: Option<Ear>,
    /// When the generation that was in use before may go.
    leaves_at: Option<Instant>,
}

impl Stage {
    /// What the database says is in use and being built.
    async fn load(service: &Service, projection: &Arc<dyn Projection>) -> Result<Self, Failure> {
        let generations: Generations =
            service.work(Origin::none()).document(GENERATIONS, projection.name()).await?.unwrap_or_default();
        for view in projection.views() {
            service.set_generation(view, generations.active);
        }
        let ear = |generation, is_building| Ear::of_projection(service, projection, generation, is_building);
        Ok(Self {
            generations,
            live: ear(generations.active, false),
            builder: generations.building.map(|generation| ear(generation, true)),
            leaves_at: generations.leaving.map(|_| Instant::now() + LEAVE),
        })
    }

    /// One step: the views in use first, then the ones being built. Whether there was anything to do.
    async fn advance(
        stage: &mut Option<Self>,
        service: &Service,
        projection: &Arc<dyn Projection>,
    ) -> Result<bool, Failure> {
        let Self { generations, live, builder, leaves_at } = match stage {
            Some(stage) => stage,
            None => stage.insert(Self::load(service, projection).await?),
        };
        let generations = *generations;
        let heard = live.hear_some().await?;
        if let Some(leaving) = generations.leaving
            && leaves_at.is_none_or(|at| at <= Instant::now())
        {
            Self::clear(service, projection, generations, leaving).await?;
            *stage = None;
            return Ok(true);
        }
        let Some(builder) = builder else { return Ok(heard) };
        let built = builder.hear_some().await?;
        if generations.leaving.is_some() {
            // One after the other: only one generation is known to be leaving.
            return Ok(heard || built);
        }
        let (shown, built) = (live.cursors().await?, builder.cursors().await?);
        if shown.iter().all(|(source, shown)| built.get(source).copied().unwrap_or(0) >= *shown) {
            Self::take_over(service, projection, generations, builder.generation).await?;
            *stage = None;
        }
        Ok(true)
    }

    /// The generation that was built is in use from now on. The one before it stays a little longer, so that
    /// a reader finds either the one or the other, and never nothing.
    async fn take_over(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        generation: u32,
    ) -> Result<(), Failure> {
        let next = Generations { active: generation, building: None, leaving: Some(old.active) };
        if !Self::replace(service, projection, old, next, &[]).await? {
            return Ok(());
        }
        for view in projection.views() {
            service.set_generation(view, generation);
        }
        // What the new generation has heard and the old one had not, nobody was woken for.
        service.database().feeds().wake_all();
        tracing::info!(context = service.name(), projection = projection.name(), generation, "views were rebuilt");
        Ok(())
    }

    /// The generation that was in use before goes.
    async fn clear(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        leaving: u32,
    ) -> Result<(), Failure> {
        let views: Vec<_> = projection.views().iter().map(|view| generation_name(view, leaving)).collect();
        Self::replace(service, projection, old, Generations { leaving: None, ..old }, &views).await.map(drop)
    }

    /// Replaces what is known about the generations, if it is still as believed. Whether it was.
    async fn replace(
        service: &Service,
        projection: &Arc<dyn Projection>,
        old: Generations,
        new: Generations,
        cleared: &[String],
    ) -> Result<bool, Failure> {
        let mut work = service.work(Origin::none());
        let found: Option<Generations> = work.document(GENERATIONS, projection.name()).await?;
        if found.unwrap_or_default() != old {
            return Ok(false);
        }
        work.put(GENERATIONS, projection.name(), &new, [])?;
        for view in cleared {
            work.clear_view(view.clone());
        }
        Ok(work.commit().await? != Outcome::Conflict)
    }
}

/// An event set aside for a consumer.
#[derive(Serialize, Deserialize)]
struct SetAside {
    consumer: String,
    /// Which generation of it could not handle the event, and of which views; a policy has but one, and none.
    #[serde(default)]
    generation: u32,
    #[serde(default)]
    views: Vec<String>,
    envelope: Envelope,
}

fn unpublishable(envelope: &Envelope) -> Failure {
    let said = envelope.data.get();
    Failure::broken(format!("{} {} could not be published: {said}", envelope.source, envelope.position))
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
        consumer.hear(&envelope, work).await
    }
}

/// What was set aside because it could not be published, as it is published now; nothing where it turns
/// out to be private.
async fn published_by_now(service: &Service, aside: Envelope) -> Result<Option<Arc<Envelope>>, Failure> {
    if aside.kind != UNPUBLISHABLE {
        return Ok(Some(Arc::new(aside)));
    }
    let behind = aside.position.saturating_sub(1);
    let batch = service.bus().read(&aside.source, SHARD, behind, 1).await?;
    match batch.envelopes.into_iter().find(|envelope| envelope.position == aside.position) {
        Some(envelope) if envelope.kind == UNPUBLISHABLE => Err(unpublishable(&envelope)),
        found => Ok(found),
    }
}
