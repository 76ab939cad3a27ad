//! One unit of work: load, decide, read and write documents, schedule jobs, and commit all of it together.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::Job;
use baedal_kit::aggregate::stream_name;
use baedal_kit::database::{Append, Commit, CursorMove, Document, JobChange, NewEvent, Outcome, Write};
use baedal_kit::message::{Origin, Recorded};
use baedal_kit::{Aggregate, Failure, Named};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::consumer::DocumentCache;
use crate::service::{Known, Service};

/// The view that snapshots of aggregates are kept in.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// What was decided: the events that happened, or why not.
pub type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Refusal>;

/// What must be in the same commit as an aggregate's events, whoever decides them: documents, jobs, and commands to
/// other aggregates. Each context says it in `commands.rs`, so that no way of changing a thing can leave it out.
#[async_trait]
pub trait CommitHook: Aggregate {
    /// Adds it to `work`, which has these events already.
    ///
    /// # Errors
    /// A failure of the database, or what cannot be right.
    async fn on_commit(_work: &mut UnitOfWork, _id: &Self::Id, _events: &[Self::Event]) -> Result<(), Failure> {
        Ok(())
    }
}

/// A unit of work under way. Nothing of it has happened until it is committed.
pub struct UnitOfWork {
    service: Service,
    origin: Arc<Origin>,
    at: Timestamp,
    streams: HashMap<String, Stream>,
    documents: HashMap<(String, String), LoadedDocument>,
    commit: Commit,
    /// Views written under another name while they are rebuilt.
    renamed: HashMap<&'static str, String>,
    /// Whether nothing is taken for certain that the database was not asked: somebody was faster before.
    bypasses_caches: bool,
    /// Documents that need not be read.
    memory: Option<Arc<DocumentCache>>,
}

/// An aggregate as this unit of work has it.
struct Stream {
    known: Known,
    /// Where its events are in `commit.appends`, once there are any.
    append: Option<usize>,
    /// Whether the database was not asked for it: it was remembered, or is expected to be new.
    is_unverified: bool,
}

/// A document as this unit of work has it.
struct LoadedDocument {
    /// The version it was read at; `None` where it was written without being read.
    version: Option<u64>,
    /// Whether the database was not asked for it: it was remembered.
    is_unverified: bool,
    body: Option<Vec<u8>>,
    tags: Vec<String>,
    /// Where it is in `commit.writes`, once it was written.
    write: Option<usize>,
}

/// A snapshot of an aggregate, as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Snapshot<A> {
    version: u64,
    state: A,
}

impl UnitOfWork {
    pub(crate) fn new(service: Service, origin: Origin) -> Self {
        let at = service.clock().now();
        Self {
            service,
            origin: Arc::new(origin),
            at,
            streams: HashMap::new(),
            documents: HashMap::new(),
            commit: Commit::default(),
            renamed: HashMap::new(),
            bypasses_caches: false,
            memory: None,
        }
    }

    /// It happens at `at` at the earliest, whatever the clock shows: what a job that was due decides is not decided
    /// before it was, also where the clock was set back, or another's clock said that it was due.
    pub(crate) fn not_before(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
    }

