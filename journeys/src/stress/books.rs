//! What must be true once all has come to its end, and what of it is not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use baedal_client::{Client, Error, Session};
use baedal_contracts::order::Line;
use baedal_contracts::{ItemId, OrderId};
use baedal_servers::{CONTEXTS, GATEWAY, testing};
use futures::future::join_all;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::people::People;
use super::platform::Platform;
use super::shelf::{MOVES, Portions, Shelf};

/// What must not happen twice to an order, as the contexts write it down.
const ONCE: [(&str, &str, &[&str]); 4] = [
    ("order", "order", &["OrderPlaced", "OrderPaid", "OrderCanceled", "OrderRejected", "OrderCompleted"]),
    ("store", "ticket", &["Opened", "Accepted", "CookStarted", "CookFinished", "Thanked"]),
    ("delivery", "delivery", &["Requested", "PickedUp", "Delivered"]),
    ("payment", "payment", &["OrderEnded"]),
];
/// What a customer is told of an order no more than once.
const TOLD_ONCE: [&str; 8] = [
    "cook_finished",
    "cook_started",
    "delivered",
    "order_completed",
    "order_paid",
    "picked_up",
    "thanks_sent",
    "ticket_accepted",
];

/// What is decided within such a time may be decided either way.
const A_MOMENT: SignedDuration = SignedDuration::from_secs(2);

/// Something that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Finding {
    /// With which order; nothing: with all of it.
    pub(super) order: Option<OrderId>,
    pub(super) what: String,
}

impl Finding {
    pub(super) fn of_all(what: impl Into<String>) -> Self {
        Self { order: None, what: what.into() }
    }

    fn of(order: OrderId, what: impl Into<String>) -> Self {
        Self { order: Some(order), what: what.into() }
    }
}

/// Looks at the books of everybody, whenever it is asked.
pub(super) struct Books {
    people: Arc<People>,
    payment: Vec<Client>,
    secret: HeaderValue,
    databases: HashMap<&'static str, String>,
    /// Orders whose money was right once nothing more could happen to them: they are not looked at again.
    right: HashSet<OrderId>,
    /// How the orders were when they were last looked at.
    orders: BTreeMap<OrderId, Value>,
    /// The orders that their customers know of.
    pub(super) known: HashSet<OrderId>,
    /// How many orders were to be placed.
    pub(super) scripts: usize,
    /// Whether all clocks show the same time.
    pub(super) clocks_agree: bool,
}

/// The money of an order, in whole won.
#[derive(Clone, Debug, Default)]
struct Money {
    taken: u64,
    given_back: u64,
}

impl Books {
    pub(super) fn of(platform: &mut Platform, people: Arc<People>) -> Self {
        let composition = &mut platform.composition;
        let secret = HeaderValue::try_from(composition.secret(GATEWAY)).expect("a secret of hexadecimal digits");
        let databases = CONTEXTS.into_iter().map(|context| (context, composition.database_url(context))).collect();
        let payment = composition.replicas("payment").iter().map(|replica| Client::new(replica.address())).collect();
        Self {
            people,
            payment,
            secret,
            databases,
            right: HashSet::new(),
            orders: BTreeMap::new(),
            known: HashSet::new(),
            scripts: 0,
            clocks_agree: true,
        }
    }

    /// What is wrong now.
    ///
    /// # Errors
    /// Where it cannot be seen.
    pub(super) async fn look(&mut self) -> Result<Vec<Finding>, String> {
        let orders = self.orders().await.map_err(|error| error.to_string())?;
        let open: Vec<_> = orders.iter().filter_map(|(order, view)| open(*order, view)).collect();
        if !open.is_empty() {
            return Ok(open);
        }
        self.orders.clone_from(&orders);
        let mut findings = self.money(&orders).await?;
        findings.extend(orders.iter().flat_map(|(order, view)| self.ending(*order, view)));
        findings.extend(self.placed(&orders));
        findings.extend(self.once(&orders)?);
        findings.extend(self.stock(&orders).await?);
        findings.extend(self.ledger().await?);
        findings.extend(self.notices().await?);
        findings.extend(self.left_over().await?);
        findings.extend(self.set_aside()?);
        Ok(findings)
    }

