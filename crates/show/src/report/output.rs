//! The forms in which a document is written.

use serde::{Deserialize, Serialize};

use super::blocks::Document;
use super::{csv, flow, html, markdown, pdf};
use crate::picture::DrawError;

/// Pixels of a PNG for one unit of the page.
const SCALE: f64 = 1.5;

/// A form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pages.
    #[default]
    Pdf,
    /// A page for the browser, in one file.
    Html,
    /// A picture.
    Png,
    /// Rows.
    Csv,
    /// Data.
    Json,
    /// Text.
    Md,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Pdf, Self::Html, Self::Png, Self::Csv, Self::Json, Self::Md];

    /// Its word, which is also how its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Html => "html",
            Self::Png => "png",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Md => "md",
        }
    }

    /// Its media type.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Html => "text/html; charset=utf-8",
            Self::Png => "image/png",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Md => "text/markdown; charset=utf-8",
        }
    }

    /// The form of this word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.extension() == word)
    }
}

/// Why a document is not written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no picture of it.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The typeface cannot be put into the file.
    #[error("the typeface cannot be embedded: {0}")]
    Typeface(String),
}

/// A document in a form. The same document gives the same bytes.
///
/// # Errors
/// There is no picture of it.
pub fn render(document: &Document, format: Format) -> Result<Vec<u8>, RenderError> {
    Ok(match format {
        Format::Pdf => pdf::write(&flow::pages(document), document)?,
        Format::Html => html::write(document).into_bytes(),
        Format::Png => flow::sheet(document).png_scaled(SCALE)?,
        Format::Csv => csv::write(document).into_bytes(),
        Format::Json => serde_json::to_vec(&document.json()).unwrap_or_default(),
        Format::Md => markdown::write(document).into_bytes(),
    })
}
