//! Circuit breakers: a channel that failed several times in a row is left alone for a while, then asked by
//! one message whether it works again.
//!
//! A channel is an integration of a receiver. An answer that refuses a message shows that the channel
//! works. No clock, no socket.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::Timestamp;

use super::channel::Outcome;

/// Failures in a row that open a breaker.
pub const FAILURES_MAX: u32 = 5;
/// How long it is open before one message probes, ms.
const OPEN_MS: i64 = 15_000;
/// How long a probe may stay without an answer before the next one, ms: longer than any attempt takes.
const PROBE_MS: i64 = 150_000;
/// Channels that are remembered; those that work are forgotten first.
const CHANNELS_MAX: usize = 20_000;

/// The breakers of all channels that failed lately.
#[derive(Default)]
pub struct Breakers {
    by_channel: Mutex<BTreeMap<Channel, State>>,
}

/// Receiver and integration.
type Channel = (String, String);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    /// When the next message may try; while there is a time, the breaker is open.
    probe_at: Option<Timestamp>,
}

/// A channel that failed lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// The receiver.
    pub receiver: String,
    /// Which of its integrations: `slack/0`.
    pub integration: String,
    /// Failures in a row.
    pub failures: u32,
    /// Whether messages wait, or go to the fallback.
    pub is_open: bool,
}

impl Breakers {
    /// How long a message must wait; nothing when it may be sent. Whoever may must tell by
    /// [`Breakers::note`] how it went.
    pub fn ask(&self, receiver: &str, integration: &str, now: Timestamp) -> Option<Duration> {
        let mut all = self.by_channel.lock();
        let key = (receiver.to_owned(), integration.to_owned());
        let state = all.get_mut(&key)?;
        let at = state.probe_at?;
        // Farther away than any wait: the clock was set back.
        if at <= now || at - now > PROBE_MS {
            state.probe_at = Some(now + PROBE_MS);
            return None;
        }
        Some(Duration::from_millis((at - now).min(OPEN_MS).unsigned_abs()))
    }

    /// Takes note of an attempt; whether the breaker is open now, and whether it just opened.
    pub fn note(
        &self,
        receiver: &str,
        integration: &str,
        outcome: &Outcome,
        now: Timestamp,
    ) -> (bool, bool) {
        let mut all = self.by_channel.lock();
        let key = (receiver.to_owned(), integration.to_owned());
        match outcome {
            Outcome::Delivered | Outcome::GivenUp(_) => {
                all.remove(&key);
                (false, false)
            }
            Outcome::Failed(_) | Outcome::Busy(..) => {
                if all.len() >= CHANNELS_MAX && !all.contains_key(&key) {
                    return (false, false);
                }
                let state = all.entry(key).or_default();
                state.failures = state.failures.saturating_add(1);
                if state.failures < FAILURES_MAX {
                    return (false, false);
                }
                let was_open = state.probe_at.is_some();
                state.probe_at = Some(now + OPEN_MS);
                (true, !was_open)
            }
        }
    }

    /// The channels that failed lately.
    pub fn view(&self) -> Vec<BreakerView> {
        let all = self.by_channel.lock();
        let one = |((receiver, integration), state): (&Channel, &State)| BreakerView {
            receiver: receiver.clone(),
            integration: integration.clone(),
            failures: state.failures,
            is_open: state.probe_at.is_some(),
        };
        all.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let breakers = Breakers::default();
        let failed = Outcome::Failed("no".into());
        for i in 1..=FAILURES_MAX {
            assert_eq!(breakers.ask("r", "slack/0", 0), None);
            let is_last = i == FAILURES_MAX;
            assert_eq!(breakers.note("r", "slack/0", &failed, 0), (is_last, is_last));
        }
        assert_eq!(breakers.ask("r", "slack/0", 5_000), Some(Duration::from_secs(10)));
        assert_eq!(breakers.ask("r", "slack/1", 5_000), None, "another channel");
        assert_eq!(breakers.ask("r", "slack/0", OPEN_MS), None, "one probes");
        assert!(breakers.ask("r", "slack/0", OPEN_MS).is_some(), "the others wait");
        assert_eq!(breakers.note("r", "slack/0", &failed, OPEN_MS), (true, false));
        assert_eq!(breakers.ask("r", "slack/0", 2 * OPEN_MS), None);
        assert_eq!(breakers.view().len(), 1);
        breakers.note("r", "slack/0", &Outcome::Delivered, 2 * OPEN_MS);
        assert_eq!(breakers.ask("r", "slack/0", 2 * OPEN_MS), None);
        assert!(breakers.view().is_empty());
    }
}
