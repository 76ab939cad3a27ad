//! What is said to whom, for every event there is; and that it is said once.

use std::collections::HashSet;

use baedal_contracts::notification::Channel;
use baedal_contracts::order::CancelReason;
use baedal_contracts::{AttemptId, ChangeId, OrderNo, identity, order, payment, source};
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::testing::*;
use crate::views::{NoticeDocument, Outcome};
use crate::{ProviderSettings, SendError, Template};

fn codes(notices: &[NoticeDocument]) -> Vec<&str> {
    notices.iter().map(|notice| notice.template.as_str()).collect()
}

async fn hear_everything(world: &World) {
    for event in orders_events() {
        world.learn(source::ORDER, &event).await;
        world.handle(source::ORDER, &event).await;
    }
    // The reminder that ended with the payment, once more without one.
    world.handle(source::ORDER, &order_placed()).await;
    for event in payments_events() {
        world.handle(source::PAYMENT, &event).await;
    }
    for event in stores_events() {
        world.handle(source::STORE, &event).await;
    }
    for event in deliveries_events() {
        world.handle(source::DELIVERY, &event).await;
    }
    world.pass(70).await;
}

#[tokio::test]
async fn every_template_has_its_event_and_is_filled_in_and_is_sent_once() {
    let world = World::with_facts().await;
    hear_everything(&world).await;
    let mut said = HashSet::new();
    for recipient in [CUSTOMER, OWNER, RIDER, OTHER_RIDER] {
        for notice in world.notices(recipient).await {
            assert!(!notice.text.contains("#{"), "{}: {}", notice.template, notice.text);
            assert!(notice.text.contains("봉구네 가마솥통닭"), "{}", notice.text);
            assert!(notice.text.contains(OrderNo::of(ORDER).as_str()), "{}", notice.text);
            assert_eq!(notice.outcome, Outcome::Sent);
            assert!(said.insert((recipient, notice.template.clone())), "{} twice", notice.template);
        }
    }
    let said: HashSet<String> = said.into_iter().map(|(_, template)| template).collect();
    assert_eq!(said, Template::iter().map(|template| template.code().to_owned()).collect());
    assert_eq!(world.dead_letters().await, Vec::<String>::new());
}

/// The statuses of an order and the template that tells the customer; `awaiting_payment` is told by a reminder.
#[tokio::test]
async fn every_status_of_an_order_is_told() {
    let world = World::with_facts().await;
    hear_everything(&world).await;
    let notices = world.notices(CUSTOMER).await;
    for (status, template) in [
        ("awaiting_payment", Template::PaymentReminder),
        ("paid", Template::OrderPaid),
        ("accepted", Template::TicketAccepted),
        ("cooking", Template::CookStarted),
        ("cooked", Template::CookFinished),
        ("rider_assigned", Template::DeliveryClaimed),
        ("picked_up", Template::PickedUp),
        ("delivered", Template::Delivered),
        ("completed", Template::OrderCompleted),
        ("canceled", Template::OrderCanceledByCustomer),
        ("rejected", Template::OrderRejected),
    ] {
        assert!(codes(&notices).contains(&template.code()), "nobody is told of {status}");
    }
}

#[tokio::test]
async fn riders_are_told_in_the_app_and_no_provider_is_asked() {
    let world = World::with_facts().await;
    world.handle(source::DELIVERY, &deliveries_events().remove(0)).await;
    for rider in [RIDER, OTHER_RIDER] {
        let notices = world.notices(rider).await;
        assert_eq!(codes(&notices), ["delivery_requested"]);
        assert_eq!(notices[0].channel, Channel::InApp);
    }
    world.do_jobs().await;
    assert_eq!(world.tried(), []);
}

#[tokio::test]
async fn a_released_claim_is_told_to_the_other_riders_even_before_its_order_is_known() {
    let world = World::new();
    world.handle(source::DELIVERY, &claim_released()).await;
    world.do_jobs().await;
    assert_eq!(world.notices(OTHER_RIDER).await, []);
    world.introduce().await;
    world.pass(1).await;
    assert_eq!(codes(&world.notices(OTHER_RIDER).await), ["delivery_reopened"]);
    assert_eq!(codes(&world.notices(CUSTOMER).await), ["claim_released"]);
    assert_eq!(world.notices(RIDER).await, []);
}

