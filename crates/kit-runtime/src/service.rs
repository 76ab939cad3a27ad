//! What a running context holds in its hand: its database, the bus, the clock, and what it remembers.

use std::any::Any;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baedal_kit::bus::shard_of;
use baedal_kit::database::Outcome;
use baedal_kit::generation::generation_name;
use baedal_kit::ids::Ids;
use baedal_kit::message::Origin;
use baedal_kit::time::Clock;
use baedal_kit::{Aggregate, Bus, Database, Failure};
use futures::future::BoxFuture;
use lru::LruCache;
use parking_lot::{Mutex, MutexGuard, RwLock};
use rand::RngExt;
use tokio::sync::watch;
use uuid::Uuid;

use crate::catching_up::CatchingUp;
use crate::consumer::{Divergence, Divergences};
use crate::jobs::JobSlots;
use crate::lifecycle::Lifecycle;
use crate::progress::{Positions, Progress, has_reached};
use crate::replicas::ShardAssignment;
use crate::serving::Serving;
use crate::{CommitHook, UnitOfWork};

/// How long it is waited for what others published. Less, and who is only late would be told that there is nothing.
const SETTLING: Duration = Duration::from_secs(2);
/// How many new ids are looked at for one that suits.
const MOST_IDS: usize = 100;
/// How many aggregates' states are remembered.
const REMEMBERED_STATES: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// How often a commit that lost a race is decided anew before the caller is told that we are busy.
const CONFLICT_TRIES: u32 = 20;
/// How often of these it is decided anew at once; later tries let others go first for a moment.
const EAGER_TRIES: u32 = 3;

/// A running context. Cloning shares it.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    database: Arc<dyn Database>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    lifecycle: Lifecycle,
    states: AggregateCache,
    slots: JobSlots,
    progress: Progress,
    catching_up: CatchingUp,
    serving: Serving,
    divergences: Divergences,
    share: watch::Sender<ShardAssignment>,
    is_leader: watch::Sender<bool>,
    views: RwLock<HashMap<&'static str, u32>>,
    rebuilds: watch::Sender<u64>,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Done<A: Aggregate> {
    /// The aggregate after it.
    pub state: Arc<A>,
    /// What happened; nothing where it had happened before.
    pub events: Vec<A::Event>,
    /// The journal's position with it.
    pub position: u64,
}

impl Service {
    /// A context over these ports.
    #[must_use]
    pub fn new(
        name: &'static str,
        database: Arc<dyn Database>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        lifecycle: Lifecycle,
    ) -> Self {
        let shards = bus.shards();
        // With replicas, who hears what is settled when they have looked at one another.
        let is_alone = database.replicas_say().is_none();
        let share = if is_alone { ShardAssignment::whole(shards) } else { ShardAssignment::nothing() };
        let serving = Serving::new(is_alone.then(|| clock.now()));
        Self {
            inner: Arc::new(Inner {
                name,
                database,
                bus,
                clock,
                ids,
                lifecycle,
                states: AggregateCache::default(),
                slots: JobSlots::default(),
                progress: Progress::new(shards),
                catching_up: CatchingUp::default(),
                serving,
                divergences: Divergences::default(),
                is_leader: watch::Sender::new(share.is_leader),
                share: watch::Sender::new(share),
                views: RwLock::default(),
                rebuilds: watch::Sender::new(0),
            }),
        }
    }

