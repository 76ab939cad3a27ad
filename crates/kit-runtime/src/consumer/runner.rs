//! One consumer's hearing: reads what there is, lets the consumer hear it, and commits what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use baedal_kit::Job;
use baedal_kit::bus::{Batch, UNPUBLISHABLE};
use baedal_kit::database::{CursorMove, Outcome};
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit::failure::caught;
use baedal_kit::generation::generation_name;
use baedal_kit::message::Envelope;
use baedal_kit::{Failure, Origin};
use tokio::sync::watch;

use super::kept::SOURCE_EPOCHS;
use super::parked::{HEAR_AGAIN, ParkedEvent, park, unpublishable};
use super::{Consumer, DocumentCache, Projection, divergence};
use crate::replicas::ShardAssignment;
use crate::service::step_aside;
use crate::{Service, UnitOfWork};

/// How many positions of a source are taken at once, while nobody else changes the same things.
const BATCH: usize = 256;
/// How many positions of a source may be heard, and nothing done about them, before the cursor is moved all
/// the same: as many are heard again after a restart.
const MOST_UNKEPT: u64 = 512;
/// How often an event alone may collide with others before the consumer pauses.
const MOST_CONFLICTS: u32 = 20;
/// The most and the fewest positions that are taken of one shard while there are several.
const SHARD_BATCH: usize = 64;

/// A shard of a source.
pub(super) type Place = (&'static str, u16);

/// One consumer in one generation: reads, lets hear, commits.
pub(super) struct ConsumerRunner {
    service: Service,
    consumer: Arc<dyn Consumer>,
    pub(super) generation: u32,
    name: String,
    /// The views it writes, where it is a projection.
    views: &'static [&'static str],
    /// Whether its views are being built and nobody reads them yet.
    is_building: bool,
    /// What it wrote last, where it remembers that.
    memory: Option<Arc<DocumentCache>>,
    /// The shards that are this replica's to hear.
    share: watch::Receiver<ShardAssignment>,
    /// The epochs of our own database: what we remember of it may be wrong in a new one.
    own_epochs: watch::Receiver<Arc<Epochs>>,
    /// How far it has heard.
    cursors: Option<HashMap<Place, Cursor>>,
    /// How far the database says it has heard: not as far where the last events were nothing to it.
    kept: HashMap<Place, Cursor>,
    /// How often in a row its commits have collided with others.
    conflicts: u32,
    /// Whether there was more to hear than it took at once.
    is_behind: bool,
    /// Whether a cursor was not of the journal that there is: another look may find it moved.
    is_doubtful: bool,
}

impl ConsumerRunner {
    pub(super) fn new(service: &Service, consumer: Arc<dyn Consumer>, generation: u32) -> Self {
        Self {
            service: service.clone(),
            name: generation_name(consumer.name(), generation),
            consumer,
            generation,
            views: &[],
            is_building: false,
            memory: None,
            share: service.share(),
            own_epochs: service.database().epochs(),
            cursors: None,
            kept: HashMap::new(),
            conflicts: 0,
            is_behind: false,
            is_doubtful: false,
        }
    }

    pub(super) fn of_projection(
        service: &Service,
        projection: &Arc<dyn Projection>,
        generation: u32,
        is_building: bool,
    ) -> Self {
        let consumer = Arc::clone(projection) as Arc<dyn Consumer>;
        let memory = (projection.remembers() && !is_building).then(Arc::default);
        Self { views: projection.views(), is_building, memory, ..Self::new(service, consumer, generation) }
    }