#[tokio::test]
async fn a_rider_who_does_not_fetch_is_told_so_and_why_he_lost_it() {
    let world = World::with_facts().await;
    world.handle(source::DELIVERY, &claim_taken_back()).await;
    let notices = world.notices(RIDER).await;
    assert_eq!(codes(&notices), ["claim_taken_back"]);
    assert!(notices[0].text.ends_with("사유: 라이더와 연락이 되지 않아요"), "{}", notices[0].text);
    assert_eq!(codes(&world.notices(OTHER_RIDER).await), ["delivery_reopened"]);
}

#[tokio::test]
async fn until_when_to_pay_is_said_as_it_is_then() {
    let world = World::with_facts().await;
    world.learn(source::ORDER, &order::Event::PaymentWindowExtended { order_id: ORDER, pay_by: at(24) }).await;
    for event in payments_events() {
        world.handle(source::PAYMENT, &event).await;
    }
    world.do_jobs().await;
    let notices = world.notices(CUSTOMER).await;
    let declined = notices.iter().find(|notice| notice.template == "payment_declined").expect("a notice");
    assert!(declined.text.contains(&crate::words::time_of_day(at(24))), "{}", declined.text);
}

#[tokio::test]
async fn what_must_be_known_may_come_late() {
    let world = World::new();
    world.handle(source::STORE, &cook_started()).await;
    world.pass(30).await;
    assert_eq!(world.tried(), []);
    world.introduce().await;
    world.pass(1).await;
    assert_eq!(codes(&world.notices(CUSTOMER).await), ["cook_started"]);
    assert_eq!(world.tried(), [(Channel::Kakaotalk, "cook_started".to_owned())]);
}

#[tokio::test]
async fn a_phone_that_never_becomes_known_is_a_failed_notice() {
    let world = World::new();
    world.learn(source::ORDER, &order_placed()).await;
    world.handle(source::STORE, &cook_started()).await;
    // A look every second here, and four a second fit into ten minutes.
    world.pass(4 * 600).await;
    assert_eq!(world.notices(CUSTOMER).await, []);
    world.pass(1).await;
    let notices = world.notices(CUSTOMER).await;
    assert_eq!((notices[0].outcome, notices[0].reason.as_deref()), (Outcome::Failed, Some("no phone is known")));
    assert_eq!(world.told().await, ["NoticeFailed"]);
}

#[tokio::test]
async fn an_order_that_never_becomes_known_is_a_dead_letter() {
    let world = World::new();
    world.handle(source::STORE, &cook_started()).await;
    world.clock_jumps(3 * 3600);
    world.do_jobs().await;
    assert_eq!(world.dead_letters().await, Vec::<String>::new(), "the clock says that it is late; we have looked once");
    world.pass(4 * 600).await;
    assert_eq!(world.dead_letters().await, [format!("order {ORDER} was never heard of")]);
}

#[tokio::test]
async fn a_changed_order_tells_what_it_costs_more() {
    let world = World::with_facts().await;
    world.handle(source::ORDER, &order_changed(29_000)).await;
    world.do_jobs().await;
    assert_eq!(world.notices(CUSTOMER).await, [], "the difference is not known yet");
    world.learn(source::ORDER, &order_changed(29_000)).await;
    world.pass(1).await;
    let text = &world.notices(CUSTOMER).await[0].text;
    assert!(text.ends_with("▶ 총 금액: 29,000원 (3,000원 추가 결제)"), "{text}");
}

#[tokio::test]
async fn an_unpaid_order_is_reminded_of_after_a_minute() {
    let world = World::with_facts().await;
    world.handle(source::ORDER, &order_placed()).await;
    world.pass(59).await;
    assert_eq!(world.notices(CUSTOMER).await, []);
    world.pass(1).await;
    assert_eq!(codes(&world.notices(CUSTOMER).await), ["payment_reminder"]);
}

fn declined_for(reason: &str, attempt: u128) -> payment::Event {
    let (attempt_id, reason) = (AttemptId(Uuid::from_u128(attempt)), reason.to_owned());
    payment::Event::PaymentDeclined { order_id: ORDER, attempt_id, reason, failed: false }
}

fn declines(notices: &[NoticeDocument]) -> Vec<&NoticeDocument> {
    notices.iter().filter(|notice| notice.template == "payment_declined").collect()
}

