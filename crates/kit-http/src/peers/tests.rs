//! Secrets, fingerprints, and who may ask what.

use axum::body::Body;
use futures::FutureExt;
use http::Method;

use super::*;

const TABLE: &[Row] = &[
    Row { who: Who::Is(GATEWAY), of: Who::Any, method: None, path: None },
    Row { who: Who::Any, of: Who::Is("order"), method: Some(Method::GET), path: Some("/internal/journal/{shard}") },
];
const ORDER: &str = "order-order-order-order-order-order";
const ENTRY: &str = "entry-entry-entry-entry-entry-entry";

fn known(secrets: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let fingerprints = |secrets: &[&str]| secrets.iter().map(|secret| Fingerprint::of(secret).to_string()).collect();
    secrets.iter().map(|(name, secrets)| ((*name).to_owned(), fingerprints(secrets))).collect()
}

fn peers() -> Peers {
    Peers::new(&known(&[(GATEWAY, &[ENTRY]), ("store", &[ORDER])]), TABLE).expect("fingerprints")
}

fn request(method: Method, path: &str, peer: &str) -> Request {
    let mut request = Request::builder().method(method).uri(path).header(CALLER, "x").header(CLIENT, "y");
    request = request.extension(Peer(peer.into()));
    request.body(Body::empty()).expect("a request")
}

#[test]
fn a_secret_is_long_and_one_that_a_header_can_carry_and_a_log_does_not_show() {
    let secret = PeerSecret::new(&ORDER.into()).expect("a secret");
    assert!(!format!("{secret:?}").contains("order"));
    let long = |text: &str| format!("{text}{ORDER}");
    let wrong = [
        (String::new(), UnusableSecret::Missing),
        ("(hidden)".to_owned(), UnusableSecret::Hidden),
        ("x".repeat(FEWEST - 1), UnusableSecret::Short),
        (long("open sesame"), UnusableSecret::Strange),
        (long("열려라"), UnusableSecret::Strange),
        (long("a\nb"), UnusableSecret::Strange),
    ];
    for (text, why) in wrong {
        assert_eq!(PeerSecret::new(&text.as_str().into()).err(), Some(why), "{text}");
    }
    assert!(PeerSecret::new(&"x".repeat(FEWEST).as_str().into()).is_ok());
}

#[test]
fn a_fingerprint_is_what_sha256sum_prints_and_never_shown_where_it_is_wrong() {
    let of_abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Fingerprint::read(of_abc), Some(Fingerprint::of("abc")));
    assert_eq!(Fingerprint::of("abc").to_string(), of_abc);
    for strange in ["", ORDER, "sha256:", &of_abc[..70], &format!("{of_abc}0"), &of_abc.replace("ba", "+a")] {
        let known = [(GATEWAY.to_owned(), vec![strange.to_owned()])].into();
        let error = Peers::new(&known, TABLE).err().expect("no fingerprint").to_string();
        assert!(error.contains("peers.known.gateway") && (strange.is_empty() || !error.contains(ORDER)), "{error}");
    }
}

#[test]
fn two_secrets_of_one_process_are_known_at_a_time_and_none_is_two_processes() {
    let both = Peers::new(&known(&[("store", &[ORDER, ENTRY])]), TABLE).expect("two secrets");
    for secret in [ORDER, ENTRY] {
        let whose = both.whose(HeaderValue::from_str(secret).ok().as_ref()).expect("a peer");
        assert_eq!(&*whose.0, "store");
    }
    assert!(matches!(
        Peers::new(&known(&[("store", &["a", "b", "c"])]), TABLE).err(),
        Some(UnusableFingerprint::TooMany(_))
    ));
    assert!(matches!(
        Peers::new(&known(&[("store", &[ORDER]), ("order", &[ORDER])]), TABLE).err(),
        Some(UnusableFingerprint::Shared(_, _))
    ));
}

#[test]
fn nothing_but_the_secret_is_the_secret() {
    let value = |text: &str| HeaderValue::from_str(text).expect("a value");
    let peers = peers();
    let fingerprint = Fingerprint::of(ORDER).to_string();
    for shown in [None, Some(""), Some(&ORDER[1..]), Some(&format!("{ORDER}1")), Some(&fingerprint)] {
        assert!(peers.whose(shown.map(value).as_ref()).is_none(), "{shown:?}");
    }
    let nobody = Peers::new(&BTreeMap::new(), TABLE).expect("nobody");
    assert!(nobody.whose(None).is_none() && nobody.whose(Some(&value(ORDER))).is_none());
}

#[test]
fn what_is_not_in_the_table_is_refused() {
    let peers = peers();
    let may =
        |method: Method, path: &str, peer: &str, of: &str| peers.admit(&mut request(method, path, peer), of).is_ok();
    assert!(may(Method::POST, "/api/orders", GATEWAY, "order"));
    assert!(!may(Method::POST, "/api/orders", "store", "order"), "only the gateway lets people in");
    assert!(may(Method::GET, "/internal/journal/3", "store", "order"));
    assert!(may(Method::HEAD, "/internal/journal/3", GATEWAY, "order"));
    for path in ["/internal/journal", "/internal/journal/", "/internal/journal/3/4", "/internal/x/3", "/internal"] {
        assert!(!may(Method::GET, path, "store", "order"), "{path}");
    }
    assert!(!may(Method::POST, "/internal/journal/3", "store", "order"));
    assert!(!may(Method::GET, "/internal/journal/3", "store", "payment"));
    let mut unguarded = Request::get("/internal/journal/3").body(Body::empty()).expect("a request");
    assert!(peers.admit(&mut unguarded, "payment").is_err());
}

#[test]
fn only_the_gateway_is_believed_about_who_asks_and_from_where() {
    for (peer, believed) in [(GATEWAY, true), ("store", false)] {
        let mut request = request(Method::GET, "/internal/journal/3", peer);
        peers().admit(&mut request, "order").expect("a row of the table");
        let left = [CALLER, CLIENT].map(|name| request.headers().contains_key(name));
        assert_eq!(left, [believed; 2], "{peer}");
    }
}

#[tokio::test]
async fn whoever_shows_a_wrong_secret_again_waits_for_the_answer_and_whoever_is_known_does_not() {
    let peers = peers();
    let address = Some(IpAddr::from([192, 0, 2, 1]));
    assert_eq!(refuse(&peers, address, true).await.status(), 401);
    assert!(refuse(&peers, address, true).now_or_never().is_none(), "the second");
    assert!(refuse(&peers, address, false).now_or_never().is_none(), "without one, too");
    let guarded = peers.guard(Router::new().fallback(async || "let in"));
    let known = Request::get("/").header(SECRET, ORDER).extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
    let known = known.body(Body::empty()).expect("a request");
    let answer = tower::ServiceExt::oneshot(guarded, known).now_or_never().expect("an answer at once");
    assert_eq!(answer.expect("an answer").status(), 200);
}
