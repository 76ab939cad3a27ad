//! Who waits is woken: by the head, by jobs, by what changed in a view; and by nothing that did not happen.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::{appending, at, changing, committed, conflicts, delete, job, put, scheduling, writing};
use crate::database::{Database, JobChange, Write};
use crate::feeds::{Subscription, document_key, tag_key};

async fn is_woken(subscription: &mut Subscription) -> bool {
    tokio::time::timeout(Duration::from_secs(10), subscription.changed()).await.is_ok()
}

fn is_asleep(subscription: &mut Subscription) -> bool {
    subscription.changed().now_or_never().is_none()
}

/// No later than the commit is answered.
pub async fn the_head_tells_of_new_events(database: Arc<dyn Database>) {
    let mut head = database.head();
    assert_eq!(*head.borrow_and_update(), 0);
    committed(&database, writing([put("orders", "a", "1", &[])])).await;
    assert!(!head.has_changed().unwrap_or(true));
    let waiting = tokio::spawn(async move { head.wait_for(|head| *head >= 2).await.map(|head| *head) });
    committed(&database, appending("order/a", 0, &["One", "Two"])).await;
    assert_eq!(*database.head().borrow(), 2);
    assert!(matches!(waiting.await, Ok(Ok(2))));
}

/// So are those that are tried again; that others ended is nobody's to know.
pub async fn scheduled_jobs_are_told(database: Arc<dyn Database>) {
    let mut changed = database.jobs_changed();
    committed(&database, appending("order/a", 0, &["One"])).await;
    assert!(!changed.has_changed().unwrap_or(true));
    committed(&database, scheduling([job("wait", "a", at(0))])).await;
    assert!(changed.has_changed().unwrap_or(false));
    changed.mark_unchanged();
    let lease = database.lease(at(0), at(60), 1).await.ok().and_then(|mut leased| leased.pop());
    let Some(lease) = lease.map(|leased| leased.lease) else { panic!("there is no job") };
    assert!(!changed.has_changed().unwrap_or(true));
    let error = String::new();
    committed(&database, changing([JobChange::Retry { lease, run_at: at(0), error }])).await;
    assert!(changed.has_changed().unwrap_or(false));
}

/// Also when it goes, and when it is no longer found there.
pub async fn who_looks_at_a_document_or_a_tag_is_woken(database: Arc<dyn Database>) {
    let feeds = database.feeds();
    let mut document = feeds.subscribe(document_key("orders", "a"));
    let mut red = feeds.subscribe(tag_key("orders", "red"));
    let mut blue = feeds.subscribe(tag_key("orders", "blue"));
    let mut other = feeds.subscribe(document_key("orders", "b"));
    committed(&database, writing([put("orders", "a", "1", &["red"])])).await;
    assert!(is_woken(&mut document).await && is_woken(&mut red).await);
    assert!(is_asleep(&mut blue) && is_asleep(&mut other));
    let write = Write { left_tags: vec!["red".to_owned()], ..put("orders", "a", "2", &["blue"]) };
    committed(&database, writing([write])).await;
    assert!(is_woken(&mut document).await && is_woken(&mut red).await && is_woken(&mut blue).await);
    let write = Write { left_tags: vec!["blue".to_owned()], ..delete("orders", "a") };
    committed(&database, writing([write])).await;
    assert!(is_woken(&mut document).await && is_woken(&mut blue).await);
    assert!(is_asleep(&mut red) && is_asleep(&mut other));
}

/// Nothing happened, after all.
pub async fn a_conflict_wakes_nobody(database: Arc<dyn Database>) {
    let (mut head, mut jobs) = (database.head(), database.jobs_changed());
    head.mark_unchanged();
    jobs.mark_unchanged();
    let mut document = database.feeds().subscribe(document_key("orders", "a"));
    let mut commit = appending("order/a", 3, &["One"]);
    commit.writes.push(put("orders", "a", "1", &[]));
    commit.jobs.push(JobChange::Schedule(job("wait", "a", at(0))));
    conflicts(&database, commit).await;
    assert!(is_asleep(&mut document));
    assert!(!head.has_changed().unwrap_or(true) && !jobs.has_changed().unwrap_or(true));
}