#[tokio::test]
async fn of_many_declines_the_first_is_told_at_once_and_the_last_of_each_minute_after_it() {
    let world = World::with_facts().await;
    for attempt in 0..50 {
        world.handle(source::PAYMENT, &declined_for("insufficient_funds", attempt)).await;
    }
    world.handle(source::PAYMENT, &declined_for("expired_card", 50)).await;
    world.pass(59).await;
    assert_eq!(declines(&world.notices(CUSTOMER).await).len(), 1);
    world.pass(1).await;
    let notices = world.notices(CUSTOMER).await;
    let told = declines(&notices);
    assert_eq!(told.len(), 2, "{told:?}");
    let last = crate::words::declined("expired_card");
    assert_eq!(told.iter().filter(|notice| notice.text.contains(last)).count(), 1, "the last is not lost: {told:?}");
    world.pass(600).await;
    assert_eq!(declines(&world.notices(CUSTOMER).await).len(), 2, "and nothing comes twice");
}

#[tokio::test]
async fn a_decline_is_no_news_once_the_order_is_paid_or_has_ended() {
    for end in [order_paid(), order_canceled(CancelReason::Customer, false, 0)] {
        let world = World::with_facts().await;
        for attempt in 0..2 {
            world.handle(source::PAYMENT, &declined_for("insufficient_funds", attempt)).await;
        }
        world.handle(source::ORDER, &end).await;
        world.pass(600).await;
        assert_eq!(declines(&world.notices(CUSTOMER).await).len(), 1);
    }
}