    /// Every order of the day, as it is shown.
    async fn orders(&self) -> Result<BTreeMap<OrderId, Value>, Error> {
        let of = self.people.customers.iter().map(|customer| pages(customer.here(), "/api/orders"));
        let mut orders = BTreeMap::new();
        for pages in join_all(of).await {
            for view in pages? {
                if let Some(order) = view["order_id"].as_str().and_then(|id| id.parse().ok()) {
                    orders.insert(order, view);
                }
            }
        }
        Ok(orders)
    }

    /// The provider's book, payment's, and what the order's end says is owed: all the same.
    async fn money(&mut self, orders: &BTreeMap<OrderId, Value>) -> Result<Vec<Finding>, String> {
        let ends = self.ends()?;
        let mut findings = Vec::new();
        for (order, view) in orders {
            if self.right.contains(order) {
                continue;
            }
            let of_order = self.money_of_one(*order, view, ends.get(order)).await?;
            if of_order.is_empty() {
                self.right.insert(*order);
            }
            findings.extend(of_order);
        }
        Ok(findings)
    }

    async fn money_of_one(&self, order: OrderId, view: &Value, end: Option<&End>) -> Result<Vec<Finding>, String> {
        let mut wrong = Vec::new();
        let Some(end) = end else {
            return Ok(vec![Finding::of(order, format!("is shown as {}, and order knows no end", view["status"]))]);
        };
        if view["status"] != end.status {
            wrong.push(format!("is shown as {}, and order says {}", view["status"], end.status));
        }
        let payment = self.payment_of(order).await?;
        let book = self.book_of(order).await?;
        let (theirs, ours, shown) = (Money::of(&book), Money::of(&payment), Money::of(&view["payment"]));
        // Of an order that nobody has paid an operator may have asked for a part all the same.
        let owed = if ours.taken == 0 && end.status == "canceled" { 0 } else { end.owed };
        let held = |money: &Money| i128::from(money.taken) - i128::from(money.given_back);
        if held(&theirs) != i128::from(owed) {
            wrong.push(format!("the provider holds {} won, and {owed} are owed", held(&theirs)));
        }
        if (theirs.taken, theirs.given_back) != (ours.taken, ours.given_back) {
            wrong.push(format!("the provider has {theirs}, and payment {ours}"));
        }
        if (shown.taken, shown.given_back) != (ours.taken, ours.given_back) {
            wrong.push(format!("what is shown has {shown}, and payment {ours}"));
        }
        if !payment["refund_under_way"].is_null() {
            wrong.push("money is still on its way back".to_owned());
        }
        let attempts = payment["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        for attempt in attempts.iter().filter(|attempt| attempt["outcome"] == "open") {
            wrong.push(format!("the attempt {} is still open", attempt["attempt_id"]));
        }
        Ok(wrong.into_iter().map(|what| Finding::of(order, what)).collect())
    }

    /// How order says that orders ended.
    fn ends(&self) -> Result<HashMap<OrderId, End>, String> {
        let rows = self.ask("order", ENDS)?;
        rows.lines().map(End::read).collect()
    }

    /// What must not end so.
    fn ending(&self, order: OrderId, view: &Value) -> Vec<Finding> {
        let (status, reason) = (view["status"].as_str(), view["reason"].as_str());
        let mut wrong = Vec::new();
        let is_given_up = matches!(reason, Some("operator" | "abandoned"));
        if has_happened(view, "CookStarted") && status != Some("completed") && !is_given_up {
            wrong.push(format!("was cooked, and is {status:?} because of {reason:?}"));
        }
        // What happened before counts, also where order was away when it happened.
        if let (Some(delivered), Some(canceled)) = (when(view, "Delivered"), when(view, "OrderCanceled"))
            && self.clocks_agree
            && reason == Some("abandoned")
            && canceled.duration_since(delivered) > A_MOMENT
        {
            wrong.push(format!("was delivered at {delivered}, and abandoned at {canceled}"));
        }
        wrong.into_iter().map(|what| Finding::of(order, what)).collect()
    }

    /// Each was placed once, and is there.
    fn placed(&self, orders: &BTreeMap<OrderId, Value>) -> Vec<Finding> {
        let lost = self.known.iter().filter(|order| !orders.contains_key(*order));
        let mut findings: Vec<_> = lost.map(|order| Finding::of(*order, "was placed, and is not there")).collect();
        if orders.len() > self.scripts {
            findings.push(Finding::of_all(format!("{} orders come of {}", orders.len(), self.scripts)));
        }
        findings
    }

