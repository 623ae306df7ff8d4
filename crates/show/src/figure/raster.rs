//! A scene as pixels, and those as PNG. Shapes are drawn as they are: there is no SVG in between that would have to be read
//! again, and a text is the outlines of its letters, set as in a PDF.
//!
//! Deterministic. At most [`PIXELS_MAX`] pixels. A character that the typeface lacks is shown as `?`.

use std::collections::HashMap;
use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use resvg::tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash,
    Transform,
};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider as _};

use super::scene::{Anchor, Scene, Shape};
use super::theme::Colour;
use crate::picture::DrawError;
use crate::text::{Face, letter};

/// Pixels of a picture: 64 MiB while it is drawn.
pub const PIXELS_MAX: f64 = 16.0 * 1024.0 * 1024.0;
/// Pixels of a side.
const SIDE_MAX: f64 = 16_384.0;
/// What stands for a character that the typeface lacks.
const UNKNOWN: char = '?';
/// How far the handles of a quarter of a circle are from its ends.
const BEND: f32 = 0.552_284_8;
/// Pictures are large even areas: more work makes their files hardly smaller.
const EFFORT: u32 = 4;

impl Scene {
    /// The picture as PNG, so many times as large.
    ///
    /// # Errors
    /// It has no area, or more than [`PIXELS_MAX`].
    pub fn png_scaled(&self, scale: f64) -> Result<Vec<u8>, DrawError> {
        let (width, height) = ((self.width * scale).ceil(), (self.height * scale).ceil());
        let wrong = || DrawError::Size(width as f32, height as f32);
        let fits = |side: f64| (1.0..=SIDE_MAX).contains(&side);
        if !fits(width) || !fits(height) || width * height > PIXELS_MAX {
            return Err(wrong());
        }
        let mut pixels = Pixmap::new(width as u32, height as u32).ok_or_else(wrong)?;
        pixels.fill(colour(self.ground, 1.0));
        let scale = scale as f32;
        let mut canvas =
            Canvas { pixels, to: Transform::from_scale(scale, scale), letters: HashMap::new() };
        self.shapes.iter().for_each(|shape| canvas.shape(shape));
        Ok(encoded(&canvas.pixels))
    }
}

fn colour(colour: Colour, opacity: f64) -> Color {
    let (r, g, b) = colour.parts();
    Color::from_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn paint(fill: Colour, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour(fill, opacity));
    paint
}

/// A step of an outline, in units of the typeface.
#[derive(Clone, Copy)]
enum Step {
    Move([f32; 2]),
    Line([f32; 2]),
    Quad([f32; 4]),
    Cubic([f32; 6]),
    Close,
}

/// Keeps the outline of a letter.
#[derive(Default)]
struct Outline(Vec<Step>);

impl OutlinePen for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(Step::Move([x, y]));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(Step::Line([x, y]));
    }

    fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
        self.0.push(Step::Quad([a, b, x, y]));
    }

    fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
        self.0.push(Step::Cubic([a, b, c, d, x, y]));
    }

    fn close(&mut self) {
        self.0.push(Step::Close);
    }
}

struct Canvas {
    pixels: Pixmap,
    to: Transform,
    /// Outlines that were read, of a size of 1.
    letters: HashMap<(char, bool), (Vec<Step>, f32)>,
}

