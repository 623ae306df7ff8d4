//! A message that cannot reach its receiver goes to the one that its receiver names as `fallback`.
//!
//! The messages for the fallback are made with the first one and kept in its body, so that they need
//! nothing else later. They are handed over in the transaction that gives the first one up; their ids are
//! made of its id, so that handing over anew after a crash says the same again. A fallback has no fallback.

use plimsoll_model::Timestamp;
use plimsoll_records::Delivery;
use serde_json::{Value, json};

use super::channel::Making;
use crate::config::Receiver;
use crate::route::{Notification, Routing};

/// The messages for the fallback of a receiver; none when it has none.
pub fn messages(
    n: &Notification,
    receiver: &Receiver,
    routing: &Routing,
    making: &Making<'_>,
) -> Vec<Value> {
    let Some(other) = receiver.fallback.as_deref().and_then(|name| routing.receiver(name)) else {
        return Vec::new();
    };
    let fires = n.is_firing();
    let wants = other.integrations.iter().filter(|i| fires || i.send_resolved);
    wants
        .filter_map(|i| {
            let mut n = n.clone();
            n.receiver.clone_from(&other.name);
            n.integration = i.name();
            let payload = i.channel.make(&n, making)?;
            Some(json!({
                "receiver": other.name,
                "integration": i.channel.kind(),
                "index": i.index,
                "payload": payload,
            }))
        })
        .collect()
}

/// Whether a message has somewhere else to go.
pub fn has_one(delivery: &Delivery) -> bool {
    delivery.body.contains("\"fallback\":") && !handed(delivery, 0).is_empty()
}

/// What takes the place of a message that is given up, due at once.
pub fn handed(delivery: &Delivery, now: Timestamp) -> Vec<Delivery> {
    let body: Value = serde_json::from_str(&delivery.body).unwrap_or(Value::Null);
    let mut out = Vec::new();
    for one in body["fallback"].as_array().into_iter().flatten() {
        let (receiver, kind) = (one["receiver"].as_str(), one["integration"].as_str());
        let (Some(receiver), Some(kind)) = (receiver, kind) else { continue };
        let before = delivery.id.rsplit_once('-').map_or(delivery.id.as_str(), |(id, _)| id);
        let of = xxhash_rust::xxh3::xxh3_64(format!("{}\n{receiver}", delivery.id).as_bytes());
        let id = format!("{before}-{of:016x}.{kind}/{}", one["index"]);
        out.push(Delivery::new(id, receiver.to_owned(), now, one.to_string()));
    }
    out
}
