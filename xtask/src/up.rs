//! `cargo xtask up`: the whole distributed composition on this machine, until Ctrl-C.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use baedal_servers::{CONTEXTS, Composition, Plan, Programs, Watchdog};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cargo::cargo;

const USAGE: &str = "\
usage: cargo xtask up [options]

  --demo           with a simulated town in it, and deadlines that come sooner
  --folder FOLDER  where everything is kept and found again [default: ./baedal-up-data]
  --replicas N     how many processes each context has [default: 2]
  --debug          the debug build, which builds sooner and runs slower
";
/// Where the gateway listens.
const PORT: u16 = 8080;
/// How many times faster than life the simulated town is, as with `baedal demo`.
const SPEED: &str = "20";
/// The simulated town signs in as this operator.
const OPERATOR_PHONE: &str = "01090000001";
const OPERATOR_PASSWORD: &str = "baedal-demo";
/// How often we look whether it is time to stop.
const LOOK: Duration = Duration::from_millis(200);
/// How long the town may take to go home.
const TOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Starts everything, says what runs where, and stops it when it is told to.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if arguments.contains(&"--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let options = Options::read(arguments)?;
    let programs = Programs::install()?;
    let program = options.build()?;
    let stop = stop_signal()?;
    eprintln!("xtask: starting {} processes of each context, in {}", options.replicas, options.folder.display());
    let mut composition = Composition::start(&programs, options.plan(&program))?;
    appoint_operator(&program, &composition, &options.folder)?;
    tell(&mut composition, &options)?;
    let mut town = options.demo.then(|| Town::settle(&program, &composition.gateway())).transpose()?;
    while !stop.load(Ordering::Relaxed) {
        for ended in composition.ended()? {
            eprintln!("xtask: {ended}");
        }
        if town.as_mut().is_some_and(Town::is_gone) {
            town = None;
            eprintln!("xtask: the town has ended; the platform runs on");
        }
        thread::sleep(LOOK);
    }
    eprintln!("\nxtask: stopping");
    drop(town);
    composition.stop()
}

struct Options {
    demo: bool,
    folder: PathBuf,
    replicas: usize,
    debug: bool,
}

impl Options {
    fn read(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { demo: false, folder: PathBuf::from("baedal-up-data"), replicas: 2, debug: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match *argument {
                "--demo" => options.demo = true,
                "--debug" => options.debug = true,
                "--folder" => options.folder = PathBuf::from(value()?),
                "--replicas" => {
                    let number = value()?.parse().ok().filter(|number| (1..=16).contains(number));
                    options.replicas = number.ok_or("--replicas must be a number from 1 to 16")?;
                }
                unknown => return Err(format!("there is no option {unknown}\n{USAGE}")),
            }
        }
        Ok(options)
    }

    fn build(&self) -> Result<PathBuf, String> {
        let profile: &[&str] = if self.debug { &[] } else { &["--release"] };
        cargo(&[&["build", "--package", "baedal"], profile].concat(), &[])?;
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target"), PathBuf::from);
        Ok(target.join(if self.debug { "debug" } else { "release" }).join("baedal"))
    }

    fn plan(&self, program: &Path) -> Plan {
        let mut plan = Plan::new(program, &self.folder);
        plan.replicas = self.replicas;
        plan.gateway_port = Some(PORT);
        plan.encrypted = true;
        if self.demo {
            plan.options = ["--speed", SPEED].map(str::to_owned).to_vec();
            // The whole town calls from one address.
            let limits = ["BAEDAL_GATEWAY__PER_ADDRESS", "BAEDAL_GATEWAY__SIGN_IN_PER_ADDRESS"];
            plan.variables = limits.map(|limit| (limit.to_owned(), "{per_second=0,burst=0}".to_owned())).to_vec();
            plan.variables.push(("BAEDAL_IDENTITY__PHONE_CODES__PER_ADDRESS".to_owned(), "0".to_owned()));
            // And a few dozen customers order for it.
            let limits = ["UNPAID_ORDERS", "ATTEMPTS", "ATTEMPTS_PER_ORDER"];
            plan.variables.extend(limits.map(|limit| (format!("BAEDAL_ORDER__{limit}"), "0".to_owned())));
        }
        plan
    }
}

/// Becomes true when we are told to stop. Whoever insists ends us at once; what we have started is ended then by
/// those who watch over us.
fn stop_signal() -> Result<Arc<AtomicBool>, String> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| format!("signals cannot be heard: {error}"))?;
    }
    Ok(stop)
}

/// The operator, unless there is one from before: whoever runs this is to see all of it.
fn appoint_operator(program: &Path, composition: &Composition, folder: &Path) -> Result<(), String> {
    let appointed = folder.join("operator");
    if appointed.exists() {
        return Ok(());
    }
    let said = |error| format!("there is no operator: {error}");
    let mut create = Command::new(program)
        .args(["operator", "create", "--phone", OPERATOR_PHONE, "--name", "운영자", "--config"])
        .arg(composition.settings())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(said)?;
    if let Some(mut password) = create.stdin.take() {
        password.write_all(OPERATOR_PASSWORD.as_bytes()).map_err(said)?;
    }
    let created = create.wait_with_output().map_err(said)?;
    let complaint = String::from_utf8_lossy(&created.stderr);
    if !created.status.success() && !complaint.contains("already") {
        return Err(format!("there is no operator: {}", complaint.trim()));
    }
    fs::write(&appointed, OPERATOR_PHONE).map_err(|error| format!("{}: {error}", appointed.display()))
}

fn tell(composition: &mut Composition, options: &Options) -> Result<(), String> {
    let gateway = composition.gateway();
    println!("\nBaedal runs on {gateway}\n");
    println!("  {:<14}{gateway}", "gateway");
    for context in CONTEXTS {
        let addresses: Vec<_> = composition.replicas(context).iter().map(|replica| replica.address()).collect();
        println!("  {context:<14}{}", addresses.join("  "));
    }
    println!("  {:<14}{}", "PostgreSQL", composition.postgres().url("baedal_<context>"));
    println!("  {:<14}{}", "NATS", composition.nats().url());
    println!("\n  {:<14}phone {OPERATOR_PHONE}, password {OPERATOR_PASSWORD}", "operator");
    println!("  {:<14}{}", "logs", options.folder.join("<name>-<number>/log").display());
    println!("\nCtrl-C stops all of it; the data stays.\n");
    std::io::stdout().flush().map_err(|error| error.to_string())
}

/// The simulated town, a process that only calls the platform. It hears Ctrl-C itself, and goes first.
struct Town {
    process: Child,
    _watchdog: Watchdog,
}

impl Town {
    fn settle(program: &Path, gateway: &str) -> Result<Self, String> {
        let said = |error| format!("the town cannot be settled: {error}");
        let mut process =
            Command::new(program).args(["demo", "--at", gateway, "--speed", SPEED]).spawn().map_err(said)?;
        match Watchdog::over_us(process.id(), "TERM", None) {
            Ok(watchdog) => Ok(Self { process, _watchdog: watchdog }),
            Err(error) => {
                process.kill().map_err(said)?;
                Err(said(error))
            }
        }
    }

    fn is_gone(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Town {
    /// Waits for it to leave, and sends it away where it does not.
    fn drop(&mut self) {
        let deadline = Instant::now() + TOWN_PATIENCE;
        while !self.is_gone() && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
        if !self.is_gone()
            && let Err(error) = self.process.kill().and_then(|()| self.process.wait())
        {
            eprintln!("xtask: the town stays behind: {error}");
        }
    }
}
