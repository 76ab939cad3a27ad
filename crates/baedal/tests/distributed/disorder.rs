//! Processes that start before what they need, or on what they must not touch.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use baedal_client::Client;
use baedal_servers::{CONTEXTS, GATEWAY, testing};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::checks::until;
use crate::world::World;

/// What a process shows the others, as variables.
pub(crate) type Shown = Vec<(String, String)>;

/// A process that nobody waits for. Dropped, it is killed.
pub(crate) struct Lone {
    name: String,
    child: Child,
    said: PathBuf,
    client: Client,
    /// Where it tells operators how it is.
    admin: Client,
}

impl Lone {
    pub(crate) fn start(
        role: &str,
        (address, admin): (&str, &str),
        (settings, shown): (&Path, Shown),
        folder: &Path,
    ) -> Self {
        let listen = address.trim_start_matches("http://");
        let name = format!("{role} on {listen}");
        let said = folder.join(format!("{role}-{listen}.stderr"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_baedal"));
        // What the tests are told is not for the program.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BAEDAL_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--roles", role, "--listen", listen, "--config"])
            .arg(settings)
            .env("BAEDAL_LOG", "error")
            .env("BAEDAL_IDENTITY__HASH_COST", "{memory_kib=8,passes=1,lanes=1}")
            .envs(shown)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said).expect("a file"))
            .spawn()
            .expect("the program starts");
        Self { name, child, said, client: Client::new(address), admin: Client::new(admin) }
    }

    /// What it answers to everybody, once it answers at all.
    async fn answer(&self, path: &str) -> (StatusCode, Value) {
        self.answer_of(&self.client, path).await
    }

    async fn answer_of(&self, client: &Client, path: &str) -> (StatusCode, Value) {
        until(&format!("{} answers", self.name), async || {
            let answered = client.request(Method::GET, path, [], None).await;
            answered.ok().map(|(status, _, body)| (status, body))
        })
        .await
    }

    /// Waits until it says of its readiness what is wished; everybody else is told the status and nothing more.
    pub(crate) async fn says(&self, what: &str, status: StatusCode, wished: impl Fn(&Value) -> bool) {
        until(&format!("{} is {what}", self.name), async || {
            let (found, body) = self.answer_of(&self.admin, "/health/ready").await;
            (found == status && wished(&body["dependencies"])).then_some(())
        })
        .await;
        let (_, told) = self.answer("/health/ready").await;
        let told: Vec<_> = told.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(told, ["status"], "{}", self.name);
    }

