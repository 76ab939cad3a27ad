//! Streams, positions and cursors; one commit, or none of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::{
    Answered, append, appending, at, committed, conflicts, cursor, event, job, outcome, put, scheduling, writing,
};
use crate::database::{Append, Commit, Database, JobChange, KeptCursor, Outcome};
use crate::epochs::{Cursor, Epoch};

/// Every field of every event, in order.
pub async fn a_stream_gives_back_exactly_what_was_appended(database: Arc<dyn Database>) {
    let events = vec![event("Placed"), event("Paid")];
    let lone = crate::database::NewEvent { correlation: None, at: at(-7), ..event("Opened") };
    let position = committed(
        &database,
        Commit {
            appends: vec![
                Append { stream: "order/a".to_owned(), expected_version: 0, events: events.clone() },
                Append { stream: "store/b".to_owned(), expected_version: 0, events: vec![lone.clone()] },
            ],
            ..Commit::default()
        },
    )
    .await;
    assert_eq!(position, 3);
    let mut recorded = database.load("order/a", 0).await.answered();
    recorded.extend(database.load("store/b", 0).await.answered());
    assert_eq!(recorded, database.published(0, 10).await.answered());
    assert_eq!(recorded.len(), 3);
    for (index, (recorded, event)) in recorded.into_iter().zip(events.into_iter().chain([lone])).enumerate() {
        assert_eq!(recorded.position, index as u64 + 1);
        assert_eq!(recorded.stream, if index < 2 { "order/a" } else { "store/b" });
        assert_eq!(recorded.version, [1, 2, 1][index]);
        assert_eq!((recorded.id, recorded.kind.as_str(), recorded.at), (event.id, event.kind, event.at));
        assert_eq!((recorded.correlation, recorded.command.as_str()), (event.correlation, event.command));
        assert_eq!((recorded.data, recorded.origin), (event.data, event.origin));
    }
}

/// Only what came later, of this stream only.
pub async fn a_stream_is_loaded_behind_a_version(database: Arc<dyn Database>) {
    committed(&database, appending("order/a", 0, &["A1", "A2", "A3"])).await;
    committed(&database, appending("order/aa", 0, &["B1"])).await;
    let kinds = |events: Vec<crate::Recorded>| events.into_iter().map(|event| event.kind).collect::<Vec<_>>();
    assert_eq!(kinds(database.load("order/a", 1).await.answered()), ["A2", "A3"]);
    assert_eq!(kinds(database.load("order/a", 3).await.answered()), [""; 0]);
    assert_eq!(kinds(database.load("order/b", 0).await.answered()), [""; 0]);
    assert_eq!(kinds(database.published(1, 2).await.answered()), ["A2", "A3"]);
    assert_eq!(kinds(database.published(4, 2).await.answered()), [""; 0]);
}

/// The second time, from where the first has brought it.
pub async fn a_stream_may_grow_twice_in_a_commit(database: Arc<dyn Database>) {
    let twice = |second| Commit {
        appends: vec![append("order/a", 0, &["One"]), append("order/a", second, &["Two"])],
        ..Commit::default()
    };
    conflicts(&database, twice(0)).await;
    committed(&database, twice(1)).await;
    assert_eq!(database.load("order/a", 0).await.answered().len(), 2);
}

/// Too low, too high, or none where there is one.
pub async fn an_unexpected_version_is_a_conflict(database: Arc<dyn Database>) {
    conflicts(&database, appending("order/a", 1, &["Early"])).await;
    committed(&database, appending("order/a", 0, &["One", "Two"])).await;
    for wrong in [0, 1, 3] {
        conflicts(&database, appending("order/a", wrong, &["Wrong"])).await;
    }
    assert_eq!(committed(&database, appending("order/a", 2, &["Three"])).await, 3);
}

/// Events, cursors, documents and jobs, whichever of them was the reason.
pub async fn a_conflict_takes_back_everything_of_its_commit(database: Arc<dyn Database>) {
    committed(&database, writing([put("orders", "old", "1", &["red"])])).await;
    committed(&database, scheduling([job("old", "1", at(0))])).await;
    let good = Commit {
        appends: vec![append("order/a", 0, &["One"])],
        cursors: vec![cursor(0, 7)],
        writes: vec![put("orders", "a", "{}", &["red"]), put("orders", "old", "2", &["blue"])],
        cleared_views: vec!["stores".to_owned()],
        jobs: vec![
            JobChange::Schedule(job("new", "1", at(0))),
            JobChange::Unschedule { kind: "old".into(), key: "1".into() },
        ],
    };
    let mut wrong = vec![good.clone(), good.clone(), good.clone(), good.clone()];
    wrong[0].appends.push(append("order/b", 4, &["Wrong"]));
    wrong[1].cursors.push(cursor(0, 8));
    wrong[2].writes.push(crate::database::Write { expected_version: Some(5), ..put("orders", "b", "{}", &[]) });
    wrong[3].jobs.push(JobChange::Redrive { kind: "none".into(), key: "1".into(), run_at: at(0) });
    for commit in wrong {
        conflicts(&database, commit).await;
        assert_eq!(database.published(0, 10).await.answered(), []);
        assert_eq!(database.cursor("policy", "order", 0).await.answered(), 0.into());
        assert_eq!(database.get("orders", "a").await.answered(), None);
        let old = database.get("orders", "old").await.answered().map(|old| (old.version, old.body, old.tags));
        assert_eq!(old, Some((1, b"1".to_vec(), vec!["red".to_owned()])));
    }
    let jobs = database.lease(at(0), at(1), 10).await.answered();
    assert_eq!(jobs.iter().map(|leased| leased.job.kind.as_str()).collect::<Vec<_>>(), ["old"]);
    assert_eq!(committed(&database, good).await, 1);
}

