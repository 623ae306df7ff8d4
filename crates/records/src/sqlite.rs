//! Records in one SQLite file: write-ahead journal, full synchronisation, one connection.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::change::{
    BODY_BYTES_MAX, Change, DEAD_MAX, Delivery, DeliveryState, Document, EVENTS_MAX, Event,
    EventQuery, PENDING_MAX, Records,
};
use crate::{Error, Result};

/// The tables; `user_version` counts the steps that a file has taken.
const STEPS: [&str; 1] = ["
    CREATE TABLE document (
        kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
        time_ms INTEGER NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (kind, id, version)
    ) WITHOUT ROWID;
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL,
        kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX event_kind ON event (kind, subject, seq);
    CREATE TABLE delivery (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, created_ms INTEGER NOT NULL,
        next_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, state INTEGER NOT NULL,
        error TEXT NOT NULL, body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX delivery_due ON delivery (state, next_ms);
"];

/// How long a call waits for another process that has the file.
const BUSY: Duration = Duration::from_secs(2);

/// Records in a SQLite file.
pub struct SqliteRecords {
    connection: Mutex<Connection>,
}

impl SqliteRecords {
    /// Opens the file, creating or upgrading its tables.
    ///
    /// # Errors
    /// `Io` when it cannot be opened, `Corrupt` when it is no such file or a newer program's.
    pub fn open(path: &Path) -> Result<Self> {
        Self::prepared(Connection::open(path).map_err(io("open"))?)
    }

    /// Records that live as long as this value.
    ///
    /// # Errors
    /// `Io`.
    pub fn in_memory() -> Result<Self> {
        Self::prepared(Connection::open_in_memory().map_err(io("open in memory"))?)
    }

    fn prepared(mut connection: Connection) -> Result<Self> {
        connection.busy_timeout(BUSY).map_err(io("set a time limit"))?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .map_err(io("set the journal mode"))?;
        upgrade(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }
}

fn upgrade(connection: &mut Connection) -> Result<()> {
    let done: usize = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(io("read the version"))?;
    if done > STEPS.len() {
        return Err(Error::Corrupt(format!(
            "the file has version {done}, this program knows {}; use a newer program",
            STEPS.len()
        )));
    }
    for (i, step) in STEPS.iter().enumerate().skip(done) {
        let tx = connection.transaction().map_err(io("upgrade"))?;
        tx.execute_batch(step).map_err(io("upgrade"))?;
        tx.pragma_update(None, "user_version", i + 1).map_err(io("upgrade"))?;
        tx.commit().map_err(io("upgrade"))?;
    }
    Ok(())
}

fn io(what: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| Error::Io { what, error: error.to_string() }
}

impl Records for SqliteRecords {
    fn apply(&self, changes: &[Change]) -> Result<()> {
        let mut connection = self.connection.lock();
        let tx = connection.transaction().map_err(io("begin"))?;
        for change in changes {
            apply_one(&tx, change)?;
        }
        trim(&tx)?;
        tx.commit().map_err(io("commit"))
    }

    fn document(&self, kind: &str, id: &str) -> Result<Option<Document>> {
        let sql = "SELECT kind, id, version, time_ms, author, body FROM document
                   WHERE kind = ?1 AND id = ?2 ORDER BY version DESC LIMIT 1";
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(sql).map_err(io("read a document"))?;
        statement.query_row([kind, id], document).optional().map_err(io("read a document"))
    }

    fn documents(&self, kind: &str) -> Result<Vec<Document>> {
        let sql = "SELECT kind, id, MAX(version), time_ms, author, body FROM document
                   WHERE kind = ?1 GROUP BY id ORDER BY id";
        self.rows(sql, [kind], document)
    }

    fn history(&self, kind: &str, id: &str) -> Result<Vec<Document>> {
        let sql = "SELECT kind, id, version, time_ms, author, body FROM document
                   WHERE kind = ?1 AND id = ?2 ORDER BY version DESC";
        self.rows(sql, [kind, id], document)
    }

    fn events(&self, query: &EventQuery<'_>) -> Result<Vec<Event>> {
        let sql = "SELECT seq, time_ms, kind, subject, body FROM event
                   WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR subject = ?2) AND seq > ?3
                   ORDER BY seq DESC LIMIT ?4";
        let limit = if query.limit == 0 { 1_000 } else { query.limit };
        let after = i64::try_from(query.after_seq).unwrap_or(i64::MAX);
        let args =
            params![query.kind, query.subject, after, i64::try_from(limit).unwrap_or(i64::MAX)];
        self.rows(sql, args, event)
    }

    fn deliveries(&self, state: DeliveryState, limit: usize) -> Result<Vec<Delivery>> {
        let sql = "SELECT id, receiver, created_ms, next_ms, attempts, state, error, body
                   FROM delivery WHERE state = ?1 ORDER BY next_ms, created_ms, id LIMIT ?2";
        self.rows(sql, params![code(state), i64::try_from(limit).unwrap_or(i64::MAX)], delivery)
    }
}

impl SqliteRecords {
    fn rows<T>(
        &self,
        sql: &str,
        args: impl rusqlite::Params,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(sql).map_err(io("read"))?;
        let rows = statement.query_map(args, read).map_err(io("read"))?;
        rows.collect::<rusqlite::Result<_>>().map_err(io("read"))
    }
}

fn apply_one(tx: &Transaction<'_>, change: &Change) -> Result<()> {
    match change {
        Change::Put { kind, id, time_ms, author, body, expected, keep } => {
            sized(body)?;
            let version = next_version(tx, kind, id, *expected)?;
            tx.prepare_cached("INSERT INTO document VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                .and_then(|mut s| s.execute(params![kind, id, version, time_ms, author, body]))
                .map_err(io("write a document"))?;
            let oldest = version - i64::from((*keep).max(1));
            tx.prepare_cached("DELETE FROM document WHERE kind = ?1 AND id = ?2 AND version <= ?3")
                .and_then(|mut s| s.execute(params![kind, id, oldest]))
                .map_err(io("drop old versions"))?;
        }
        Change::Remove { kind, id } => {
            tx.prepare_cached("DELETE FROM document WHERE kind = ?1 AND id = ?2")
                .and_then(|mut s| s.execute([kind, id]))
                .map_err(io("remove a document"))?;
        }
        Change::Append(e) => {
            sized(&e.body)?;
            let sql = "INSERT INTO event (time_ms, kind, subject, body) VALUES (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)
                .and_then(|mut s| s.execute(params![e.time_ms, e.kind, e.subject, e.body]))
                .map_err(io("append an event"))?;
        }
        Change::Enqueue(d) => enqueue(tx, d)?,
        Change::Update(d) => {
            let body = (d.body.len() <= BODY_BYTES_MAX).then_some(&d.body);
            let sql = "UPDATE delivery SET next_ms = ?2, attempts = ?3, state = ?4, error = ?5,
                       body = COALESCE(?6, body) WHERE id = ?1";
            tx.prepare_cached(sql)
                .and_then(|mut s| {
                    s.execute(params![d.id, d.next_ms, d.attempts, code(d.state), d.error, body])
                })
                .map_err(io("update a delivery"))?;
        }
    }
    Ok(())
}

fn sized(body: &str) -> Result<()> {
    if body.len() <= BODY_BYTES_MAX {
        return Ok(());
    }
    Err(Error::Limit { what: "bytes of a record", max: BODY_BYTES_MAX as u64 })
}

fn next_version(tx: &Transaction<'_>, kind: &str, id: &str, expected: Option<u64>) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(version), 0) FROM document WHERE kind = ?1 AND id = ?2";
    let found: i64 = tx
        .prepare_cached(sql)
        .and_then(|mut s| s.query_row([kind, id], |row| row.get(0)))
        .map_err(io("read a version"))?;
    let found_u64 = u64::try_from(found).unwrap_or(0);
    match expected {
        Some(expected) if expected != found_u64 => {
            Err(Error::Conflict { kind: kind.into(), id: id.into(), found: found_u64, expected })
        }
        _ => Ok(found + 1),
    }
}

fn enqueue(tx: &Transaction<'_>, d: &Delivery) -> Result<()> {
    sized(&d.body)?;
    let waiting: u64 = tx
        .prepare_cached("SELECT COUNT(*) FROM delivery WHERE state = 0")
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(io("count the outbox"))?;
    if waiting >= PENDING_MAX {
        return Err(Error::Limit { what: "messages in the outbox", max: PENDING_MAX });
    }
    let sql = "INSERT OR IGNORE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let args = params![
        d.id,
        d.receiver,
        d.created_ms,
        d.next_ms,
        d.attempts,
        code(d.state),
        d.error,
        d.body
    ];
    tx.prepare_cached(sql).and_then(|mut s| s.execute(args)).map_err(io("enqueue"))?;
    Ok(())
}

/// Keeps the bounds: the oldest events, delivered and dead letters go.
fn trim(tx: &Transaction<'_>) -> Result<()> {
    let events = i64::try_from(EVENTS_MAX).unwrap_or(i64::MAX);
    tx.prepare_cached("DELETE FROM event WHERE seq <= (SELECT MAX(seq) FROM event) - ?1")
        .and_then(|mut s| s.execute([events]))
        .map_err(io("trim events"))?;
    let sql = "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE state = ?1
               ORDER BY next_ms DESC, id LIMIT -1 OFFSET ?2)";
    let letters = i64::try_from(DEAD_MAX).unwrap_or(i64::MAX);
    for state in [DeliveryState::Delivered, DeliveryState::Dead] {
        tx.prepare_cached(sql)
            .and_then(|mut s| s.execute([code(state), letters]))
            .map_err(io("trim letters"))?;
    }
    Ok(())
}

const fn code(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Dead => 2,
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        kind: row.get(0)?,
        id: row.get(1)?,
        version: row.get(2)?,
        time_ms: row.get(3)?,
        author: row.get(4)?,
        body: row.get(5)?,
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        seq: row.get(0)?,
        time_ms: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        body: row.get(4)?,
    })
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        receiver: row.get(1)?,
        created_ms: row.get(2)?,
        next_ms: row.get(3)?,
        attempts: row.get(4)?,
        state: match row.get(5)? {
            0 => DeliveryState::Pending,
            1 => DeliveryState::Delivered,
            _ => DeliveryState::Dead,
        },
        error: row.get(6)?,
        body: row.get(7)?,
    })
}
