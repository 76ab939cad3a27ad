//! One unit of work: load, decide, read and write documents, schedule jobs, and commit all of it together.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::aggregate::stream_name;
use crate::consumer::Memory;
use crate::database::{Append, Commit, CursorMove, Document, JobChange, NewEvent, Outcome, Write};
use crate::jobs::Job;
use crate::message::Origin;
use crate::service::Service;
use crate::{Aggregate, Failure};

/// The view that snapshots of aggregates are kept in.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// What was decided: the events that happened, or why not.
pub type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Refusal>;

/// A unit of work under way. Nothing of it has happened until it is committed.
pub struct Work {
    service: Service,
    origin: Arc<Origin>,
    at: Timestamp,
    streams: HashMap<String, Stream>,
    documents: HashMap<(String, String), Held>,
    commit: Commit,
    /// Views written under another name while they are rebuilt.
    renamed: HashMap<&'static str, String>,
    /// Whether nothing is taken for certain that the database was not asked: somebody was faster before.
    looks_afresh: bool,
    /// Documents that need not be read.
    memory: Option<Arc<Memory>>,
}

/// An aggregate as this unit of work has it.
struct Stream {
    state: Arc<dyn Any + Send + Sync>,
    version: u64,
    /// Where its events are in `commit.appends`, once there are any.
    append: Option<usize>,
    /// Whether it came from the cache of states, which may be behind the database.
    cached: bool,
}

/// A document as this unit of work has it.
struct Held {
    /// The version it was read at; `None` where it was written without being read.
    version: Option<u64>,
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

impl Work {
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
            looks_afresh: false,
            memory: None,
        }
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
    pub(crate) fn look_afresh(&mut self) {
        self.looks_afresh = true;
    }

    /// Documents are read from there first, and what is written is kept there.
    pub(crate) fn remember_in(&mut self, memory: Arc<Memory>) {
        self.memory = Some(memory);
    }

    /// Writes to `view` go to `name` instead.
    pub(crate) fn rename_view(&mut self, view: &'static str, name: String) {
        self.renamed.insert(view, name);
    }

    /// An aggregate as it is, what this unit of work has decided included. It may come from memory and miss
    /// what another process committed a moment ago; see [`Work::decide`].
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn load<A: Aggregate>(&mut self, id: &A::Id) -> Result<Arc<A>, Failure> {
        let name = stream_name::<A>(id);
        if !self.streams.contains_key(&name) {
            let cached = self.service.states().get(&name);
            let is_cached = cached.is_some();
            let (version, state) = match cached {
                Some(found) => found,
                None => self.read_stream::<A>(&name).await?,
            };
            self.streams.insert(name.clone(), Stream { state, version, append: None, cached: is_cached });
        }
        let stream = self.streams.get(&name).map(|stream| Arc::clone(&stream.state));
        stream
            .and_then(|state| state.downcast::<A>().ok())
            .ok_or_else(|| Failure::broken(format!("{name} is not what its category says")))
    }

    /// Takes an aggregate for one that does not exist yet, without asking the database. Where it does exist, the
    /// commit collides with it, and the next attempt looks.
    pub fn expect_new<A: Aggregate>(&mut self, id: &A::Id) {
        let name = stream_name::<A>(id);
        if self.looks_afresh || self.streams.contains_key(&name) || self.service.states().get(&name).is_some() {
            return;
        }
        let stream = Stream { state: Arc::new(A::default()), version: 0, append: None, cached: true };
        self.streams.insert(name, stream);
    }