impl Canvas {
    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect { at, round, fill, opacity } => {
                let [x, y, w, h] = at.map(|v| v as f32);
                let round = (*round as f32).min(w / 2.0).min(h / 2.0);
                if round > 0.0 {
                    self.fill(rounded([x, y, w, h], round), *fill, *opacity);
                } else if let Some(rect) = Rect::from_xywh(x, y, w, h) {
                    self.pixels.fill_rect(rect, &paint(*fill, *opacity), self.to, None);
                }
            }
            Shape::Area { points, fill, opacity } => {
                let mut path = PathBuilder::new();
                through(&mut path, points);
                path.close();
                self.fill(path.finish(), *fill, *opacity);
            }
            Shape::Dot { at: (x, y), radius, fill } => {
                let path = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
                self.fill(path, *fill, 1.0);
            }
            Shape::Lines { runs, stroke, width, dash } => {
                let mut path = PathBuilder::new();
                runs.iter().for_each(|run| through(&mut path, run));
                let dash =
                    dash.and_then(|(on, off)| StrokeDash::new(vec![on as f32, off as f32], 0.0));
                let look = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Round,
                    line_join: LineJoin::Round,
                    dash,
                    ..Stroke::default()
                };
                if let Some(path) = path.finish() {
                    self.pixels.stroke_path(&path, &paint(*stroke, 1.0), &look, self.to, None);
                }
            }
            Shape::Text { at, text, size, is_bold, anchor, fill } => {
                self.text(*at, text, *size, *is_bold, *anchor, *fill);
            }
        }
    }

    fn fill(&mut self, path: Option<Path>, fill: Colour, opacity: f64) {
        if let Some(path) = path {
            let paint = paint(fill, opacity);
            self.pixels.fill_path(&path, &paint, FillRule::Winding, self.to, None);
        }
    }

    fn text(
        &mut self,
        at: (f64, f64),
        text: &str,
        size: f64,
        is_bold: bool,
        anchor: Anchor,
        fill: Colour,
    ) {
        let size = size as f32;
        for c in text.chars() {
            self.letters.entry((c, is_bold)).or_insert_with(|| outline(c, is_bold));
        }
        let letters: Vec<&(Vec<Step>, f32)> =
            text.chars().filter_map(|c| self.letters.get(&(c, is_bold))).collect();
        let wide: f32 = letters.iter().map(|(_, wide)| wide * size).sum();
        let mut x = match anchor {
            Anchor::Start => at.0 as f32,
            Anchor::Middle => at.0 as f32 - wide / 2.0,
            Anchor::End => at.0 as f32 - wide,
        };
        let y = at.1 as f32;
        let mut path = PathBuilder::new();
        for (steps, wide) in letters {
            let (px, py) = (|v: f32| x + v * size, |v: f32| y - v * size);
            for step in steps {
                match *step {
                    Step::Move([a, b]) => path.move_to(px(a), py(b)),
                    Step::Line([a, b]) => path.line_to(px(a), py(b)),
                    Step::Quad([a, b, c, d]) => path.quad_to(px(a), py(b), px(c), py(d)),
                    Step::Cubic([a, b, c, d, e, f]) => {
                        path.cubic_to(px(a), py(b), px(c), py(d), px(e), py(f));
                    }
                    Step::Close => path.close(),
                }
            }
            x += wide * size;
        }
        self.fill(path.finish(), fill, 1.0);
    }
}

/// The outline of a letter and how wide it is, of a size of 1.
fn outline(c: char, is_bold: bool) -> (Vec<Step>, f32) {
    let face = if is_bold { Face::Bold } else { Face::Regular };
    let Some((glyph, wide)) = letter(c, face).or_else(|| letter(UNKNOWN, face)) else {
        return (Vec::new(), 0.0);
    };
    let mut kept = Outline::default();
    if let Ok(font) = FontRef::new(face.bytes()) {
        let all = font.outline_glyphs();
        let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
        if let Some(glyph) = all.get(GlyphId::new(glyph)) {
            // What cannot be read leaves a gap.
            let _read = glyph.draw(settings, &mut kept);
        }
        let units = font.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
        let part = 1.0 / f32::from(units.max(1));
        kept.0.iter_mut().for_each(|step| match step {
            Step::Move(all) | Step::Line(all) => all.iter_mut().for_each(|v| *v *= part),
            Step::Quad(all) => all.iter_mut().for_each(|v| *v *= part),
            Step::Cubic(all) => all.iter_mut().for_each(|v| *v *= part),
            Step::Close => {}
        });
    }
    (kept.0, wide as f32)
}

fn through(path: &mut PathBuilder, points: &[(f64, f64)]) {
    for (i, (x, y)) in points.iter().enumerate() {
        match i {
            0 => path.move_to(*x as f32, *y as f32),
            _ => path.line_to(*x as f32, *y as f32),
        }
    }
}

fn rounded([x, y, w, h]: [f32; 4], r: f32) -> Option<Path> {
    let (right, low, k) = (x + w, y + h, r * (1.0 - BEND));
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - k, y, right, y + k, right, y + r);
    path.line_to(right, low - r);
    path.cubic_to(right, low - k, right - k, low, right - r, low);
    path.line_to(x + r, low);
    path.cubic_to(x + k, low, x, low - k, x, low - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + k, x + k, y, x + r, y);
    path.close();
    path.finish()
}

