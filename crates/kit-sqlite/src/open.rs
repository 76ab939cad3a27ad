//! Opening a file: looking before touching, making a new one whole, and bringing an old one up to date.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use baedal_kit::epochs::{Begun, Epoch, Epochs};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use crate::readers;

/// `Baed`: marks the files that are ours.
const APPLICATION: i32 = i32::from_be_bytes(*b"Baed");
/// What brings a file from each version to the next.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];
/// Files up to this size are checked page by page when they are opened, which takes a blink; of larger ones
/// only what is read first and last, so that opening stays fast with millions of events.
const CHECKED_WHOLE: u64 = 32 * 1024 * 1024;
/// How long a connection waits for a lock. Only checkpoints and the last moments of another process hold one.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 48;
/// The first bytes of every SQLite file. Source: <https://www.sqlite.org/fileformat.html>, 1.3.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why a file was not opened. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, read or written.
    #[error("{} cannot be opened", path.display())]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is not a database, or parts of it are unreadable.
    #[error("{} is damaged: {what}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is a database of another program.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to another context.
    #[error("{} holds the data of `{found}`, not of `{expected}`", path.display())]
    OtherContext {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: &'static str,
    },
    /// A newer version of this program has written it.
    #[error("{} was written by a newer version: its schema is {found}, and this version knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema we know.
        known: usize,
    },
    /// Its writer's thread could not be started.
    #[error("no thread could be started to write {}", path.display())]
    Thread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A file's connections, ready to be used.
pub(crate) struct Opened {
    pub(crate) writer: Connection,
    pub(crate) readers: Vec<Connection>,
    /// The journal's last position.
    pub(crate) position: u64,
    /// Its epochs; a new one has just begun.
    pub(crate) epochs: Epochs,
}

pub(crate) fn open(path: &Path, context: &'static str) -> Result<Opened, OpenError> {
    let unreachable = |error: rusqlite::Error| unreachable(path, error);
    match fs::metadata(path) {
        Ok(file) if file.len() > 0 => inspect(path, file.len(), context)?,
        Ok(_) => create(path, context)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, context)?,
        Err(error) => return Err(OpenError::Unreachable { path: path.to_owned(), source: error.into() }),
    }
    let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unreachable)?;
    let epochs = prepare_writer(&mut writer).map_err(unreachable)?;
    let position: i64 = writer
        .query_row("SELECT coalesce(max(position), 0) FROM journal", [], |row| row.get(0))
        .map_err(unreachable)?;
    let readers = (0..readers::CONNECTIONS).map(|_| connect_reader(path)).collect::<Result<_, _>>();
    Ok(Opened { writer, readers: readers.map_err(unreachable)?, position: position.cast_unsigned(), epochs })
}

fn unreachable(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(path, error.to_string()),
        _ => OpenError::Unreachable { path: path.to_owned(), source: error.into() },
    }
}

fn damaged(path: &Path, what: impl Into<String>) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), what: what.into() }
}

/// The same file with something behind its name, as SQLite itself does it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise many statements are prepared anew whenever another value is bound, in the hope of a better plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A reader's cache is void after every commit of the writer, so a small one does; the system's cache
    // holds the pages.
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

/// Looks at a file without changing a byte of it.
fn inspect(path: &Path, length: u64, context: &'static str) -> Result<(), OpenError> {
    let mut header = [0; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(damaged(path, "it is too short")),
        Err(error) => return Err(OpenError::Unreachable { path: path.to_owned(), source: error.into() }),
        Ok(()) if !header.starts_with(MAGIC) => return Err(damaged(path, "it is not a database")),
        Ok(()) => {}
    }
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    // With a log beside it, the last pages may still be there only.
    if !has_log && word(24) == word(92) && u64::from(word(28)) * page_size(&header) > length {
        return Err(damaged(path, "its end is missing"));
    }
    let connection = look(path, has_log).map_err(|error| unreachable(path, error))?;
    identify(&connection, path, context)?;
    let sound = check(&connection, length).map_err(|error| unreachable(path, error))?;
    match sound.lines().last() {
        Some("ok") => Ok(()),
        wrong => Err(damaged(path, wrong.unwrap_or("its pages do not fit together"))),
    }
}

fn page_size(header: &[u8; 100]) -> u64 {
    match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    }
}