    /// Decides a command. What happens is part of this unit of work; so are the jobs that follow from it.
    ///
    /// A state that was cached may be behind the database. Events decided on it are safe, because the
    /// commit compares versions; a refusal, or a "nothing to do", is decided again on a fresh look.
    ///
    /// # Errors
    /// A failure of the database. The refusal is in the value.
    pub async fn decide<A: Aggregate>(&mut self, id: &A::Id, command: A::Command) -> Result<Decision<A>, Failure>
    where
        A::Command: Clone,
    {
        let name = stream_name::<A>(id);
        let mut state = self.load::<A>(id).await?;
        let mut decision = state.decide(command.clone(), self.at);
        let is_settled = matches!(&decision, Ok(events) if !events.is_empty());
        if !is_settled && self.streams.get(&name).is_some_and(|stream| stream.cached && stream.append.is_none()) {
            self.service.states().forget(&name);
            self.streams.remove(&name);
            state = self.load::<A>(id).await?;
            decision = state.decide(command.clone(), self.at);
        }
        let events = match decision {
            Ok(events) if events.is_empty() => return Ok(Ok(events)),
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        drop(state);
        self.append::<A>(id, name, A::command_name(&command), &events)?;
        Ok(Ok(events))
    }

    /// Decides a command that an event or a deadline asks for, and that must not be refused: such commands
    /// are answered in every state.
    ///
    /// # Errors
    /// A failure of the database, or [`Failure::Broken`] with the refusal, which makes a dead letter.
    pub async fn tell<A: Aggregate>(&mut self, id: &A::Id, command: A::Command) -> Result<Vec<A::Event>, Failure> {
        let asked = A::command_name(&command);
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
        let mut recorded = Vec::with_capacity(events.len());
        let mut owned = Arc::clone(&stream.state)
            .downcast::<A>()
            .map_err(|_| Failure::broken(format!("{name} is not what its category says")))?;
        stream.state = Arc::new(());
        let state = Arc::make_mut(&mut owned);
        for event in events {
            state.evolve(event, self.at);
            recorded.push(NewEvent {
                id: self.service.ids().new_id(),
                kind: A::event_name(event),
                data: serde_json::to_vec(event).map_err(|error| {
                    Failure::broken_by(format!("{} cannot be written", A::event_name(event)), error)
                })?,
                at: self.at,
                correlation: A::correlation(id, event),
                command,
                origin: Arc::clone(&self.origin),
            });
        }
        let before = stream.version;
        stream.version += events.len() as u64;
        stream.cached = false;
        let snapshot = A::SNAPSHOT_EVERY.is_some_and(|every| before / every != stream.version / every);
        let snapshot = snapshot
            .then(|| serde_json::to_vec(&Snapshot { version: stream.version, state: &*owned }))
            .transpose()
            .map_err(|error| Failure::broken_by(format!("a snapshot of {name} cannot be written"), error))?;
        stream.state = owned;
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

    async fn read_stream<A: Aggregate>(&self, name: &str) -> Result<(u64, Arc<dyn Any + Send + Sync>), Failure> {
        let (mut version, mut state) = (0, A::default());
        if A::SNAPSHOT_EVERY.is_some()
            && let Some(document) = self.service.database().get(SNAPSHOTS, name).await?
            && let Ok(snapshot) = serde_json::from_slice::<Snapshot<A>>(&document.body)
        {
            // A snapshot of an older shape cannot be read any more; then the whole stream is.
            (version, state) = (snapshot.version, snapshot.state);
        }
        for recorded in self.service.database().load(name, version).await? {
            state.evolve(&recorded.read::<A::Event>()?, recorded.at);
            version = recorded.version;
        }
        Ok((version, Arc::new(state)))
    }

    /// A document of a view, what this unit of work has written included. If it is written afterwards,
    /// it must still be as it was read.
    ///
    /// # Errors
    /// A failure of the database, or [`Failure::Broken`] where it is not a `T`.
    pub async fn document<T: DeserializeOwned>(&mut self, view: &'static str, id: &str) -> Result<Option<T>, Failure> {
        let key = (self.view_name(view), id.to_owned());
        if !self.documents.contains_key(&key) {
            let remembered = self.memory.as_ref().filter(|_| !self.looks_afresh).and_then(|memory| memory.get(&key));
            let found = match remembered {
                Some(document) => Some(document),
                None => self.service.database().get(&key.0, id).await?,
            };
            let held = match found {
                Some(Document { version, body, tags, .. }) => {
                    Held { version: Some(version), body: Some(body), tags, write: None }
                }
                None => Held { version: Some(0), body: None, tags: Vec::new(), write: None },
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
        let held = self.documents.entry(key.clone()).or_insert_with(|| Held {
            version: None,
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

    /// Makes all of it happen, or nothing.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn commit(self) -> Result<Outcome, Failure> {
        let Self { service, at, streams, documents, mut commit, memory, .. } = self;
        if commit.is_empty() {
            return Ok(Outcome::Committed { position: *service.database().head().borrow() });
        }
        let known = memory.map(|memory| (memory, as_committed(documents, &commit)));
        let taken = service.hands().take(&service, &mut commit, at);
        let outcome = service.database().commit(commit).await?;
        let decided = streams.into_iter().filter(|(_, stream)| stream.append.is_some());
        match outcome {
            Outcome::Committed { .. } => {
                taken.begin();
                if let Some((memory, documents)) = known {
                    documents.into_iter().for_each(|(key, document)| memory.put(key, document));
                }
                for (name, stream) in decided {
                    service.states().keep(name, stream.version, stream.state);
                }
            }
            Outcome::Conflict => {
                taken.forget();
                metrics::counter!("baedal_conflicts_total", "context" => service.name()).increment(1);
                for (name, _) in decided {
                    service.states().forget(&name);
                }
            }
        }
        Ok(outcome)
    }
}

/// The documents as they are once this is committed; nothing where they are gone, or nobody knows which version they
/// have.
fn as_committed(
    documents: HashMap<(String, String), Held>,
    commit: &Commit,
) -> Vec<((String, String), Option<Document>)> {
    let after = |(key, held): ((String, String), Held)| {
        let Held { version, body, tags, write } = held;
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
