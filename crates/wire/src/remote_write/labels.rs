//! The labels of a row: `Label` fields as version 1 has them, in any order.

use plimsoll_model::{DecodeLabels, LABELS_MAX, LabelBuf, METRIC_NAME};

use crate::proto::{Cursor, Value, mistyped};
use crate::{Error, Result};

/// Reads the labels of a row from its `Label` fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct LabelFields;

impl DecodeLabels for LabelFields {
    /// "rw1": raw bytes of this encoding never mean what bytes of another encoding do.
    fn salt(&self) -> u64 {
        0x0072_7731
    }

    fn decode(&self, raw: &[u8], out: &mut LabelBuf) -> plimsoll_model::Result<()> {
        let mut pairs = Vec::with_capacity(16);
        let mut c = Cursor::new(raw);
        while let Some((_, value)) = c.next()? {
            if let Value::Bytes(label) = value {
                pairs.push(label_pair(label)?);
            }
        }
        if !pairs.iter().any(|(n, v)| *n == METRIC_NAME && !v.is_empty()) {
            return Err(plimsoll_model::Error::Invalid(
                "series has no metric name; send the label __name__".into(),
            ));
        }
        out.set(&mut pairs)
    }
}

/// The labels of a row for people, as far as they can be read.
pub fn labels_text(raw: &[u8]) -> String {
    let mut labels = LabelBuf::new();
    match LabelFields.decode(raw, &mut labels) {
        Ok(()) => labels.to_labels().to_string(),
        Err(_) => {
            let mut pairs = Vec::new();
            let mut c = Cursor::new(raw);
            while let Ok(Some((_, value))) = c.next()
                && pairs.len() < LABELS_MAX
            {
                if let Value::Bytes(label) = value
                    && let Ok((name, value)) = label_pair(label)
                {
                    pairs.push(format!("{name}={value:?}"));
                }
            }
            let mut text = format!("{{{}}}", pairs.join(", "));
            text.truncate(text.floor_char_boundary(1 << 10));
            text
        }
    }
}

pub(super) fn label_pair(message: &[u8]) -> Result<(&str, &str)> {
    let (mut name, mut label) = ("", "");
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Bytes(b)) => name = utf8("label name", b)?,
            (2, Value::Bytes(b)) => label = utf8("label value", b)?,
            (1 | 2, _) => return Err(mistyped("Label", field)),
            _ => {}
        }
    }
    Ok((name, label))
}

pub(super) fn utf8<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let near = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
        Error::invalid(format!("{what} {near:?} is not UTF-8 ({e})"))
    })
}