    /// The instant at which all of it happens.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.service.ids().new_id()
    }

    /// The context it happens in.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What follows comes from there; a batch hears one event after the other.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = Arc::new(origin);
    }

    /// Takes nothing for certain that the database was not asked.
    pub(crate) fn bypass_caches(&mut self) {
        self.bypasses_caches = true;
    }

    /// Documents are read from there first, and what is written is kept there.
    pub(crate) fn remember_in(&mut self, memory: Arc<DocumentCache>) {
        self.memory = Some(memory);
    }

    /// Writes to `view` go to `name` instead.
    pub(crate) fn rename_view(&mut self, view: &'static str, name: String) {
        self.renamed.insert(view, name);
    }

    /// An aggregate as the database has it now, what this unit of work has decided included.
    ///
    /// What is remembered of it only saves reading its whole stream: the database is always asked for what came since.
    /// So nobody finds that there is nothing to do because another process has done something a moment ago. The one
    /// exception is what is expected to be new, see [`UnitOfWork::load_new`].
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn load<A: Aggregate>(&mut self, id: &A::Id) -> Result<Arc<A>, Failure> {
        let name = stream_name::<A>(id);
        if !self.streams.contains_key(&name) {
            self.read::<A>(&name).await?;
        }
        self.state::<A>(&name)
    }

    /// An aggregate that is taken for one that does not exist yet, without asking the database. Where it does exist,
    /// the commit conflicts, whether or not anything came of it, and the next attempt asks.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn load_new<A: Aggregate>(&mut self, id: &A::Id) -> Result<Arc<A>, Failure> {
        self.expect_new::<A>(id);
        self.load::<A>(id).await
    }

    fn expect_new<A: Aggregate>(&mut self, id: &A::Id) {
        let name = stream_name::<A>(id);
        if self.bypasses_caches || self.streams.contains_key(&name) || self.service.states().get(&name).is_some() {
            return;
        }
        let known = Known { version: 0, last_event: Uuid::nil(), state: Arc::new(A::default()) };
        self.streams.insert(name, Stream { known, append: None, is_unverified: true });
    }

    /// Decides a command. What happens is part of this unit of work; so are the jobs that follow from it, and what its
    /// [`CommitHook`] adds.
    ///
    /// It may be decided on a remembered state, which may be behind the database. Events decided on it are safe,
    /// because the commit compares versions; a refusal, or a "nothing to do", is decided again on what the database
    /// has.
    ///
    /// # Errors
    /// A failure of the database. The refusal is in the value.
    pub async fn decide<A: CommitHook>(&mut self, id: &A::Id, command: A::Command) -> Result<Decision<A>, Failure> {
        let name = stream_name::<A>(id);
        if A::creates(&command) {
            self.expect_new::<A>(id);
        }
        if !self.streams.contains_key(&name) && !self.recall(&name) {
            self.read::<A>(&name).await?;
        }
        let mut decision = self.state::<A>(&name)?.decide(command.clone(), self.at);
        let happened = matches!(&decision, Ok(events) if !events.is_empty());
        if !happened && self.streams.get(&name).is_some_and(Stream::is_in_doubt) {
            self.read::<A>(&name).await?;
            decision = self.state::<A>(&name)?.decide(command.clone(), self.at);
        }
        let events = match decision {
            Ok(events) if events.is_empty() => return Ok(Ok(events)),
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.append::<A>(id, name, command.name(), &events)?;
        A::on_commit(self, id, &events).await?;
        Ok(Ok(events))
    }

    /// Decides a command that an event or a deadline asks for, and that must not be refused: such commands
    /// are answered in every state.
    ///
    /// # Errors
    /// A failure of the database, or [`Failure::Broken`] with the refusal, which makes a dead letter.
    pub async fn command<A: CommitHook>(&mut self, id: &A::Id, command: A::Command) -> Result<Vec<A::Event>, Failure> {
        let asked = command.name();
        self.decide::<A>(id, command)
            .await?
            .map_err(|refusal| Failure::broken(format!("{asked} was refused by {}: {refusal}", stream_name::<A>(id))))
    }

    fn append<A: Aggregate>(
        &mut self,
        id: &A::Id,
        name: String,
        command: &'static str,
        events: &[A::Event],
    ) -> Result<(), Failure> {
        let Some(stream) = self.streams.get_mut(&name) else {
            return Err(Failure::broken(format!("{name} was not loaded")));
        };
        let known = &mut stream.known;
        let mut recorded = Vec::with_capacity(events.len());
        let mut owned = downcast::<A>(&name, &known.state)?;
        known.state = Arc::new(());
        let state = Arc::make_mut(&mut owned);
        for event in events {
            state.evolve(event, self.at);
            recorded.push(NewEvent {
                id: self.service.ids().new_id(),
                kind: event.name(),
                data: serde_json::to_vec(event)
                    .map_err(|error| Failure::broken_by(format!("{} cannot be written", event.name()), error))?,
                at: self.at,
                correlation: A::correlation(id, event),
                command,
                origin: Arc::clone(&self.origin),
            });
        }
        let before = known.version;
        known.version += events.len() as u64;
        known.last_event = recorded.last().map_or(known.last_event, |last| last.id);
        let snapshot = A::SNAPSHOT_EVERY.is_some_and(|every| before / every != known.version / every);
        let snapshot = snapshot
            .then(|| serde_json::to_vec(&Snapshot { version: known.version, state: &*owned }))
            .transpose()
            .map_err(|error| Failure::broken_by(format!("a snapshot of {name} cannot be written"), error))?;
        known.state = owned;
        match stream.append {
            Some(place) => self.commit.appends[place].events.extend(recorded),
            None => {
                stream.append = Some(self.commit.appends.len());
                self.commit.appends.push(Append { stream: name.clone(), expected_version: before, events: recorded });
            }
        }
        if let Some(body) = snapshot {
            self.commit.writes.push(Write {
                view: SNAPSHOTS.to_owned(),
                id: name,
                expected_version: None,
                body: Some(body),
                tags: Vec::new(),
                left_tags: Vec::new(),
            });
        }
        for event in events {
            for job in A::jobs(id, event) {
                self.change_job(job);
            }
        }
        Ok(())
    }

    /// Takes the remembered state, where there is one and it may be used. Whether there was.
    fn recall(&mut self, name: &str) -> bool {
        let remembered = if self.bypasses_caches { None } else { self.service.states().get(name) };
        let Some(known) = remembered else { return false };
        self.streams.insert(name.to_owned(), Stream { known, append: None, is_unverified: true });
        true
    }

    /// Reads an aggregate: what came since it was remembered, or all of its stream.
    async fn read<A: Aggregate>(&mut self, name: &str) -> Result<(), Failure> {
        let remembered = if self.bypasses_caches { None } else { self.service.states().get(name) };
        let caught_up = match remembered {
            Some(known) => self.caught_up::<A>(name, known).await?,
            None => None,
        };
        let known = match caught_up {
            Some(known) => known,
            None => {
                self.service.states().forget(name);
                self.read_stream::<A>(name).await?
            }
        };
        self.service.states().keep(name, &known);
        self.streams.insert(name.to_owned(), Stream { known, append: None, is_unverified: false });
        Ok(())
    }

    /// What is remembered, with what came since; nothing where the database does not have what is remembered, because
    /// it is another one than before, or was set back.
    async fn caught_up<A: Aggregate>(&self, name: &str, known: Known) -> Result<Option<Known>, Failure> {
        let Known { version, last_event, state } = known;
        let since = self.service.database().load(name, version.saturating_sub(1)).await?;
        let Some((last, since)) = since.split_first() else { return Ok(None) };
        if last.version != version || last.id != last_event {
            return Ok(None);
        }
        Ok(Some(evolved::<A>(version, last_event, downcast::<A>(name, &state)?, since)?))
    }

    async fn read_stream<A: Aggregate>(&self, name: &str) -> Result<Known, Failure> {
        let (mut version, mut state) = (0, A::default());
        if A::SNAPSHOT_EVERY.is_some()
            && let Some(document) = self.service.database().get(SNAPSHOTS, name).await?
            && let Ok(snapshot) = serde_json::from_slice::<Snapshot<A>>(&document.body)
        {
            // A snapshot of an older shape cannot be read any more; then the whole stream is.
            (version, state) = (snapshot.version, snapshot.state);
        }
        // With the last event that is in the snapshot: it names what is remembered.
        let events = self.service.database().load(name, version.saturating_sub(1)).await?;
        let (known, since) = events.split_at(usize::from(version > 0).min(events.len()));
        let last_event = known.first().map_or(Uuid::nil(), |last| last.id);
        evolved::<A>(version, last_event, Arc::new(state), since)
    }

    fn state<A: Aggregate>(&self, name: &str) -> Result<Arc<A>, Failure> {
        let stream = self.streams.get(name).ok_or_else(|| Failure::broken(format!("{name} was not loaded")))?;
        downcast::<A>(name, &stream.known.state)
    }

    /// Whether the database still has what was remembered and led to nothing; what led to something is compared when
    /// it is committed. Otherwise what was remembered is forgotten, and all of it is to be done again.
    pub(crate) async fn is_verified(&self) -> Result<bool, Failure> {
        let database = self.service.database();
        let mut verified = true;
        for (name, stream) in self.streams.iter().filter(|(_, stream)| stream.is_in_doubt()) {
            if !database.load(name, stream.known.version).await?.is_empty() {
                self.service.states().forget(name);
                verified = false;
            }
        }
        for (key, held) in self.documents.iter().filter(|(_, held)| held.is_unverified && held.write.is_none()) {
            let version = database.get(&key.0, &key.1).await?.map(|document| document.version);
            if version != held.version {
                self.memory.iter().for_each(|memory| memory.put(key.clone(), None));
                verified = false;
            }
        }
        Ok(verified)
    }

    /// A document of a view, what this unit of work has written included. If it is written afterwards,
    /// it must still be as it was read.
    ///
    /// # Errors
    /// A failure of the database, or [`Failure::Broken`] where it is not a `T`.
    pub async fn document<T: DeserializeOwned>(&mut self, view: &'static str, id: &str) -> Result<Option<T>, Failure> {
        let key = (self.view_name(view), id.to_owned());
        if !self.documents.contains_key(&key) {
            let remembered = self.memory.as_ref().filter(|_| !self.bypasses_caches).and_then(|memory| memory.get(&key));
            let is_unverified = remembered.is_some();
            let found = match remembered {
                Some(document) => Some(document),
                None => self.service.database().get(&key.0, id).await?,
            };
            let held = match found {
                Some(Document { version, body, tags, .. }) => {
                    LoadedDocument { version: Some(version), is_unverified, body: Some(body), tags, write: None }
                }
                None => LoadedDocument { version: Some(0), is_unverified, body: None, tags: Vec::new(), write: None },
            };
            self.documents.insert(key.clone(), held);
        }
        let body = self.documents.get(&key).and_then(|held| held.body.as_deref());
        body.map(|body| {
            serde_json::from_slice(body)
                .map_err(|error| Failure::broken_by(format!("document {id} of view {view} cannot be read"), error))
        })
        .transpose()
    }

    /// Writes a document, with all the tags it is found by.
    ///
    /// # Errors
    /// [`Failure::Broken`] where JSON cannot hold it.
    pub fn put<T: Serialize>(
        &mut self,
        view: &'static str,
        id: &str,
        body: &T,
        tags: impl IntoIterator<Item = String>,
    ) -> Result<(), Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Failure::broken_by(format!("document {id} of view {view} cannot be written"), error))?;
        self.write(view, id, Some(body), tags.into_iter().collect());
        Ok(())
    }

    /// Takes a document away. Nothing happens where there is none.
    pub fn delete(&mut self, view: &'static str, id: &str) {
        self.write(view, id, None, Vec::new());
    }

    fn write(&mut self, view: &'static str, id: &str, body: Option<Vec<u8>>, tags: Vec<String>) {
        let key = (self.view_name(view), id.to_owned());
        let held = self.documents.entry(key.clone()).or_insert_with(|| LoadedDocument {
            version: None,
            is_unverified: false,
            body: None,
            tags: Vec::new(),
            write: None,
        });
        held.body.clone_from(&body);
        let left_tags = held.tags.iter().filter(|tag| !tags.contains(tag)).cloned().collect();
        match held.write {
            // Once in a commit is enough: the last word counts.
            Some(place) => {
                let earlier = &mut self.commit.writes[place];
                (earlier.body, earlier.tags, earlier.left_tags) = (body, tags, left_tags);
            }
            None => {
                held.write = Some(self.commit.writes.len());
                let (view, id) = key;
                let expected_version = held.version;
                self.commit.writes.push(Write { view, id, expected_version, body, tags, left_tags });
            }
        }
    }

    fn view_name(&self, view: &'static str) -> String {
        self.renamed.get(view).cloned().unwrap_or_else(|| self.service.view_name(view))
    }

    /// Schedules a job, or ends one.
    pub fn change_job(&mut self, mut change: JobChange) {
        if let JobChange::Schedule(job) = &mut change {
            job.origin.get_or_insert_with(|| (*self.origin).clone());
        }
        self.commit.jobs.push(change);
    }

    /// Schedules a job.
    pub fn schedule(&mut self, job: Job) {
        self.change_job(JobChange::Schedule(job));
    }

    /// Whether nothing has come of it so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.commit.is_empty()
    }

    /// Moves a consumer's cursor.
    pub(crate) fn move_cursor(&mut self, cursor: CursorMove) {
        self.commit.cursors.push(cursor);
    }

    /// Clears a view.
    pub(crate) fn clear_view(&mut self, view: String) {
        self.commit.cleared_views.push(view);
    }

    /// Makes all of it happen, or nothing. A conflict, too, where it came to nothing because of something remembered
    /// that is no longer so.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn commit(self) -> Result<Outcome, Failure> {
        if !self.is_verified().await? {
            return Ok(conflict(&self.service));
        }
        let Self { service, at, streams, documents, mut commit, memory, .. } = self;
        if commit.is_empty() {
            return Ok(Outcome::Committed { position: *service.database().head().borrow() });
        }
        let known = memory.map(|memory| (memory, as_committed(documents, &commit)));
        let taken = service.slots().take(&service, &mut commit, at);
        let outcome = match service.database().commit(commit).await {
            Ok(outcome) => outcome,
            Err(failure) => {
                // When it answers again it may be another one, which does not have what we remember.
                service.states().clear();
                if failure.is_transient() {
                    service.serving().is_not();
                }
                return Err(failure);
            }
        };
        let decided = streams.into_iter().filter(|(_, stream)| stream.append.is_some());
        match outcome {
            Outcome::Committed { .. } => {
                taken.begin();
                if let Some((memory, documents)) = known {
                    documents.into_iter().for_each(|(key, document)| memory.put(key, document));
                }
                let decided: Vec<_> = decided.collect();
                let written = decided.iter().map(|(name, stream)| (name.as_str(), &stream.known));
                service.states().committed(written);
                Ok(outcome)
            }
            Outcome::Conflict => {
                taken.forget();
                for (name, _) in decided {
                    service.states().forget(&name);
                }
                Ok(conflict(&service))
            }
        }
    }
}

