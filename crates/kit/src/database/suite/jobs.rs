//! Work for later: leased by one at a time, ended together with its effect.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Answered, at, changing, committed, conflicts, job, origin, put, scheduling};
use crate::database::{BehindLetter, Database, JobChange, Lease, LeasedJob};
use crate::job::Job;

async fn lease(database: &Arc<dyn Database>, now: Timestamp) -> Vec<LeasedJob> {
    database.lease(now, now + SignedDuration::from_secs(60), 100).await.answered()
}

async fn lease_one(database: &Arc<dyn Database>, now: Timestamp) -> LeasedJob {
    let mut leased = lease(database, now).await;
    assert_eq!(leased.len(), 1, "{leased:?}");
    leased.remove(0)
}

fn keys(leased: &[LeasedJob]) -> Vec<&str> {
    leased.iter().map(|leased| leased.job.key.as_str()).collect()
}

fn retry(lease: Lease, run_at: Timestamp) -> JobChange {
    JobChange::Retry { lease, run_at, error: "it did not answer".to_owned() }
}

fn bury(lease: Lease, error: &str) -> JobChange {
    JobChange::Bury { lease, error: error.to_owned() }
}

/// Every field of it; only `attempt` counts up.
pub async fn a_job_comes_back_as_it_was_when_it_is_due(database: Arc<dyn Database>) {
    let plain = job("plain", "a", at(10));
    let mut full = job("full", "a/b:c ~%", at(10)).with(&json!({"say": ["김밥", 1, null]})).about(Uuid::now_v7());
    full.origin = Some((*origin()).clone());
    full.attempt = 3;
    committed(&database, scheduling([plain.clone(), full.clone()])).await;
    assert_eq!(lease(&database, at(10) - SignedDuration::from_nanos(1)).await.len(), 0);
    let mut leased = lease(&database, at(10)).await;
    leased.sort_by(|one, other| one.job.kind.cmp(&other.job.kind));
    let jobs: Vec<_> = leased.iter().map(|leased| leased.job.clone()).collect();
    assert_eq!(jobs, [Job { attempt: 4, ..full }, Job { attempt: 1, ..plain }]);
    assert_eq!((leased[0].lease.kind.as_str(), leased[0].lease.key.as_str()), ("full", "a/b:c ~%"));
    assert_eq!(lease(&database, at(11)).await.len(), 0);
}

/// And only as many as wanted.
pub async fn the_earliest_is_leased_first(database: Arc<dyn Database>) {
    let jobs = [("d", 4), ("b", 2), ("e", 5), ("a", 1), ("c", 3)];
    committed(&database, scheduling(jobs.map(|(key, seconds)| job("wait", key, at(seconds))))).await;
    let next = async |limit| database.lease(at(4), at(60), limit).await.answered();
    assert_eq!(keys(&next(0).await), [""; 0]);
    assert_eq!(keys(&next(2).await), ["a", "b"]);
    assert_eq!(keys(&next(5).await), ["c", "d"]);
    assert_eq!(keys(&next(5).await), [""; 0]);
}

/// The job that was, whatever had become of it.
pub async fn scheduling_again_replaces(database: Arc<dyn Database>) {
    committed(&database, scheduling([job("wait", "a", at(1)), job("other", "a", at(1))])).await;
    committed(&database, scheduling([job("wait", "a", at(5)).with(&"new")])).await;
    assert_eq!(lease_one(&database, at(4)).await.job.kind, "other");
    let first = lease_one(&database, at(5)).await;
    assert_eq!((first.job.payload, first.job.attempt), (json!("new"), 1));
    // While it is leased.
    committed(&database, scheduling([job("wait", "a", at(6))])).await;
    let second = lease_one(&database, at(6)).await;
    assert_ne!(first.lease, second.lease);
    assert_eq!(second.job.attempt, 1);
    // When it is a dead letter.
    committed(&database, changing([bury(second.lease, "no")])).await;
    committed(&database, scheduling([job("wait", "a", at(7))])).await;
    assert_eq!(database.dead_letters(None, 10).await.answered().len(), 0);
    assert_eq!(lease_one(&database, at(7)).await.job.attempt, 1);
}

/// Whether there was one or not.
pub async fn an_unscheduled_job_never_comes(database: Arc<dyn Database>) {
    let end = |key: &str| changing([JobChange::unschedule("wait", key)]);
    committed(&database, end("a")).await;
    committed(&database, scheduling([job("wait", "a", at(1)), job("wait", "b", at(1))])).await;
    committed(&database, end("a")).await;
    assert_eq!(keys(&lease(&database, at(9)).await), ["b"]);
    assert_eq!(database.next_due().await.answered(), Some(at(69)));
    committed(&database, end("b")).await;
    assert_eq!(database.next_due().await.answered(), None);
}

