//! Where the databases are, and how we speak to them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// What stands for the context's name in an address.
const CONTEXT: &str = "{context}";
/// The fewest connections there can be: one writes, one listens, one reads.
const FEWEST: u32 = 3;

/// The settings of the PostgreSQL databases; they are the same for every context.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where they are, as `postgres://user:password@host:5432/baedal_{context}`; nothing: not on PostgreSQL.
    /// The server itself, or a pooler that gives each of us a session of our own. Of several servers, one of which
    /// takes writes, all may be named, as `…@db1:5432,db2:5432/…`: the one that takes writes is used.
    pub url: Option<Address>,
    /// How many connections a process has to each of its databases, at the most: one to write, one to listen to
    /// other processes, the rest to read. At least 3.
    pub connections: u32,
    /// How long it may take to get a connection.
    pub connect_time_limit: SignedDuration,
    /// How long a connection is used at the most; each ends up to a quarter sooner, so that they do not all end
    /// together. So whatever moved without a sign, such as a name, is noticed some time.
    pub connection_lifetime: SignedDuration,
    /// How long a statement may take, or wait for a lock.
    pub statement_time_limit: SignedDuration,
    /// Whether connections are encrypted and whose certificate is trusted; nothing: as the address says
    /// (`?sslmode=`), and `prefer` where it says nothing.
    pub tls: Option<Tls>,
    /// A file of certificates (PEM) that are trusted besides those of the system.
    pub tls_root: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            connections: 6,
            connect_time_limit: SignedDuration::from_secs(3),
            connection_lifetime: SignedDuration::from_mins(30),
            statement_time_limit: SignedDuration::from_secs(5),
            tls: None,
            tls_root: None,
        }
    }
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Never.
    Disable,
    /// Where the server can, with whatever certificate.
    Prefer,
    /// Always, with whatever certificate.
    Require,
    /// Always, and the certificate must be the host's, signed by somebody who is trusted.
    VerifyFull,
}

impl From<Tls> for PgSslMode {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::Disable => Self::Disable,
            Tls::Prefer => Self::Prefer,
            Tls::Require => Self::Require,
            Tls::VerifyFull => Self::VerifyFull,
        }
    }
}

