//! Opening a file: what is checked before it is used, and how its tables come to be.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// `BAED`: says in the file's header whose file it is.
const APPLICATION_ID: i32 = 0x4241_4544;
/// The tables' shape, a step a version, forward only.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];
/// How a SQLite file begins: <https://www.sqlite.org/fileformat.html>, which the offsets below are from too.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why a file cannot be used. It is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database, or a broken one.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What shows it.
        why: String,
    },
    /// A database, but not this context's.
    #[error("{} belongs to {whose}, not to {context}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        whose: String,
        /// Who wanted to use it.
        context: &'static str,
    },
    /// Written by a newer program.
    #[error("{} was written by a newer version of this program (schema {found}; this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// Cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// A connection that writes, to a file that is whole, ours and of the newest shape.
pub(crate) fn writable(path: &Path, context: &'static str) -> Result<Connection, OpenError> {
    look_before_opening(path)?;
    let unusable = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path: path.to_owned(), why: source.to_string() }
        }
        _ => OpenError::Unusable { path: path.to_owned(), source },
    };
    let mut connection = Connection::open(path).map_err(unusable)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(unusable)?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(unusable)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    if found > 0 {
        let whose: String = connection.query_row("SELECT context FROM meta", [], |row| row.get(0)).map_err(unusable)?;
        if whose != context {
            return Err(OpenError::Foreign { path: path.to_owned(), whose, context });
        }
    }
    prepare(&mut connection, context, found).map_err(unusable)?;
    Ok(connection)
}

/// Looks at the header as plain bytes: opening a database, even to look, may write to its file.
fn look_before_opening(path: &Path) -> Result<(), OpenError> {
    let damaged = |why: &str| OpenError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let mut header = Vec::new();
    match File::open(path) {
        Ok(file) => drop(file.take(100).read_to_end(&mut header).map_err(|error| damaged(&error.to_string()))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(damaged(&error.to_string())),
    }
    if header.is_empty() {
        // Made, and then the machine went down before anything was written.
        return Ok(());
    }
    let word = |offset: usize| {
        let bytes = header.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok());
        i64::from(i32::from_be_bytes(bytes.unwrap_or_default()))
    };
    if header.len() < 100 || !header.starts_with(MAGIC) {
        return Err(damaged("it does not begin as a SQLite database does"));
    }
    let (found, known) = (word(60), MIGRATIONS.len() as i64);
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    let application = word(68);
    if found > 0 && application != i64::from(APPLICATION_ID) {
        return Err(damaged("it is another program's database"));
    }
    Ok(())
}

fn prepare(connection: &mut Connection, context: &'static str, found: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An answered command survives a power cut: https://www.sqlite.org/pragma.html#pragma_synchronous
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    connection.set_prepared_statement_cache_capacity(64);
    let migration = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        migration.execute_batch(sql)?;
        if step == 0 {
            migration.execute("INSERT INTO meta (context) VALUES (?1)", [context])?;
        }
    }
    migration.pragma_update(None, "application_id", APPLICATION_ID)?;
    migration.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    // Reads a page of every table: a file that was cut off shows it here.
    for table in ["journal", "cursors", "documents", "tags", "jobs"] {
        migration.query_row(&format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1)"), [], |_| Ok(()))?;
    }
    migration.commit()
}

/// A connection that reads.
pub(crate) fn readable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}