/// Nobody else gets it before its lease ends; it is ended, or given up, like any other.
pub async fn a_job_may_be_taken_with_the_commit_that_schedules_it(database: Arc<dyn Database>) {
    let take = |key: &str| {
        let job = Job { attempt: 1, ..job("wait", key, at(0)).with(&json!({"say": "김밥"})).about(Uuid::now_v7()) };
        let lease = Lease { kind: job.kind.clone(), key: job.key.clone(), token: Uuid::now_v7() };
        LeasedJob { job, lease }
    };
    let taking = |leased: &LeasedJob| changing([JobChange::Take { leased: leased.clone(), until: at(60) }]);
    let (done, given_up, kept) = (take("a"), take("b"), take("c"));
    // One that was there is replaced.
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    for leased in [&done, &given_up, &kept] {
        committed(&database, taking(leased)).await;
    }
    assert_eq!(database.next_due().await.answered(), Some(at(60)));
    assert_eq!(lease(&database, at(59)).await.len(), 0);
    committed(&database, changing([JobChange::Finish(done.lease)])).await;
    committed(&database, changing([retry(given_up.lease, at(30))])).await;
    assert_eq!(keys(&lease(&database, at(30)).await), ["b"]);
    let mut late = lease(&database, at(60)).await;
    assert_eq!(late.remove(0).job, Job { attempt: 2, ..kept.job });
    conflicts(&database, changing([JobChange::Finish(kept.lease)])).await;
    // A conflict takes nothing.
    let mut refused = taking(&take("d"));
    refused.jobs.push(JobChange::Finish(take("e").lease));
    conflicts(&database, refused).await;
    assert_eq!(lease(&database, at(200)).await.len(), 2);
}

/// With another token, and one more attempt.
pub async fn a_lease_runs_out_and_another_takes_over(database: Arc<dyn Database>) {
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    let first = lease_one(&database, at(0)).await;
    assert_eq!(lease(&database, at(60) - SignedDuration::from_nanos(1)).await.len(), 0);
    // Until another takes it, the right is not lost.
    let second = lease_one(&database, at(60)).await;
    assert_eq!((first.job.attempt, second.job.attempt), (1, 2));
    assert_ne!(first.lease.token, second.lease.token);
    conflicts(&database, changing([JobChange::Finish(first.lease)])).await;
    committed(&database, changing([JobChange::Finish(second.lease)])).await;
    assert_eq!(database.next_due().await.answered(), None);
}

/// Nor does it fail or bury anything.
pub async fn a_lost_lease_finishes_nothing(database: Arc<dyn Database>) {
    let refused = async |lease: Lease| {
        conflicts(&database, changing([JobChange::Finish(lease.clone())])).await;
        conflicts(&database, changing([retry(lease.clone(), at(0))])).await;
        conflicts(&database, changing([bury(lease, "no")])).await;
    };
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    let replaced = lease_one(&database, at(0)).await.lease;
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    refused(replaced).await;
    let retried = lease_one(&database, at(0)).await.lease;
    committed(&database, changing([retry(retried.clone(), at(0))])).await;
    refused(retried).await;
    let unscheduled = lease_one(&database, at(0)).await.lease;
    committed(&database, changing([JobChange::unschedule("wait", "a")])).await;
    refused(unscheduled).await;
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    let buried = lease_one(&database, at(0)).await.lease;
    committed(&database, changing([bury(buried.clone(), "no")])).await;
    refused(buried).await;
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    let finished = lease_one(&database, at(0)).await.lease;
    committed(&database, changing([JobChange::Finish(finished.clone())])).await;
    refused(finished).await;
}

/// A conflict leaves the job leased; an effect without its job's end does not exist.
pub async fn a_job_ends_together_with_its_effect_or_not_at_all(database: Arc<dyn Database>) {
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    let lease = lease_one(&database, at(0)).await.lease;
    let mut commit = changing([JobChange::Finish(lease.clone())]);
    commit.writes.push(crate::database::Write { expected_version: Some(3), ..put("orders", "a", "{}", &[]) });
    conflicts(&database, commit.clone()).await;
    commit.writes[0].expected_version = None;
    // A job may schedule itself anew.
    commit.jobs.push(JobChange::Schedule(job("wait", "a", at(5))));
    committed(&database, commit.clone()).await;
    conflicts(&database, commit).await;
    assert_eq!(database.get("orders", "a").await.answered().map(|document| document.version), Some(1));
    assert_eq!(database.next_due().await.answered(), Some(at(5)));
}

/// Its attempts are counted on.
pub async fn a_failed_job_comes_again_when_told(database: Arc<dyn Database>) {
    committed(&database, scheduling([job("wait", "a", at(0)).with(&1)])).await;
    let first = lease_one(&database, at(0)).await;
    committed(&database, changing([retry(first.lease, at(30))])).await;
    assert_eq!(database.next_due().await.answered(), Some(at(30)));
    assert_eq!(lease(&database, at(29)).await.len(), 0);
    let second = lease_one(&database, at(30)).await.job;
    assert_eq!((second.attempt, second.run_at, second.payload), (2, at(30), json!(1)));
}