/// An address, which may hold a password: it is shown, and serialized, without.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user may have any name, a password any character: what is before the last `@` is theirs.
        let Some((scheme, rest)) = self.0.split_once("://") else { return out.write_str("…") };
        let rest = rest.split_once('?').map_or(rest, |(place, _)| place);
        let (user, place) = rest.rsplit_once('@').map_or(("", rest), |(user, place)| (user, place));
        match user.split_once(':') {
            Some((name, _)) => write!(out, "{scheme}://{name}:…@{place}"),
            None if user.is_empty() => write!(out, "{scheme}://{place}"),
            None => write!(out, "{scheme}://{user}@{place}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The settings as one context's database needs them.
pub(crate) struct Target {
    pub(crate) context: &'static str,
    /// How it is called in errors, as `baedal_order at db:5432`.
    pub(crate) name: String,
    pub(crate) connect_limit: Duration,
    pub(crate) lifetime: Duration,
    pub(crate) statement_limit: Duration,
    /// How many connections read.
    pub(crate) readers: usize,
    /// For whoever reads and writes: one of each server that may be the one. There is one at the least.
    pub(crate) servers: Vec<Server>,
}

/// A server that may be the one.
pub(crate) struct Server {
    /// As `db:5432`.
    pub(crate) name: String,
    pub(crate) options: PgConnectOptions,
}

impl Target {
    /// Or what is wrong with the settings; it does not name secrets.
    pub(crate) fn new(context: &'static str, settings: &Settings) -> Result<Self, String> {
        let address = settings.url.as_ref().ok_or("`url` is not set")?;
        let limit = |name: &str, limit: SignedDuration| {
            let limit = Duration::try_from(limit).ok().filter(|limit| limit.as_millis() > 0);
            limit.ok_or_else(|| format!("`{name}` must be a millisecond at least"))
        };
        let connect_limit = limit("connect_time_limit", settings.connect_time_limit)?;
        let statement_limit = limit("statement_time_limit", settings.statement_time_limit)?;
        if settings.connections < FEWEST {
            return Err(format!("`connections` must be {FEWEST} at least: one writes, one listens, one reads"));
        }
        if let Some(root) = settings.tls_root.as_ref().filter(|root| !root.is_file()) {
            return Err(format!("`tls_root`: there is no file {}", root.display()));
        }
        let lifetime = limit("connection_lifetime", settings.connection_lifetime)?;
        let address = address.0.replace(CONTEXT, context);
        if !["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme)) {
            return Err("`url` is no address of a PostgreSQL database: it begins with postgres://".to_owned());
        }
        let (mut servers, mut database) = (Vec::new(), String::new());
        for address in one_by_one(&without_session_attributes(&address)?) {
            let options = PgConnectOptions::from_str(&address)
                .map_err(|error| format!("`url` is no address of a PostgreSQL database: {error}"))?;
            let mut options = session(options, statement_limit)
                .application_name(&format!("baedal {context}"))
                .disable_statement_logging();
            if let Some(tls) = settings.tls {
                options = options.ssl_mode(tls.into());
            }
            if let Some(root) = &settings.tls_root {
                options = options.ssl_root_cert(root);
            }
            options.get_database().unwrap_or_else(|| options.get_username()).clone_into(&mut database);
            let name = match options.get_socket() {
                Some(socket) => socket.display().to_string(),
                None => format!("{}:{}", options.get_host(), options.get_port()),
            };
            servers.push(Server { name, options });
        }
        let places: Vec<_> = servers.iter().map(|server| server.name.as_str()).collect();
        let name = format!("{database} at {}", places.join(", "));
        let readers = settings.connections.saturating_sub(2) as usize;
        Ok(Self { context, name, connect_limit, lifetime, statement_limit, readers, servers })
    }
}

/// The same address for each of the servers it names: sqlx knows of one only.
/// Source: <https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>.
fn one_by_one(address: &str) -> Vec<String> {
    let begin = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[begin..].find(['/', '?', '#']).map_or(address.len(), |length| begin + length);
    // A password may hold any character: what is before the last `@` is not of the servers.
    let begin = address[begin..end].rfind('@').map_or(begin, |at| begin + at + 1);
    let (before, behind) = (&address[..begin], &address[end..]);
    address[begin..end].split(',').map(|server| format!("{before}{server}{behind}")).collect()
}

/// The address without `target_session_attrs`, which libpq needs to do what we do always: use the server that takes
/// writes. Another wish is refused.
fn without_session_attributes(address: &str) -> Result<String, String> {
    let Some((place, query)) = address.split_once('?') else { return Ok(address.to_owned()) };
    let (wishes, others): (Vec<_>, Vec<_>) =
        query.split('&').partition(|parameter| parameter.starts_with("target_session_attrs="));
    if let Some(other) = wishes.iter().find(|wish| !wish.ends_with("=read-write") && !wish.ends_with("=primary")) {
        return Err(format!("`url` says {other}: only the server that takes writes is ever used, `read-write`"));
    }
    Ok(if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) })
}

