//! PostgreSQL starts, stops, dies, comes back with its data, and stands still when it is told to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::env;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use baedal_servers::{Postgres, testing};

fn started() -> Postgres {
    Postgres::start(testing::programs(), &env::temp_dir()).unwrap()
}

fn sql(server: &Postgres, sql: &str) -> Result<String, String> {
    testing::programs().psql(&server.url("postgres"), sql)
}

fn data_directory(server: &Postgres) -> PathBuf {
    sql(server, "SHOW data_directory").unwrap().into()
}

fn nobody_listens(port: u16) {
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn a_new_server_answers_and_is_durable() {
    let server = started();
    assert_eq!(server.url("shop"), format!("postgres://baedal@127.0.0.1:{}/shop", server.port()));
    for (setting, value) in [("fsync", "on"), ("synchronous_commit", "on"), ("listen_addresses", "127.0.0.1")] {
        assert_eq!(sql(&server, &format!("SHOW {setting}")).unwrap(), value);
    }
    let database = "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'postgres'";
    assert_eq!(sql(&server, database).unwrap(), "UTF8|C");
}

#[test]
fn makes_a_database_once() {
    let server = started();
    let name = "a \"strange\" name's";
    server.create_database(name).unwrap();
    server.create_database(name).unwrap();
    let names = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'";
    assert_eq!(sql(&server, names).unwrap(), name);
}

#[test]
fn keeps_data_and_port_over_a_stop() {
    let mut server = started();
    let port = server.port();
    sql(&server, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)").unwrap();
    server.stop().unwrap();
    nobody_listens(port);
    assert!(server.pause().is_err(), "nothing runs that could be paused");
    server.start_again().unwrap();
    assert_eq!(server.port(), port);
    assert_eq!(sql(&server, "SELECT n FROM kept").unwrap(), "1");
}

#[test]
fn keeps_what_was_committed_over_a_kill() {
    let mut server = started();
    let port = server.port();
    sql(&server, "CREATE TABLE kept (n int)").unwrap();
    for round in 1..=3 {
        sql(&server, &format!("INSERT INTO kept VALUES ({round})")).unwrap();
        // One is in the middle of something that takes long.
        let url = server.url("postgres");
        let busy = thread::spawn(move || {
            testing::programs()
                .psql(&url, "SELECT sum(a * b) FROM generate_series(1, 100000) a, generate_series(1, 100000) b")
        });
        let seen = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT sum%' AND state = 'active'";
        while sql(&server, seen).unwrap() == "0" {}
        server.kill().unwrap();
        nobody_listens(port);
        assert!(busy.join().unwrap().is_err());
        server.start_again().unwrap();
        assert_eq!(sql(&server, "SELECT max(n) FROM kept").unwrap(), round.to_string());
    }
}

#[test]
fn waits_while_paused() {
    let server = started();
    sql(&server, "SELECT 1").unwrap();
    server.pause().unwrap();
    let (tell, told) = mpsc::channel();
    let url = server.url("postgres");
    let asking = thread::spawn(move || {
        let answer = testing::programs().psql(&url, "SELECT 2");
        tell.send(()).unwrap();
        answer
    });
    assert!(told.recv_timeout(Duration::from_millis(500)).is_err(), "nobody answers");
    server.resume().unwrap();
    assert_eq!(asking.join().unwrap().unwrap(), "2");
}

#[test]
fn can_be_stopped_and_killed_while_paused() {
    let mut server = started();
    server.pause().unwrap();
    server.stop().unwrap();
    server.start_again().unwrap();
    server.pause().unwrap();
    server.kill().unwrap();
    server.start_again().unwrap();
    sql(&server, "SELECT 1").unwrap();
}

#[test]
fn takes_its_files_with_it() {
    let server = started();
    let (data, port) = (data_directory(&server), server.port());
    assert!(data.exists());
    drop(server);
    assert!(!data.parent().unwrap().exists());
    nobody_listens(port);
}

#[test]
fn many_start_at_once() {
    let starting: Vec<_> = (0..4).map(|_| thread::spawn(started)).collect();
    let servers: Vec<Postgres> = starting.into_iter().map(|one| one.join().unwrap()).collect();
    for server in &servers {
        assert_eq!(sql(server, "SHOW port").unwrap(), server.port().to_string());
    }
}

#[test]
fn finds_what_was_kept_in_a_folder() {
    let folder = env::temp_dir().join(testing::database_name("baedal-kept"));
    let server = Postgres::start_in(testing::programs(), &folder).unwrap();
    let port = server.port();
    server.create_database("baedal_order").unwrap();
    drop(server);
    nobody_listens(port);

    let server = Postgres::start_in(testing::programs(), &folder).unwrap();
    assert_eq!(server.port(), port);
    testing::programs().psql(&server.url("baedal_order"), "SELECT 1").unwrap();
    drop(server);

    // Somebody has taken the port.
    let other = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = Postgres::start_in(testing::programs(), &folder).unwrap();
    assert_ne!(server.port(), port);
    testing::programs().psql(&server.url("baedal_order"), "SELECT 1").unwrap();
    drop((server, other));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn says_why_it_does_not_start() {
    let folder = env::temp_dir().join(testing::database_name("baedal-broken"));
    let server = Postgres::start_in(testing::programs(), &folder).unwrap();
    let settings = data_directory(&server).join("postgresql.conf");
    drop(server);
    std::fs::write(settings, "no_such_setting = 1\n").unwrap();
    let error = Postgres::start_in(testing::programs(), &folder).unwrap_err();
    assert!(error.contains("no_such_setting"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn gives_each_test_a_database_of_its_own() {
    let (one, other) = (testing::fresh_database("twin"), testing::fresh_database("twin"));
    assert_ne!(one, other);
    testing::programs().psql(&one, "CREATE TABLE mine (n int)").unwrap();
    assert!(testing::programs().psql(&other, "SELECT * FROM mine").is_err());
}

/// Not a test by itself: the life that `goes_when_its_process_is_killed` ends.
#[test]
#[ignore = "started by goes_when_its_process_is_killed"]
fn lives_until_it_is_killed() {
    let server = started();
    println!("HERE {} {}", server.port(), data_directory(&server).display());
    loop {
        thread::park();
    }
}

#[test]
fn goes_when_its_process_is_killed() {
    use std::io::{BufRead, BufReader};
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "lives_until_it_is_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("HERE ").map(|(_, said)| said.to_owned()))
        .unwrap();
    let (port, data) = said.split_once(' ').unwrap();
    let (port, data): (u16, PathBuf) = (port.parse().unwrap(), data.into());
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    while data.parent().unwrap().exists() {
        thread::sleep(Duration::from_millis(20));
    }
    nobody_listens(port);
}
