//! Jobs: on time, again and again until they work, once, and none in the way of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::database::{Commit, JobChange, Outcome};
use baedal_kit::{Database, Failure, Job, Origin};
use baedal_kit_runtime::{JobHandler, Retry, Service, UnitOfWork};
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::world::{FRESH, Jar, JarCommand, Staleness, World, command, dead_letters, fill, jar_once, start, until};

/// Does what each kind of job is called.
#[derive(Default)]
struct Doer {
    runs: AtomicU32,
    gate: Option<Semaphore>,
    rival: Option<Service>,
}

#[async_trait]
impl JobHandler for Doer {
    fn kinds(&self) -> &'static [&'static str] {
        &["break", "miss", "panic", "fail_thrice", "fill", "wait", "repeat"]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let runs = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        match job.kind.as_str() {
            "break" => Err(Failure::broken("it is broken")),
            "miss" => Err(Failure::unavailable("the oven", "it is cold")),
            "panic" => panic!("on purpose"),
            "fail_thrice" if job.attempt <= 3 => Err(Failure::broken("not yet")),
            "wait" => {
                if let Some(gate) = &self.gate {
                    gate.acquire().await.map_err(|closed| Failure::unavailable("the gate", closed))?.forget();
                }
                Ok(())
            }
            "repeat" if runs < 5 => {
                work.schedule(Job { run_at: job.run_at + SignedDuration::from_secs(10), attempt: 0, ..job.clone() });
                Ok(())
            }
            "fill" => {
                let jar = job.correlation.unwrap_or_default();
                work.command::<Jar>(&jar, JarCommand::Fill(1)).await?;
                if let (Some(rival), 1) = (&self.rival, runs) {
                    fill(rival, jar, 100).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn retry(&self, _kind: &str) -> Retry {
        Retry { max_attempts: Some(5), first_wait: Duration::from_secs(10), longest_wait: Duration::from_secs(60) }
    }
}

async fn schedule(database: &Arc<dyn Database>, job: Job) {
    database.commit(Commit { jobs: vec![JobChange::Schedule(job)], ..Commit::default() }).await.unwrap();
}

async fn over(database: &Arc<dyn Database>) -> bool {
    database.next_due().await.unwrap().is_none()
}

#[tokio::test]
async fn a_deadline_comes_when_its_time_has_come() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    start(&kitchen, vec![], vec![], vec![Arc::new(Staleness)]).await;
    let (jar, closed) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&kitchen, jar, 1).await;
    fill(&kitchen, closed, 1).await;
    command(&kitchen, closed, JarCommand::Close).await.unwrap();
    world.clock.advance(FRESH - SignedDuration::from_secs(1));
    // Filled anew, it is fresh for longer.
    let later = Uuid::now_v7();
    fill(&kitchen, later, 1).await;
    assert!(!jar_once(&kitchen, jar, |_| true).await.is_stale);
    world.clock.advance(SignedDuration::from_secs(1));
    jar_once(&kitchen, jar, |jar| jar.is_stale).await;
    assert!(!jar_once(&kitchen, later, |_| true).await.is_stale);
    assert!(!jar_once(&kitchen, closed, |_| true).await.is_stale);
    let event = world.kitchen.load(&format!("jar/{jar}"), 1).await.unwrap().remove(0);
    assert_eq!((event.command.as_str(), event.origin.cause.name.as_str()), ("Expire", "stale"));
}

#[tokio::test]
async fn a_failing_job_comes_again_later_each_time() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer::default());
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    let begun = world.clock.clone();
    schedule(&world.kitchen, Job::new("fail_thrice", "a", now(&begun))).await;
    for (run, wait) in [(1, 10), (2, 20), (3, 40)] {
        until(async || {
            doer.runs.load(Ordering::SeqCst) == run && due(&world).await.is_some_and(|due| due > now(&begun))
        })
        .await;
        let pause = due(&world).await.unwrap().duration_since(now(&begun));
        let (least, most) = (SignedDuration::from_secs(wait / 2), SignedDuration::from_secs(wait));
        assert!((least..=most).contains(&pause), "{pause}");
        world.clock.advance(pause);
    }
    until(async || over(&world.kitchen).await).await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 4);
    assert_eq!(dead_letters(&kitchen).await.len(), 0);
}

