//! The main job: an order's whole life, and everyone told at every step.

use baedal_contracts::identity::Role;
use baedal_journeys::{Shop, World};
use jiff::SignedDuration;

#[tokio::test(flavor = "multi_thread")]
async fn from_hungry_to_thanked() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;

    let placed = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order");
    assert_eq!((placed.status.as_str(), placed.total_krw.0), ("paid", 21_000));
    let order = placed.order_id;

    let ticket = shop.owner.accept(order, 15).await.expect("accepted");
    assert_eq!(ticket.order_no, placed.order_no);
    world.order_is(&customer, order, "accepted").await;
    shop.owner.start(order).await.expect("cooking");
    world.order_is(&customer, order, "cooking").await;
    shop.owner.finish(order).await.expect("cooked");
    world.order_is(&customer, order, "cooked").await;

    let claimed = rider.claim(order).await.expect("claimed");
    assert_eq!(claimed.order_no, placed.order_no);
    world.order_is(&customer, order, "rider_assigned").await;
    rider.pick_up(order).await.expect("picked up");
    world.order_is(&customer, order, "picked_up").await;
    rider.deliver(order).await.expect("delivered");
    world.order_is(&customer, order, "delivered").await;

    assert_eq!(customer.confirm(order).await.expect("confirmed").status, "completed");
    let view = world.order_is(&customer, order, "completed").await;
    assert_eq!(view["total_krw"], 21_000);

    // One notice a step: paid, accepted, cooking, cooked, a rider, picked up, delivered, completed, thanks.
    let told = world
        .until("a notice of every step and the store's thanks", || async {
            // A notice whose order is not known yet is looked at again a moment later.
            world.advance(SignedDuration::from_millis(100));
            let notices = customer.notices().await.expect("notices").items;
            let is_thanked = notices.iter().any(|notice| notice.text.contains("또 만나요"));
            (is_thanked && notices.len() >= 9).then_some(notices)
        })
        .await;
    assert!(told.iter().all(|notice| notice.channel == "kakaotalk" && notice.outcome == "sent"));

    let operator = world.operator().await;
    for event in [
        "OrderPlaced",
        "PaymentApproved",
        "OrderPaid",
        "TicketOpened",
        "CookFinished",
        "DeliveryClaimed",
        "OrderCompleted",
        "ThanksSent",
    ] {
        let is_traced = async || {
            let trace = operator.trace(order).await.expect("a trace").items;
            trace.iter().any(|entry| entry.kind == event).then_some(())
        };
        world.until(&format!("{event} in the trace"), is_traced).await;
    }
}
