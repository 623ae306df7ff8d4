//! `kill -9` during a write load, a hundred times: what was acknowledged is there, bit by bit, and
//! what the client was told is what the restart finds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plimsoll_wire::remote_write::Encoder;

use crate::http::Client;
use crate::load::{Chance, labels, now_ms};
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, send};
use crate::process::wait_for;

const ROUNDS: u64 = 100;
/// Connections that write at the same time.
const WRITERS: u64 = 3;
/// Series of a writer.
const SERIES: u64 = 40;

/// What may be found at a time of a series.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    /// Acknowledged: this value, bit by bit.
    Stored(u64),
    /// Sent without an answer: this value or nothing.
    Sent(u64),
}

/// What a writer knows: by series and time.
type Book = HashMap<(u64, i64), Known>;

/// One series of a request.
struct Row {
    series: u64,
    time: i64,
    bits: u64,
}

struct Writer {
    name: String,
    client: Client,
    chance: Chance,
    time: i64,
    book: Book,
}

impl Writer {
    /// Writes until the connection breaks: the server is gone.
    fn run(mut self, end: &AtomicBool) -> (String, Book) {
        while !end.load(Ordering::Relaxed) {
            let fresh = self.fresh();
            let outcome = self.send(&fresh);
            if !self.note(&fresh, outcome) {
                break;
            }
            if self.chance.below(4) == 0 && !self.contradict(&fresh) {
                break;
            }
        }
        (self.name, self.book)
    }

    /// Values never sent before, at a new time, for some series.
    fn fresh(&mut self) -> Vec<Row> {
        self.time += 1 + self.chance.below(50) as i64;
        let time = self.time;
        let mut rows = Vec::new();
        for series in 0..SERIES {
            if self.chance.below(3) > 0 {
                let value = self.chance.unit() * 1e6 - 5e5;
                rows.push(Row { series, time, bits: value.to_bits() });
            }
        }
        rows
    }

    fn send(&mut self, rows: &[Row]) -> std::io::Result<u16> {
        let mut encoder = Encoder::new();
        for row in rows {
            let series = row.series.to_string();
            let pairs = [("__name__", "crash"), ("series", &series), ("writer", &self.name)];
            encoder.series(labels(&pairs).as_ref(), &[row.time], &[f64::from_bits(row.bits)]);
        }
        Ok(send(&mut self.client, &encoder.finish())?.status)
    }

    /// Keeps what the answer means; false when there was none.
    fn note(&mut self, rows: &[Row], outcome: std::io::Result<u16>) -> bool {
        let known: fn(u64) -> Known = match outcome {
            Ok(200..=299) => Known::Stored,
            Ok(status) => panic!("fresh samples were answered {status}"),
            Err(_) => Known::Sent,
        };
        for row in rows {
            self.book.insert((row.series, row.time), known(row.bits));
        }
        outcome.is_ok()
    }

    /// Sends a request in which one row contradicts what is there and the others are new: the
    /// answer must be 400, the first value stays, the others count. False without an answer.
    fn contradict(&mut self, before: &[Row]) -> bool {
        let Some(old) = before.first() else { return true };
        let mut rows = self.fresh();
        rows.retain(|r| r.series != old.series);
        let other = (f64::from_bits(old.bits) + 1.0).to_bits();
        rows.push(Row { series: old.series, time: old.time, bits: other });
        let outcome = self.send(&rows);
        rows.pop();
        match outcome {
            Ok(status) => {
                assert_eq!(status, 400, "a contradiction was taken");
                self.note(&rows, Ok(204))
            }
            Err(e) => self.note(&rows, Err(e)),
        }
    }
}

/// Reads everything a writer wrote.
fn read(server: &Plimsoll, name: &str, at: i64) -> BTreeMap<(u64, i64), u64> {
    let mut found = BTreeMap::new();
    for series in server.query_at(&format!("crash{{writer={name:?}}}[1h]"), at) {
        let number = series.label("series").parse().unwrap();
        for (time, value) in series.points {
            assert_eq!(found.insert((number, time), value.to_bits()), None, "a time twice");
        }
    }
    found
}

/// Compares; what was sent without an answer becomes known by being found or not.
fn compare(name: &str, book: &mut Book, found: &BTreeMap<(u64, i64), u64>) {
    for (at, known) in book.iter() {
        match (known, found.get(at)) {
            (Known::Stored(bits), Some(found)) => assert_eq!(bits, found, "{name} {at:?}"),
            (Known::Stored(_), None) => panic!("{name}: acknowledged {at:?} is lost"),
            (Known::Sent(bits), Some(found)) => assert_eq!(bits, found, "{name} {at:?}"),
            (Known::Sent(_), None) => {}
        }
    }
    for at in found.keys() {
        assert!(book.contains_key(at), "{name}: {at:?} was never sent");
    }
    // A restart must not change its mind about what it found.
    *book = found.iter().map(|(at, bits)| (*at, Known::Stored(*bits))).collect();
}

#[test]
fn acknowledged_samples_survive_a_hundred_kills() {
    if !peer::slow("a hundred kills") {
        return;
    }
    let home = Home::new();
    let base = now_ms() - 30 * 60_000;
    let mut books: BTreeMap<String, Book> = BTreeMap::new();
    let mut chance = Chance::new(7546);
    let mut acknowledged = 0;
    let mut server = home.start(&["--bare"]);
    for round in 0..ROUNDS {
        let end = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|i| {
                let name = format!("{round}-{i}");
                let writer = Writer {
                    name,
                    client: server.client(),
                    chance: Chance::new(round * WRITERS + i + 1),
                    time: base,
                    book: Book::new(),
                };
                let end = Arc::clone(&end);
                std::thread::spawn(move || writer.run(&end))
            })
            .collect();
        // Somewhere between the first samples and many: the moment is what is tested.
        let moment = Duration::from_millis(30 + chance.below(900));
        let _never = wait_for(moment, || None::<()>);
        if chance.below(3) == 0 {
            let flush = server.client().post("/api/plimsoll/v1/storage/flush", &[], &[]);
            assert!(flush.is_ok_and(|a| a.status < 300), "flush failed");
        }
        server.process.kill();
        end.store(true, Ordering::Relaxed);
        for writer in writers {
            let (name, book) = writer.join().unwrap();
            acknowledged += book.values().filter(|k| matches!(k, Known::Stored(_))).count();
            books.insert(name, book);
        }
        server = home.start(&["--bare"]);
        // Those of this round, and all when it is over.
        let this = format!("{round}-");
        for (name, book) in books.iter_mut().filter(|(name, _)| name.starts_with(&this)) {
            compare(name, book, &read(&server, name, base + 20 * 60_000));
        }
    }
    println!("{acknowledged} samples acknowledged before {ROUNDS} kills, all there");
    assert!(acknowledged > 10_000, "only {acknowledged} samples were acknowledged");
    server.stop();
    let server = home.start(&["--bare"]);
    for (name, book) in &mut books {
        compare(name, book, &read(&server, name, base + 20 * 60_000));
    }
    server.stop();
}
