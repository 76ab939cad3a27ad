//! Lets Schemathesis call a platform of its own: as every role and as nobody, for a while each.
//!
//! It starts the platform, which is this same program, so that both are always of one build; opens a store with a menu
//! and places orders, so that there is something to find; and runs `st`, which `cargo xtask schemathesis` has installed.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use baedal::cli::{self, Cli};
use baedal_client::types::{NewAccount, NewItem, NewLine, NewOrder, NewStore, RiderNow};
use baedal_client::{Client, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, Place, Won};
use clap::Parser;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each caller calls: two minutes in all.
const SECONDS: u32 = 24;
/// Everybody's password.
const PASSWORD: &str = "correct horse";
/// The operator's phone.
const OPERATOR: &str = "01090000001";
/// What the platform is told: one address calls for everybody, and streams end by themselves.
const SETTINGS: [(&str, &str); 6] = [
    ("BAEDAL_LOG", "error"),
    ("BAEDAL_IDENTITY__HASH_COST", "{memory_kib=8,passes=1,lanes=1}"),
    ("BAEDAL_GATEWAY__PER_ADDRESS", "{per_second=0,burst=0}"),
    ("BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS", "{per_second=0,burst=0}"),
    ("BAEDAL_GATEWAY__PER_ACCOUNT", "{per_second=0,burst=0}"),
    ("BAEDAL_GATEWAY__LIVE_STREAM_LIFETIME", "1s"),
];

