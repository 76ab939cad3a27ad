//! The jobs that this process has in hand: leased to it, and given up where it does not end them.
//!
//! A job that is due when it is scheduled is taken in the same commit, where there is a hand free: nobody then has
//! to look for it, and it need not be written once more to be leased.

use std::collections::HashSet;
use std::sync::Arc;

use baedal_kit::database::{Commit, JobChange, Lease, LeasedJob};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

use super::{LEASE, PARALLEL, record};
use crate::Service;

/// How many jobs a process can take, and how they get to whoever does them.
pub(crate) struct JobSlots {
    free: Arc<Semaphore>,
    /// Where those go that are taken as they are scheduled. Nobody does jobs here where there is none.
    queue: Mutex<Option<mpsc::UnboundedSender<LeasedJobGuard>>>,
}

impl Default for JobSlots {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(PARALLEL)), queue: Mutex::default() }
    }
}

impl JobSlots {
    /// From now on jobs are done here, and what is taken as it is scheduled comes this way.
    pub(super) fn open(&self) -> mpsc::UnboundedReceiver<LeasedJobGuard> {
        let (sender, taken) = mpsc::unbounded_channel();
        *self.queue.lock() = Some(sender);
        taken
    }

    /// As many hands as are free.
    pub(super) fn free(&self) -> Option<OwnedSemaphorePermit> {
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        Arc::clone(&self.free).try_acquire_many_owned(free).ok().filter(|slots| slots.num_permits() > 0)
    }

    /// Takes what is due with its commit, as far as there are hands free.
    pub(crate) fn take(&self, service: &Service, commit: &mut Commit, at: Timestamp) -> Taken {
        let queue = self.queue.lock().clone();
        let mut taken = Taken { held: Vec::new(), queue: queue.clone() };
        if queue.is_none_or(|queue| queue.is_closed()) {
            return taken;
        }
        // Only what is said last of a job holds.
        let mut seen = HashSet::new();
        for change in commit.jobs.iter_mut().rev() {
            let JobChange::Schedule(job) = change else {
                let (kind, key) = change.subject();
                seen.insert((kind.to_owned(), key.to_owned()));
                continue;
            };
            let is_last = seen.insert((job.kind.clone(), job.key.clone()));
            if !is_last || job.run_at > at {
                continue;
            }
            let Ok(hand) = Arc::clone(&self.free).try_acquire_owned() else { break };
            let mut job = job.clone();
            job.attempt += 1;
            let lease = Lease { kind: job.kind.clone(), key: job.key.clone(), token: Uuid::now_v7() };
            let leased = LeasedJob { job, lease };
            taken.held.push(LeasedJobGuard::new(service, leased.clone(), hand));
            *change = JobChange::Take { leased, until: at + LEASE };
        }
        taken
    }
}

/// What is taken by a commit under way. Where nobody knows what became of the commit, it is given up.
pub(crate) struct Taken {
    held: Vec<LeasedJobGuard>,
    queue: Option<mpsc::UnboundedSender<LeasedJobGuard>>,
}

impl Taken {
    /// It is committed: the work may begin.
    pub(crate) fn begin(self) {
        let Some(queue) = self.queue else { return };
        for held in self.held {
            // Where nobody does jobs any more, it comes back with the error, and is given up.
            drop(queue.send(held));
        }
    }

    /// It is not committed: there is nothing to do.
    pub(crate) fn forget(self) {
        self.held.into_iter().for_each(LeasedJobGuard::ended);
    }
}

/// A leased job. Where the process stops before it has ended, the lease is given up at once, so that
/// whoever comes next need not wait for it to run out.
pub(crate) struct LeasedJobGuard {
    service: Service,
    leased: Option<LeasedJob>,
    _hand: OwnedSemaphorePermit,
    /// Whoever stops the process waits until it is given up.
    _counted: TaskTrackerToken,
}

impl LeasedJobGuard {
    pub(super) fn new(service: &Service, leased: LeasedJob, hand: OwnedSemaphorePermit) -> Self {
        let counted = service.lifecycle().token();
        Self { service: service.clone(), leased: Some(leased), _hand: hand, _counted: counted }
    }

    /// The job, and the right to it.
    pub(super) fn leased(&self) -> Option<LeasedJob> {
        self.leased.clone()
    }

    /// There is nothing to give up any more.
    pub(super) fn ended(mut self) {
        self.leased = None;
    }
}

impl Drop for LeasedJobGuard {
    fn drop(&mut self) {
        let Some(LeasedJob { job, lease }) = self.leased.take() else { return };
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let service = self.service.clone();
        self.service.lifecycle().spawn_to_its_end(async move {
            let error = "it was interrupted".to_owned();
            let change = JobChange::Retry { lease, run_at: job.run_at, error };
            record(&service, &job, change).await;
        });
    }
}
