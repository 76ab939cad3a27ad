//! The replicas of a context: who is alive, who hears which shards, and who is_leader.
//!
//! ```text
//!   every second:  "I am here" into our own document of the view `replicas` ─▶ its version grows
//!                  whose version has not grown for three of our seconds is away, and struck off
//!   the shards:    each to one of those who are here (rendezvous hashing: few move when one comes or goes)
//!   the leader:    the first of them; it copies the journal to the broker
//! ```
//!
//! Nobody's clock is compared with anybody else's. Two may take a shard for theirs for a moment; the cursor,
//! moved in the commit that holds the effect, lets one of them through, and the other looks again.

mod membership;
mod message;
mod presence;

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::Failure;
use baedal_kit::database::{Commit, Direction, Document, Outcome, Query, Select, Write};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use crate::{Service, consumer, serving};
use membership::Membership;
use message::ReplicaMessage;
use presence::Presence;

/// How often a replica says that it is here.
const BEAT: Duration = Duration::from_secs(1);
/// What several changes may be told together in.
const TELL_TOGETHER: Duration = Duration::from_millis(20);
/// How long we try to say that we leave.
const FAREWELL: Duration = Duration::from_secs(1);
/// The view the replicas are in.
const REPLICAS: &str = "replicas";
/// More replicas than this are not looked at.
const MOST: usize = 1024;

/// One replica's share of the work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardAssignment {
    /// The shards it hears.
    pub shards: Arc<[u16]>,
    /// Whether it does what only one may do.
    pub is_leader: bool,
    /// How many others share the work.
    pub others: usize,
}

impl ShardAssignment {
    /// All of it: there is but one process.
    #[must_use]
    pub fn whole(shards: u16) -> Self {
        Self { shards: (0..shards).collect(), is_leader: true, others: 0 }
    }

    /// None of it, until we know who else is here.
    #[must_use]
    pub fn nothing() -> Self {
        Self { shards: Arc::new([]), is_leader: false, others: 0 }
    }
}

/// Takes part in sharing the work until the process stops. Where there is but one process, it only looks at itself.
pub(crate) async fn run(service: Service) {
    let lifecycle = service.lifecycle().clone();
    let Some(said) = service.database().replicas_say() else {
        tokio::select! {
            () = serving::watch(service) => {}
            () = lifecycle.stopping() => {}
        }
        return;
    };
    let mut member = Member::new(service);
    tokio::select! {
        () = member.take_part(said) => {}
        () = lifecycle.stopping() => {}
    }
    member.leave().await;
}

/// We, as one of the replicas.
struct Member {
    service: Service,
    id: String,
    membership: Membership,
    presence: Presence,
    /// Which documents tell the views' generations, and how often each was written.
    generations: Option<Vec<(String, u64)>>,
    has_left: bool,
}

impl Member {
    fn new(service: Service) -> Self {
        let id = Uuid::now_v7().to_string();
        let (membership, presence) = (Membership::new(id.clone()), Presence::new(id.clone()));
        Self { service, membership, presence, id, generations: None, has_left: false }
    }

