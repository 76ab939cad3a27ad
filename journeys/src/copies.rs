//! Copies of databases, made and put back while nothing runs: what a backup is to an operator.

use std::fs;
use std::path::{Path, PathBuf};

use baedal::settings::Settings;
use baedal_servers::testing;

/// A context's database as it was.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    context: &'static str,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    /// In this folder.
    Files(PathBuf),
    /// As a database of this name at the same server.
    Database(String),
}

impl Copy {
    /// Copies what a context keeps. `folder` is for nobody else.
    pub(crate) fn of(settings: &Settings, context: &'static str, folder: &Path) -> Self {
        let kept = if settings.is_on_postgres() {
            let (name, copy) = (database(settings, context), testing::database_name("copy"));
            psql(&format!("CREATE DATABASE {copy} TEMPLATE {name}"));
            Kept::Database(copy)
        } else {
            let to = folder.join(testing::database_name(context));
            fs::create_dir(&to).expect("a folder");
            copy_files(&settings.data, &to, context);
            Kept::Files(to)
        };
        Self { context, kept }
    }

    /// Puts it back in the place of what there is.
    pub(crate) fn put_back(&self, settings: &Settings) {
        match &self.kept {
            Kept::Database(copy) => {
                let name = database(settings, self.context);
                psql(&format!("DROP DATABASE {name} WITH (FORCE)"));
                psql(&format!("CREATE DATABASE {name} TEMPLATE {copy}"));
            }
            Kept::Files(from) => {
                for file in files_of(&settings.data, self.context) {
                    fs::remove_file(file).expect("a file that goes");
                }
                copy_files(from, &settings.data, self.context);
            }
        }
    }
}

/// The name of a context's database.
fn database(settings: &Settings, context: &str) -> String {
    let url = settings.postgres.url.as_ref().map(ToString::to_string).unwrap_or_default();
    url.rsplit('/').next().unwrap_or_default().replace("{context}", context)
}

fn psql(sql: &str) {
    testing::programs().psql(testing::shared_postgres_url(), sql).expect("a statement");
}

fn copy_files(from: &Path, to: &Path, context: &str) {
    for file in files_of(from, context) {
        let name = file.file_name().expect("a name").to_owned();
        fs::copy(&file, to.join(name)).expect("a copied file");
    }
}

/// The database itself, and what lies beside it.
fn files_of(folder: &Path, context: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let is_of_it = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{context}.db")))
    };
    files.filter(is_of_it).collect()
}
