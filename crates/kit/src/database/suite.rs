//! What every database must do: one suite that every backend passes.
//!
//! ```ignore
//! async fn fresh() -> (Arc<dyn Database>, impl Sized) {
//!     (Arc::new(MemoryDatabase::default()), ())
//! }
//! baedal_kit::database_suite!(fresh);
//! ```

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Append, Commit, CursorMove, Database, Document, JobChange, NewEvent, Outcome, Write};
use crate::epochs::Cursor;
use crate::job::Job;
use crate::message::{Cause, CauseKind, Origin};

pub mod documents;
pub mod jobs;
pub mod journal;
pub mod waking;

/// Every case as a test of its own, each with a fresh database from `$make`: an `async fn` that returns an
/// `Arc<dyn Database>` and whatever must be kept as long as it is used.
#[macro_export]
macro_rules! database_suite {
    ($make:ident) => {
        $crate::database_suite! { @rooms $make
            journal: [
                a_stream_gives_back_exactly_what_was_appended,
                a_stream_is_loaded_behind_a_version,
                a_stream_may_grow_twice_in_a_commit,
                an_unexpected_version_is_a_conflict,
                a_conflict_takes_back_everything_of_its_commit,
                a_commit_without_events_tells_the_last_position,
                cursors_move_only_from_where_they_are,
                a_cursor_is_of_an_epoch,
                a_journal_has_an_epoch,
                a_conflict_in_a_crowd_fails_alone,
                in_a_crowd_nothing_is_lost,
                no_reader_ever_skips_a_position,
            ],
            documents: [
                a_document_comes_changes_and_goes,
                an_unexpected_version_is_a_conflict,
                writes_of_a_commit_happen_in_order,
                views_do_not_share_ids,
                documents_are_found_by_the_tags_they_have_now,
                documents_are_found_by_any_of_several_tags,
                documents_come_in_the_order_of_their_tags,
                tags_may_be_said_twice_and_hold_anything,
                lists_come_in_pages_in_both_directions,
                a_prefix_means_what_it_says,
                a_large_document_is_kept_whole,
                a_cleared_view_is_empty_but_for_what_is_written_then,
            ],
            jobs: [
                a_job_comes_back_as_it_was_when_it_is_due,
                the_earliest_is_leased_first,
                scheduling_again_replaces,
                an_unscheduled_job_never_comes,
                a_job_may_be_taken_with_the_commit_that_schedules_it,
                a_lease_runs_out_and_another_takes_over,
                a_lost_lease_finishes_nothing,
                a_job_ends_together_with_its_effect_or_not_at_all,
                a_failed_job_comes_again_when_told,
                a_dead_letter_waits_to_be_redriven,
                dead_letters_come_in_pages,
                the_next_due_time_is_known,
                in_a_crowd_each_job_is_leased_once,
            ],
            waking: [
                the_head_tells_of_new_events,
                scheduled_jobs_are_told,
                who_looks_at_a_document_or_a_tag_is_woken,
                a_conflict_wakes_nobody,
            ],
        }
    };
    (@rooms $make:ident $($room:ident: [$($case:ident),* $(,)?],)*) => {
        $(mod $room {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let (database, _kept) = super::$make().await;
                    $crate::database::suite::$room::$case(database).await;
                }
            )*
        })*
    };
}

/// An instant, these seconds after another, and not a round one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::constant(1_795_230_000, 123_456_789) + jiff::SignedDuration::from_secs(seconds)
}

pub(crate) fn origin() -> Arc<Origin> {
    Arc::new(Origin {
        cause: Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /api/orders".to_owned() },
        actor: Some(Uuid::now_v7()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    })
}

pub(crate) fn event(kind: &'static str) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        kind,
        data: format!(r#"{{"{kind}":{{"note":"김밥 \"둘\""}}}}"#).into_bytes(),
        at: at(0),
        correlation: Some(Uuid::now_v7()),
        command: "Do",
        origin: origin(),
    }
}

pub(crate) fn append(stream: &str, expected_version: u64, kinds: &[&'static str]) -> Append {
    let events = kinds.iter().map(|kind| event(kind)).collect();
    Append { stream: stream.to_owned(), expected_version, events }
}

/// A commit that appends events of these kinds to one stream.
pub fn appending(stream: &str, expected_version: u64, kinds: &[&'static str]) -> Commit {
    Commit { appends: vec![append(stream, expected_version, kinds)], ..Commit::default() }
}

pub(crate) fn cursor(from: impl Into<Cursor>, to: impl Into<Cursor>) -> CursorMove {
    let (from, to) = (from.into(), to.into());
    CursorMove { consumer: "policy".to_owned(), source: "order".to_owned(), shard: 0, from, to }
}

pub(crate) fn put(view: &str, id: &str, body: &str, tags: &[&str]) -> Write {
    Write {
        view: view.to_owned(),
        id: id.to_owned(),
        expected_version: None,
        body: Some(body.as_bytes().to_vec()),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        left_tags: Vec::new(),
    }
}

pub(crate) fn delete(view: &str, id: &str) -> Write {
    Write { body: None, ..put(view, id, "", &[]) }
}

pub(crate) fn writing(writes: impl IntoIterator<Item = Write>) -> Commit {
    Commit { writes: writes.into_iter().collect(), ..Commit::default() }
}

pub(crate) fn job(kind: &'static str, key: &str, run_at: Timestamp) -> Job {
    Job::new(kind, key, run_at)
}

pub(crate) fn scheduling(jobs: impl IntoIterator<Item = Job>) -> Commit {
    changing(jobs.into_iter().map(JobChange::from))
}

pub(crate) fn changing(jobs: impl IntoIterator<Item = JobChange>) -> Commit {
    Commit { jobs: jobs.into_iter().collect(), ..Commit::default() }
}

/// Commits what must go through; the position then.
pub async fn committed(database: &Arc<dyn Database>, commit: Commit) -> u64 {
    match outcome(database, commit).await {
        Outcome::Committed { position } => position,
        Outcome::Conflict => panic!("a conflict"),
    }
}

/// Commits what must not go through.
pub(crate) async fn conflicts(database: &Arc<dyn Database>, commit: Commit) {
    assert_eq!(outcome(database, commit).await, Outcome::Conflict);
}

pub(crate) async fn outcome(database: &Arc<dyn Database>, commit: Commit) -> Outcome {
    database.commit(commit).await.unwrap_or_else(|failure| panic!("{}", failure.report()))
}

pub(crate) fn ids(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.id.as_str()).collect()
}

/// What a database gives when it answers.
pub(crate) trait Answered<T> {
    /// The answer.
    fn answered(self) -> T;
}

impl<T> Answered<T> for Result<T, crate::Failure> {
    #[track_caller]
    fn answered(self) -> T {
        self.unwrap_or_else(|failure| panic!("{}", failure.report()))
    }
}
