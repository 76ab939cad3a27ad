//! The changes to one job in one commit, reduced to one.

use baedal_kit::database::{JobChange, LeasedJob};
use jiff::Timestamp;
use uuid::Uuid;

use super::Stop;
use crate::rows::nanoseconds;
use crate::text::keep;

/// A job after a commit.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) kind: String,
    pub(crate) key: String,
    /// The lease it must have before.
    pub(crate) lease: Option<Uuid>,
    /// Whether it must be a dead letter before.
    pub(crate) is_dead: bool,
    pub(crate) then: Then,
}

/// What becomes of a job.
#[derive(Debug)]
pub(crate) enum Then {
    /// It is this one.
    Put(Box<Put>),
    /// It goes.
    Drop,
    /// It is nobody's, and due then, or a dead letter; the rest stays as it is where nothing is said of it.
    Change { due: Option<i64>, run_at: Option<i64>, attempt: Option<i32>, error: Option<String> },
}

/// A job as it is scheduled, or taken at once.
#[derive(Debug)]
pub(crate) struct Put {
    /// When it may be taken.
    pub(crate) due: i64,
    /// The lease it has then.
    pub(crate) lease: Option<Uuid>,
    pub(crate) run_at: i64,
    pub(crate) attempt: i32,
    pub(crate) payload: String,
    pub(crate) correlation: Option<Uuid>,
    pub(crate) origin: Option<String>,
}

/// What is known of a job in the middle of a commit.
#[derive(Default)]
pub(super) struct Draft {
    lease: Option<Uuid>,
    is_dead: bool,
    then: Option<Then>,
}

impl Draft {
    pub(super) fn change(&mut self, change: JobChange) -> Result<(), Stop> {
        let then = match change {
            JobChange::Schedule(job) => Then::Put(Box::new(put(job.run_at, None, job)?)),
            JobChange::Take { leased: LeasedJob { job, lease }, until } => {
                Then::Put(Box::new(put(until, Some(lease.token), job)?))
            }
            JobChange::Unschedule { .. } => Then::Drop,
            JobChange::Finish(lease) => {
                self.leased(lease.token)?;
                Then::Drop
            }
            JobChange::Retry { lease, run_at, error } => {
                self.leased(lease.token)?;
                let run_at = Some(nanoseconds(run_at));
                Then::Change { due: run_at, run_at, attempt: None, error: Some(keep(error)) }
            }
            JobChange::Bury { lease, error } => {
                self.leased(lease.token)?;
                Then::Change { due: None, run_at: None, attempt: None, error: Some(keep(error)) }
            }
            JobChange::Redrive { run_at, .. } => {
                let error = match self.then.take() {
                    None => {
                        self.is_dead = true;
                        None
                    }
                    Some(Then::Change { due: None, error, .. }) => error,
                    Some(_) => return Err(Stop::Conflict),
                };
                let run_at = Some(nanoseconds(run_at));
                Then::Change { due: run_at, run_at, attempt: Some(0), error }
            }
        };
        self.then = Some(then);
        Ok(())
    }

    /// It must be leased so: which it is no more once the commit has touched it.
    fn leased(&mut self, token: Uuid) -> Result<(), Stop> {
        if self.then.is_some() {
            return Err(Stop::Conflict);
        }
        self.lease = Some(token);
        Ok(())
    }

    /// The sum of the changes, if there were any.
    pub(super) fn finish(self, kind: String, key: String) -> Option<Job> {
        let Self { lease, is_dead, then } = self;
        Some(Job { kind, key, lease, is_dead, then: then? })
    }
}

fn put(due: Timestamp, lease: Option<Uuid>, job: baedal_kit::Job) -> Result<Put, Stop> {
    let json = |error: serde_json::Error| Stop::Unkeepable(error.to_string());
    Ok(Put {
        due: nanoseconds(due),
        lease,
        run_at: nanoseconds(job.run_at),
        attempt: i32::try_from(job.attempt).unwrap_or(i32::MAX),
        payload: serde_json::to_string(&job.payload).map_err(json)?,
        correlation: job.correlation,
        origin: job.origin.as_ref().map(serde_json::to_string).transpose().map_err(json)?,
    })
}

impl Then {
    /// Its name in `commit_group`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Drop => "drop",
            Self::Change { .. } => "change",
        }
    }

    pub(crate) fn due(&self) -> Option<i64> {
        match self {
            Self::Put(put) => Some(put.due),
            Self::Drop => None,
            Self::Change { due, .. } => *due,
        }
    }

    pub(crate) fn run_at(&self) -> Option<i64> {
        match self {
            Self::Put(put) => Some(put.run_at),
            Self::Drop => None,
            Self::Change { run_at, .. } => *run_at,
        }
    }

    pub(crate) fn attempt(&self) -> Option<i32> {
        match self {
            Self::Put(put) => Some(put.attempt),
            Self::Drop => None,
            Self::Change { attempt, .. } => *attempt,
        }
    }

    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Change { error, .. } => error.as_deref(),
            Self::Put(_) | Self::Drop => None,
        }
    }

    pub(crate) fn put(&self) -> Option<&Put> {
        match self {
            Self::Put(put) => Some(put),
            Self::Drop | Self::Change { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use baedal_kit::database::Lease;

    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_795_230_000, 0);

    fn lease() -> Lease {
        Lease { kind: "wait".to_owned(), key: "a".to_owned(), token: Uuid::from_u128(7) }
    }

    fn schedule() -> JobChange {
        JobChange::Schedule(baedal_kit::Job::new("wait", "a", NOON))
    }

    fn bury() -> JobChange {
        JobChange::Bury { lease: lease(), error: "no".to_owned() }
    }

    fn retry() -> JobChange {
        JobChange::Retry { lease: lease(), run_at: NOON, error: "not yet".to_owned() }
    }

    fn redrive() -> JobChange {
        JobChange::Redrive { kind: "wait".to_owned(), key: "a".to_owned(), run_at: NOON }
    }

    fn sum<const N: usize>(changes: [JobChange; N]) -> Option<Job> {
        let mut draft = Draft::default();
        changes.into_iter().try_for_each(|change| draft.change(change)).ok()?;
        draft.finish("wait".to_owned(), "a".to_owned())
    }

    #[test]
    fn changes_add_up_to_the_last_and_what_the_first_needs() {
        let anew = sum([JobChange::Finish(lease()), schedule()]).unwrap();
        assert!(anew.lease.is_some() && !anew.is_dead && anew.then.put().is_some());
        let gone = sum([redrive(), JobChange::unschedule("wait", "a")]).unwrap();
        assert!(gone.lease.is_none() && gone.is_dead && matches!(gone.then, Then::Drop));
        let again = sum([bury(), redrive()]).unwrap();
        assert!(again.lease.is_some() && !again.is_dead);
        assert_eq!((again.then.attempt(), again.then.error()), (Some(0), Some("no")));
        assert_eq!(again.then.due(), Some(nanoseconds(NOON)));
        assert!(sum([schedule(), schedule()]).unwrap().lease.is_none());
    }

    #[test]
    fn a_lease_ends_with_the_first_change() {
        let finish = || JobChange::Finish(lease());
        for wrong in [[schedule(), finish()], [retry(), finish()], [finish(), bury()], [retry(), redrive()]] {
            assert!(sum(wrong).is_none());
        }
        assert!(sum([schedule(), redrive()]).is_none() && sum([redrive(), redrive()]).is_none());
    }
}