/// It is never leased before, and begins to count again then.
pub async fn a_dead_letter_waits_to_be_redriven(database: Arc<dyn Database>) {
    let redrive = |key: &str| changing([JobChange::Redrive { kind: "wait".into(), key: key.into(), run_at: at(100) }]);
    committed(&database, scheduling([job("wait", "a", at(0)).with(&"say"), job("wait", "b", at(500))])).await;
    let leased = lease_one(&database, at(0)).await;
    committed(&database, changing([bury(leased.lease, "it said no")])).await;
    assert_eq!(lease(&database, at(99)).await.len(), 0);
    assert_eq!(database.next_due().await.answered(), Some(at(500)));
    let letters = database.dead_letters(None, 10).await.answered();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.error.as_str(), letter.job.attempt, &letter.job.payload), ("it said no", 1, &json!("say")));
    conflicts(&database, redrive("b")).await;
    conflicts(&database, redrive("c")).await;
    committed(&database, redrive("a")).await;
    conflicts(&database, redrive("a")).await;
    assert_eq!(database.dead_letters(None, 10).await.answered().len(), 0);
    let again = lease_one(&database, at(100)).await.job;
    assert_eq!((again.key.as_str(), again.attempt), ("a", 1));
}

/// Those first that were tried last; whatever comes and goes meanwhile, each page goes on behind the one before.
pub async fn dead_letters_come_in_pages(database: Arc<dyn Database>) {
    let jobs = [("b", "2", 7), ("a", "3", 7), ("b", "1", 7), ("a", "1", 3), ("c", "0", 9)];
    committed(&database, scheduling(jobs.map(|(kind, key, due)| job(kind, key, at(due))))).await;
    committed(&database, scheduling([job("a", "2", at(0))])).await;
    for leased in lease(&database, at(10)).await {
        if (leased.job.kind.as_str(), leased.job.key.as_str()) != ("a", "2") {
            committed(&database, changing([bury(leased.lease, "no")])).await;
        }
    }
    let mut after = None;
    let mut found = Vec::new();
    for length in [2, 2, 1, 0] {
        let page = database.dead_letters(after.clone(), 2).await.answered();
        assert_eq!(page.len(), length);
        if let Some(last) = page.last() {
            let letter = Some((last.job.kind.clone(), last.job.key.clone()));
            after = Some(BehindLetter { failed_at: last.job.run_at, letter });
            // It is tried again, and what stood there is there no more.
            let (kind, key) = (last.job.kind.clone(), last.job.key.clone());
            committed(&database, changing([JobChange::Redrive { kind, key, run_at: at(50) }])).await;
        }
        found.extend(page.into_iter().map(|letter| format!("{}{}", letter.job.kind, letter.job.key)));
    }
    assert_eq!(found, ["c0", "a3", "b1", "b2", "a1"]);
    let earlier = BehindLetter { failed_at: at(7), letter: None };
    assert_eq!(database.dead_letters(Some(earlier), 10).await.answered().len(), 0, "a1 was tried again");
    let then = BehindLetter { failed_at: at(9), letter: None };
    let left = database.dead_letters(Some(then), 10).await.answered();
    assert_eq!(left.len(), 1, "b1 alone was not the last of a page");
}

/// The first to be due, or whose lease runs out.
pub async fn the_next_due_time_is_known(database: Arc<dyn Database>) {
    assert_eq!(database.next_due().await.answered(), None);
    committed(&database, scheduling([job("wait", "a", at(20)), job("wait", "b", at(10))])).await;
    assert_eq!(database.next_due().await.answered(), Some(at(10)));
    let leased = lease_one(&database, at(15)).await;
    assert_eq!(database.next_due().await.answered(), Some(at(20)));
    let other = lease_one(&database, at(20)).await;
    assert_eq!(database.next_due().await.answered(), Some(at(75)));
    committed(&database, changing([JobChange::Finish(leased.lease)])).await;
    assert_eq!(database.next_due().await.answered(), Some(at(80)));
    committed(&database, changing([bury(other.lease, "no")])).await;
    assert_eq!(database.next_due().await.answered(), None);
}

/// However many ask together.
pub async fn in_a_crowd_each_job_is_leased_once(database: Arc<dyn Database>) {
    let jobs = (0..100).map(|number| job("wait", &format!("{number:02}"), at(0)));
    committed(&database, scheduling(jobs)).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let leased = database.lease(at(0), at(60), 7).await.answered();
                    if leased.is_empty() {
                        return mine;
                    }
                    mine.extend(leased.into_iter().map(|leased| leased.job.key));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap_or_default());
    }
    all.sort_unstable();
    assert_eq!(all, (0..100).map(|number| format!("{number:02}")).collect::<Vec<_>>());
}