fn now(clock: &baedal_kit::time::ManualClock) -> jiff::Timestamp {
    use baedal_kit::time::Clock;
    clock.now()
}

/// When the next job is due that is not under way.
async fn due(world: &World) -> Option<jiff::Timestamp> {
    let due = world.kitchen.next_due().await.unwrap()?;
    (due.duration_since(now(&world.clock)) != SignedDuration::from_secs(60)).then_some(due)
}

#[tokio::test]
async fn what_never_works_becomes_a_dead_letter_and_what_may_work_never_does() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer::default());
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    for kind in ["break", "panic", "nobody_does_this", "miss"] {
        let kind: &'static str = kind;
        schedule(&world.kitchen, Job::new(kind, "a", now(&world.clock))).await;
    }
    until(async || {
        world.clock.advance(SignedDuration::from_mins(1));
        doer.runs.load(Ordering::SeqCst) >= 40 && dead_letters(&kitchen).await.len() == 3
    })
    .await;
    let mut letters = dead_letters(&kitchen).await;
    letters.sort_by(|one, other| one.job.kind.cmp(&other.job.kind));
    let told: Vec<_> =
        letters.iter().map(|letter| (letter.job.kind.as_str(), letter.job.attempt, letter.error.as_str())).collect();
    assert_eq!(
        told,
        [
            ("break", 5, "it is broken"),
            ("nobody_does_this", 8, "nobody does jobs of kind nobody_does_this"),
            ("panic", 5, "panic panicked: on purpose"),
        ]
    );
}

#[tokio::test]
async fn a_job_that_collided_is_done_once() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer { rival: Some(world.wake().0), ..Doer::default() });
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>, Arc::new(Staleness)]).await;
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 10).await;
    schedule(&world.kitchen, Job::new("fill", "a", now(&world.clock)).about(jar)).await;
    let found = jar_once(&kitchen, jar, |jar| jar.cookies > 110).await;
    assert_eq!((found.cookies, doer.runs.load(Ordering::SeqCst)), (111, 2));
}

#[tokio::test]
async fn a_job_may_schedule_itself_anew() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer::default());
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    schedule(&world.kitchen, Job::new("repeat", "a", now(&world.clock))).await;
    until(async || {
        world.clock.advance(SignedDuration::from_secs(1));
        over(&world.kitchen).await
    })
    .await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_slow_job_is_in_nobodys_way() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer { gate: Some(Semaphore::new(0)), ..Doer::default() });
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>, Arc::new(Staleness)]).await;
    for key in 0..10 {
        schedule(&world.kitchen, Job::new("wait", key, now(&world.clock))).await;
    }
    until(async || doer.runs.load(Ordering::SeqCst) == 10).await;
    let jar = Uuid::now_v7();
    for round in 0..100 {
        schedule(&world.kitchen, Job::new("fill", round, now(&world.clock)).about(jar)).await;
    }
    jar_once(&kitchen, jar, |jar| jar.cookies == 100).await;
    doer.gate.as_ref().unwrap().add_permits(10);
    until(async || world.kitchen.next_due().await.unwrap().is_some_and(|due| due == now(&world.clock) + FRESH)).await;
}

#[tokio::test]
async fn a_job_under_way_when_the_process_stops_is_given_up_at_once() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer { gate: Some(Semaphore::new(0)), ..Doer::default() });
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    schedule(&world.kitchen, Job::new("wait", "a", now(&world.clock))).await;
    until(async || doer.runs.load(Ordering::SeqCst) == 1).await;
    kitchen.lifecycle().stop(Duration::from_secs(5)).await;
    // The next process need not wait until the lease has run out.
    let (kitchen, _) = world.wake();
    doer.gate.as_ref().unwrap().add_permits(1);
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    until(async || over(&world.kitchen).await).await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_job_under_way_ends_while_the_process_drains_and_none_begins() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer { gate: Some(Semaphore::new(0)), ..Doer::default() });
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    schedule(&world.kitchen, Job::new("wait", "a", now(&world.clock))).await;
    until(async || doer.runs.load(Ordering::SeqCst) == 1).await;
    kitchen.lifecycle().drain();
    doer.gate.as_ref().unwrap().add_permits(1);
    until(async || over(&world.kitchen).await).await;
    schedule(&world.kitchen, Job::new("wait", "b", now(&world.clock))).await;
    kitchen.lifecycle().stop(Duration::from_secs(5)).await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 1);
    assert!(!over(&world.kitchen).await);
}