#[tokio::test]
async fn a_rider_is_told_the_neighbourhood_of_what_waits_and_not_the_house() {
    let world = World::with_facts().await;
    for event in deliveries_events() {
        world.handle(source::DELIVERY, &event).await;
    }
    world.do_jobs().await;
    for rider in [RIDER, OTHER_RIDER] {
        for notice in world.notices(rider).await {
            let told = serde_json::to_string(&notice).expect("JSON");
            assert!(!told.contains("301호") && !told.contains("망원로 7"), "{told}");
            assert!(notice.template != "delivery_requested" || told.contains("서울 마포구 망원로"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_paid_or_canceled_order_is_not_reminded_of() {
    for (end, told) in [
        (order_paid(), "order_paid"),
        (order_canceled(CancelReason::Customer, false, 0), "order_canceled_by_customer_unpaid"),
    ] {
        let world = World::with_facts().await;
        world.handle(source::ORDER, &order_placed()).await;
        world.handle(source::ORDER, &end).await;
        world.pass(120).await;
        assert_eq!(codes(&world.notices(CUSTOMER).await), [told]);
    }
}

#[tokio::test]
async fn a_reminder_that_comes_too_late_is_not_sent() {
    let world = World::with_facts().await;
    world.handle(source::ORDER, &order_placed()).await;
    world.clock_jumps(601);
    world.do_jobs().await;
    assert_eq!(world.notices(CUSTOMER).await, []);
}

#[tokio::test]
async fn kakaotalk_is_tried_four_times_and_then_a_text_message_is_sent() {
    let world = World::with_facts().await;
    world.outages.begin(Channel::Kakaotalk, SendError::Retryable("busy".to_owned()));
    world.handle(source::STORE, &cook_started()).await;
    world.do_jobs().await;
    assert_eq!(world.notices(CUSTOMER).await, []);
    world.pass(60).await;
    let notices = world.notices(CUSTOMER).await;
    assert_eq!((notices.len(), notices[0].channel, notices[0].outcome), (1, Channel::Sms, Outcome::Sent));
    let channels: Vec<_> = world.tried().into_iter().map(|(channel, _)| channel).collect();
    assert_eq!(
        channels,
        [Channel::Kakaotalk, Channel::Kakaotalk, Channel::Kakaotalk, Channel::Kakaotalk, Channel::Sms]
    );
}

#[tokio::test]
async fn kakaotalk_that_comes_back_is_used() {
    let world = World::with_facts().await;
    world.outages.begin(Channel::Kakaotalk, SendError::Retryable("busy".to_owned()));
    world.handle(source::STORE, &cook_started()).await;
    world.do_jobs().await;
    world.outages.end(Channel::Kakaotalk);
    world.pass(5).await;
    assert_eq!(world.notices(CUSTOMER).await[0].channel, Channel::Kakaotalk);
}

#[tokio::test]
async fn a_database_that_is_away_is_no_attempt_at_kakaotalk() {
    for away in [Away::Reading, Away::Writing] {
        let world = World::with_facts().await;
        world.handle(source::STORE, &cook_started()).await;
        world.database.fail(away, 10);
        world.pass(600).await;
        assert_eq!(world.database.left(), 0, "it was away");
        let notices = world.notices(CUSTOMER).await;
        assert_eq!((notices.len(), notices[0].channel, notices[0].outcome), (1, Channel::Kakaotalk, Outcome::Sent));
        assert!(world.tried().iter().all(|(channel, _)| *channel == Channel::Kakaotalk), "{:?}", world.tried());
    }
}

#[tokio::test]
async fn what_kakaotalk_put_off_counts_also_where_the_database_was_away_between() {
    let world = World::with_facts().await;
    world.outages.begin(Channel::Kakaotalk, SendError::Retryable("busy".to_owned()));
    world.handle(source::STORE, &cook_started()).await;
    world.do_jobs().await;
    world.database.fail(Away::Reading, 10);
    world.pass(600).await;
    let by = |wanted| world.tried().iter().filter(|(channel, _)| *channel == wanted).count();
    assert_eq!((by(Channel::Kakaotalk), by(Channel::Sms)), (4, 1));
}

#[tokio::test]
async fn a_rejected_template_is_sent_as_a_text_message_at_once() {
    let phones_without_kakaotalk = vec!["01012345678".to_owned()];
    let world = World::with(ProviderSettings { phones_without_kakaotalk, ..ProviderSettings::default() });
    world.introduce().await;
    world.handle(source::STORE, &cook_started()).await;
    world.do_jobs().await;
    assert_eq!(world.notices(CUSTOMER).await[0].channel, Channel::Sms);
    assert_eq!(world.tried().len(), 2);
}

#[tokio::test]
async fn what_no_channel_takes_is_kept_as_failed() {
    let unreachable_phones = vec!["01012345678".to_owned()];
    let world = World::with(ProviderSettings { unreachable_phones, ..ProviderSettings::default() });
    world.introduce().await;
    world.handle(source::STORE, &cook_started()).await;
    world.do_jobs().await;
    let notice = &world.notices(CUSTOMER).await[0];
    assert_eq!((notice.channel, notice.outcome), (Channel::Sms, Outcome::Failed));
    assert_eq!(notice.reason.as_deref(), Some("nothing reaches this phone"));
    assert_eq!(world.told().await, ["NoticeFailed"]);
    assert_eq!(world.dead_letters().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_outage_of_everything_ends_in_a_failed_notice() {
    let world = World::with_facts().await;
    for channel in [Channel::Kakaotalk, Channel::Sms] {
        world.outages.begin(channel, SendError::Retryable("busy".to_owned()));
    }
    world.handle(source::STORE, &cook_started()).await;
    world.pass(180).await;
    assert_eq!(world.notices(CUSTOMER).await[0].outcome, Outcome::Failed);
    let by = |wanted| world.tried().iter().filter(|(channel, _)| *channel == wanted).count();
    assert_eq!((by(Channel::Kakaotalk), by(Channel::Sms)), (4, 4));
}

#[tokio::test]
async fn a_change_that_was_taken_back_leaves_the_old_price_to_compare_with() {
    let world = World::with_facts().await;
    world.learn(source::ORDER, &order_changed(29_000)).await;
    world.learn(source::ORDER, &orders_events()[3]).await;
    let other = ChangeId(Uuid::from_u128(77));
    let again = order::Event::OrderChanged {
        order_id: ORDER,
        change_id: other,
        basket: basket(20_000),
        bill: None,
        version: 6,
    };
    world.learn(source::ORDER, &again).await;
    world.handle(source::ORDER, &again).await;
    world.do_jobs().await;
    let text = &world.notices(CUSTOMER).await[0].text;
    assert!(text.contains("6,000원 환불 예정"), "{text}");
}

#[tokio::test]
async fn nobody_is_told_of_menus_and_accounts() {
    let world = World::new();
    let opened: identity::Event = account_opened(CUSTOMER);
    world.handle(source::IDENTITY, &opened).await;
    world.do_jobs().await;
    assert_eq!(world.tried(), []);
}