/// So that whoever changed only documents knows from when on they are seen.
pub async fn a_commit_without_events_tells_the_last_position(database: Arc<dyn Database>) {
    assert_eq!(committed(&database, writing([put("orders", "a", "{}", &[])])).await, 0);
    committed(&database, appending("order/a", 0, &["One", "Two"])).await;
    assert_eq!(committed(&database, writing([put("orders", "a", "{}", &[])])).await, 2);
}

/// Each for itself, by consumer, source and shard.
pub async fn cursors_move_only_from_where_they_are(database: Arc<dyn Database>) {
    let moving = |cursor| Commit { cursors: vec![cursor], ..Commit::default() };
    conflicts(&database, moving(cursor(1, 2))).await;
    committed(&database, moving(cursor(0, 5))).await;
    conflicts(&database, moving(cursor(0, 6))).await;
    committed(&database, moving(cursor(5, 9))).await;
    committed(&database, moving(crate::database::CursorMove { shard: 1, ..cursor(0, 3) })).await;
    assert_eq!(database.cursor("policy", "order", 0).await.answered(), 9.into());
    assert_eq!(database.cursor("policy", "order", 1).await.answered(), 3.into());
    assert_eq!(database.cursor("policy", "store", 0).await.answered(), 0.into());
    assert_eq!(database.cursor("other", "order", 0).await.answered(), 0.into());
}

/// It must be believed to be where it is in that, too: the same position of another epoch is another event.
pub async fn a_cursor_is_of_an_epoch(database: Arc<dyn Database>) {
    let (one, other) = (Epoch::new(), Epoch::new());
    let at = |position, epoch| Cursor { position, epoch };
    let moving = |from, to| Commit { cursors: vec![cursor(from, to)], ..Commit::default() };
    committed(&database, moving(Cursor::default(), at(5, one))).await;
    conflicts(&database, moving(at(5, other), at(6, other))).await;
    conflicts(&database, moving(5.into(), at(6, one))).await;
    committed(&database, moving(at(5, one), at(5, other))).await;
    committed(&database, moving(at(5, other), at(3, other))).await;
    assert_eq!(database.cursor("policy", "order", 0).await.answered(), at(3, other));
    let kept = KeptCursor { consumer: "policy".into(), source: "order".into(), shard: 0, at: at(3, other) };
    assert_eq!(database.cursors().await.answered(), [kept]);
}

/// It began before anything happened.
pub async fn a_journal_has_an_epoch(database: Arc<dyn Database>) {
    let epochs = database.epochs().borrow().clone();
    assert_ne!(epochs.last(), Epoch::NONE);
    assert_eq!(epochs.at(1), epochs.last());
    committed(&database, appending("order/a", 0, &["One"])).await;
    assert_eq!(*database.epochs().borrow(), epochs);
}

/// However many commits are on their way together.
pub async fn a_conflict_in_a_crowd_fails_alone(database: Arc<dyn Database>) {
    let tasks: Vec<_> = (0..64)
        .map(|index| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                // Every other one wants to be the first in the same stream.
                let stream = if index % 2 == 0 { "order/wanted".to_owned() } else { format!("order/{index}") };
                let mut commit = appending(&stream, 0, &["One", "Two"]);
                commit.writes.push(put("orders", &index.to_string(), "{}", &["all"]));
                outcome(&database, commit).await
            })
        })
        .collect();
    let mut won = HashSet::new();
    for (index, task) in tasks.into_iter().enumerate() {
        if matches!(task.await, Ok(Outcome::Committed { .. })) {
            won.insert(index);
        }
    }
    assert_eq!(won.iter().filter(|index| **index % 2 == 0).count(), 1);
    assert_eq!(won.len(), 33);
    for index in 0..64 {
        let there = database.get("orders", &index.to_string()).await.answered().is_some();
        assert_eq!(there, won.contains(&index), "{index}");
    }
    assert_eq!(database.published(0, 1000).await.answered().len(), 66);
}

/// Everybody adds to the same stream, again and again until it fits.
pub async fn in_a_crowd_nothing_is_lost(database: Arc<dyn Database>) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                let mut added = 0;
                while added < 10 {
                    let version = database.load("order/a", 0).await.answered().len() as u64;
                    if let Outcome::Committed { .. } = outcome(&database, appending("order/a", version, &["One"])).await
                    {
                        added += 1;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.is_ok());
    }
    let versions: Vec<_> =
        database.load("order/a", 0).await.answered().into_iter().map(|event| (event.position, event.version)).collect();
    assert_eq!(versions, (1..=80).map(|number| (number, number)).collect::<Vec<_>>());
}

/// Readers that poll while writers write see 1, 2, 3 … and nothing else, ever.
pub async fn no_reader_ever_skips_a_position(database: Arc<dyn Database>) {
    const EVENTS: u64 = 16 * 25 * 2;
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                let mut head = database.head();
                let mut seen = 0;
                while seen < EVENTS {
                    head.mark_unchanged();
                    let announced = *head.borrow();
                    let news = database.published(seen, 7 + reader).await.answered();
                    for event in &news {
                        assert_eq!(event.position, seen + 1);
                        seen = event.position;
                    }
                    assert!(!news.is_empty() || announced <= seen, "{announced} was announced and cannot be read");
                    if news.is_empty() {
                        assert!(head.changed().await.is_ok());
                    }
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                for round in 0..25 {
                    let stream = format!("order/{writer}");
                    conflicts(&database, appending(&stream, 1000, &["Wrong"])).await;
                    committed(&database, appending(&stream, round * 2, &["One", "Two"])).await;
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(readers) {
        assert!(task.await.is_ok());
    }
}
