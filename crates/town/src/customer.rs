//! What a customer does: choose, order, pay, sometimes change their mind, watch, and confirm.

use std::sync::Arc;

use anyhow::{Context, Result};
use baedal_client::Session;
use baedal_client::types::{ChangedOrder, Item, NewChoice, NewLine, NewOrder, Order, Store};
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{OrderId, Place, Won};
use rand::RngExt;
use rand::seq::IndexedRandom;
use uuid::Uuid;

use crate::PATIENCE;
use crate::habits::{Habits, happens, one_of};
use crate::seed::Seed;
use crate::show::Show;

/// Orders once, and stays with the order until it ends.
pub(crate) async fn order(customer: Session, town: Arc<Seed>, habits: Habits, show: Show) {
    // A platform that stops while somebody eats is not the customer's to report.
    let _ = try_to_order(&customer, &town, habits, &show).await;
}

async fn try_to_order(customer: &Session, town: &Seed, habits: Habits, show: &Show) -> Result<()> {
    let place = one_of(&town.places).context("nowhere to deliver to")?.clone();
    let near = customer.client().stores_near(place.location).await?;
    let Some(store) = one_of(&near.items) else { return Ok(()) };
    let store = customer.client().store(store.store_id).await?;
    let Some(items) = choose(&store) else { return Ok(()) };
    let note = one_of(&town.notes).cloned().unwrap_or_default();
    let order = NewOrder {
        store_id: store.store_id,
        items,
        deliver_to: place,
        note,
        payment: means(wallet()),
        expected_total_krw: None,
    };
    // The key is made once and would be sent again with the same order if no answer came.
    let placed = customer.place(&Uuid::now_v7().to_string(), &order).await?;

    let what = format!("{} → {}  {}원", store.name, customer.me().name, placed.total_krw);
    show.step(&placed.order_no, "awaiting_payment", &what);
    if placed.status == "awaiting_payment" {
        habits.think(5.0, 20.0).await;
        // Declined, put off, or being verified: a person tries once more with another card.
        let _ = customer.pay(placed.order_id, &means("sim_approve")).await;
    }
    let (mind, order) = (customer.clone(), order.clone());
    let reason = one_of(&town.cancel_reasons).cloned().unwrap_or_default();
    let second_thoughts = async move {
        if happens(0.06) {
            habits.think(3.0, 60.0).await;
            let _ = mind.cancel(placed.order_id, &reason).await;
        } else if happens(0.08) {
            habits.think(3.0, 40.0).await;
            let _ = mind.change(placed.order_id, &second_choice(order)).await;
        }
        std::future::pending::<Result<()>>().await
    };
    tokio::select! {
        watched = watch(customer, placed.order_id, &what, habits, show) => watched,
        never = second_thoughts => never,
    }
}

/// Watches the order live until it ends, and confirms what has come.
async fn watch(customer: &Session, order: OrderId, what: &str, habits: Habits, show: &Show) -> Result<()> {
    let mut seen = String::from("awaiting_payment");
    let mut last_id: Option<String> = None;
    loop {
        let mut live = customer.live(&format!("/api/orders/{order}/live"), last_id.as_deref()).await?;
        while let Ok(Some(frame)) = live.next().await {
            if !frame.event.is_empty() {
                continue;
            }
            last_id = Some(frame.id.clone());
            let view: Order = frame.read()?;
            if view.status == seen {
                continue;
            }
            seen.clone_from(&view.status);
            show.step(&view.order_no, &view.status, what);
            match view.status.as_str() {
                "completed" | "canceled" | "rejected" => return Ok(()),
                // Some never tap the button; the order then completes by itself.
                "delivered" if happens(0.9) => {
                    habits.think(10.0, 120.0).await;
                    customer.confirm(order).await?;
                }
                _ => {}
            }
        }
        // The stream ended, as streams do in lifts and when a server is replaced: go on where it ended.
        tokio::time::sleep(PATIENCE).await;
    }
}

/// What to order: one to three items, or as many as the store's minimum wants.
fn choose(store: &Store) -> Option<Vec<NewLine>> {
    let on_sale: Vec<&Item> = store.menu.iter().filter(|item| item.available).collect();
    let mut lines = Vec::new();
    let mut sum = Won::ZERO;
    let wished = rand::rng().random_range(1..=3);
    while lines.len() < wished || sum < store.min_order_krw {
        let item = one_of(&on_sale)?;
        let quantity = if happens(0.8) { 1 } else { 2 };
        sum = sum.plus(item.price_krw.times(quantity));
        lines.push(NewLine { item_id: item.item_id, quantity, options: choices(item) });
        if lines.len() > 20 {
            return None;
        }
    }
    Some(lines)
}

/// What must be chosen, and now and then what may be.
fn choices(item: &Item) -> Vec<NewChoice> {
    let mut made = Vec::new();
    for option in &item.options {
        let number = if option.min == 0 && option.max > 0 && happens(0.3) { 1 } else { option.min };
        for choice in option.choices.sample(&mut rand::rng(), number as usize) {
            made.push(NewChoice { name: option.name.clone(), choice: choice.name.clone() });
        }
    }
    made
}

/// One more of something, or one less.
fn second_choice(order: NewOrder) -> ChangedOrder {
    let NewOrder { mut items, deliver_to, note, .. } = order;
    if let Some(line) = items.first_mut() {
        line.quantity = if line.quantity > 1 { line.quantity - 1 } else { 2 };
    }
    let deliver_to = Place { address: deliver_to.address, location: deliver_to.location };
    ChangedOrder { items, deliver_to, note, expected_total_krw: None }
}

/// What is in the wallet: mostly a good card, now and then one of those that make trouble.
fn wallet() -> &'static str {
    match rand::rng().random_range(0..100) {
        0..4 => "sim_decline",
        4..6 => "sim_slow",
        6..8 => "sim_fail",
        8 => "sim_silence",
        9..12 => "sim_refund_fails_once",
        _ => "sim_approve",
    }
}

fn means(token: &str) -> PaymentMeans {
    PaymentMeans { method: "card".to_owned(), token: token.to_owned() }
}