    /// Nothing happened twice.
    fn once(&self, orders: &BTreeMap<OrderId, Value>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for (context, category, kinds) in ONCE {
            let kinds = kinds.join("','");
            let sql = format!(
                "SELECT split_part(stream, '/', 2), kind, count(*) FROM baedal.journal
                 WHERE stream LIKE '{category}/%' AND kind IN ('{kinds}') GROUP BY 1, 2 HAVING count(*) > 1"
            );
            for row in self.ask(context, &sql)?.lines() {
                let mut columns = row.split('|');
                let order = columns.next().and_then(|id| id.parse().ok());
                if let Some(order) = order.filter(|order| orders.contains_key(order)) {
                    findings.push(Finding::of(order, format!("{context} says more than once: {row}")));
                }
            }
        }
        Ok(findings)
    }

    /// What was taken from the stock and not given back is what was cooked, and the rest is left.
    async fn stock(&self, orders: &BTreeMap<OrderId, Value>) -> Result<Vec<Finding>, String> {
        let (shelf, baskets) = (Shelf::read(&self.ask("store", MOVES)?)?, self.baskets()?);
        let mut findings: Vec<_> = shelf.wrong.iter().cloned().map(Finding::of_all).collect();
        for (order, view) in orders {
            let taken = shelf.taken.get(order).cloned().unwrap_or_default();
            let is_cooked = has_happened(view, "CookStarted");
            let cooked: Vec<Portions> = match baskets.get(order) {
                Some(baskets) if is_cooked => baskets.that_may_be_cooked(&self.counted()),
                Some(_) | None => vec![Portions::default()],
            };
            if !cooked.contains(&taken) {
                findings.push(Finding::of(*order, format!("has taken {taken:?} of the stock, and cooked {cooked:?}")));
            }
        }
        for store in &self.people.stores {
            let seen = store.owner.here().store(store.id).await.map_err(|error| format!("a store: {error}"))?;
            for (name, item, _) in store.counted() {
                let shown = seen.menu.iter().find(|seen| seen.item_id == item).and_then(|seen| seen.stock);
                let left = shelf.left.get(&item).copied();
                if shown.map(i64::from) != left {
                    findings.push(Finding::of_all(format!("{name}: {shown:?} are shown, and {left:?} are left")));
                }
            }
        }
        Ok(findings)
    }

    /// What is counted, in all stores.
    fn counted(&self) -> HashSet<ItemId> {
        self.people.stores.iter().flat_map(|store| store.counted()).map(|(_, item, _)| item).collect()
    }

    /// What each order was, and was to be.
    fn baskets(&self) -> Result<HashMap<OrderId, Baskets>, String> {
        let mut baskets: HashMap<_, Baskets> = HashMap::new();
        for row in self.ask("order", BASKETS)?.lines() {
            let strange = || format!("a basket cannot be read: {row}");
            let mut columns = row.splitn(3, '|');
            let (order, kind, items) = (columns.next(), columns.next(), columns.next());
            let order = order.and_then(|order| order.parse().ok()).ok_or_else(strange)?;
            let items: Vec<Line> = serde_json::from_str(items.unwrap_or_default()).map_err(|_| strange())?;
            baskets.entry(order).or_default().hear(kind.unwrap_or_default(), portions(&items));
        }
        Ok(baskets)
    }

    /// Debits are credits, and no money waits for anything.
    async fn ledger(&self) -> Result<Vec<Finding>, String> {
        let ledger = self.internal("/internal/ledger").await?;
        let mut findings = Vec::new();
        if ledger["balanced"] != true {
            findings.push(Finding::of_all(format!("the ledger does not balance: {ledger}")));
        }
        // All have ended: nothing is a customer's any more, and nothing goes back.
        for account in ["customer_deposits", "refunds_owed"] {
            let left = &ledger["accounts"][account]["balance_krw"];
            if left.as_i64() != Some(0) {
                findings.push(Finding::of_all(format!("{left} won are left in {account}")));
            }
        }
        Ok(findings)
    }

