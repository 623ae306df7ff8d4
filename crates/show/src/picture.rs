//! SVG to PNG, with the typeface of the program and nothing of the machine's.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::text::Face;

/// Pixels of a PNG for one of the SVG: sharp on dense screens.
pub const SCALE: f32 = 2.0;
/// Pixels of a side.
const SIDE_MAX: f32 = 8_192.0;

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The text is no SVG that can be drawn.
    #[error("not drawn: {0}")]
    Svg(String),
    /// It has no area, or too much of it.
    #[error("not drawn: a picture of {0} x {1} pixels")]
    Size(f32, f32),
}

/// An SVG as PNG, [`SCALE`] times as large.
///
/// # Errors
/// What [`svg`](crate::svg()) does not give: a text that is no SVG, or one without a size.
pub fn png(svg: &str) -> Result<Vec<u8>, DrawError> {
    let scale = SCALE;
    let options =
        Options { font_family: "Inter".to_owned(), fontdb: faces(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| DrawError::Svg(e.to_string()))?;
    let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
    let too_large = DrawError::Size(width, height);
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(too_large);
    }
    let mut pixels = Pixmap::new(width.ceil() as u32, height.ceil() as u32).ok_or(too_large)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| DrawError::Svg(e.to_string()))
}

fn faces() -> Arc<Database> {
    static FOUND: OnceLock<Arc<Database>> = OnceLock::new();
    let read = || {
        let mut all = Database::new();
        [Face::Regular, Face::Bold].iter().for_each(|f| all.load_font_data(f.bytes().to_vec()));
        Arc::new(all)
    };
    Arc::clone(FOUND.get_or_init(read))
}