    async fn take_part(&mut self, mut said: broadcast::Receiver<Arc<str>>) {
        let lifecycle = self.service.lifecycle().clone();
        let mut moved = self.service.progress().moved();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_shared = self.service.share().borrow().others > 0;
            tokio::select! {
                _ = beat.tick() => self.beat().await,
                heard = said.recv() => match heard {
                    Ok(text) => self.handle(&text).await,
                    // What was missed is said again with the next beats.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                _ = moved.changed(), if is_shared => {
                    tokio::time::sleep(TELL_TOGETHER).await;
                    moved.mark_unchanged();
                    self.tell_progress();
                }
                // With others here the shards are in good hands at once; alone we hear to the end, as
                // requests in flight may wait for what is heard.
                () = lifecycle.draining(), if !self.has_left && is_shared => self.leave().await,
            }
        }
    }

    /// Says that we are here, looks who else is, and takes our share.
    async fn beat(&mut self) {
        if self.has_left {
            return;
        }
        // A database that takes longer is one that we do not reach.
        match tokio::time::timeout(BEAT, self.say_and_look()).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => self.missed(&failure.report()),
            Err(elapsed) => self.missed(&elapsed.to_string()),
        }
        self.take_share();
        self.tell_progress();
    }

    fn missed(&self, error: &str) {
        tracing::warn!(context = self.service.name(), error, "the other replicas cannot be looked at");
    }

    async fn say_and_look(&mut self) -> Result<(), Failure> {
        let is_new = !self.membership.knows_me();
        self.presence.begin(self.service.clock().now(), Instant::now());
        self.service.database().commit(Commit { writes: vec![self.document(true)], ..Commit::default() }).await?;
        self.look().await?;
        self.presence.settle(&self.service, Instant::now()).await?;
        if is_new {
            self.tell(&ReplicaMessage::Here);
        }
        let generations = self.versions(consumer::GENERATIONS).await?;
        let known = self.generations.replace(generations);
        if known.is_some() && known != self.generations {
            self.service.rebuilds().send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Looks who is here.
    async fn look(&mut self) -> Result<(), Failure> {
        let documents = self.documents(REPLICAS).await?;
        let found: Vec<_> = documents.iter().map(|document| (document.id.clone(), document.version)).collect();
        let now = Instant::now();
        self.membership.observe(&found, now);
        self.presence.observe(&documents);
        for (id, version) in self.membership.away(now) {
            let write = Write { expected_version: Some(version), ..document(id.clone(), None) };
            let gone = Commit { writes: vec![write], ..Commit::default() };
            // Where somebody else was faster, or it came back, this is a conflict and nothing happens.
            if let Outcome::Committed { .. } = self.service.database().commit(gone).await? {
                tracing::warn!(context = self.service.name(), replica = id, "a replica is away");
                self.membership.left(&id);
                self.tell(&ReplicaMessage::Left(id));
            }
        }
        Ok(())
    }

    /// The ids of a view's documents, and how often each was written.
    async fn versions(&self, view: &str) -> Result<Vec<(String, u64)>, Failure> {
        let found = self.documents(view).await?;
        Ok(found.into_iter().map(|document| (document.id, document.version)).collect())
    }

    async fn documents(&self, view: &str) -> Result<Vec<Document>, Failure> {
        let select = Select::Prefix(String::new());
        let all = Query { select, direction: Direction::Ascending, after: None, limit: MOST };
        self.service.database().list(view, all).await
    }

    fn take_share(&self) {
        let service = &self.service;
        let share = if self.has_left {
            ShardAssignment::nothing()
        } else {
            self.membership.share(service.bus().shards(), Instant::now())
        };
        if service.take(&share) {
            let ShardAssignment { shards, is_leader, others } = &share;
            tracing::info!(context = service.name(), ?shards, is_leader, others, "the replicas share the work anew");
            service.bus().hear_shards(shards);
        }
    }

    async fn handle(&mut self, text: &str) {
        match ReplicaMessage::read(text) {
            Some(ReplicaMessage::Here) if !self.has_left => match self.look().await {
                Ok(()) => {
                    self.take_share();
                    self.tell_progress();
                }
                Err(failure) => self.missed(&failure.report()),
            },
            Some(ReplicaMessage::Left(id)) => {
                self.membership.left(&id);
                self.take_share();
            }
            Some(ReplicaMessage::Reached(reached)) => message::learn(&self.service, &reached),
            Some(ReplicaMessage::Here) | None => {}
        }
    }

    fn tell_progress(&self) {
        let share = self.service.share().borrow().clone();
        if share.others > 0 && !share.shards.is_empty() {
            self.tell(&ReplicaMessage::Reached(self.service.progress().in_shards(&share.shards)));
        }
    }

    fn tell(&self, said: &ReplicaMessage) {
        if let Some(text) = said.write() {
            self.service.database().tell_replicas(text);
        }
    }

    /// Gives up what is ours, so that nobody waits for us.
    async fn leave(&mut self) {
        if std::mem::replace(&mut self.has_left, true) {
            return;
        }
        self.take_share();
        let gone = Commit { writes: vec![self.document(false)], ..Commit::default() };
        match tokio::time::timeout(FAREWELL, self.service.database().commit(gone)).await {
            Ok(Ok(_)) => self.tell(&ReplicaMessage::Left(self.id.clone())),
            // They will notice by themselves.
            Ok(Err(failure)) => self.missed(&failure.report()),
            Err(elapsed) => self.missed(&elapsed.to_string()),
        }
    }

    fn document(&self, is_here: bool) -> Write {
        document(self.id.clone(), is_here.then(|| self.presence.said().to_vec()))
    }
}

fn document(id: String, body: Option<Vec<u8>>) -> Write {
    let view = REPLICAS.to_owned();
    Write { view, id, expected_version: None, body, tags: Vec::new(), left_tags: Vec::new() }
}