    /// The same, as if it were two replicas that take turns: after each commit the one acts that did not write, and
    /// remembers what it saw when it was its turn before.
    ///
    /// # Panics
    /// Where it has been cloned already.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn as_two_replicas(mut self) -> Self {
        #[expect(clippy::expect_used, reason = "a test that does it too late is to fail")]
        let inner = Arc::get_mut(&mut self.inner).expect("a service that nobody else has yet");
        inner.states = AggregateCache::of(2);
        self
    }

    /// The context's name, as `order`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> &Arc<dyn Database> {
        &self.inner.database
    }

    /// Where other contexts' events come from.
    #[must_use]
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.inner.bus
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// New ids.
    #[must_use]
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.inner.ids
    }

    /// A new id of a shard that this replica hears, where it hears any: whoever asks for the thing later is sent to
    /// those who hear its shard, and finds it remembered.
    #[must_use]
    pub fn new_id_heard_here(&self) -> Uuid {
        let (share, shards) = (self.inner.share.borrow().clone(), self.inner.bus.shards());
        let is_heard = |id: &Uuid| share.shards.contains(&shard_of(&id.to_string(), shards));
        let tries = if share.shards.is_empty() { 0 } else { MOST_IDS };
        let mut ids = std::iter::repeat_with(|| self.inner.ids.new_id()).take(tries);
        ids.find(is_heard).unwrap_or_else(|| self.inner.ids.new_id())
    }

    /// The life of the process.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.inner.lifecycle
    }

    pub(crate) fn states(&self) -> &AggregateCache {
        &self.inner.states
    }

    pub(crate) fn slots(&self) -> &JobSlots {
        &self.inner.slots
    }

    /// Begins a unit of work.
    #[must_use]
    pub fn work(&self, origin: Origin) -> UnitOfWork {
        UnitOfWork::new(self.clone(), origin)
    }

    /// Does a unit of work and commits it; again from the start where somebody was faster.
    ///
    /// What `body` returns as `Err` is given back and nothing is committed.
    ///
    /// # Errors
    /// A failure of the database, or what `body` returned.
    pub async fn execute<T, E: From<Failure>>(
        &self,
        origin: &Origin,
        mut body: impl for<'w> FnMut(&'w mut UnitOfWork) -> BoxFuture<'w, Result<T, E>> + Send,
    ) -> Result<(T, u64), E> {
        for tries in 1..=CONFLICT_TRIES {
            let mut work = self.work(origin.clone());
            if tries > 1 {
                work.bypass_caches();
            }
            let value = match body(&mut work).await {
                Ok(value) => value,
                Err(error) if work.is_verified().await? => return Err(error),
                Err(_) => continue,
            };
            if let Outcome::Committed { position } = work.commit().await? {
                return Ok((value, position));
            }
            step_aside(tries).await;
        }
        let busy = "others changed the same at the same time, over and over";
        Err(Failure::unavailable("a quiet moment", busy).into())
    }

    /// Decides one command of one aggregate and commits what happens.
    ///
    /// # Errors
    /// A failure, or the refusal.
    pub async fn command<A: CommitHook>(
        &self,
        origin: &Origin,
        id: &A::Id,
        command: A::Command,
    ) -> Result<Done<A>, CommandError<A::Refusal>> {
        let (decided, position) = self
            .execute(origin, |work| {
                let (id, command) = (id.clone(), command.clone());
                Box::pin(async move {
                    let events = work.decide::<A>(&id, command).await?.map_err(CommandError::Refused)?;
                    Ok::<_, CommandError<A::Refusal>>((work.load::<A>(&id).await?, events))
                })
            })
            .await?;
        Ok(Done { state: decided.0, events: decided.1, position })
    }

    /// Attempts something. A refusal that may only mean that we have not yet heard what others published
    /// before the request came is judged once more after we have.
    ///
    /// # Errors
    /// What the last attempt returned.
    pub async fn retry_after_catch_up<T, E, Attempt: Future<Output = Result<T, E>>>(
        &self,
        may_be_lag: impl Fn(&E) -> bool,
        attempt: impl Fn() -> Attempt,
    ) -> Result<T, E> {
        match attempt().await {
            Err(refused) if may_be_lag(&refused) => {
                self.catch_up().await;
                attempt().await
            }
            answer => answer,
        }
    }

    /// An aggregate as it is in the database now, and its version.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn look<A: Aggregate>(&self, id: &A::Id) -> Result<Arc<A>, Failure> {
        self.work(Origin::none()).load::<A>(id).await
    }

    /// Waits until an aggregate is as wished, for `limit` at the most, and returns it as it is then.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn look_until<A: Aggregate>(
        &self,
        id: &A::Id,
        limit: Duration,
        wished: impl Fn(&A) -> bool + Send,
    ) -> Result<Arc<A>, Failure> {
        let mut head = self.inner.database.head();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            head.mark_unchanged();
            let state = self.look::<A>(id).await?;
            if wished(&state) || tokio::time::timeout_at(deadline, head.changed()).await.is_err() {
                return Ok(state);
            }
        }
    }

    /// Waits until this context's consumers have heard all that was published when it was called, for
    /// two seconds at the most.
    pub async fn catch_up(&self) {
        let all_heard = async {
            let waits = self.inner.progress.all().into_values().map(|mut reached| async move {
                let sources: Vec<String> = reached.borrow().keys().cloned().collect();
                let mut heads = Positions::new();
                for source in sources {
                    heads.insert(source.clone(), self.head_as_known(&source).await);
                }
                // Nobody tells any more: the process stops.
                let _ = reached.wait_for(|reached| has_reached(reached, &heads)).await;
            });
            futures::future::join_all(waits).await;
        };
        let _ = tokio::time::timeout(SETTLING, all_heard).await;
    }

    /// How far a source is: as it says itself, or, where it does not, as was last known.
    async fn head_as_known(&self, source: &str) -> u64 {
        self.inner.bus.look_at_head(source).await.unwrap_or_else(|failure| {
            tracing::debug!(source, error = failure.report(), "how far a journal goes is as last known");
            *self.inner.bus.head(source).borrow()
        })
    }

    /// Waits until a consumer has got to these positions, for `limit` at the most. Whether it has.
    pub async fn reached(&self, consumer: &str, positions: &Positions, limit: Duration) -> bool {
        self.inner.progress.reached(consumer, positions, limit).await
    }

    /// The consumers here that have heard of a source what is no more, and hear nothing of it until somebody has said
    /// from where on.
    #[must_use]
    pub fn diverged(&self) -> Vec<Divergence> {
        self.inner.divergences.told(self.inner.name)
    }

    pub(crate) fn divergences(&self) -> &Divergences {
        &self.inner.divergences
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.inner.progress
    }

    pub(crate) fn catching_up(&self) -> &CatchingUp {
        &self.inner.catching_up
    }

    pub(crate) fn serving(&self) -> &Serving {
        &self.inner.serving
    }

    /// How far each consumer has got, by consumer and source.
    #[must_use]
    pub fn all_progress(&self) -> HashMap<String, Positions> {
        let all = self.inner.progress.all();
        all.into_iter().map(|(consumer, reached)| (consumer, reached.borrow().clone())).collect()
    }

    /// This replica's share of the work, and every later one.
    #[must_use]
    pub fn share(&self) -> watch::Receiver<ShardAssignment> {
        self.inner.share.subscribe()
    }

    /// Whether this replica does what only one may do, now and later.
    #[must_use]
    pub fn is_leader(&self) -> watch::Receiver<bool> {
        self.inner.is_leader.subscribe()
    }

    /// From now on this is our share. Whether it was another before.
    pub(crate) fn take(&self, share: &ShardAssignment) -> bool {
        self.inner
            .is_leader
            .send_if_modified(|is_leader| std::mem::replace(is_leader, share.is_leader) != share.is_leader);
        self.inner.share.send_if_modified(|known| {
            let differs = known != share;
            known.clone_from(share);
            differs
        })
    }

    /// The name a view's documents are kept under now. It changes when a rebuilt view takes over.
    #[must_use]
    pub fn view_name(&self, view: &'static str) -> String {
        let views = self.inner.views.read();
        generation_name(view, views.get(view).copied().unwrap_or(0))
    }

    /// A view of this context by its name, and which generation of it is in use.
    pub(crate) fn generation(&self, view: &str) -> Option<(&'static str, u32)> {
        let views = self.inner.views.read();
        views.get_key_value(view).map(|(name, generation)| (*name, *generation))
    }

    /// From now on this generation of a view is in use.
    pub(crate) fn set_generation(&self, view: &'static str, generation: u32) {
        let before = self.inner.views.write().insert(view, generation);
        if before.is_some_and(|before| before != generation) {
            // What the new generation has heard and the old one had not, nobody was woken for.
            self.inner.database.feeds().wake_all();
        }
    }

    /// Wakes the projections to look whether they are to be rebuilt.
    pub(crate) fn rebuilds(&self) -> &watch::Sender<u64> {
        &self.inner.rebuilds
    }
}