fn main() -> ExitCode {
    // What is started to be the platform is told so first.
    let done = match env::args().nth(1).as_deref() {
        Some("serve" | "operator") => match Cli::parse().command {
            cli::Command::Serve(serve) => baedal::serve::run(&serve).map_err(|error| format!("{error:#}")),
            cli::Command::Operator(operator) => baedal::operator::run(&operator).map_err(|error| format!("{error:#}")),
            cli::Command::Consumer(_) | cli::Command::Demo(_) | cli::Command::Config(_) | cli::Command::Key => {
                return ExitCode::from(2);
            }
        },
        _ => call(env::args().skip(1).collect()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("schemathesis: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs it as each caller, or as the one that is asked for.
fn call(arguments: Vec<String>) -> Result<(), String> {
    let (mut seconds, mut only, mut more) = (SECONDS, None, Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => seconds = value()?.parse().map_err(|error| format!("--seconds: {error}"))?,
            "--as" => only = Some(value()?),
            _ => more.push(argument),
        }
    }
    let program = env::var("SCHEMATHESIS").map_err(|_| "run it by `cargo xtask schemathesis`".to_owned())?;
    let folder = tempfile::tempdir().map_err(|error| format!("there is no folder: {error}"))?;
    let platform = Platform::start(folder.path())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let people = runtime.block_on(settle(&platform.address))?;
    let settings = folder.path().join("schemathesis.toml");
    let known = format!("{}\n{}", include_str!("../../schemathesis.toml"), people.known);
    std::fs::write(&settings, known).map_err(|error| format!("{}: {error}", settings.display()))?;
    let mut failed = Vec::new();
    for (name, token) in &people.tokens {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        eprintln!("schemathesis: as {name}, for {seconds} seconds");
        let mut run = Command::new(&program);
        run.arg("--config-file").arg(&settings).args(["--no-color", "run", "--max-time"]).arg(seconds.to_string());
        run.current_dir(folder.path()).arg(format!("{}/api/openapi.json", platform.address)).args(&more);
        if let Some(token) = token {
            run.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        if !run.status().map_err(|error| format!("{program} cannot start: {error}"))?.success() {
            failed.push(name.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("checks failed as {}", failed.join(", "))) }
}

/// The platform, running.
struct Platform {
    child: Child,
    address: String,
}

impl Platform {
    fn start(folder: &Path) -> Result<Self, String> {
        let said = |error: std::io::Error| format!("the platform does not start: {error}");
        let program = env::current_exe().map_err(said)?;
        let data = folder.join("data");
        let mut create = Command::new(&program)
            .args(["operator", "create", "--phone", OPERATOR, "--name", "운영자", "--data"])
            .arg(&data)
            .envs(SETTINGS)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(said)?;
        if let Some(mut password) = create.stdin.take() {
            password.write_all(PASSWORD.as_bytes()).map_err(said)?;
        }
        if !create.wait().map_err(said)?.success() {
            return Err("there is no operator".to_owned());
        }
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data"];
        let mut child = Command::new(&program)
            .args(serve)
            .arg(&data)
            .envs(SETTINGS)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(said)?;
        let output = child.stdout.take().map(BufReader::new);
        let mut platform = Self { child, address: String::new() };
        for line in output.into_iter().flat_map(BufRead::lines) {
            if let Some(address) = line.map_err(said)?.strip_prefix("ready on ") {
                address.clone_into(&mut platform.address);
                return Ok(platform);
            }
        }
        Err("the platform ended before it was ready".to_owned())
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Its data goes with its folder.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who calls, and what there is to be found.
struct People {
    /// The names of the callers, and their access tokens; nobody has none.
    tokens: Vec<(String, Option<String>)>,
    /// The settings that name what exists.
    known: String,
}

async fn settle(address: &str) -> Result<People, String> {
    let client = Client::new(address);
    let said = |what: &'static str| move |error: baedal_client::Error| format!("{what}: {error}");
    let mut sessions = Vec::new();
    for (number, role) in [Role::Customer, Role::Owner, Role::Rider].into_iter().enumerate() {
        let phone = format!("0101000000{number}");
        let account = NewAccount { role, name: "김지우", phone: &phone, password: PASSWORD };
        client.open_account(&account).await.map_err(said("an account"))?;
        sessions.push((role, phone.clone(), client.sign_in(&phone, PASSWORD).await.map_err(said("signing in"))?));
    }
    let [(_, _, customer), (_, _, owner), (_, _, rider)] = &sessions[..] else { return Err("three people".to_owned()) };
    let location = Location::new(37.5560, 126.9050).map_err(|error| error.to_string())?;
    let (store, item) = open_store(owner, location).await.map_err(said("a store"))?;
    rider.ride(RiderNow { on_duty: true, location }).await.map_err(said("a rider"))?;
    let mut orders = Vec::new();
    for number in 0..3 {
        let order = NewOrder {
            store_id: store.parse().map_err(|error| format!("{store}: {error}"))?,
            items: vec![NewLine { item_id: item, quantity: 1, options: Vec::new() }],
            deliver_to: Place { address: "서울 마포구 망원로 22 301호".to_owned(), location },
            note: "문 앞에 놓아 주세요".to_owned(),
            payment: PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() },
            expected_total_krw: None,
        };
        let placed = customer.place(&format!("order {number}"), &order).await.map_err(said("an order"))?;
        orders.push(placed.order_id.to_string());
    }
    let mut tokens = Vec::new();
    let phones = sessions.iter().map(|(role, phone, _)| (role.to_string(), phone.clone()));
    for (name, phone) in phones.chain([("operator".to_owned(), OPERATOR.to_owned())]) {
        let body = json!({"phone": phone, "password": PASSWORD});
        let answer: Value = client.call(Method::POST, "/api/token", Some(&body)).await.map_err(said("a token"))?;
        tokens.push((name, answer["access_token"].as_str().map(str::to_owned)));
    }
    tokens.push(("nobody".to_owned(), None));
    let order = orders.first().ok_or("no order")?;
    let known = format!(
        "[parameters]\n\"path.store_id\" = \"{store}\"\n\"path.item_id\" = \"{item}\"\n\"path.order_id\" = \"{order}\"\n",
    );
    Ok(People { tokens, known })
}

async fn open_store(owner: &Session, location: Location) -> Result<(String, ItemId), baedal_client::Error> {
    let store = NewStore {
        name: "망원 옛날통닭".to_owned(),
        address: "서울 마포구 포은로 101".to_owned(),
        location,
        min_order_krw: Won(1_000),
        delivery_radius_m: 3_000,
        delivery_fee_krw: Won(3_000),
        thanks_message: "맛있게 드셨길 바라요.".to_owned(),
    };
    let store_id = owner.register_store(&store).await?.store_id;
    let item_id = ItemId(Uuid::now_v7());
    let item = NewItem {
        name: "후라이드 치킨".to_owned(),
        description: String::new(),
        price_krw: Won(18_000),
        stock: None,
        available: true,
        options: Vec::new(),
    };
    owner.put_item(store_id, item_id, &item).await?;
    owner.open_store(store_id, true).await?;
    Ok((store_id.to_string(), item_id))
}
