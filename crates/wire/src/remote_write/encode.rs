//! Writes remote-write 1.0 requests: for clients, benches and tests.

use plimsoll_model::{LabelsRef, Metadata, Timestamp};

use super::KINDS;
use crate::proto::put;

/// Builds one `prometheus.WriteRequest`. Reusable: [`Encoder::finish`] empties it.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    body: Vec<u8>,
    part: Vec<u8>,
}

impl Encoder {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series. Columns of unequal length are cut to the shorter one.
    pub fn series(&mut self, labels: LabelsRef<'_>, times: &[Timestamp], floats: &[f64]) {
        self.part.clear();
        for (name, value) in labels.iter() {
            put_label(&mut self.part, name.as_bytes(), value.as_bytes());
        }
        for (time, float) in times.iter().zip(floats) {
            put::varint(&mut self.part, 2 << 3 | 2);
            put::varint(&mut self.part, 10 + put::varint_len(*time as u64) as u64);
            put::double(&mut self.part, 1, *float);
            put::uint(&mut self.part, 2, *time as u64);
        }
        put::bytes(&mut self.body, 1, &self.part);
    }

    /// Adds what is known of a metric.
    pub fn metadata(&mut self, told: &Metadata) {
        self.part.clear();
        let kind = KINDS.iter().position(|k| *k == told.kind).unwrap_or(0);
        put::uint(&mut self.part, 1, kind as u64);
        put::bytes(&mut self.part, 2, told.metric.as_bytes());
        put::bytes(&mut self.part, 4, told.help.as_bytes());
        put::bytes(&mut self.part, 5, told.unit.as_bytes());
        put::bytes(&mut self.body, 3, &self.part);
    }

    /// Bytes before compression so far.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The request as a snappy block; the encoder is empty afterwards.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = vec![0; snap::raw::max_compress_len(self.body.len())];
        let n = snap::raw::Encoder::new()
            .compress(&self.body, &mut out)
            .expect("the room is what snappy asked for, and a request stays below 4 GiB");
        out.truncate(n);
        self.body.clear();
        out
    }
}

/// Writes a label field.
#[inline]
pub(crate) fn put_label(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let len = field_len(name.len()) + field_len(value.len());
    if len < 0x80 {
        // Nearly every label: all lengths have one byte.
        out.reserve(len + 2);
        out.extend_from_slice(&[0x0a, len as u8, 0x0a, name.len() as u8]);
        out.extend_from_slice(name);
        out.extend_from_slice(&[0x12, value.len() as u8]);
        out.extend_from_slice(value);
        return;
    }
    put::varint(out, 1 << 3 | 2);
    put::varint(out, len as u64);
    put::bytes(out, 1, name);
    put::bytes(out, 2, value);
}

/// Length of a field with a one-byte key and `len` bytes.
fn field_len(len: usize) -> usize {
    1 + put::varint_len(len as u64) + len
}