/// Lets those go first with whom we collided so often: a few milliseconds by chance, more with each try.
pub(crate) async fn step_aside(tries: u32) {
    if tries > EAGER_TRIES {
        let most = u64::from((tries - EAGER_TRIES).min(16)) * 2;
        let wait = rand::rng().random_range(0..=most);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// Why a command came to nothing.
#[derive(Debug)]
pub enum CommandError<R> {
    /// The state forbids it.
    Refused(R),
    /// Something went wrong.
    Failed(Failure),
}

impl<R> From<Failure> for CommandError<R> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The state of an aggregate, and which events it is made of.
#[derive(Clone)]
pub(crate) struct Known {
    /// How many events its stream has.
    pub(crate) version: u64,
    /// The last of them. Nil where nobody knows it: there is none, or only a snapshot was read.
    pub(crate) last_event: Uuid,
    pub(crate) state: Arc<dyn Any + Send + Sync>,
}

/// The states of the aggregates used last. They may be behind the database; see [`UnitOfWork::decide`].
pub(crate) struct AggregateCache {
    /// One memory; two where a test lets one process act as two.
    memories: Vec<Mutex<LruCache<String, Known>>>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

impl Default for AggregateCache {
    fn default() -> Self {
        Self::of(1)
    }
}

impl AggregateCache {
    fn of(replicas: usize) -> Self {
        let memories = (0..replicas).map(|_| Mutex::new(LruCache::new(REMEMBERED_STATES))).collect();
        Self { memories, turn: AtomicUsize::new(0) }
    }

    pub(crate) fn get(&self, stream: &str) -> Option<Known> {
        self.kept().get(stream).cloned()
    }

    /// Keeps what was read; nothing where nothing has happened yet, or something newer is known.
    pub(crate) fn keep(&self, stream: &str, known: &Known) {
        let mut kept = self.kept();
        let is_newer = kept.peek(stream).is_none_or(|before| before.version < known.version);
        if !known.last_event.is_nil() && is_newer {
            kept.put(stream.to_owned(), known.clone());
        }
    }

    /// Keeps what was committed.
    pub(crate) fn committed<'s>(&self, written: impl Iterator<Item = (&'s str, &'s Known)>) {
        let mut wrote = false;
        for (stream, known) in written {
            self.keep(stream, known);
            wrote = true;
        }
        if wrote {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nothing of it is to be believed any more.
    pub(crate) fn forget_all(&self) {
        self.memories.iter().for_each(|memory| memory.lock().clear());
    }

    pub(crate) fn forget(&self, stream: &str) {
        self.kept().pop(stream);
    }

    pub(crate) fn clear(&self) {
        self.kept().clear();
    }

    fn kept(&self) -> MutexGuard<'_, LruCache<String, Known>> {
        let turn = self.turn.load(Ordering::Relaxed) % self.memories.len();
        self.memories[turn].lock()
    }
}
