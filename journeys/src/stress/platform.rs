//! The platform that the days are spent on: two processes of each service, two gateways, and deadlines of seconds.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use baedal_client::{Client, Session};
use baedal_servers::{Composition, Plan, testing};

use super::Options;

/// The operator's phone.
const OPERATOR: &str = "01090000001";
/// Everybody's password.
pub(super) const PASSWORD: &str = "correct horse";

/// Settings: everything that an order waits for comes within half a minute, and people are many at one address.
const SETTINGS: [(&str, &str); 28] = [
    ("LOG", "info"),
    ("IDENTITY__HASH_COST", "{memory_kib=8,passes=1,lanes=1}"),
    // A few customers order for many.
    ("ORDER__UNPAID_ORDERS", "0"),
    ("ORDER__ATTEMPTS", "0"),
    ("GATEWAY__PER_ADDRESS", "{per_second=0,burst=0}"),
    ("GATEWAY__SIGN_IN_PER_ADDRESS", "{per_second=0,burst=0}"),
    ("IDENTITY__PHONE_CODES__PER_ADDRESS", "0"),
    ("GATEWAY__PER_ACCOUNT", "{per_second=0,burst=0}"),
    ("PAYMENT__ANSWER_LIMIT", "700ms"),
    ("PAYMENT__CHARGE_LIMIT", "3s"),
    ("PAYMENT__CALL_LIMIT", "2s"),
    ("PAYMENT__LOOK_UP_AFTER", "1s"),
    ("PAYMENT__UNKNOWN_AFTER", "5s"),
    ("PAYMENT__RECONCILE_EVERY", "3s"),
    ("PAYMENT__ATTEMPT_STUCK_AFTER", "10s"),
    ("ORDER__PAYMENT_WINDOW", "14s"),
    ("ORDER__ABANDON_AFTER", "28s"),
    ("ORDER__AUTO_COMPLETE_AFTER", "4s"),
    ("ORDER__LEAST_PAYMENT_TIME", "2s"),
    ("ORDER__ABANDON_PICKED_UP_AFTER", "5s"),
    ("STORE__LEAST_ANSWER_TIME", "2s"),
    ("DELIVERY__ESCALATE_AFTER", "8s"),
    ("DELIVERY__PICK_UP_WITHIN", "5s"),
    ("STORE__ANSWER_WITHIN", "8s"),
    ("STORE__CHANGE_LOCK", "6s"),
    ("TRACKING__UNDELIVERED_AFTER", "28s"),
    ("TRACKING__UNCOMPLETED_AFTER", "4s"),
    ("TRACKING__GRACE", "5s"),
];

/// What runs.
pub(super) struct Platform {
    pub(super) composition: Composition,
    folder: PathBuf,
}

impl Platform {
    /// Starts it in a folder of its own.
    pub(super) async fn start(options: &Options, seed: u64) -> Result<Self, String> {
        let folder = options.folder.join(format!("from-seed-{seed}"));
        let said = |error| format!("{}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(said)?;
        }
        fs::create_dir_all(&folder).map_err(said)?;
        // The user whom root runs PostgreSQL as must get there.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).map_err(said)?;
        let mut plan = Plan::new(&options.program, &folder);
        plan.gateways = 2;
        plan.clocks.clone_from(&options.clocks);
        let named = |(name, value): (&str, &str)| (format!("BAEDAL_{name}"), value.to_owned());
        plan.variables = SETTINGS.map(named).to_vec();
        let program = options.program.clone();
        let composition = tokio::task::spawn_blocking(move || -> Result<Composition, String> {
            let composition = Composition::start(testing::programs(), plan)?;
            appoint_operator(&program, &composition)?;
            Ok(composition)
        });
        let composition = composition.await.map_err(|error| error.to_string())??;
        Ok(Self { composition, folder })
    }

    /// The addresses of the gateways.
    pub(super) fn gateways(&mut self) -> Vec<String> {
        self.composition.gateways().iter().map(|gateway| gateway.address()).collect()
    }

    /// The operator, at each gateway.
    pub(super) async fn operator(&mut self) -> Result<Vec<Session>, String> {
        let mut at = Vec::new();
        for address in self.gateways() {
            let signed_in = Client::new(&address).sign_in(OPERATOR, PASSWORD).await;
            at.push(signed_in.map_err(|error| format!("the operator cannot sign in: {error}"))?);
        }
        Ok(at)
    }

    /// Where it is kept, to be looked at.
    pub(super) fn kept(&self) -> String {
        format!("what was said is in {}", self.folder.join("<name>-<number>/log").display())
    }

    /// Ends it, and leaves what it kept.
    pub(super) fn leave(mut self) {
        // Nobody uses its data again, but somebody may look at it.
        let _ = self.composition.nats().kill();
    }

    /// Ends it, and removes what it kept.
    pub(super) fn close(mut self) {
        let _ = self.composition.postgres().kill();
        let _ = self.composition.nats().kill();
        let folder = self.folder.clone();
        drop(self);
        if let Err(error) = fs::remove_dir_all(&folder) {
            eprintln!("stress: {} stays behind: {error}", folder.display());
        }
    }
}

fn appoint_operator(program: &Path, composition: &Composition) -> Result<(), String> {
    let said = |error: std::io::Error| format!("there is no operator: {error}");
    let mut create = Command::new(program)
        .args(["operator", "create", "--phone", OPERATOR, "--name", "운영자", "--config"])
        .arg(composition.settings())
        .env("BAEDAL_IDENTITY__HASH_COST", "{memory_kib=8,passes=1,lanes=1}")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(said)?;
    if let Some(mut password) = create.stdin.take() {
        password.write_all(PASSWORD.as_bytes()).map_err(said)?;
    }
    let created = create.wait_with_output().map_err(said)?;
    if created.status.success() {
        return Ok(());
    }
    Err(format!("there is no operator: {}", String::from_utf8_lossy(&created.stderr).trim()))
}
