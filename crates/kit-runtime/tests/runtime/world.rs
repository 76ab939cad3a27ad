//! A small world for tests: a kitchen that fills jars with cookies, and a pantry that hears of it.

use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::database::JobChange;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Aggregate, Bus, Database, Envelope, Failure, Job, Origin, Recorded};
use baedal_kit_http::Module;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::service::Done;
use baedal_kit_runtime::{CommitHook, Consumer, JobHandler, Projection, Service, UnitOfWork};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// After this long what a jar was filled with is stale.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// As many cookies cannot be heard of, until that is healed,
pub(crate) const POISON: u32 = 666;
/// as many make who hears of them panic,
pub(crate) const PANIC: u32 = 667;
/// and as many cannot be published, until that is healed.
pub(crate) const UNSPEAKABLE: u32 = 668;

/// Whether [`UNSPEAKABLE`] can be published.
pub(crate) static SPEAKABLE: AtomicBool = AtomicBool::new(false);

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Jar {
    pub(crate) cookies: u32,
    pub(crate) is_closed: bool,
    pub(crate) is_stale: bool,
}

#[derive(Clone, Debug, strum::IntoStaticStr)]
pub(crate) enum JarCommand {
    Fill(u32),
    Take(u32),
    Open,
    Close,
    Expire,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
pub(crate) enum JarEvent {
    Filled { cookies: u32, stale_at: Timestamp },
    Taken { cookies: u32 },
    Opened,
    Closed,
    Expired,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JarRefusal {
    Empty,
    Closed,
}

impl Display for JarRefusal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the jar is {self:?}")
    }
}

impl CommitHook for Jar {}

impl Aggregate for Jar {
    const CATEGORY: &'static str = "jar";
    const SNAPSHOT_EVERY: Option<u64> = Some(10);
    type Id = Uuid;
    type Command = JarCommand;
    type Event = JarEvent;
    type Refusal = JarRefusal;

    fn decide(&self, command: JarCommand, at: Timestamp) -> Result<Vec<JarEvent>, JarRefusal> {
        match command {
            JarCommand::Fill(_) if self.is_closed => Err(JarRefusal::Closed),
            JarCommand::Fill(cookies) => Ok(vec![JarEvent::Filled { cookies, stale_at: at + FRESH }]),
            JarCommand::Take(cookies) if cookies > self.cookies => Err(JarRefusal::Empty),
            JarCommand::Take(cookies) => Ok(vec![JarEvent::Taken { cookies }]),
            JarCommand::Open if self.is_closed => Ok(vec![JarEvent::Opened]),
            JarCommand::Close if !self.is_closed => Ok(vec![JarEvent::Closed]),
            JarCommand::Expire if !self.is_stale => Ok(vec![JarEvent::Expired]),
            JarCommand::Open | JarCommand::Close | JarCommand::Expire => Ok(vec![]),
        }
    }

    fn evolve(&mut self, event: &JarEvent, _at: Timestamp) {
        match event {
            JarEvent::Filled { cookies, .. } => (self.cookies, self.is_stale) = (self.cookies + cookies, false),
            JarEvent::Taken { cookies } => self.cookies -= cookies,
            JarEvent::Opened => self.is_closed = false,
            JarEvent::Closed => self.is_closed = true,
            JarEvent::Expired => self.is_stale = true,
        }
    }

    fn correlation(id: &Uuid, _event: &JarEvent) -> Option<Uuid> {
        Some(*id)
    }

    fn jobs(id: &Uuid, event: &JarEvent) -> Vec<JobChange> {
        match event {
            JarEvent::Filled { stale_at, .. } => vec![Job::new("stale", id, *stale_at).about(*id).into()],
            JarEvent::Closed => vec![JobChange::unschedule("stale", id)],
            JarEvent::Taken { .. } | JarEvent::Opened | JarEvent::Expired => vec![],
        }
    }
}

/// What the kitchen tells. That jars are opened and closed is nobody's business.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
pub(crate) enum Told {
    Filled { cookies: u32 },
    Taken { cookies: u32 },
}