/// A connection that cannot write; without a log beside the file, one that does not even lock it.
fn look(path: &Path, has_log: bool) -> rusqlite::Result<Connection> {
    if has_log {
        return connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    }
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let address = PathBuf::from(format!("file:{path}?immutable=1"));
    connect(&address, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

fn identify(connection: &Connection, path: &Path, context: &'static str) -> Result<(), OpenError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let unreachable = |error| unreachable(path, error);
    if number("application_id").map_err(unreachable)? != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let found = usize::try_from(number("user_version").map_err(unreachable)?).unwrap_or(0);
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() });
    }
    let owner = connection.query_row("SELECT value FROM meta WHERE key = 'context'", [], |row| row.get::<_, String>(0));
    match owner.optional() {
        Ok(Some(found)) if found != context => {
            Err(OpenError::OtherContext { path: path.to_owned(), found, expected: context })
        }
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(damaged(path, "it does not say whose it is")),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => Err(damaged(path, error.to_string())),
        Err(error) => Err(unreachable(error)),
    }
}

/// `ok`, or what is wrong.
fn check(connection: &Connection, length: u64) -> rusqlite::Result<String> {
    if length <= CHECKED_WHOLE {
        return connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    }
    for (table, key) in [
        ("journal", "position"),
        ("journal", "stream, version"),
        ("documents", "number"),
        ("documents", "view, id"),
        ("tags", "view, tag, id"),
        ("jobs", "kind, key"),
        ("cursors", "consumer, source, shard"),
    ] {
        for ends in [key.to_owned(), key.replace(',', " DESC,") + " DESC"] {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {ends} LIMIT 100"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        }
    }
    Ok("ok".to_owned())
}

/// Makes a new file under another name and gives it its own only when it is whole, so that a file under
/// its own name always says whose it is.
fn create(path: &Path, context: &'static str) -> Result<(), OpenError> {
    let unfinished = beside(path, ".new");
    let made = (|| {
        for leftover in ["", "-journal", "-wal", "-shm"] {
            match fs::remove_file(beside(&unfinished, leftover)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fill(&unfinished, context)?;
        fs::rename(&unfinished, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    })();
    made.map_err(|source| OpenError::Unreachable { path: path.to_owned(), source })
}

fn fill(path: &Path, context: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    make_private(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("PRAGMA page_size = 4096; PRAGMA synchronous = FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    migrate(&transaction)?;
    transaction.execute("INSERT INTO meta (key, value) VALUES ('context', ?1)", [context])?;
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Makes an empty file that only its owner may read. What SQLite puts beside it gets the same mode.
/// Source: `findCreateFileMode` in <https://sqlite.org/src/file/src/os_unix.c>.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Brings the tables up to date, within the transaction that is open.
fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let from: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (version, migration) in (1..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        connection.execute_batch(migration)?;
        connection.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

fn prepare_writer(connection: &mut Connection) -> rusqlite::Result<Epochs> {
    // An answered commit survives the loss of power: every commit is synchronised. The writer decides itself
    // when to checkpoint, and lets the log shrink again after a storm.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 8388608;
         PRAGMA cache_size = -4096;
         PRAGMA temp_store = MEMORY;",
    )?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrate(&transaction)?;
    // Whoever held these has ended with its process.
    transaction.execute("UPDATE jobs SET due = run_at, lease = NULL WHERE lease IS NOT NULL", [])?;
    let epochs = begin_epoch(&transaction)?;
    transaction.commit()?;
    Ok(epochs)
}

/// Nobody can tell whether the file is the one that was closed, or an older copy of it that somebody has put back: so
/// it is another journal from here on. Whoever had got further in that one is found to be ahead of this one.
fn begin_epoch(connection: &Connection) -> rusqlite::Result<Epochs> {
    let head: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM journal", [], |row| row.get(0))?;
    let epoch = Epoch::new();
    // The last one goes where nothing happened in it.
    connection.execute("DELETE FROM epochs WHERE after >= ?1", [head])?;
    connection.execute("INSERT INTO epochs (id, after) VALUES (?1, ?2)", params![epoch.0.as_bytes(), head])?;
    let mut begun = connection.prepare("SELECT id, after FROM epochs ORDER BY number")?;
    let begun = begun.query_map([], |row| {
        let epoch = Epoch(Uuid::from_bytes(row.get(0)?));
        Ok(Begun { epoch, after: row.get::<_, i64>(1)?.cast_unsigned() })
    })?;
    begun.collect::<rusqlite::Result<_>>().map(Epochs::of)
}
