//! Two processes of one context over one database, each step by the one that did *not* write last: what a process
//! remembers is never the reason why nothing happens.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::{Failure, Job, Origin};
use baedal_kit_runtime::{JobHandler, Service, UnitOfWork, jobs};
use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use crate::world::{Jar, JarCommand, JarRefusal, World, command};

/// Eats what is in a jar, where there is anything: it looks before it decides.
struct Eater;

#[async_trait]
impl JobHandler for Eater {
    fn kinds(&self) -> &'static [&'static str] {
        &["eat"]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let jar = job.correlation.ok_or_else(|| Failure::broken("a jar without a name"))?;
        let cookies = work.load::<Jar>(&jar).await?.cookies;
        if cookies == 0 {
            return Ok(());
        }
        work.command::<Jar>(&jar, JarCommand::Take(cookies)).await.map(drop)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Fill(u32),
    Take(u32),
    Open,
    Close,
    /// A job that does something where it finds something.
    Eat,
    /// A unit of work that takes the jar for new.
    FillAsNew(u32),
    /// Somebody waits until there is something in it.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5_u32).prop_map(Step::Fill),
        (1..5_u32).prop_map(Step::Take),
        Just(Step::Open),
        Just(Step::Close),
        Just(Step::Eat),
        (1..5_u32).prop_map(Step::FillAsNew),
        Just(Step::Look),
    ]
}

/// What a jar must be, by the plainest of rules.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Model {
    cookies: u32,
    is_closed: bool,
}

impl Model {
    fn asked(&mut self, asked: JarCommand) -> Result<(), JarRefusal> {
        match asked {
            JarCommand::Fill(_) if self.is_closed => return Err(JarRefusal::Closed),
            JarCommand::Fill(cookies) => self.cookies += cookies,
            JarCommand::Take(cookies) if cookies > self.cookies => return Err(JarRefusal::Empty),
            JarCommand::Take(cookies) => self.cookies -= cookies,
            JarCommand::Open => self.is_closed = false,
            JarCommand::Close => self.is_closed = true,
            JarCommand::Expire => {}
        }
        Ok(())
    }
}

async fn eat(world: &World, service: &Service, jar: Uuid) {
    let job = Job::new("eat", jar, baedal_kit::scenario::NOON).about(jar);
    let origin = Origin::none();
    let scheduled = service.execute(&origin, |work| {
        let job = job.clone();
        Box::pin(async move {
            work.schedule(job);
            Ok::<_, Failure>(())
        })
    });
    scheduled.await.unwrap();
    let handlers: [Arc<dyn JobHandler>; 1] = [Arc::new(Eater)];
    let due = async || world.kitchen.next_due().await.unwrap().is_some_and(|due| due <= baedal_kit::scenario::NOON);
    while due().await {
        jobs::run_due(service, &handlers).await.unwrap();
    }
}

async fn fill_as_new(service: &Service, jar: Uuid, cookies: u32) -> Result<(), JarRefusal> {
    let origin = Origin::none();
    let filled = service.execute(&origin, |work| {
        Box::pin(async move {
            work.load_new::<Jar>(&jar).await?;
            let decision = work.decide::<Jar>(&jar, JarCommand::Fill(cookies)).await?;
            Ok::<_, Failure>(decision.map(drop))
        })
    });
    filled.await.unwrap().0
}

async fn walk(world: &World, processes: [Service; 2], steps: Vec<Step>) {
    let jar = Uuid::now_v7();
    let (mut model, mut turn) = (Model::default(), 0);
    for step in steps {
        let (service, before) = (&processes[turn], model);
        match step {
            Step::Fill(cookies) => {
                let asked = command(service, jar, JarCommand::Fill(cookies)).await.map(drop);
                assert_eq!(asked, model.asked(JarCommand::Fill(cookies)));
            }
            Step::FillAsNew(cookies) => {
                let asked = fill_as_new(service, jar, cookies).await;
                assert_eq!(asked, model.asked(JarCommand::Fill(cookies)));
            }
            Step::Take(cookies) => {
                let asked = command(service, jar, JarCommand::Take(cookies)).await.map(drop);
                assert_eq!(asked, model.asked(JarCommand::Take(cookies)));
            }
            Step::Open => drop((command(service, jar, JarCommand::Open).await, model.asked(JarCommand::Open))),
            Step::Close => drop((command(service, jar, JarCommand::Close).await, model.asked(JarCommand::Close))),
            Step::Eat => {
                eat(world, service, jar).await;
                model.cookies = 0;
            }
            Step::Look => {
                let wished = |found: &Jar| found.cookies == model.cookies && found.is_closed == model.is_closed;
                let limit = SignedDuration::from_secs(20).unsigned_abs();
                assert!(wished(&service.look_until::<Jar>(&jar, limit, wished).await.unwrap()));
            }
        }
        for process in &processes {
            let found = process.work(Origin::none()).load::<Jar>(&jar).await.unwrap();
            assert_eq!((found.cookies, found.is_closed), (model.cookies, model.is_closed), "{step:?}");
        }
        // Whoever wrote is not asked next.
        if model != before {
            turn = 1 - turn;
        }
    }
}

fn block_on(walked: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(walked);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn two_processes_in_turn_are_as_one(steps in prop::collection::vec(step(), 1..40)) {
        let world = World::default();
        let processes = [world.wake().0, world.wake().0];
        block_on(walk(&world, processes, steps));
    }

    #[test]
    fn so_is_one_that_acts_as_two(steps in prop::collection::vec(step(), 1..40)) {
        let world = World::default();
        let both = world.wake().0.as_two_replicas();
        block_on(walk(&world, [both.clone(), both], steps));
    }
}

#[tokio::test]
async fn a_job_that_remembers_an_empty_jar_finds_what_another_process_put_in() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let jar = Uuid::now_v7();
    command(&one, jar, JarCommand::Fill(1)).await.unwrap();
    eat(&world, &one, jar).await;
    command(&other, jar, JarCommand::Fill(5)).await.unwrap();
    eat(&world, &one, jar).await;
    assert_eq!(other.look::<Jar>(&jar).await.unwrap().cookies, 0);
}

#[tokio::test]
async fn who_takes_a_thing_for_new_and_finds_nothing_to_do_asks_again() {
    let world = World::default();
    let (one, other) = (world.wake().0, world.wake().0);
    let jar = Uuid::now_v7();
    command(&other, jar, JarCommand::Fill(5)).await.unwrap();
    let origin = Origin::none();
    let seen = one.execute(&origin, |work| {
        Box::pin(async move {
            // Nothing comes of it: that must not rest on a guess.
            Ok::<_, Failure>(work.load_new::<Jar>(&jar).await?.cookies)
        })
    });
    assert_eq!(seen.await.unwrap().0, 5);
}