pub(crate) fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event: JarEvent| match event {
        JarEvent::Filled { cookies: UNSPEAKABLE, .. } if !SPEAKABLE.load(Ordering::SeqCst) => {
            Err(Failure::broken("nobody speaks of this"))
        }
        JarEvent::Filled { cookies, .. } => Ok(Some(Told::Filled { cookies })),
        JarEvent::Taken { cookies } => Ok(Some(Told::Taken { cookies })),
        JarEvent::Opened | JarEvent::Closed | JarEvent::Expired => Ok(None),
    })
}

fn told(envelope: &Envelope, is_healed: &AtomicBool) -> Result<(Uuid, Told), Failure> {
    let event = envelope.read()?;
    let is_healed = is_healed.load(Ordering::SeqCst);
    assert!(is_healed || event != Told::Filled { cookies: PANIC }, "on purpose");
    match event {
        Told::Filled { cookies: POISON } if !is_healed => Err(Failure::broken("it tastes of nothing")),
        event => Ok((envelope.correlation.unwrap_or_default(), event)),
    }
}

/// Does in the pantry's jars what was done in the kitchen's.
#[derive(Default)]
pub(crate) struct Shelver {
    pub(crate) is_healed: AtomicBool,
    /// Somebody who puts a hundred cookies into the same jar just before we commit, once.
    pub(crate) rival: Mutex<Option<Service>>,
}

#[async_trait]
impl Consumer for Shelver {
    fn name(&self) -> &'static str {
        "shelver"
    }

    fn sources(&self) -> &'static [&'static str] {
        &["kitchen"]
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let (jar, event) = told(envelope, &self.is_healed)?;
        let command = match event {
            Told::Filled { cookies } => JarCommand::Fill(cookies),
            Told::Taken { cookies } => JarCommand::Take(cookies),
        };
        work.command::<Jar>(&jar, command).await?;
        let rival = self.rival.lock().ok().and_then(|mut rival| rival.take());
        if let Some(rival) = rival {
            fill(&rival, jar, 100).await;
        }
        Ok(())
    }
}

/// What the view of jars shows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) cookies: u32,
    pub(crate) events: u32,
}

/// Writes the view `jars`.
#[derive(Default)]
pub(crate) struct Jars {
    pub(crate) is_healed: AtomicBool,
}

#[async_trait]
impl Consumer for Jars {
    fn name(&self) -> &'static str {
        "jars"
    }

    fn sources(&self) -> &'static [&'static str] {
        &["kitchen"]
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let (jar, event) = told(envelope, &self.is_healed)?;
        let mut shown: Shown = work.document("jars", &jar.to_string()).await?.unwrap_or_default();
        shown.events += 1;
        match event {
            Told::Filled { cookies } => shown.cookies += cookies,
            Told::Taken { cookies } => shown.cookies -= cookies,
        }
        work.put("jars", &jar.to_string(), &shown, ["all".to_owned()])
    }
}

impl Projection for Jars {
    fn views(&self) -> &'static [&'static str] {
        &["jars"]
    }

    fn remembers(&self) -> bool {
        true
    }
}

/// Tells jars that they are stale.
pub(crate) struct Staleness;

#[async_trait]
impl JobHandler for Staleness {
    fn kinds(&self) -> &'static [&'static str] {
        &["stale"]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let jar = job.correlation.ok_or_else(|| Failure::broken("a jar without a name"))?;
        work.command::<Jar>(&jar, JarCommand::Expire).await.map(drop)
    }
}

/// Both databases and the time. What runs on them comes and goes.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) kitchen: Arc<dyn Database>,
    pub(crate) pantry: Arc<dyn Database>,
}

impl Default for World {
    fn default() -> Self {
        Self::over(Arc::<MemoryDatabase>::default(), Arc::<MemoryDatabase>::default())
    }
}

