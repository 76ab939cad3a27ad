//! What may be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use baedal_kit_runtime::consumer::kept::Resume;
use clap::{Args, Parser, Subcommand};

/// 배달: a food-delivery platform of your own.
#[derive(Debug, Parser)]
#[command(name = "baedal", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What may be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the platform
    Serve(Serve),
    /// Run the platform with seeded stores and a simulated town on it
    Demo(Demo),
    /// Manage operator accounts
    Operator(Operator),
    /// Look how far contexts have heard each other, and set that after a restore
    Consumer(Consumer),
    /// Print the settings in force, as TOML
    Config(Common),
    /// Print a new key to sign access tokens with, for replicas of identity to share
    Key,
}

/// Where settings come from and where data goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// What this process runs: gateway, identity, order, payment, store, delivery, notification, tracking
    /// [default: everything]
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub roles: Vec<String>,
    /// The folder that everything is kept in [default: ./baedal-data; for the demo ./baedal-demo-data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A TOML file with settings; `baedal config` prints all there are
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `baedal serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Where settings come from and where data goes.
    #[command(flatten)]
    pub common: Common,
    /// How many times sooner than in life every deadline comes, for a simulated town
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = positive)]
    pub speed: f64,
}

/// `baedal demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Where settings come from and where data goes.
    #[command(flatten)]
    pub common: Common,
    /// Live in a platform that runs there already, as http://127.0.0.1:8080, instead of starting one
    #[arg(long, value_name = "ADDRESS")]
    pub at: Option<String>,
    /// Let others than this machine reach the demo, whose accounts, the operator's too, have passwords that everybody
    /// knows; without it, it listens on no address but loopback
    #[arg(long)]
    pub reachable_from_outside: bool,
    /// How many orders the town places in a minute
    #[arg(long, value_name = "N", default_value_t = 12.0, value_parser = positive)]
    pub orders_per_minute: f64,
    /// How many times faster than life the town's people act and every deadline comes
    #[arg(long, value_name = "N", default_value_t = 20.0, value_parser = positive)]
    pub speed: f64,
    /// Show nothing of what happens
    #[arg(long)]
    pub quiet: bool,
}

/// `baedal operator`.
#[derive(Clone, Debug, Args)]
pub struct Operator {
    /// What to do.
    #[command(subcommand)]
    pub command: OperatorCommand,
}

/// What may be done about operators.
#[derive(Clone, Debug, Subcommand)]
pub enum OperatorCommand {
    /// Create an operator, while the platform does not run on the data folder
    Create(CreateOperator),
}

/// `baedal operator create`.
#[derive(Clone, Debug, Args)]
pub struct CreateOperator {
    /// The operator's phone number, to sign in with
    #[arg(long)]
    pub phone: String,
    /// The operator's name
    #[arg(long)]
    pub name: String,
    /// A file that holds the password; without it, it is asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The folder that everything is kept in [default: ./baedal-data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `baedal consumer`.
#[derive(Clone, Debug, Args)]
pub struct Consumer {
    /// What to do.
    #[command(subcommand)]
    pub command: ConsumerCommand,
}

/// What may be done about consumers.
#[derive(Clone, Debug, Subcommand)]
pub enum ConsumerCommand {
    /// Print how far each consumer of a context has heard the others
    List(ListConsumers),
    /// Say from where on consumers hear a source with which they have parted, because it was restored to an earlier
    /// state; on a data folder, while the platform does not run
    Reset(ResetConsumer),
}

/// `baedal consumer list`.
#[derive(Clone, Debug, Args)]
pub struct ListConsumers {
    /// The context whose consumers are meant
    #[arg(long)]
    pub context: String,
    /// The folder that everything is kept in [default: ./baedal-data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `baedal consumer reset`.
#[derive(Clone, Debug, Args)]
pub struct ResetConsumer {
    /// The context whose consumers are meant
    #[arg(long)]
    pub context: String,
    /// The context that they hear
    #[arg(long)]
    pub source: String,
    /// The one consumer that is meant [default: all that have parted with the source]
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    /// Behind what they go on: `divergence`, the last position that both have in common, so that everything is heard
    /// that came after the restore; `head`, so that nothing is heard that is there now; or a position
    #[arg(long, value_name = "WHERE", value_parser = crate::consumers::resume)]
    pub after: Resume,
    /// The folder that everything is kept in [default: ./baedal-data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (0.01..=100_000.0).contains(&number) => Ok(number),
        _ => Err("must be a number from 0.01 to 100000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
