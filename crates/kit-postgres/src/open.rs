//! Opening a database: looking whose it is, and bringing its schema up to date.

use std::io::ErrorKind;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row};
use tokio::time::timeout;

use crate::connections::GRACE;
use crate::server::{NoServer, Refusal, Servers, Session};
use crate::settings::Target;
use crate::told::Told;
use crate::{epochs, locks};

/// What brings a schema from each version to the next.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];
/// The oldest PostgreSQL we know, as it numbers itself.
const OLDEST: i32 = 150_000;
/// What PostgreSQL says when the user, the password or a right is wrong: classes 28 and 42501.
const REFUSALS: [&str; 3] = ["28000", "28P01", "42501"];

/// Why a database was not opened. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not answer, or not in time, or is not there: it may be a little later.
    #[error("{database} cannot be reached: {why}")]
    Unreachable {
        /// Which.
        database: String,
        /// What was said.
        why: String,
    },
    /// It does not let us in, or not do what we must.
    #[error("{database} refuses us: {why}")]
    Refused {
        /// Which.
        database: String,
        /// What it said.
        why: String,
    },
    /// The settings cannot work.
    #[error("the settings of the databases are wrong: {0}")]
    Settings(String),
    /// It keeps text in another encoding than UTF-8.
    #[error("{database} keeps text as {found}; it must be UTF8")]
    Encoding {
        /// Which.
        database: String,
        /// Its encoding.
        found: String,
    },
    /// Its server is too old.
    #[error("{database} is on PostgreSQL {found}; it must be 15 or later")]
    Old {
        /// Which.
        database: String,
        /// The server's version.
        found: String,
    },
    /// It belongs to another context.
    #[error("{database} holds the data of `{found}`, not of `{expected}`")]
    OtherContext {
        /// Which.
        database: String,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: &'static str,
    },
    /// A newer version of this program has written it.
    #[error("{database} was written by a newer version: its schema is {found}, and this version knows {known}")]
    Newer {
        /// Which.
        database: String,
        /// Its schema.
        found: usize,
        /// The newest schema we know.
        known: usize,
    },
    /// It does not look as it was made.
    #[error("{database} is damaged: {what}")]
    Damaged {
        /// Which.
        database: String,
        /// What is wrong with it.
        what: String,
    },
}

impl OpenError {
    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    pub(crate) fn unreachable(target: &Target, why: &impl ToString) -> Self {
        Self::Unreachable { database: target.name.clone(), why: why.to_string() }
    }
}

/// Opens it, makes its schema where there is none, and learns which journal it is and how far it goes.
pub(crate) async fn open(servers: &Servers, told: &Told) -> Result<(), OpenError> {
    let target = &*servers.target;
    let Session { mut connection, .. } = servers.connect_unknown().await.map_err(|none| unopened(target, &none))?;
    if in_time(target, version(target, &mut connection)).await? < MIGRATIONS.len() {
        // For as long as it takes.
        migrate(servers, &mut connection).await?;
    }
    let recognised = async { epochs::recognise(&mut connection, told).await.map_err(|error| failed(target, &error)) };
    in_time(target, recognised).await?;
    // It is done; how it parts does not matter.
    let _ = connection.close().await;
    Ok(())
}

/// What serving waits for has limits: each statement the server's, all of them together as much again.
async fn in_time<T>(target: &Target, looking: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    let limit = target.statement_limit * 2 + GRACE;
    let late = || OpenError::unreachable(target, &format!("it was not ready within {limit:?}"));
    timeout(limit, looking).await.map_err(|_| late())?
}

/// No server let us in. Only where none could have done so at another time is that for ever.
fn unopened(target: &Target, none: &NoServer) -> OpenError {
    let is_refusal = |refusal: &Refusal| match refusal {
        Refusal::Said(error) => matches!(failed(target, error), OpenError::Refused { .. }),
        Refusal::TakesNoWrites | Refusal::Late(_) => false,
    };
    let may_pass = |refusal: &Refusal| !is_refusal(refusal) && !matches!(refusal, Refusal::TakesNoWrites);
    let (database, why) = (target.name.clone(), none.to_string());
    if none.refusals().any(is_refusal) && !none.refusals().any(may_pass) {
        OpenError::Refused { database, why }
    } else {
        OpenError::Unreachable { database, why }
    }
}

fn failed(target: &Target, error: &sqlx::Error) -> OpenError {
    let (database, why) = (target.name.clone(), error.to_string());
    let code = error.as_database_error().and_then(|said| said.code());
    match error {
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => OpenError::Refused { database, why },
        // So a certificate is told that is not believed.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => OpenError::Refused { database, why },
        _ if code.is_some_and(|code| REFUSALS.contains(&&*code)) => OpenError::Refused { database, why },
        _ => OpenError::Unreachable { database, why },
    }
}