    /// Hears what there is, one batch from each source. Whether there was anything.
    ///
    /// The more often it has collided with others in a row, the less it takes at once: a long batch that
    /// touches what everybody is changing would never get through.
    pub(super) async fn handle_batch(&mut self) -> Result<bool, Failure> {
        let is_another = self.own_epochs.has_changed().unwrap_or(false);
        if self.share.has_changed().unwrap_or(false) || is_another || std::mem::take(&mut self.is_doubtful) {
            self.share.mark_unchanged();
            self.own_epochs.mark_unchanged();
            self.forget();
        }
        let cursors = self.cursors().await?;
        let most = if self.service.bus().shards() > 1 { SHARD_BATCH } else { BATCH };
        let limit = (most >> self.conflicts.min(most.ilog2())).max(1);
        let (mut batches, mut away) = (Vec::new(), None);
        self.is_behind = false;
        for place in self.places() {
            let Some(from) = cursors.get(&place).copied() else { continue };
            match self.service.bus().read(place.0, place.1, from.position, limit).await {
                Ok(batch) if !batch.continues(from) => away = Some(self.diverged(place, from)),
                Ok(batch) => {
                    self.service.divergences().remove(self.service.name(), &self.name, place);
                    self.is_behind |= batch.upto - from.position >= limit as u64;
                    if batch.upto > from.position {
                        batches.push((place, batch));
                    }
                }
                // A source that is away holds up none of the others.
                Err(failure) if failure.is_transient() => away = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        if batches.is_empty()
            && let Some(failure) = away
        {
            return Err(failure);
        }
        if batches.is_empty() {
            return Ok(false);
        }
        match self.hear_together(&batches).await {
            Ok(true) => self.conflicts = 0,
            // Somebody changed the same aggregates meanwhile: once more, with a fresh look.
            Ok(false) => self.collided().await,
            Err(failure) if failure.is_transient() => return Err(failure),
            Err(_) => self.hear_one_by_one(batches).await?,
        }
        Ok(true)
    }

    /// Waits a little for more, as long as the consumer likes and unless there is more already.
    pub(super) async fn linger(&self) {
        let wait = self.consumer.linger();
        if !self.is_behind && !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// All the batches in one commit. Whether it went through.
    async fn hear_together(&mut self, batches: &[(Place, Batch)]) -> Result<bool, Failure> {
        let mut work = self.begin();
        for envelope in batches.iter().flat_map(|(_, batch)| &batch.envelopes) {
            self.handle(envelope, &mut work).await?;
        }
        let unkept = batches.iter().map(|(place, batch)| batch.upto - self.kept_of(*place).position);
        let unkept = unkept.max().unwrap_or(0);
        // Other replicas look how far views that are being built have got.
        let is_kept = !work.is_empty() || unkept >= MOST_UNKEPT || self.is_building;
        if is_kept {
            for (place, batch) in batches {
                work.move_cursor(self.cursor_move(*place, batch.end()));
                self.note_epoch(&mut work, *place, batch.end())?;
            }
        }
        // Also where there is nothing to commit: nothing may have come of something that is no longer so.
        if work.commit().await? == Outcome::Conflict {
            return Ok(false);
        }
        if is_kept {
            self.kept.extend(batches.iter().map(|(place, batch)| (*place, batch.end())));
        }
        self.moved(batches.iter().map(|(place, batch)| (*place, batch.end())));
        self.count(batches.iter().map(|(_, batch)| batch.envelopes.len()).sum());
        Ok(true)
    }

    /// Each event in a commit of its own, so that one that fails holds up no other.
    async fn hear_one_by_one(&mut self, batches: Vec<(Place, Batch)>) -> Result<(), Failure> {
        for (place, batch) in batches {
            for envelope in &batch.envelopes {
                let at = Cursor { position: envelope.position, epoch: batch.epoch };
                while !self.hear_alone(place, envelope, at).await? {
                    self.collided().await;
                    if self.conflicts > MOST_CONFLICTS {
                        let busy = "others changed the same at the same time, over and over";
                        return Err(Failure::unavailable("a quiet moment", busy));
                    }
                    self.cursors().await?;
                    if self.kept_of(place).position >= envelope.position {
                        // Another one of us has heard it.
                        return Ok(());
                    }
                }
                self.kept.insert(place, at);
                self.conflicts = 0;
                self.moved([(place, at)]);
                self.count(1);
            }
        }
        Ok(())
    }

    /// One event in one commit, or, where that fails, set aside in one. Whether it went through.
    async fn hear_alone(&self, place: Place, envelope: &Arc<Envelope>, at: Cursor) -> Result<bool, Failure> {
        let cursor = self.cursor_move(place, at);
        let mut work = self.begin();
        let heard = match self.handle(envelope, &mut work).await {
            Ok(()) => {
                work.move_cursor(cursor.clone());
                self.note_epoch(&mut work, place, at)?;
                work.commit().await
            }
            Err(failure) => Err(failure),
        };
        let failure = match heard {
            Err(failure) if !failure.is_transient() => failure,
            heard => return Ok(heard? != Outcome::Conflict),
        };
        tracing::warn!(
            context = self.service.name(), consumer = self.name, event = %envelope.id, kind = envelope.kind,
            order_id = envelope.correlation.map(tracing::field::display), error = failure.report(),
            "an event could not be handled and is set aside"
        );
        let mut work = self.begin();
        work.set_origin(envelope.as_origin());
        let mut again = Job::new(HEAR_AGAIN, format!("{}:{}", self.name, envelope.id), work.at()).with(&ParkedEvent {
            consumer: self.consumer.name().to_owned(),
            generation: self.generation,
            views: self.views.iter().map(|view| (*view).to_owned()).collect(),
            envelope: (**envelope).clone(),
        });
        again.correlation = envelope.correlation;
        if self.views.is_empty() {
            park(&mut work, &again, envelope)?;
        }
        work.schedule(again);
        work.move_cursor(cursor);
        self.note_epoch(&mut work, place, at)?;
        Ok(work.commit().await? != Outcome::Conflict)
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        if envelope.kind == UNPUBLISHABLE {
            return Err(unpublishable(envelope));
        }
        work.set_origin(envelope.as_origin());
        caught(self.consumer.name(), self.consumer.handle(envelope, work)).await
    }

    fn begin(&self) -> UnitOfWork {
        let mut work = self.service.work(Origin::none());
        if self.conflicts > 0 {
            work.bypass_caches();
        }
        if let Some(memory) = &self.memory {
            work.remember_in(Arc::clone(memory));
        }
        if self.is_building {
            for view in self.views {
                work.rename_view(view, generation_name(view, self.generation));
            }
        }
        work
    }

    /// It has got so far in another journal than the one that there is now.
    fn diverged(&mut self, place: Place, at: Cursor) -> Failure {
        // Another replica may have moved the cursor, or somebody who was asked to: what is kept is looked at again.
        self.is_doubtful = true;
        if self.kept_of(place) != at {
            // Of what was done about what is no more, nothing is there.
            return Failure::unavailable(format!("where {} is in {}", self.name, place.0), "it is looked up again");
        }
        let context = self.service.name();
        let failure = divergence::failure(context, &self.name, place, at);
        if self.service.divergences().add(context, &self.name, place, at) {
            tracing::error!(context, consumer = self.name, source = place.0, shard = place.1, "{}", failure.report());
            self.tell_progress(&HashMap::from([(place, at)]));
        }
        failure
    }

    /// With the first event of an epoch it is written down what epochs there were before it: should the source forget
    /// them, that tells where we parted.
    fn note_epoch(&self, work: &mut UnitOfWork, place: Place, at: Cursor) -> Result<(), Failure> {
        if self.kept_of(place).epoch == at.epoch {
            return Ok(());
        }
        let epochs = self.service.bus().epochs(place.0);
        if epochs.at(at.position) == at.epoch { work.put(SOURCE_EPOCHS, place.0, &*epochs, []) } else { Ok(()) }
    }

    fn cursor_move(&self, place: Place, to: Cursor) -> CursorMove {
        let from = self.kept_of(place);
        CursorMove { consumer: self.name.clone(), source: place.0.to_owned(), shard: place.1, from, to }
    }

    fn kept_of(&self, place: Place) -> Cursor {
        self.kept.get(&place).copied().unwrap_or_default()
    }

    /// What it believed about its cursors and documents may be wrong now.
    fn forget(&mut self) {
        self.cursors = None;
        if let Some(memory) = &self.memory {
            memory.clear();
        }
    }

    async fn collided(&mut self) {
        self.forget();
        self.conflicts += 1;
        step_aside(self.conflicts).await;
    }

    /// How far it has heard what is its to hear.
    pub(super) async fn cursors(&mut self) -> Result<HashMap<Place, Cursor>, Failure> {
        if let Some(cursors) = &self.cursors {
            return Ok(cursors.clone());
        }
        let (mut cursors, places) = (HashMap::new(), self.places());
        self.service.divergences().keep_only(self.service.name(), &self.name, &places);
        for place in places {
            cursors.insert(place, self.kept_at(place).await?);
        }
        self.kept.clone_from(&cursors);
        self.cursors = Some(cursors.clone());
        self.tell_progress(&cursors);
        Ok(cursors)
    }

    /// What is its to hear, in the order of its sources.
    fn places(&self) -> Vec<Place> {
        let shards = Arc::clone(&self.share.borrow().shards);
        let of = |source: &'static str| shards.iter().map(move |shard| (source, *shard)).collect::<Vec<_>>();
        self.consumer.sources().iter().flat_map(|source| of(source)).collect()
    }

    /// How far the database says that it, or the same on another replica, has heard a shard.
    pub(super) async fn kept_at(&self, place: Place) -> Result<Cursor, Failure> {
        self.service.database().cursor(&self.name, place.0, place.1).await
    }

    fn moved(&mut self, moves: impl IntoIterator<Item = (Place, Cursor)>) {
        let mut cursors = self.cursors.take().unwrap_or_default();
        cursors.extend(moves);
        self.tell_progress(&cursors);
        self.cursors = Some(cursors);
    }

    /// Lets those wait who want to read what they wrote. A view being built is nobody's to wait for.
    fn tell_progress(&self, cursors: &HashMap<Place, Cursor>) {
        if !self.is_building {
            let moves = cursors.iter().map(|(place, at)| {
                // Of what there is now it has heard nothing that anybody could rely on.
                let is_diverged = self.service.divergences().has(&self.name, *place);
                (place.0, place.1, if is_diverged { 0 } else { at.position })
            });
            self.service.progress().set(self.consumer.name(), moves);
        }
    }

    fn count(&self, heard: usize) {
        metrics::counter!("baedal_events_heard_total", "consumer" => self.name.clone()).increment(heard as u64);
    }
}