    pub(crate) async fn end(&mut self) -> ExitStatus {
        until(&format!("{} ends", self.name), async || self.child.try_wait().expect("a process")).await
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).expect("what it said")
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_starts_first_all_become_ready_by_themselves() {
    // Each process is asked itself, and plainly.
    let mut world = World::start_with(|plan| plan.encrypted = false).await;
    let mut places = Vec::new();
    for (context, replicas) in world.composition().contexts() {
        places.extend(replicas.iter().map(|replica| (context, replica.address(), replica.admin_address())));
    }
    let gateway = &world.composition().gateways()[0];
    let (gateway, gateway_admin) = (gateway.address(), gateway.admin_address());
    // As it is before the first start of all.
    world
        .meanwhile(|composition| {
            let databases = CONTEXTS.map(|context| composition.database_url(context));
            composition.contexts().flat_map(|(_, replicas)| replicas).try_for_each(|replica| replica.kill())?;
            composition.gateways().iter_mut().try_for_each(|gateway| gateway.kill())?;
            for url in databases {
                let (server, name) = url.rsplit_once('/').expect("an address");
                let server = format!("{server}/postgres");
                testing::programs().psql(&server, &format!("DROP DATABASE {name} WITH (FORCE)"))?;
                testing::programs().psql(&server, &format!("CREATE DATABASE {name}"))?;
            }
            composition.postgres().stop()?;
            composition.nats().stop()
        })
        .await;
    let folder = World::folder();
    let settings = world.composition().settings().to_owned();
    let shown: BTreeMap<String, Shown> = CONTEXTS
        .into_iter()
        .chain([GATEWAY])
        .map(|role| (role.to_owned(), world.composition().environment(role)))
        .collect();
    let start =
        |role: &str, address: (&str, &str)| Lone::start(role, address, (&settings, shown[role].clone()), folder.path());
    let mut contexts: Vec<Lone> =
        places.iter().map(|(context, address, admin)| start(context, (address, admin))).collect();
    let mut entry = start(GATEWAY, (&gateway, &gateway_admin));

    for process in &contexts {
        assert_eq!(process.answer("/health/live").await.0, StatusCode::OK);
        let unreachable = |of: &Value| of["database"]["database"].as_str().is_some_and(|why| why.contains("baedal_"));
        process.says("without its database", StatusCode::SERVICE_UNAVAILABLE, unreachable).await;
    }
    let unready = |of: &Value| CONTEXTS.iter().all(|context| of[context]["ready"] == false);
    entry.says("without contexts", StatusCode::SERVICE_UNAVAILABLE, unready).await;

    world.meanwhile(|composition| composition.postgres().start_again()).await;
    for process in &contexts {
        process.says("ready without the broker", StatusCode::OK, |of| of["nats"]["ready"] == false).await;
    }
    let ready = |of: &Value| CONTEXTS.iter().all(|context| of[context]["ready"] == true);
    entry.says("ready", StatusCode::OK, ready).await;
    let people = world.people().await;
    let order = people.order().await;
    people.complete(order).await;
    people.see(order, "completed").await;

    world.meanwhile(|composition| composition.nats().start_again()).await;
    for process in &contexts {
        process.says("ready", StatusCode::OK, |of| of["nats"]["ready"] == true).await;
    }
    let order = people.order().await;
    people.complete(order).await;
    people.see(order, "completed").await;
    for process in contexts.iter_mut().chain([&mut entry]) {
        let ended = process.child.try_wait().expect("a process");
        assert_eq!(ended, None, "{} is still the same: {}", process.name, process.said());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_version_is_refused_in_one_sentence() {
    let folder = World::folder();
    let database = testing::fresh_database("newer");
    let mut settings = format!(
        "[postgres]\nurl = \"{database}\"\n[nats]\nurls = [\"nats://127.0.0.1:{}\"]\n[peers.addresses]\n",
        testing::free_port()
    );
    for context in CONTEXTS {
        settings += &format!("{context} = [\"http://127.0.0.1:{}\"]\n", testing::free_port());
    }
    settings += "[peers.known]\n";
    for (number, role) in CONTEXTS.into_iter().chain([GATEWAY]).enumerate() {
        settings += &format!("{role} = [\"sha256:{number:064x}\"]\n");
    }
    let path = folder.path().join("baedal.toml");
    fs::write(&path, settings).expect("a file");
    let port = testing::free_port();
    let (address, admin) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", port + 1_000));
    let shown = vec![("BAEDAL_PEERS__SECRET".to_owned(), "nobody-is-asked-by-this-one-process-alone".to_owned())];
    let start = || Lone::start("order", (&address, &admin), (&path, shown.clone()), folder.path());

    let older = start();
    older.says("ready", StatusCode::OK, |_| true).await;
    drop(older);
    let known = testing::programs().psql(&database, "SELECT value FROM baedal.meta WHERE key = 'schema'").expect("it");
    testing::programs().psql(&database, "UPDATE baedal.meta SET value = '99' WHERE key = 'schema'").expect("a change");
    let mut newer = start();
    let status = newer.end().await;
    let said = newer.said();
    assert!(!status.success());
    let sentence = format!("was written by a newer version: its schema is 99, and this version knows {known}\n");
    assert!(said.starts_with("baedal: ") && said.ends_with(&sentence) && said.lines().count() == 1, "{said}");
}
