//! Encryption is what the settings say: whose certificate is believed, and for which host.

use baedal_kit_postgres::{OpenError, PostgresDatabase, Settings, Tls};
use baedal_servers::{Postgres, testing};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::world::{connect, settings, until};

/// Makes an authority and a certificate for 127.0.0.1 only, in the server's own folder and as its own user.
const CERTIFICATES: &str = "exec 2>&1; umask 077
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout other.key -out other.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr
    echo subjectAltName=IP:127.0.0.1 > server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.crt
    cat ca.pem other.pem server.crt > /dev/null";

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn text(connection: &mut PgConnection, sql: &'static str) -> String {
    sqlx::query(sql).fetch_one(connection).await.unwrap().get(0)
}

async fn refused(settings: &Settings) {
    let Err(error) = PostgresDatabase::open("order", settings).await else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
}

/// Whether the sessions of a context are encrypted.
async fn is_encrypted(raw: &mut PgConnection) -> bool {
    let sessions = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                    WHERE application_name = 'baedal order'";
    sqlx::query(sessions).fetch_one(raw).await.unwrap().get::<Option<bool>, _>(0).unwrap()
}

#[tokio::test]
async fn a_connection_is_as_private_as_the_settings_say() {
    let server = Postgres::start(testing::programs(), &std::env::temp_dir()).unwrap();
    server.create_database("order").unwrap();
    let url = server.url("order");
    let with = |tls, root: Option<&std::path::Path>| Settings {
        tls: Some(tls),
        tls_root: root.map(Into::into),
        ..settings(&url)
    };
    // A server that cannot encrypt.
    PostgresDatabase::open("order", &with(Tls::Prefer, None)).await.unwrap();
    refused(&with(Tls::Require, None)).await;
    refused(&with(Tls::VerifyFull, None)).await;

    let mut raw = connect(&url).await;
    run(&mut raw, format!("COPY (SELECT) TO PROGRAM $script${CERTIFICATES}$script$")).await;
    run(&mut raw, "ALTER SYSTEM SET ssl = on".to_owned()).await;
    run(&mut raw, "SELECT pg_reload_conf()".to_owned()).await;
    until(async || text(&mut raw, "SHOW ssl").await == "on").await;
    let data = std::path::PathBuf::from(text(&mut raw, "SHOW data_directory").await);
    let (authority, stranger) = (data.join("ca.pem"), data.join("other.pem"));

    for (settings, expected) in [
        (with(Tls::Disable, None), false),
        (with(Tls::Prefer, None), true),
        (with(Tls::Require, None), true),
        (with(Tls::VerifyFull, Some(&authority)), true),
    ] {
        let database = PostgresDatabase::open("order", &settings).await.unwrap();
        assert_eq!(is_encrypted(&mut raw).await, expected, "{:?}", settings.tls);
        drop(database);
        let gone = "SELECT (count(*) = 0)::text FROM pg_stat_activity WHERE application_name = 'baedal order'";
        until(async || text(&mut raw, gone).await == "true").await;
    }
    // Somebody else's certificate, nobody's, and one for another name.
    refused(&with(Tls::VerifyFull, Some(&stranger))).await;
    refused(&with(Tls::VerifyFull, None)).await;
    let named =
        Settings { url: Some(url.replace("127.0.0.1", "localhost").into()), ..with(Tls::VerifyFull, Some(&authority)) };
    refused(&named).await;
    PostgresDatabase::open("order", &Settings { tls: Some(Tls::Require), ..named }).await.unwrap();
}
