//! What is documented: every public route, no internal one, and every problem once.

use std::collections::BTreeSet;

use baedal_order::described;

#[test]
fn public_routes_are_documented_and_internal_ones_are_not() {
    let document = serde_json::to_value(described().document).unwrap();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        paths,
        [
            "/api/orders",
            "/api/orders/{order_id}",
            "/api/orders/{order_id}/cancel",
            "/api/orders/{order_id}/confirm",
            "/api/orders/{order_id}/payment",
            "/api/orders/{order_id}/refund",
        ]
    );
    let key = &document["paths"]["/api/orders"]["post"]["parameters"][0];
    assert_eq!(
        (&key["name"], &key["in"], &key["required"]),
        (&"Idempotency-Key".into(), &"header".into(), &true.into())
    );
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            assert!(operation["summary"].is_string(), "{path} says what it does");
            assert_eq!(operation["tags"][0], "orders");
            assert!(operation["responses"]["default"].is_object(), "{path} says how it is refused");
        }
    }
}

#[test]
fn every_problem_has_one_name() {
    let problems = described().problems;
    let names: BTreeSet<_> = problems.iter().map(|problem| problem.name).collect();
    assert_eq!(names.len(), problems.len());
    assert!(problems.iter().all(|problem| (400..500).contains(&problem.status)));
}