impl World {
    pub(crate) fn over(kitchen: Arc<dyn Database>, pantry: Arc<dyn Database>) -> Self {
        Self { clock: ManualClock::at(NOON), kitchen, pantry }
    }

    /// What the clock shows.
    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A kitchen and a pantry as a process has them.
    pub(crate) fn wake(&self) -> (Service, Service) {
        self.wake_with(JournalBus::default())
    }

    /// The same, with several processes of them, or shards.
    pub(crate) fn wake_with(&self, bus: JournalBus) -> (Service, Service) {
        let bus: Arc<dyn Bus> = Arc::new(bus.with("kitchen", Arc::clone(&self.kitchen), publish));
        let lifecycle = Lifecycle::default();
        let service = |name, database: &Arc<dyn Database>| {
            let (database, bus) = (Arc::clone(database), Arc::clone(&bus));
            Service::new(name, database, bus, Arc::new(self.clock.clone()), Arc::new(SystemIds), lifecycle.clone())
        };
        (service("kitchen", &self.kitchen), service("pantry", &self.pantry))
    }
}

/// Lets a context hear and do its jobs.
pub(crate) async fn start(
    service: &Service,
    policies: Vec<Arc<dyn Consumer>>,
    projections: Vec<Arc<dyn Projection>>,
    jobs: Vec<Arc<dyn JobHandler>>,
) {
    drop(routes(service, policies, projections, jobs).await);
}

/// The same, with the way in.
pub(crate) async fn routes(
    service: &Service,
    policies: Vec<Arc<dyn Consumer>>,
    projections: Vec<Arc<dyn Projection>>,
    jobs: Vec<Arc<dyn JobHandler>>,
) -> axum::Router {
    let routes = axum::Router::new();
    let module = Module { service: service.clone(), routes, policies, projections, jobs };
    match module.start().await {
        Ok(router) => router,
        Err(failure) => panic!("{}", failure.report()),
    }
}

pub(crate) async fn command(service: &Service, jar: Uuid, command: JarCommand) -> Result<Done<Jar>, JarRefusal> {
    use baedal_kit_runtime::service::CommandError;
    match service.command::<Jar>(&Origin::none(), &jar, command).await {
        Ok(done) => Ok(done),
        Err(CommandError::Refused(refusal)) => Err(refusal),
        Err(CommandError::Failed(failure)) => panic!("{}", failure.report()),
    }
}

pub(crate) async fn fill(service: &Service, jar: Uuid, cookies: u32) -> Done<Jar> {
    command(service, jar, JarCommand::Fill(cookies)).await.unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// A jar, once it is as wished.
pub(crate) async fn jar_once(service: &Service, jar: Uuid, wished: impl Fn(&Jar) -> bool + Send + Sync) -> Arc<Jar> {
    let found = service.look_until::<Jar>(&jar, Duration::from_secs(20), &wished).await;
    let found = found.unwrap_or_else(|failure| panic!("{}", failure.report()));
    assert!(wished(&found), "{found:?}");
    found
}

/// What a view shows of a jar now.
pub(crate) async fn shown(service: &Service, jar: Uuid) -> Option<Shown> {
    let found = service.database().get(&service.view_name("jars"), &jar.to_string()).await;
    let found = found.unwrap_or_else(|failure| panic!("{}", failure.report()))?;
    serde_json::from_slice(&found.body).ok()
}

/// Waits until the consumer has heard all that the kitchen has told.
pub(crate) async fn heard_all(service: &Service, consumer: &str) {
    let positions = HashMap::from([("kitchen".to_owned(), *service.bus().head("kitchen").borrow())]);
    assert!(service.reached(consumer, &positions, Duration::from_secs(20)).await);
}

/// Waits until something is so, letting everything else run meanwhile.
pub(crate) async fn until<Found: Future<Output = bool>>(mut is_so: impl FnMut() -> Found) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "it never was so");
}

pub(crate) async fn dead_letters(service: &Service) -> Vec<baedal_kit::database::DeadLetter> {
    service.database().dead_letters(None, 100).await.unwrap_or_default()
}