impl Stream {
    /// Whether nothing came of it, and nobody asked the database.
    fn is_in_doubt(&self) -> bool {
        self.is_unverified && self.append.is_none()
    }
}

fn conflict(service: &Service) -> Outcome {
    metrics::counter!("baedal_conflicts_total", "context" => service.name()).increment(1);
    Outcome::Conflict
}

fn downcast<A: Aggregate>(name: &str, state: &Arc<dyn Any + Send + Sync>) -> Result<Arc<A>, Failure> {
    let state = Arc::clone(state).downcast::<A>();
    state.map_err(|_| Failure::broken(format!("{name} is not what its category says")))
}

/// A state after these events, the first of which has the version that follows.
fn evolved<A: Aggregate>(
    mut version: u64,
    mut last_event: Uuid,
    mut state: Arc<A>,
    events: &[Recorded],
) -> Result<Known, Failure> {
    for recorded in events {
        Arc::make_mut(&mut state).evolve(&recorded.read::<A::Event>()?, recorded.at);
        (version, last_event) = (recorded.version, recorded.id);
    }
    Ok(Known { version, last_event, state })
}

/// The documents as they are once this is committed; nothing where they are gone, or nobody knows which version they
/// have.
fn as_committed(
    documents: HashMap<(String, String), LoadedDocument>,
    commit: &Commit,
) -> Vec<((String, String), Option<Document>)> {
    let after = |(key, held): ((String, String), LoadedDocument)| {
        let LoadedDocument { version, body, tags, write, .. } = held;
        let (written, tags) = match write.and_then(|place| commit.writes.get(place)) {
            Some(write) => (1, write.tags.clone()),
            None => (0, tags),
        };
        let document = version.zip(body);
        let document =
            document.map(|(version, body)| Document { id: key.1.clone(), version: version + written, body, tags });
        (key, document)
    };
    documents.into_iter().map(after).collect()
}