/// The version of its schema, where the server is one we can work with and the database ours; 0 where it has none.
async fn version(target: &Target, connection: &mut PgConnection) -> Result<usize, OpenError> {
    let sql = |error: sqlx::Error| failed(target, &error);
    let server = "SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
                      current_setting('server_encoding')";
    let server = sqlx::query(server).fetch_one(&mut *connection).await.map_err(sql)?;
    examine(target, &server)?;
    // (Not by name, of which the session may remember that there was none before it waited.)
    let known = sqlx::query(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'baedal' AND c.relname = 'meta')",
    );
    let is_there = known.fetch_one(&mut *connection).await.and_then(|row| row.try_get::<bool, _>(0)).map_err(sql)?;
    if !is_there {
        return Ok(0);
    }
    let meta = sqlx::query("SELECT key, value FROM meta").fetch_all(&mut *connection).await.map_err(sql)?;
    identify(target, &meta)
}

/// Brings the schema up to date, without the limits that serving has: rewriting a table may take an hour, and waiting
/// for whoever holds it as long. Where it has to wait, it says for whom.
async fn migrate(servers: &Servers, connection: &mut PgConnection) -> Result<(), OpenError> {
    let target = &*servers.target;
    let sql = |error: sqlx::Error| failed(target, &error);
    let unlimited = "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(unlimited).execute(&mut *connection).await.map_err(sql)?;
    let own = sqlx::query("SELECT pg_backend_pid()").fetch_one(&mut *connection).await;
    let own = own.and_then(|row| row.try_get::<i32, _>(0)).map_err(sql)?;
    tokio::select! {
        migrated = bring_up_to_date(target, connection) => migrated,
        never = locks::tell_of(servers, own) => match never {},
    }
}

async fn bring_up_to_date(target: &Target, connection: &mut PgConnection) -> Result<(), OpenError> {
    let sql = |error: sqlx::Error| failed(target, &error);
    let mut transaction = connection.begin().await.map_err(sql)?;
    // `Baed`, and the second of its locks: whoever opens it at the same time waits here.
    sqlx::query("SELECT pg_advisory_xact_lock(1113679204, 2)").execute(&mut *transaction).await.map_err(sql)?;
    let version = version(target, &mut transaction).await?;
    if version == 0 {
        sqlx::query("CREATE SCHEMA IF NOT EXISTS baedal").execute(&mut *transaction).await.map_err(sql)?;
    }
    for (number, migration) in (1..).zip(MIGRATIONS).skip(version) {
        tracing::info!(context = target.context, schema = number, "the schema of the database is brought up to date");
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(sql)?;
    }
    if version < MIGRATIONS.len() {
        let note = "INSERT INTO meta (key, value) VALUES ('context', $1), ('schema', $2)
                    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value";
        let note = sqlx::query(note).bind(target.context).bind(MIGRATIONS.len().to_string());
        note.execute(&mut *transaction).await.map_err(sql)?;
    }
    transaction.commit().await.map_err(sql)
}

/// Whether it is a server we can work with.
fn examine(target: &Target, server: &PgRow) -> Result<(), OpenError> {
    let sql = |error: sqlx::Error| failed(target, &error);
    let database = target.name.clone();
    if server.try_get::<i32, _>(0).map_err(sql)? < OLDEST {
        return Err(OpenError::Old { database, found: server.try_get(1).map_err(sql)? });
    }
    let encoding: String = server.try_get(2).map_err(sql)?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { database, found: encoding });
    }
    Ok(())
}

/// The version of its schema, where it is this context's and we know it.
fn identify(target: &Target, meta: &[PgRow]) -> Result<usize, OpenError> {
    let database = target.name.clone();
    let value = |wanted: &str| {
        meta.iter().find_map(|row| match (row.try_get::<&str, _>(0), row.try_get::<String, _>(1)) {
            (Ok(key), Ok(value)) if key == wanted => Some(value),
            _ => None,
        })
    };
    let Some(version) = value("schema").and_then(|version| version.parse().ok()) else {
        return Err(OpenError::Damaged { database, what: "it does not say what its schema is".to_owned() });
    };
    match value("context") {
        Some(found) if found != target.context => {
            Err(OpenError::OtherContext { database, found, expected: target.context })
        }
        Some(_) if version > MIGRATIONS.len() => {
            Err(OpenError::Newer { database, found: version, known: MIGRATIONS.len() })
        }
        Some(_) => Ok(version),
        None => Err(OpenError::Damaged { database, what: "it does not say whose it is".to_owned() }),
    }
}
