//! Groups as records hold them: JSON, in which sets of alerts that would be too large are packed.
//!
//! What a group told is always of alerts that are in it, so a set is one bit for each of them, and 100,000
//! alerts with ten integrations need 2.1 MB.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::groups::Group;
use super::log::Told;

#[derive(Serialize, Deserialize)]
struct Packed {
    route: String,
    receiver: String,
    labels: BTreeMap<String, String>,
    /// Fingerprints, 16 hexadecimal digits each, the least first.
    packed: String,
    next_at: Timestamp,
    begun: bool,
    told: BTreeMap<String, PackedTold>,
    collects: bool,
}

#[derive(Serialize, Deserialize)]
struct PackedTold {
    at: Timestamp,
    key: String,
    /// A hexadecimal digit for four alerts each; the first of them is the lowest bit.
    firing: String,
    resolved: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Packed(Packed),
    Plain(Group),
}

/// A group as a text, packed when it would have more than `max` bytes.
///
/// # Errors
/// It cannot be written as JSON.
pub fn text(group: &Group, max: usize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(group)?;
    if plain.len() <= max {
        return Ok(plain);
    }
    let told = group.told.iter().map(|(name, told)| {
        let bits = |set: &BTreeSet<u64>| bits(&group.alerts, set);
        let (firing, resolved) = (bits(&told.firing), bits(&told.resolved));
        let packed = PackedTold { at: told.at, key: told.key.clone(), firing, resolved };
        (name.clone(), packed)
    });
    serde_json::to_string(&Packed {
        route: group.route.clone(),
        receiver: group.receiver.clone(),
        labels: group.labels.clone(),
        packed: group.alerts.iter().map(|fp| format!("{fp:016x}")).collect(),
        next_at: group.next_at,
        begun: group.begun,
        told: told.collect(),
        collects: group.collects,
    })
}

/// A group from its text.
///
/// # Errors
/// It is none.
pub fn read(text: &str) -> serde_json::Result<Group> {
    let packed = match serde_json::from_str(text)? {
        Either::Plain(group) => return Ok(group),
        Either::Packed(packed) => packed,
    };
    let digits = packed.packed.as_bytes().chunks(16);
    let read =
        digits.map(|d| std::str::from_utf8(d).ok().and_then(|d| u64::from_str_radix(d, 16).ok()));
    let alerts: Option<BTreeSet<u64>> = read.collect();
    let alerts =
        alerts.ok_or_else(|| serde::de::Error::custom("fingerprints are not hexadecimal"))?;
    let told = packed.told.into_iter().map(|(name, told)| {
        let (firing, resolved) = (set(&alerts, &told.firing), set(&alerts, &told.resolved));
        (name, Told { at: told.at, key: told.key, firing, resolved })
    });
    Ok(Group {
        route: packed.route,
        receiver: packed.receiver,
        labels: packed.labels,
        next_at: packed.next_at,
        begun: packed.begun,
        told: told.collect(),
        collects: packed.collects,
        alerts,
    })
}

fn bits(all: &BTreeSet<u64>, set: &BTreeSet<u64>) -> String {
    let all: Vec<u64> = all.iter().copied().collect();
    let nibble = |four: &[u64]| {
        let bit = |(i, fp): (usize, &u64)| u32::from(set.contains(fp)) << i;
        let value = four.iter().enumerate().map(bit).sum::<u32>();
        char::from_digit(value, 16).unwrap_or('0')
    };
    all.chunks(4).map(nibble).collect()
}

fn set(all: &BTreeSet<u64>, bits: &str) -> BTreeSet<u64> {
    let digits: Vec<u32> = bits.chars().map(|c| c.to_digit(16).unwrap_or(0)).collect();
    let has = |i: usize| digits.get(i / 4).is_some_and(|d| d & (1 << (i % 4)) != 0);
    all.iter().enumerate().filter(|(i, _)| has(*i)).map(|(_, fp)| *fp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(n: u64) -> Group {
        let fp = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let pick = |step: usize| (0..n).step_by(step).map(fp).collect::<BTreeSet<u64>>();
        let told = Told { at: 7, key: "k".into(), firing: pick(2), resolved: pick(7) };
        Group {
            route: "{}".into(),
            receiver: "r".into(),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            alerts: pick(1),
            next_at: 9,
            begun: true,
            told: [("webhook/0".to_owned(), told)].into(),
            collects: true,
        }
    }

    #[test]
    fn a_group_is_the_same_after_packing() {
        for n in [0, 1, 3, 4, 5, 1_000] {
            let group = group(n);
            assert_eq!(read(&text(&group, usize::MAX).unwrap()).unwrap(), group);
            assert_eq!(read(&text(&group, 0).unwrap()).unwrap(), group, "{n} packed");
        }
        assert!(text(&group(3), usize::MAX).unwrap().contains("\"alerts\""));
    }

    #[test]
    fn all_alerts_that_there_may_be_fit_into_a_record() {
        let mut group = group(super::super::NOTICES_MAX as u64);
        let told = group.told["webhook/0"].clone();
        group.told.extend((1..10).map(|i| (format!("webhook/{i}"), told.clone())));
        let max = plimsoll_records::BODY_BYTES_MAX;
        assert!(serde_json::to_string(&group).unwrap().len() > max);
        let text = text(&group, max).unwrap();
        assert!(text.len() < max * 3 / 4, "{}", text.len());
        assert_eq!(read(&text).unwrap(), group);
    }

    #[test]
    fn any_text_is_survived() {
        let whole = text(&group(9), 0).unwrap();
        for cut in 0..whole.len() {
            assert!(read(whole.get(..cut).unwrap_or("")).is_err());
        }
        let wrong = whole.replacen("\"packed\":\"", "\"packed\":\"xyz", 1);
        assert!(read(&wrong).is_err());
    }
}
