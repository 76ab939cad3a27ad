//! Does to the processes what is to befall them, and makes it good again.

use std::thread;
use std::time::{Duration, Instant};

use baedal_servers::{Composition, GATEWAY, Replica};

use super::mishap::{Mishap, Planned, Who};

/// What has befallen them, as it is told.
pub(super) type Diary = Vec<String>;

/// A mishap, or its end.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: Duration,
    mishap: Mishap,
    begins: bool,
}

/// Lets it all happen, each at its time, until all is made good.
///
/// # Errors
/// Where something cannot be done, or a process ended by itself.
pub(super) fn befall(composition: &mut Composition, planned: &[Planned], begun: Instant) -> Result<Diary, String> {
    let begin = planned.iter().map(|planned| Step { at: planned.at, mishap: planned.mishap, begins: true });
    let end = planned.iter().map(|planned| Step { at: planned.ends(), mishap: planned.mishap, begins: false });
    let mut steps: Vec<Step> = begin.chain(end).collect();
    // Stable: what lasts no time begins before it ends.
    steps.sort_by_key(|step| step.at);
    let mut diary = Diary::new();
    for step in steps {
        thread::sleep(step.at.saturating_sub(begun.elapsed()));
        step.take(composition)?;
        if step.begins || !step.mishap.is_over_at_once() {
            let told = if step.begins { "" } else { " no longer" };
            diary.push(format!("{:6.1} s  {}{told}", begun.elapsed().as_secs_f64(), step.mishap));
        }
    }
    heal(composition)?;
    diary.push(format!("{:6.1} s  all is well again", begun.elapsed().as_secs_f64()));
    Ok(diary)
}

impl Mishap {
    fn is_over_at_once(self) -> bool {
        matches!(self, Self::ClockSet(..) | Self::DatabasesKilled)
    }
}

impl Step {
    fn take(self, composition: &mut Composition) -> Result<(), String> {
        let Self { mishap, begins, .. } = self;
        match (mishap, begins) {
            (Mishap::Killed(who), true) => replica(composition, who)?.kill(),
            (Mishap::Stopped(who), true) => replica(composition, who)?.terminate(),
            (Mishap::Killed(who) | Mishap::Stopped(who), false) => replica(composition, who)?.start_again(),
            (Mishap::Paused(who), true) => replica(composition, who)?.pause(),
            (Mishap::Paused(who), false) => replica(composition, who)?.resume(),
            (Mishap::Out(context), true) => {
                composition.replicas(context).iter_mut().try_for_each(|replica| replica.kill())
            }
            (Mishap::Out(context), false) => composition.start_context(context),
            (Mishap::ClockSet(who, ahead), true) => replica(composition, who)?.set_clock(ahead),
            (Mishap::BrokerPaused, true) => composition.nats().pause(),
            (Mishap::BrokerPaused, false) => composition.nats().resume(),
            (Mishap::BrokerKilled, true) => composition.nats().kill(),
            (Mishap::BrokerEmptied, true) => {
                composition.nats().kill()?;
                composition.nats().delete_data()
            }
            (Mishap::BrokerKilled | Mishap::BrokerEmptied, false) => composition.nats().start_again(),
            (Mishap::DatabasesKilled, true) => {
                composition.postgres().kill()?;
                composition.postgres().start_again()
            }
            (Mishap::ClockSet(..) | Mishap::DatabasesKilled, false) => Ok(()),
        }
    }
}

/// Everything runs, and nothing stands still.
fn heal(composition: &mut Composition) -> Result<(), String> {
    composition.postgres().start_again()?;
    composition.nats().start_again()?;
    let ended = composition.ended()?;
    if !ended.is_empty() {
        return Err(ended.join("\n"));
    }
    for (context, _) in composition.contexts().map(|(context, replicas)| (context, replicas.len())).collect::<Vec<_>>()
    {
        composition.start_context(context)?;
    }
    composition.gateways().iter_mut().try_for_each(Replica::start_again)
}

/// The process that is meant.
pub(super) fn replica(composition: &mut Composition, who: Who) -> Result<&mut Replica, String> {
    let replicas = if who.role == GATEWAY { composition.gateways() } else { composition.replicas(who.role) };
    replicas.get_mut(who.number).ok_or_else(|| format!("there is no {who}"))
}