/// How our sessions are, whatever the server's own settings.
fn session(options: PgConnectOptions, statement_limit: Duration) -> PgConnectOptions {
    let limit = format!("{}ms", statement_limit.as_millis());
    options.options([
        ("search_path", "baedal"),
        // What is answered is on the disk.
        ("synchronous_commit", "on"),
        // `commit_group` counts on it.
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
        ("statement_timeout", limit.as_str()),
        ("lock_timeout", limit.as_str()),
        ("idle_in_transaction_session_timeout", limit.as_str()),
        // Every statement has one good plan, by an index, however full the tables are: it is made once.
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("jit", "off"),
        // The session of a machine that is gone ends within half a minute.
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings { url: Some(Address::from(url.to_owned())), ..Settings::default() }
    }

    #[test]
    fn the_address_names_the_context_and_the_password_is_never_shown() {
        let settings = settings("postgres://baedal:s3cr:t@h@db.example:6543/baedal_{context}?sslmode=require");
        let target = Target::new("order", &settings).unwrap();
        assert_eq!(target.name, "baedal_order at db.example:6543");
        assert_eq!(target.readers, 4);
        let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
        assert!(shown.contains("postgres://baedal:…@db.example:6543/baedal_{context}"), "{shown}");
        for secret in ["s3cr", "t@h"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn an_address_may_name_several_servers() {
        let named = |url: &str| {
            let target = Target::new("order", &settings(url)).unwrap();
            let shown = format!("{}", settings(url).url.unwrap());
            assert!(!shown.contains("p@,ss"), "{shown}");
            let of = |server: &Server| (server.name.clone(), server.options.get_username().to_owned());
            (target.name, target.servers.iter().map(of).collect::<Vec<_>>())
        };
        let server = |name: &str| (name.to_owned(), "u".to_owned());
        assert_eq!(
            named(
                "postgres://u:p@,ss@db1:6543,db2,[::1]:7/b_{context}?target_session_attrs=read-write&sslmode=disable"
            ),
            (
                "b_order at db1:6543, db2:5432, [::1]:7".to_owned(),
                ["db1:6543", "db2:5432", "[::1]:7"].map(server).to_vec()
            )
        );
        assert_eq!(named("postgres://u@db/d?target_session_attrs=primary").1, [server("db:5432")]);
        let Err(said) = Target::new("order", &settings("postgres://h,i/d?target_session_attrs=standby")) else {
            panic!("a standby")
        };
        assert!(said.contains("target_session_attrs=standby"), "{said}");
    }

    #[test]
    fn tls_is_as_set_and_as_the_address_says_where_it_is_not() {
        let mode = |tls, url: &str| {
            let target = Target::new("order", &Settings { tls, ..settings(url) }).unwrap();
            format!("{:?}", target.servers[0].options.get_ssl_mode())
        };
        assert_eq!(mode(None, "postgres://h/d"), "Prefer");
        assert_eq!(mode(None, "postgres://h/d?sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode(Some(Tls::VerifyFull), "postgres://h/d?sslmode=disable"), "VerifyFull");
        assert_eq!(mode(Some(Tls::Require), "postgres://h/d"), "Require");
        assert_eq!(mode(Some(Tls::Disable), "postgres://h/d"), "Disable");
        assert_eq!(serde_json::from_str::<Tls>("\"verify_full\"").unwrap(), Tls::VerifyFull);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_and_named() {
        let no_time = SignedDuration::ZERO;
        let good = settings("postgres://u:secret@h/d");
        for (named, settings) in [
            ("`url` is not set", Settings::default()),
            ("`url` is no address", settings("mysql://u:secret@h/d")),
            ("`url` is no address", settings("postgres://u:secret@h:port/d")),
            ("`connections`", Settings { connections: 2, ..good.clone() }),
            ("`connect_time_limit`", Settings { connect_time_limit: no_time, ..good.clone() }),
            ("`statement_time_limit`", Settings { statement_time_limit: -no_time, ..good.clone() }),
            ("`connection_lifetime`", Settings { connection_lifetime: no_time, ..good.clone() }),
            ("`tls_root`", Settings { tls_root: Some(PathBuf::from("/nowhere.pem")), ..good.clone() }),
        ] {
            let Err(said) = Target::new("order", &settings) else { panic!("{named}") };
            assert!(said.contains(named) && !said.contains("secret"), "{said}");
        }
        assert!(serde_json::from_str::<Settings>(r#"{"conections": 3}"#).is_err());
    }
}
