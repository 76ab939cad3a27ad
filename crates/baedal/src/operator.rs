//! `baedal operator create`: the first operator, made where the data is, because nobody could allow it
//! over HTTP yet.

use std::io::{IsTerminal, Read};

use anyhow::{Context, Result};

use crate::cli::{Common, CreateOperator, Operator, OperatorCommand};
use crate::folder::DataFolder;
use crate::platform;
use crate::settings::Settings;

/// Does what was typed about operators.
///
/// # Errors
/// Where the password cannot be had or is too weak, the phone is taken, or the data folder is in use.
pub fn run(operator: &Operator) -> Result<()> {
    let OperatorCommand::Create(create) = &operator.command;
    let common = Common { data: create.data.clone(), config: create.config.clone(), ..Common::default() };
    let settings = Settings::load(Settings::default(), &common)?;
    // In PostgreSQL others may be at work at the same time; a data folder is ours alone.
    let folder = (!settings.is_on_postgres()).then(|| DataFolder::take(&settings.data)).transpose()?;
    let password = password(create)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    let account_id = runtime.block_on(async {
        let service = platform::identity_alone(&settings, folder.as_ref()).await?;
        baedal_identity::create_operator(&service, &settings.identity, &create.phone, &create.name, &password)
            .await
            .map_err(anyhow::Error::from)
    })?;
    println!("operator {account_id} can sign in with {}", create.phone);
    Ok(())
}

fn password(create: &CreateOperator) -> Result<String> {
    let text = match &create.password_file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the password from {}", file.display()))?,
        None if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("Password: ").context("cannot ask for the password")?
        }
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the password from standard input")?;
            text
        }
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// `baedal key`: prints a new key to sign access tokens with.
///
/// # Errors
/// Where the machine has no randomness to give.
pub fn print_key() -> Result<()> {
    print!("{}", baedal_identity::Keys::new_pem()?);
    Ok(())
}
