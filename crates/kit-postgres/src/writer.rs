//! The one task that commits: groups what waits into one call of the database, and answers when it is durable.
//!
//! Commits of one group have nothing in common, so that they can be checked and applied together; what has waits
//! for the next. When the connection breaks in the middle, nobody knows what became of the group: everybody in it
//! is told that the database is not available, and nothing is tried again here.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use baedal_kit::Failure;
use baedal_kit::database::writing::{Probed, Writing};
use baedal_kit::database::{Commit, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::connections::Connections;
use crate::group;
use crate::reduce::{Key, Piece, Stop, reduce};
use crate::server::Servers;
use crate::told::Told;
use crate::trouble::{Trouble, database_of};

/// The most that become durable together,
const GROUP: usize = 512;
/// and how large they may be together, roughly.
const GROUP_BYTES: usize = 8 << 20;
/// The most that may wait; whoever comes then waits outside.
const QUEUE: usize = 4 * GROUP;
/// How long somebody waits, outside and in the queue, before being told to come back later.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to the task. It ends when this is dropped and what is queued is written.
pub(crate) struct Writer {
    context: &'static str,
    room: Arc<Semaphore>,
    requests: mpsc::UnboundedSender<Request>,
    writing: Writing,
}

type Answer = Result<Outcome, Failure>;

/// A commit, and where its answer goes.
struct Request {
    piece: Piece,
    answer: oneshot::Sender<Answer>,
    since: Instant,
    _room: OwnedSemaphorePermit,
}

impl Writer {
    /// Must be called within a runtime.
    pub(crate) fn start(servers: &Arc<Servers>, told: Arc<Told>, holder: Uuid) -> Self {
        let context = servers.target.context;
        let (requests, arriving) = mpsc::unbounded_channel();
        let connections = Connections::new(Arc::clone(servers), 1);
        let writing = Writing::default();
        let known = writing.clone();
        let desk = Desk { context, connections, arriving, waiting: VecDeque::new(), told, holder, writing: known };
        tokio::spawn(desk.work());
        Self { context, room: Arc::new(Semaphore::new(QUEUE)), requests, writing }
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Answer {
        let piece = match reduce(commit) {
            Ok(piece) => piece,
            Err(Stop::Conflict) => return Ok(Outcome::Conflict),
            Err(Stop::Unkeepable(why)) => {
                return Err(Failure::broken_by(format!("{} cannot hold this", database_of(self.context)), why));
            }
        };
        let since = Instant::now();
        let room = timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        let room = room.map_err(|_| self.unavailable(TOO_MUCH))?.map_err(|closed| self.unavailable(closed))?;
        let (answer, answered) = oneshot::channel();
        let request = Request { piece, answer, since, _room: room };
        self.requests.send(request).map_err(|_| self.unavailable("its writer has ended"))?;
        answered.await.map_err(|_| self.unavailable("its writer gave no answer"))?
    }

    /// Whether the task lives, and can write.
    pub(crate) async fn ping(&self) -> Result<(), Failure> {
        if self.requests.is_closed() {
            return Err(self.unavailable("its writer has ended"));
        }
        self.writing.look(|commit| self.probe(commit)).await.map_err(|why| self.unavailable(why))
    }

    /// Begins a commit whose answer can be waited for when this writer is gone. Nothing where many wait already.
    fn probe(&self, commit: Commit) -> Option<Probed> {
        let piece = reduce(commit).ok()?;
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { piece, answer, since: Instant::now(), _room: room }).ok()?;
        let gone = self.unavailable("its writer gave no answer");
        Some(Box::pin(async move { answered.await.unwrap_or(Err(gone)) }))
    }

    fn unavailable(&self, source: impl Into<baedal_kit::failure::BoxError>) -> Failure {
        Failure::unavailable(database_of(self.context), source)
    }
}

const TOO_MUCH: &str = "too much waits to be written";

/// Where the task works.
struct Desk {
    context: &'static str,
    connections: Connections,
    arriving: mpsc::UnboundedReceiver<Request>,
    waiting: VecDeque<Request>,
    told: Arc<Told>,
    /// Whose the leases are that are taken.
    holder: Uuid,
    writing: Writing,
}

impl Desk {
    async fn work(mut self) {
        loop {
            if self.waiting.is_empty() {
                let Some(request) = self.arriving.recv().await else { return };
                self.waiting.push_back(request);
            }
            while let Ok(request) = self.arriving.try_recv() {
                self.waiting.push_back(request);
            }
            let group = self.next_group();
            self.write(group).await;
        }
    }

    /// Those that waited longest and have nothing in common. Who waited too long is told so.
    fn next_group(&mut self) -> Vec<Request> {
        let (mut group, mut left) = (Vec::new(), VecDeque::new());
        let (mut bytes, mut touched) = (0, HashMap::new());
        for request in self.waiting.drain(..) {
            if request.since.elapsed() > PATIENCE {
                let _ = request.answer.send(Err(Failure::unavailable(database_of(self.context), TOO_MUCH)));
                continue;
            }
            let is_full = group.len() >= GROUP || (bytes > 0 && bytes + request.piece.bytes > GROUP_BYTES);
            // Also what has to wait keeps those behind it from going first.
            if touch(&mut touched, &request.piece.keys) && !is_full {
                bytes += request.piece.bytes;
                group.push(request);
            } else {
                left.push_back(request);
            }
        }
        self.waiting = left;
        group
    }

    async fn write(&mut self, group: Vec<Request>) {
        if group.is_empty() {
            return;
        }
        let begun = Instant::now();
        match self.attempt(&group).await {
            Ok(outcomes) => self.answer(group, outcomes),
            // Nothing was written, because of one of them: of which?
            Err(trouble) if trouble.is_the_data() && group.len() > 1 => {
                for request in group {
                    match self.attempt(std::slice::from_ref(&request)).await {
                        Ok(outcomes) => self.answer(vec![request], outcomes),
                        Err(trouble) => self.fail([request], &trouble),
                    }
                }
            }
            Err(trouble) => self.fail(group, &trouble),
        }
        metrics::histogram!("baedal_database_group_seconds", "context" => self.context).record(begun.elapsed());
        metrics::counter!("baedal_database_groups_total", "context" => self.context).increment(1);
    }

    /// All of the group in one call.
    async fn attempt(&self, group: &[Request]) -> Result<Vec<Outcome>, Trouble> {
        let pieces: Vec<&Piece> = group.iter().map(|request| &request.piece).collect();
        let rows = self.connections.fetch(group::statement(&pieces, self.holder)).await?;
        let (outcomes, position) = group::outcomes(&pieces, &rows)?;
        // Whoever is concerned is woken before the group is answered.
        let committed = || {
            let both = pieces.iter().zip(&outcomes);
            both.filter(|(_, outcome)| matches!(outcome, Outcome::Committed { .. })).map(|(piece, _)| *piece)
        };
        let earliest_job = committed().filter_map(|piece| piece.earliest_job).min();
        self.told.committed(position, earliest_job, committed().flat_map(|piece| piece.feeds.iter().copied()));
        Ok(outcomes)
    }

    fn answer(&self, group: Vec<Request>, outcomes: Vec<Outcome>) {
        let conflicts = outcomes.iter().filter(|outcome| **outcome == Outcome::Conflict).count() as u64;
        let count = |outcome, number| {
            metrics::counter!("baedal_database_commits_total", "context" => self.context, "outcome" => outcome)
                .increment(number);
        };
        count("committed", outcomes.len() as u64 - conflicts);
        if outcomes.len() as u64 > conflicts {
            self.writing.went_well();
        }
        count("conflict", conflicts);
        for (request, outcome) in group.into_iter().zip(outcomes) {
            // Whoever does not wait for the answer any more does not need it.
            let _ = request.answer.send(Ok(outcome));
        }
    }

    fn fail(&mut self, group: impl IntoIterator<Item = Request>, trouble: &Trouble) {
        let mut group: Vec<_> = group.into_iter().collect();
        if matches!(trouble, Trouble::Unconnected(_)) {
            // Nor would those who wait get through.
            group.extend(self.waiting.drain(..));
        }
        tracing::warn!(context = self.context, commits = group.len(), error = %trouble, "commits failed");
        // What took too long, or met a lock, says nothing about the next; that is seen when nothing is committed.
        if !trouble.leaves_the_connection() {
            self.writing.failed(trouble.to_string());
        }
        for request in group {
            let _ = request.answer.send(Err(trouble.of(self.context)));
        }
    }
}

/// Notes what is touched. Whether nobody before touched any of it.
fn touch(touched: &mut HashMap<u64, bool>, keys: &[Key]) -> bool {
    let mut is_free = true;
    for key in keys {
        let is_shared = touched.entry(key.hash).and_modify(|shared| {
            is_free &= *shared && key.is_shared;
            *shared &= key.is_shared;
        });
        is_shared.or_insert(key.is_shared);
    }
    is_free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_free_for_those_who_share_it() {
        let own = |hash| Key { hash, is_shared: false };
        let shared = |hash| Key { hash, is_shared: true };
        let mut touched = HashMap::new();
        assert!(touch(&mut touched, &[own(1), shared(9)]));
        assert!(touch(&mut touched, &[own(2), shared(9)]));
        assert!(!touch(&mut touched, &[own(3), own(2)]));
        assert!(!touch(&mut touched, &[own(3)]), "it waits, and so do those behind it");
        assert!(!touch(&mut touched, &[own(9)]));
        assert!(!touch(&mut touched, &[shared(9)]));
        assert!(touch(&mut touched, &[]));
    }
}
