//! How much processor time and memory each kind of process uses.

use anyhow::{Result, anyhow};
use baedal_servers::Composition;

use crate::proc;

/// The load generator, which is no part of the platform.
const GENERATOR: &str = "load generator";

/// All kinds of processes, in the order in which they are shown.
#[derive(Clone)]
pub(crate) struct Gauge {
    pub(super) kinds: Vec<Kind>,
}

/// All processes of one kind.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(super) name: &'static str,
    pub(super) processes: usize,
    pub(super) cpu_seconds: f64,
    /// The most that one process holds, with what it shares with others.
    pub(super) largest_mib: f64,
    /// What all hold; what several share is counted once.
    pub(super) mib: f64,
}

impl Gauge {
    pub(crate) fn read(composition: &Composition) -> Result<Self> {
        let mut kinds: Vec<Kind> = Vec::new();
        let running = composition.processes().map_err(|error| anyhow!(error))?;
        let ours =
            running.into_iter().flat_map(|running| running.processes.into_iter().map(move |id| (running.role, id)));
        for (name, id) in ours.chain([(GENERATOR, std::process::id())]) {
            // A connection's process may have ended since; its time counts as its parent's then.
            let (Ok(cpu_seconds), Ok(resident), Ok(share)) =
                (proc::cpu_seconds(id), proc::mib(id, "status", "VmRSS:"), proc::mib(id, "smaps_rollup", "Pss:"))
            else {
                continue;
            };
            let place = kinds.iter().position(|kind| kind.name == name).unwrap_or_else(|| {
                kinds.push(Kind { name, processes: 0, cpu_seconds: 0.0, largest_mib: 0.0, mib: 0.0 });
                kinds.len() - 1
            });
            let kind = &mut kinds[place];
            kind.processes += 1;
            kind.cpu_seconds += cpu_seconds;
            kind.largest_mib = kind.largest_mib.max(resident);
            kind.mib += share;
        }
        Ok(Self { kinds })
    }

    /// The same memory, and only the processor time that was used since then.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for kind in &mut self.kinds {
            let earlier = before.kinds.iter().find(|earlier| earlier.name == kind.name);
            kind.cpu_seconds -= earlier.map_or(0.0, |earlier| earlier.cpu_seconds);
        }
        self
    }

    /// The same memory, and the processor time as it is there.
    pub(crate) fn with_cpu_of(mut self, later: Self) -> Self {
        for (kind, later) in self.kinds.iter_mut().zip(later.kinds) {
            kind.cpu_seconds = later.cpu_seconds;
        }
        self
    }

    /// The processor time of all but the load generator.
    pub(crate) fn platform_cpu(&self) -> f64 {
        self.platform().map(|kind| kind.cpu_seconds).sum()
    }

    /// The memory of all but the load generator.
    pub(crate) fn platform_mib(&self) -> f64 {
        self.platform().map(|kind| kind.mib).sum()
    }

    fn platform(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(|kind| kind.name != GENERATOR)
    }
}
