//! What is said of a setting that is wrong: where it stands and what it should be, and never what a secret is instead.
//!
//! The libraries quote what they cannot read, in whole lines. That goes to the journal of whoever starts the program, and
//! often what cannot be read is a password with a quotation mark missing.

use std::path::Path;

use anyhow::Error;
use figment::error::{Actual, Kind};

/// The settings that hold secrets, or an address with one in it; and what a secret is put into by mistake.
const SECRETS: [&[&str]; 5] =
    [&["peers", "secret"], &["peers", "known"], &["postgres", "url"], &["nats", "urls"], &["nats", "password"]];

/// Sees to it that a file is TOML.
///
/// # Errors
/// Where in it is what is not.
pub(super) fn must_be_toml(text: &str, file: &Path) -> Result<(), Error> {
    let Err(error) = text.parse::<toml::Table>() else { return Ok(()) };
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why = "what stands there is not shown, as it may be a secret";
    Err(anyhow::anyhow!("{} is not TOML at line {line}, column {column} ({why})", file.display()))
}

/// What is wrong, each setting in its turn.
pub(super) fn told(errors: figment::Error) -> Error {
    let all: Vec<_> = errors.into_iter().map(|error| one(&error)).collect();
    anyhow::anyhow!("a setting is wrong: {}", all.join("; "))
}

fn one(error: &figment::Error) -> String {
    let path: Vec<_> = error.path.iter().map(String::as_str).collect();
    let place = match error.metadata.as_ref() {
        Some(found) if found.name.contains("environment") => " (in the environment)".to_owned(),
        Some(found) => found.source.as_ref().map(|source| format!(" (in {source})")).unwrap_or_default(),
        None => String::new(),
    };
    let is_secret = may_be_secret(&path);
    // Behind where a secret should stand, the names may be it, too.
    let shown = if is_secret { &path[..path.len().min(2)] } else { &path[..] };
    let key = if shown.is_empty() { "it".to_owned() } else { format!("`{}`", shown.join(".")) };
    if let (true, Kind::UnknownField(name, _)) = (path.is_empty(), &error.kind) {
        return format!("`{name}`{place} is no setting; `baedal config` prints all there are");
    }
    format!("{key}{place} {}", what(&error.kind, is_secret))
}

/// Whether what stands there is a secret or has one in it.
fn may_be_secret(path: &[&str]) -> bool {
    SECRETS.iter().any(|secret| {
        // Where a list stands in the place of a table, what is in the list may have been meant.
        let is_meant = |(one, other): (&&str, &&str)| one == other || one.parse::<usize>().is_ok();
        path.iter().zip(*secret).all(is_meant)
    })
}

fn what(kind: &Kind, is_secret: bool) -> String {
    match kind {
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) if is_secret => {
            format!("is {}, and should be {expected}; it is not shown, as it may be a secret", type_of(actual))
        }
        Kind::InvalidLength(_, expected) if is_secret => format!("should be {expected}"),
        Kind::UnknownField(_, expected) | Kind::UnknownVariant(_, expected) if is_secret => {
            format!("holds what there is not; there are {}", expected.join(", "))
        }
        Kind::MissingField(_) | Kind::DuplicateField(_) => kind.to_string(),
        _ if is_secret => "is not what it should be; it is not shown, as it may be a secret".to_owned(),
        _ => format!("is wrong: {kind}"),
    }
}

/// What something is, and not which.
fn type_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::Common;
    use crate::settings::Settings;

    const SECRET: &str = "s3cret-s3cret-s3cret-s3cret-s3cret";

    fn refused_file(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let config: PathBuf = folder.path().join("baedal.toml");
        std::fs::write(&config, text).expect("a file");
        let error = Settings::load(Settings::default(), &Common { config: Some(config), ..Common::default() });
        // Some of it can be read after all; then nothing is said.
        error.err().map(|error| format!("{error:#} {error:?}")).unwrap_or_default()
    }

    #[test]
    fn no_secret_that_is_malformed_in_a_file_is_shown() {
        for secret in SECRETS {
            let (name, table) = secret.split_last().expect("a name");
            let table = table.join(".");
            let malformed = [
                format!("[{table}]\n{name} = {SECRET}"),
                format!("[{table}]\n{name} = \"{SECRET}"),
                format!("[{table}]\n{name} = '{SECRET}\" "),
                format!("[{table}]\n{name} = \"{SECRET}\\q\""),
                format!("[{table}]\n{name} = {{ \"{SECRET}\" = 1 }}\nnothing = 1"),
                format!("[{table}]\n{name} = [[\"{SECRET}\"]]"),
                format!("[{table}.{name}]\n\"{SECRET}\" = true"),
                format!("{table} = \"{SECRET}\""),
                format!("{table} = [\"{SECRET}\"]"),
                format!("[{table}]\n{name} = \"{SECRET}\"\n{name} = \"{SECRET}\""),
            ];
            for text in malformed {
                let said = refused_file(&text);
                assert!(!said.contains("s3cret"), "{text}\n{said}");
            }
            // A number of many digits is one, too.
            let said = refused_file(&format!("[{table}]\n{name} = 31415926535897932"));
            assert!(!said.contains("31415") && said.contains(&format!("{table}.{name}")), "{said}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown_where_it_is_wrong() {
        let said = refused_file("log_format = \"loud\"");
        assert!(said.contains("`log_format` (in ") && said.contains("loud"), "{said}");
        let said = refused_file("shards = 8\n\nlisten = oops");
        assert!(said.contains("is not TOML at line 3, column 10"), "{said}");
    }
}
