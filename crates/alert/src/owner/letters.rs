//! What became of messages: those that arrived, and dead letters, which can be sent again or put away.

use plimsoll_records::{Change, DEAD_MAX, Delivery, DeliveryState};
use serde_json::Value;

use super::Alerting;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its idempotency key.
    pub id: String,
    /// To whom.
    pub receiver: String,
    /// By which integration: `slack/0`.
    pub integration: String,
    /// When it was decided, ms since the epoch.
    pub decided_ms: i64,
    /// When it arrived or was given up, ms since the epoch.
    pub ended_ms: i64,
    /// Attempts made.
    pub attempts: u32,
    /// Why it did not arrive; empty when it did.
    pub error: String,
    /// The message, without secrets.
    pub message: Value,
    /// Whether it is a test that somebody asked for. A test that failed has an error.
    pub is_test: bool,
}

impl Letter {
    fn of(delivery: Delivery) -> Self {
        let mut body: Value = serde_json::from_str(&delivery.body).unwrap_or(Value::Null);
        let kind = body["integration"].as_str().unwrap_or("webhook").to_owned();
        Self {
            integration: format!("{kind}/{}", body["index"].as_u64().unwrap_or(0)),
            id: delivery.id,
            receiver: delivery.receiver,
            decided_ms: delivery.created_ms,
            ended_ms: delivery.next_ms,
            attempts: delivery.attempts,
            error: delivery.error,
            is_test: body["test"].as_bool().unwrap_or(false),
            message: body["payload"].take(),
        }
    }
}

impl Alerting {
    /// The newest messages that arrived, those that were put away by hand, and tests (with an error where
    /// they did not arrive); at most `limit`, never more than the 1,000 that are kept.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn receipts(&self, limit: usize) -> plimsoll_records::Result<Vec<Letter>> {
        self.letters(DeliveryState::Delivered, limit)
    }

    /// The newest messages that were given up; at most `limit`, never more than the 1,000 that are kept.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn dead_letters(&self, limit: usize) -> plimsoll_records::Result<Vec<Letter>> {
        self.letters(DeliveryState::Dead, limit)
    }

    /// Writes down how tests of receivers went.
    pub(crate) fn keep_trials(&self, letters: &[Delivery]) -> plimsoll_records::Result<()> {
        let changes: Vec<Change> = letters.iter().cloned().map(Change::Enqueue).collect();
        self.setup.records.apply(&changes)
    }

    fn letters(&self, state: DeliveryState, limit: usize) -> plimsoll_records::Result<Vec<Letter>> {
        let mut found = self.setup.records.deliveries(state, DEAD_MAX as usize)?;
        found.sort_by(|a, b| b.next_ms.cmp(&a.next_ms).then_with(|| a.id.cmp(&b.id)));
        found.truncate(limit);
        Ok(found.into_iter().map(Letter::of).collect())
    }

    /// Sends a dead letter again, at once; `false` when there is none of this id.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub fn retry_dead(&self, id: &str) -> plimsoll_records::Result<bool> {
        let Some(mut delivery) = self.dead(id)? else { return Ok(false) };
        let now = self.now();
        delivery.state = DeliveryState::Pending;
        // It gets a whole day again.
        (delivery.created_ms, delivery.next_ms, delivery.attempts) = (now, now, 0);
        self.setup.records.apply(&[Change::Update(delivery.clone())])?;
        let _bound = self.outbox.add([delivery].into_iter());
        Ok(true)
    }

    /// Puts a dead letter away; `false` when there is none of this id.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub fn discard_dead(&self, id: &str) -> plimsoll_records::Result<bool> {
        let Some(mut delivery) = self.dead(id)? else { return Ok(false) };
        delivery.state = DeliveryState::Delivered;
        delivery.error = format!("put away by hand: {}", delivery.error);
        delivery.next_ms = self.now();
        self.setup.records.apply(&[Change::Update(delivery)])?;
        Ok(true)
    }

    fn dead(&self, id: &str) -> plimsoll_records::Result<Option<Delivery>> {
        let all = self.setup.records.deliveries(DeliveryState::Dead, DEAD_MAX as usize)?;
        Ok(all.into_iter().find(|d| d.id == id))
    }
}