/// Opaque pixels as PNG: eight bits of red, green and blue.
fn encoded(pixels: &Pixmap) -> Vec<u8> {
    let (width, height) = (pixels.width(), pixels.height());
    let row = width as usize * 4;
    let packed = Vec::with_capacity(row * height as usize / 20);
    let mut encoder = ZlibEncoder::new(packed, Compression::new(EFFORT));
    let mut line = Vec::with_capacity(row + 1);
    for pixels in pixels.data().chunks_exact(row) {
        line.clear();
        // No filter: even areas are runs of the same bytes anyway.
        line.push(0);
        line.extend(pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]));
        // Writing to memory cannot fail.
        let _always = encoder.write_all(&line);
    }
    let packed = encoder.finish().unwrap_or_default();
    let mut head = Vec::with_capacity(13);
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    let mut out = Vec::with_capacity(packed.len() + 64);
    out.extend(b"\x89PNG\r\n\x1a\n");
    chunk(&mut out, *b"IHDR", &head);
    chunk(&mut out, *b"IDAT", &packed);
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], bytes: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(bytes);
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(kind);
    out.extend(bytes);
    out.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Figure, Kind, Theme, Trace};

    fn scene(shapes: Vec<Shape>) -> Scene {
        Scene {
            width: 40.0,
            height: 30.0,
            title: String::new(),
            description: String::new(),
            ground: Colour(0xff_ff_ff),
            shapes,
        }
    }

    /// The picture as it was drawn.
    fn read(png: &[u8]) -> Pixmap {
        Pixmap::decode_png(png).unwrap()
    }

    fn at(pixels: &Pixmap, x: u32, y: u32) -> u32 {
        let p = pixels.pixel(x, y).unwrap();
        u32::from(p.red()) << 16 | u32::from(p.green()) << 8 | u32::from(p.blue())
    }

    #[test]
    fn shapes_are_where_they_belong() {
        let red = Colour(0xff_00_00);
        let pixels = read(
            &scene(vec![
                Shape::Rect { at: [2.0, 3.0, 10.0, 5.0], round: 0.0, fill: red, opacity: 1.0 },
                Shape::Rect { at: [20.0, 3.0, 10.0, 10.0], round: 5.0, fill: red, opacity: 0.5 },
                Shape::Lines {
                    runs: vec![vec![(0.0, 20.0), (40.0, 20.0)]],
                    stroke: Colour(0x00_00_ff),
                    width: 2.0,
                    dash: None,
                },
                Shape::Area {
                    points: vec![(0.0, 22.0), (10.0, 22.0), (10.0, 30.0), (0.0, 30.0)],
                    fill: Colour(0x00_ff_00),
                    opacity: 1.0,
                },
                Shape::Dot { at: (30.0, 26.0), radius: 3.0, fill: red },
            ])
            .png_scaled(2.0)
            .unwrap(),
        );
        assert_eq!((pixels.width(), pixels.height()), (80, 60));
        for (x, y, wanted) in [
            (0, 0, 0xff_ff_ff),
            (4, 6, 0xff_00_00),
            (23, 15, 0xff_00_00),
            (24, 16, 0xff_ff_ff),
            (40, 6, 0xff_ff_ff),
            (50, 16, 0xff_7f_7f),
            (40, 40, 0x00_00_ff),
            (10, 50, 0x00_ff_00),
            (60, 52, 0xff_00_00),
        ] {
            let found = at(&pixels, x, y);
            let near = |shift: u32| ((found >> shift) & 255).abs_diff((wanted >> shift) & 255) <= 1;
            assert!(near(16) && near(8) && near(0), "{x} {y}: {found:06x}, {wanted:06x}");
        }
    }

    /// The columns that have ink.
    fn inked(text: &str, anchor: Anchor) -> (u32, u32) {
        let shape =
            Shape::text((20.0, 20.0), text.to_owned(), 12.0, Face::Bold, (anchor, Colour(0)));
        let pixels = read(&scene(vec![shape]).png_scaled(2.0).unwrap());
        let dark = |x: &u32| (0..pixels.height()).any(|y| at(&pixels, *x, y) < 0x80_80_80);
        let columns: Vec<u32> = (0..pixels.width()).filter(dark).collect();
        (columns.first().copied().unwrap_or(0), columns.last().copied().unwrap_or(0))
    }

    #[test]
    fn texts_have_their_ink_beside_their_place() {
        let (start, middle, end) =
            (inked("HH", Anchor::Start), inked("HH", Anchor::Middle), inked("HH", Anchor::End));
        assert!(start.0 >= 40 && start.0 < 46, "{start:?}");
        assert!(end.1 <= 40 && end.1 > 34, "{end:?}");
        assert!(middle.0.abs_diff(80 - middle.1) <= 2, "{middle:?}");
        assert_eq!(inked("\u{4e2d}", Anchor::Start), inked("?", Anchor::Start));
        assert_eq!(inked("", Anchor::Start), (0, 0));
    }

    #[test]
    fn the_same_figure_gives_the_same_bytes_and_size_is_bounded() {
        let figure = Figure {
            kind: Kind::TimeSeries,
            title: "Ä figure".to_owned(),
            until: 1_000,
            step_ms: 1,
            traces: vec![Trace {
                points: (0..1_000).map(|i| (i, (i as f64).sin())).collect(),
                ..Trace::default()
            }],
            ..Figure::default()
        };
        let draw = || figure.draw(640.0, 320.0, Theme::Dark).png_scaled(2.0).unwrap();
        assert_eq!(draw(), draw());
        assert_eq!(read(&draw()).width(), 1_280);
        let large = figure.draw(4_000.0, 4_000.0, Theme::Light);
        assert!(matches!(large.png_scaled(2.0), Err(DrawError::Size(..))));
        assert!(large.png_scaled(1.0).is_ok());
        assert!(matches!(large.png_scaled(f64::NAN), Err(DrawError::Size(..))));
    }
}