/// Schedules jobs as a unit of work does.
async fn schedule_by(service: &Service, jobs: impl IntoIterator<Item = Job>) -> Result<Outcome, Failure> {
    let mut work = service.work(Origin::none());
    jobs.into_iter().for_each(|job| work.schedule(job));
    work.commit().await
}

#[tokio::test]
async fn what_is_due_at_once_is_taken_with_its_commit_and_more_than_that_is_done_as_well() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer { gate: Some(Semaphore::new(0)), ..Doer::default() });
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    // Somebody waits for jobs, so that they are taken.
    schedule_by(&kitchen, [Job::new("wait", "first", now(&world.clock))]).await.unwrap();
    until(async || doer.runs.load(Ordering::SeqCst) == 1).await;
    let jobs: Vec<_> = (0..200).map(|key| Job::new("wait", key, now(&world.clock))).collect();
    schedule_by(&kitchen, jobs.clone()).await.unwrap();
    // It was leased before anybody could look for it.
    let (now, until_then) = (now(&world.clock), now(&world.clock) + SignedDuration::from_secs(60));
    let left = world.kitchen.lease(now, until_then, 1000).await.unwrap().len();
    assert!(left <= 201 - 64, "{left} were left for others");
    doer.gate.as_ref().unwrap().add_permits(1000);
    until(async || doer.runs.load(Ordering::SeqCst) as usize == 201 - left).await;
    world.clock.advance(SignedDuration::from_secs(60));
    until(async || over(&world.kitchen).await).await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 201);
}

#[tokio::test]
async fn what_was_not_committed_is_not_done_and_keeps_no_hand_busy() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer::default());
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    for key in 0..100 {
        let mut late = kitchen.work(Origin::none());
        late.document::<u32>("notes", "one").await.unwrap();
        late.put("notes", "one", &key, []).unwrap();
        late.schedule(Job::new("fill", key, now(&world.clock)));
        let mut faster = kitchen.work(Origin::none());
        faster.put("notes", "one", &key, []).unwrap();
        faster.commit().await.unwrap();
        assert_eq!(late.commit().await.unwrap(), Outcome::Conflict);
    }
    let jar = Uuid::now_v7();
    schedule_by(&kitchen, [Job::new("fill", "a", now(&world.clock)).about(jar)]).await.unwrap();
    jar_once(&kitchen, jar, |jar| jar.cookies == 1).await;
    assert_eq!(doer.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_said_last_of_a_job_holds() {
    let world = World::default();
    let (kitchen, _) = world.wake();
    let doer = Arc::new(Doer::default());
    start(&kitchen, vec![], vec![], vec![Arc::clone(&doer) as Arc<dyn JobHandler>]).await;
    let (gone, jar) = (Uuid::now_v7(), Uuid::now_v7());
    let mut work = kitchen.work(Origin::none());
    work.schedule(Job::new("fill", "gone", now(&world.clock)).about(gone));
    work.change_job(JobChange::unschedule("fill", "gone"));
    work.schedule(Job::new("fill", "twice", now(&world.clock)).about(gone));
    work.schedule(Job::new("fill", "twice", now(&world.clock)).about(jar));
    work.commit().await.unwrap();
    jar_once(&kitchen, jar, |jar| jar.cookies == 1).await;
    assert_eq!((doer.runs.load(Ordering::SeqCst), jar_once(&kitchen, gone, |_| true).await.cookies), (1, 0));
}