    async fn notices(&self) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for customer in &self.people.customers {
            let notices = pages(customer.here(), "/api/notices").await.map_err(|error| format!("notices: {error}"))?;
            let mut told = HashSet::new();
            for notice in &notices {
                let template = notice["template"].as_str().unwrap_or_default();
                let order = notice["order_id"].as_str().and_then(|id| id.parse::<OrderId>().ok());
                if let Some(order) = order
                    && TOLD_ONCE.contains(&template)
                    && !told.insert((order, template))
                {
                    findings.push(Finding::of(order, format!("{template} was told twice")));
                }
            }
        }
        Ok(findings)
    }

    /// What the operator is shown.
    async fn left_over(&self) -> Result<Vec<Finding>, String> {
        let operator = self.people.operator.here();
        let said = |error: Error| format!("an operator asks in vain: {error}");
        let stuck: Value = operator.get("/api/operations/stuck").await.map_err(said)?;
        let mut findings = Vec::new();
        for (list, orders) in stuck.as_object().into_iter().flatten() {
            // Those that were given up stay there, to be looked into.
            if list == "abandoned" {
                continue;
            }
            for order in orders.as_array().into_iter().flatten() {
                let what = format!("is stuck ({list}): {order}");
                let id = order["order_id"].as_str().and_then(|id| id.parse().ok());
                findings.push(Finding { order: id, what });
            }
        }
        let letters: Value = operator.get("/api/operations/dead-letters").await.map_err(said)?;
        for letter in letters["items"].as_array().into_iter().flatten() {
            findings.push(Finding::of_all(format!("a dead letter: {letter}")));
        }
        Ok(findings)
    }

    /// What consumers could not handle and have put aside.
    fn set_aside(&self) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for context in CONTEXTS {
            let sql = "SELECT kind, key, attempt, error FROM baedal.jobs WHERE kind = 'hear_again' OR due IS NULL";
            for row in self.ask(context, sql)?.lines() {
                findings.push(Finding::of_all(format!("{context} has yet to do: {row}")));
            }
        }
        Ok(findings)
    }

    /// How it all ended, in a line: what nobody went through shows nothing.
    pub(super) fn summary(&self) -> String {
        let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
        for view in self.orders.values() {
            let end = view["reason"].as_str().or_else(|| view["status"].as_str()).unwrap_or_default();
            *ends.entry(end).or_default() += 1;
        }
        let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        let happened = |what: &str| self.orders.values().filter(|view| has_happened(view, what)).count();
        format!(
            "{} paid, {} changed, {} paid more, {} cooked, {} given money back; {}",
            happened("OrderPaid"),
            happened("OrderChanged"),
            happened("PaymentAdjusted"),
            happened("CookStarted"),
            happened("PaymentRefunded"),
            ends.join(", "),
        )
    }

    /// All that is known of an order's money.
    pub(super) async fn money_of(&self, order: OrderId) -> String {
        let payment = self.payment_of(order).await.unwrap_or_else(Value::String);
        let book = self.book_of(order).await.unwrap_or_else(Value::String);
        format!("the provider's book {book}; payment {payment}")
    }

    async fn payment_of(&self, order: OrderId) -> Result<Value, String> {
        self.internal(&format!("/internal/payments/{order}")).await
    }

    async fn book_of(&self, order: OrderId) -> Result<Value, String> {
        self.internal(&format!("/internal/simulated-provider/{order}")).await
    }

    /// Asks payment; nothing, where it does not know.
    async fn internal(&self, path: &str) -> Result<Value, String> {
        let mut said = String::new();
        for payment in &self.payment {
            let header = (HeaderName::from_static("baedal-secret"), self.secret.clone());
            match payment.request(Method::GET, path, [header], None).await {
                Ok((StatusCode::OK, _, answer)) => return Ok(answer),
                Ok((StatusCode::NOT_FOUND, ..)) => return Ok(Value::Null),
                Ok((status, _, answer)) => said = format!("{path}: {status} {answer}"),
                Err(error) => said = format!("{path}: {error}"),
            }
        }
        Err(said)
    }

    fn ask(&self, context: &str, sql: &str) -> Result<String, String> {
        let url = self.databases.get(context).ok_or_else(|| format!("there is no database of {context}"))?;
        testing::programs().psql(url, sql).map_err(|error| format!("{context}: {error}"))
    }
}

/// How orders ended: the order, how, what it cost in the end, what was owed where it was canceled, and what is owed
/// since by the last word on that, where there is one.
const ENDS: &str = "
    SELECT split_part(stream, '/', 2), kind,
        (SELECT said.data::json -> said.kind -> 'basket' ->> 'total_krw' FROM baedal.journal said
            WHERE said.stream = ended.stream AND said.kind IN ('OrderPlaced', 'OrderChanged', 'OrderChangeRefused')
            ORDER BY version DESC LIMIT 1),
        coalesce(data::json -> 'OrderCanceled' ->> 'owed_krw', '0'),
        (SELECT said.data::json -> said.kind -> 'bill' ->> 'owed_krw' FROM baedal.journal said
            WHERE said.stream = ended.stream AND said.version >= ended.version
                AND said.data::json -> said.kind -> 'bill' IS NOT NULL
            ORDER BY version DESC LIMIT 1)
    FROM baedal.journal ended
    WHERE stream LIKE 'order/%' AND kind IN ('OrderCanceled', 'OrderRejected', 'OrderCompleted')";

