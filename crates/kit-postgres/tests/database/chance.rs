//! Commits as chance has them, with several changes to the same things: to them PostgreSQL says and does what
//! memory does.

use std::collections::BTreeMap;

use baedal_kit::Job;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{
    Append, Commit, CursorMove, Database, Direction, JobChange, Lease, Outcome, Query, Select, Write,
};
use baedal_servers::testing;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use crate::world::{NOON, event, open};

/// How many commits chance makes.
const COMMITS: u32 = 1500;
/// So few of each thing there are, so that commits meet.
const FEW: u32 = 3;

/// The same lease, as either database knows it.
type Leases = BTreeMap<String, (Lease, Lease)>;

struct Chance {
    dice: StdRng,
    /// No two jobs are due at the same time: which comes first then is nobody's to say.
    seconds: i64,
}

impl Chance {
    fn up_to(&mut self, most: u32) -> u32 {
        self.dice.random_range(0..=most)
    }

    fn name(&mut self) -> String {
        ["a", "a\0b", "김"][self.up_to(FEW - 1) as usize].to_owned()
    }

    fn version(&mut self, now: u64) -> u64 {
        if self.up_to(5) == 0 { now + u64::from(self.up_to(2)) } else { now }
    }

    fn moment(&mut self) -> Timestamp {
        self.seconds += 1;
        NOON + SignedDuration::from_secs(self.seconds)
    }

    fn tags(&mut self) -> Vec<String> {
        (0..self.up_to(3)).map(|_| format!("tag \"{}\"", self.up_to(4))).collect()
    }

    /// Twice the same commit, but for the leases, which each database gives out itself.
    async fn commit(&mut self, memory: &MemoryDatabase, leases: &Leases) -> (Commit, Commit) {
        let mut one = Commit::default();
        for _ in 0..self.up_to(2) {
            let stream = format!("order/{}", self.name());
            let there = memory.load(&stream, 0).await.unwrap().len() as u64;
            let before = one.appends.iter().filter(|append: &&Append| append.stream == stream);
            let expected_version = self.version(there + before.map(|append| append.events.len() as u64).sum::<u64>());
            let events = (0..self.up_to(2)).map(|_| event("Happened")).collect();
            one.appends.push(Append { stream, expected_version, events });
        }
        if self.up_to(2) == 0 {
            let (consumer, shard) = (self.name(), self.up_to(1) as u16);
            let there = memory.cursor(&consumer, "order", shard).await.unwrap();
            let (from, source) = (self.version(there.position), "order".to_owned());
            one.cursors.push(CursorMove { consumer, source, shard, from: from.into(), to: (from + 3).into() });
        }
        if self.up_to(30) == 0 {
            one.cleared_views.push("view 0".to_owned());
        }
        for _ in 0..self.up_to(4) {
            let (view, id) = (format!("view {}", self.up_to(1)), self.name());
            let there = memory.get(&view, &id).await.unwrap().map_or(0, |document| document.version);
            let expected_version = (self.up_to(2) == 0).then(|| self.version(there));
            let body = (self.up_to(3) > 0).then(|| self.up_to(1000).to_string().into_bytes());
            one.writes.push(Write { view, id, expected_version, body, tags: self.tags(), left_tags: Vec::new() });
        }
        let mut other = one.clone();
        for _ in 0..self.up_to(3) {
            let (first, second) = self.job_change(leases);
            one.jobs.push(first);
            other.jobs.push(second);
        }
        (one, other)
    }

    fn job_change(&mut self, leases: &Leases) -> (JobChange, JobChange) {
        let (kind, key, run_at) = ("wait".to_owned(), self.name(), self.moment());
        let nobodys = || Lease { kind: kind.clone(), key: key.clone(), token: Uuid::nil() };
        let (one, other) = leases.get(&key).cloned().unwrap_or_else(|| (nobodys(), nobodys()));
        let error = format!("error {run_at}");
        let both = |make: &dyn Fn(Lease) -> JobChange| (make(one.clone()), make(other.clone()));
        match self.up_to(6) {
            0 | 1 => {
                let job = Job::new("wait", &key, run_at).with(&error).about(Uuid::now_v7());
                (JobChange::Schedule(job.clone()), JobChange::Schedule(job))
            }
            2 => both(&|_| JobChange::Unschedule { kind: kind.clone(), key: key.clone() }),
            3 => both(&JobChange::Finish),
            4 => both(&|lease| JobChange::Retry { lease, run_at, error: error.clone() }),
            5 => both(&|lease| JobChange::Bury { lease, error: error.clone() }),
            _ => both(&|_| JobChange::Redrive { kind: kind.clone(), key: key.clone(), run_at }),
        }
    }
}

async fn same_documents(memory: &MemoryDatabase, database: &dyn Database, tags: Vec<String>) {
    for view in ["view 0", "view 1"] {
        for select in [Select::Prefix(String::new()), Select::Prefix("a".to_owned()), Select::AnyTag(tags.clone())] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let query = Query { select: select.clone(), direction, after: None, limit: 2 };
                let expected = memory.list(view, query.clone()).await.unwrap();
                assert_eq!(database.list(view, query).await.unwrap(), expected);
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_committed_comes_to_the_same_as_in_memory() {
    let memory = MemoryDatabase::default();
    let database = open(&testing::fresh_database("chance")).await;
    let mut chance = Chance { dice: StdRng::seed_from_u64(7), seconds: 0 };
    let mut leases = Leases::new();
    let mut committed = 0;
    for _ in 0..COMMITS {
        let (one, other) = chance.commit(&memory, &leases).await;
        let said = format!("{other:?}");
        let (expected, outcome) = (memory.commit(one).await.unwrap(), database.commit(other).await.unwrap());
        assert_eq!(outcome, expected, "{said}");
        committed += u32::from(outcome != Outcome::Conflict);
        same_documents(&memory, &*database, chance.tags()).await;
        assert_eq!(database.next_due().await.unwrap(), memory.next_due().await.unwrap(), "{said}");
        let (dead, expected) =
            (database.dead_letters(None, 9).await.unwrap(), memory.dead_letters(None, 9).await.unwrap());
        assert_eq!(format!("{dead:?}"), format!("{expected:?}"), "{said}");
        if chance.up_to(3) == 0 {
            let (now, until) = (chance.moment(), chance.moment());
            // Nor have two leases the same end.
            let limit = chance.up_to(1) as usize;
            let expected = memory.lease(now, until, limit).await.unwrap();
            let leased = database.lease(now, until, limit).await.unwrap();
            assert_eq!(leased.len(), expected.len());
            for (one, other) in expected.into_iter().zip(leased) {
                assert_eq!(other.job, one.job);
                leases.insert(one.job.key, (one.lease, other.lease));
            }
        }
    }
    assert_eq!(database.published(0, 100_000).await.unwrap(), memory.published(0, 100_000).await.unwrap());
    assert!((COMMITS / 10..COMMITS * 9 / 10).contains(&committed), "{committed} of {COMMITS}");
}