/// What orders were, and were to be, in the order in which that was said: the order, by what event, the items.
const BASKETS: &str = "
    SELECT split_part(stream, '/', 2), kind, (data::json -> kind -> 'basket' -> 'items')::text FROM baedal.journal
    WHERE stream LIKE 'order/%'
        AND kind IN ('OrderPlaced', 'OrderChangeRequested', 'OrderChanged', 'OrderChangeRefused')
    ORDER BY position";

fn portions(lines: &[Line]) -> Portions {
    let mut portions = Portions::new();
    for line in lines {
        *portions.entry(line.item_id).or_default() += u64::from(line.quantity);
    }
    portions
}

/// What an order was in the end, and what it was just to be where that was never settled: an operator may cancel it
/// between the kitchen's word and order's.
#[derive(Clone, Debug, Default)]
struct Baskets {
    last: Portions,
    wished: Option<Portions>,
}

impl Baskets {
    fn hear(&mut self, kind: &str, items: Portions) {
        if kind == "OrderChangeRequested" {
            self.wished = Some(items);
        } else {
            *self = Self { last: items, wished: None };
        }
    }

    /// What may have been cooked of it, as far as it is counted.
    fn that_may_be_cooked(&self, counted: &HashSet<ItemId>) -> Vec<Portions> {
        let counted =
            |of: &Portions| of.iter().filter(|(item, _)| counted.contains(*item)).map(|(i, q)| (*i, *q)).collect();
        [Some(&self.last), self.wished.as_ref()].into_iter().flatten().map(counted).collect()
    }
}

/// How an order ended, as order says.
struct End {
    status: &'static str,
    owed: u64,
}

impl End {
    fn read(row: &str) -> Result<(OrderId, Self), String> {
        let strange = || format!("order's end cannot be read: {row}");
        let columns: Vec<&str> = row.split('|').collect();
        let [order, kind, total, owed, last_word] = columns[..] else { return Err(strange()) };
        let order = order.parse().map_err(|_| strange())?;
        let krw = |text: &str| text.parse::<u64>().map_err(|_| strange());
        let end = match kind {
            "OrderCompleted" => {
                Self { status: "completed", owed: krw(if last_word.is_empty() { total } else { last_word })? }
            }
            "OrderCanceled" => {
                Self { status: "canceled", owed: krw(if last_word.is_empty() { owed } else { last_word })? }
            }
            "OrderRejected" => Self { status: "rejected", owed: 0 },
            _ => return Err(strange()),
        };
        Ok((order, end))
    }
}

impl Money {
    fn of(said: &Value) -> Self {
        let krw = |name: &str| said[name].as_u64().unwrap_or_default();
        Self { taken: krw("captured_krw"), given_back: krw("refunded_krw") }
    }
}

impl Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} won taken and {} given back", self.taken, self.given_back)
    }
}

/// What is wrong with an order that has not ended.
fn open(order: OrderId, view: &Value) -> Option<Finding> {
    let status = view["status"].as_str().unwrap_or_default();
    let is_final = ["completed", "canceled", "rejected"].contains(&status);
    let waits = || format!("has not ended: it is {status}, pending {}", view["pending"]);
    if !is_final {
        return Some(Finding::of(order, waits()));
    }
    (!view["pending"].is_null()).then(|| Finding::of(order, waits()))
}

fn when(view: &Value, what: &str) -> Option<Timestamp> {
    let moment = view["timeline"].as_array()?.iter().find(|moment| moment["what"] == what)?;
    moment["at"].as_str()?.parse().ok()
}

fn has_happened(view: &Value, what: &str) -> bool {
    view["timeline"].as_array().into_iter().flatten().any(|moment| moment["what"] == what)
}

/// Everything of a list, page by page.
async fn pages(reader: &Session, path: &str) -> Result<Vec<Value>, Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = reader.get(&format!("{path}?limit=100{after}")).await?;
        all.extend(page["items"].as_array().into_iter().flatten().cloned());
        let Some(next) = page["next"].as_str() else { return Ok(all) };
        after = format!("&after={next}");
    }
}
