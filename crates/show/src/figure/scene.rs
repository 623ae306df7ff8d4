//! What a picture consists of, and that as SVG. Shapes are drawn in their order.

use std::fmt::Write as _;

use super::theme::Colour;
use crate::text::{Face, escaped};

/// Which point of a text stands at its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A part of a picture. Units are pixels of an SVG, points of a PDF.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled rectangle.
    Rect {
        /// Left, top, width, height.
        at: [f64; 4],
        /// Radius of its corners.
        round: f64,
        /// Its colour.
        fill: Colour,
        /// How little of the ground is seen through it, 0 to 1.
        opacity: f64,
    },
    /// Lines through points.
    Lines {
        /// The points of each run.
        runs: Vec<Vec<(f64, f64)>>,
        /// Colour.
        stroke: Colour,
        /// How wide.
        width: f64,
        /// Lengths of dash and gap.
        dash: Option<(f64, f64)>,
    },
    /// A filled area with these corners.
    Area {
        /// The corners.
        points: Vec<(f64, f64)>,
        /// Its colour.
        fill: Colour,
        /// How little of the ground is seen through it, 0 to 1.
        opacity: f64,
    },
    /// A filled circle.
    Dot {
        /// Centre.
        at: (f64, f64),
        /// Radius.
        radius: f64,
        /// Colour.
        fill: Colour,
    },
    /// Words in one line.
    Text {
        /// Where its base line is.
        at: (f64, f64),
        /// What it says.
        text: String,
        /// Size of the type.
        size: f64,
        /// Whether it is bold.
        is_bold: bool,
        /// Which point of it is at `at`.
        anchor: Anchor,
        /// Colour.
        fill: Colour,
    },
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// What it is called.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub description: String,
    /// What is behind the shapes.
    pub ground: Colour,
    /// The shapes.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// The picture as SVG of its own.
    pub fn svg(&self) -> String {
        let points = self.shapes.iter().map(Shape::weight).sum::<usize>();
        let mut out = String::with_capacity(1024 + points * 12);
        let (w, h) = (tenth(self.width), tenth(self.height));
        let (title, description) = (escaped(&self.title), escaped(&self.description));
        // Writing to a text cannot fail.
        let _always = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>\n",
            self.ground
        );
        self.shapes.iter().for_each(|shape| shape.write(&mut out));
        out.push_str("</svg>\n");
        out
    }

    /// The picture as PNG, [`SCALE`](crate::SCALE) times as large.
    ///
    /// # Errors
    /// It is too large.
    pub fn png(&self) -> Result<Vec<u8>, crate::DrawError> {
        self.png_scaled(f64::from(crate::SCALE))
    }
}

impl Shape {
    fn weight(&self) -> usize {
        match self {
            Self::Lines { runs, .. } => runs.iter().map(Vec::len).sum::<usize>() + 10,
            Self::Area { points, .. } => points.len() + 10,
            _ => 14,
        }
    }

    fn write(&self, out: &mut String) {
        let _always = self.written(out);
    }

    fn written(&self, out: &mut String) -> std::fmt::Result {
        match self {
            Self::Rect { at: [x, y, w, h], round, fill, opacity } => {
                let (x, y, w, h) = (tenth(*x), tenth(*y), tenth(*w), tenth(*h));
                write!(
                    out,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{fill}\""
                )?;
                if *round > 0.0 {
                    write!(out, " rx=\"{}\"", tenth(*round))?;
                }
                clear(out, *opacity)?;
                out.write_str("/>\n")
            }
            Self::Lines { runs, stroke, width, dash } => {
                out.write_str("<path d=\"")?;
                runs.iter().for_each(|run| path(out, run));
                write!(
                    out,
                    "\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width}\" \
                     stroke-linejoin=\"round\" stroke-linecap=\"round\""
                )?;
                if let Some((on, off)) = dash {
                    write!(out, " stroke-dasharray=\"{on} {off}\"")?;
                }
                out.write_str("/>\n")
            }
            Self::Area { points, fill, opacity } => {
                out.write_str("<path d=\"")?;
                path(out, points);
                write!(out, "Z\" fill=\"{fill}\"")?;
                clear(out, *opacity)?;
                out.write_str("/>\n")
            }
            Self::Dot { at: (x, y), radius, fill } => {
                let (x, y) = (tenth(*x), tenth(*y));
                writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\"/>")
            }
            Self::Text { at: (x, y), text, size, is_bold, anchor, fill } => {
                let weight = if *is_bold { " font-weight=\"600\"" } else { "" };
                let anchor = match anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " text-anchor=\"middle\"",
                    Anchor::End => " text-anchor=\"end\"",
                };
                let (x, y, text) = (tenth(*x), tenth(*y), escaped(text));
                writeln!(
                    out,
                    "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor} fill=\"{fill}\">{text}</text>"
                )
            }
        }
    }

    /// The same, somewhere else and of another size.
    pub fn moved(&self, dx: f64, dy: f64, scale: f64) -> Self {
        let to = |(x, y): (f64, f64)| (x * scale + dx, y * scale + dy);
        match self.clone() {
            Self::Rect { at: [x, y, w, h], round, fill, opacity } => {
                let at = [x * scale + dx, y * scale + dy, w * scale, h * scale];
                Self::Rect { at, round: round * scale, fill, opacity }
            }
            Self::Lines { runs, stroke, width, dash } => Self::Lines {
                runs: runs.into_iter().map(|r| r.into_iter().map(to).collect()).collect(),
                stroke,
                width: width * scale,
                dash: dash.map(|(on, off)| (on * scale, off * scale)),
            },
            Self::Area { points, fill, opacity } => {
                Self::Area { points: points.into_iter().map(to).collect(), fill, opacity }
            }
            Self::Dot { at, radius, fill } => {
                Self::Dot { at: to(at), radius: radius * scale, fill }
            }
            Self::Text { at, text, size, is_bold, anchor, fill } => {
                Self::Text { at: to(at), text, size: size * scale, is_bold, anchor, fill }
            }
        }
    }

    /// A text in one line.
    pub fn text(
        at: (f64, f64),
        text: String,
        size: f64,
        face: Face,
        look: (Anchor, Colour),
    ) -> Self {
        let (anchor, fill) = look;
        Self::Text { at, text, size, is_bold: face == Face::Bold, anchor, fill }
    }
}

fn clear(out: &mut String, opacity: f64) -> std::fmt::Result {
    if opacity < 1.0 { write!(out, " fill-opacity=\"{:.2}\"", opacity.max(0.0)) } else { Ok(()) }
}

/// Lines through points: the first is gone to, the others are drawn to.
fn path(out: &mut String, points: &[(f64, f64)]) {
    for (i, (x, y)) in points.iter().enumerate() {
        out.push(if i == 0 { 'M' } else { 'L' });
        push_tenth(out, *x);
        out.push(' ');
        push_tenth(out, *y);
    }
}

/// A number with at most one decimal.
fn tenth(value: f64) -> String {
    let mut out = String::new();
    push_tenth(&mut out, value);
    out
}

/// Much quicker than the formatter of the language, which is most of the time of a chart.
fn push_tenth(out: &mut String, value: f64) {
    let tenths = (value * 10.0).round();
    let tenths = if tenths.is_finite() { tenths.clamp(-1e9, 1e9) as i64 } else { 0 };
    let mut digits = [0_u8; 12];
    let mut at = digits.len();
    let (mut whole, part) = (tenths.unsigned_abs() / 10, (tenths.unsigned_abs() % 10) as u8);
    loop {
        at -= 1;
        digits[at] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    if tenths < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|d| char::from(*d)));
    if part > 0 {
        out.push('.');
        out.push(char::from(b'0' + part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_at_most_one_decimal() {
        for (value, wanted) in [
            (0.0, "0"),
            (-0.04, "0"),
            (12.345, "12.3"),
            (-12.35, "-12.4"),
            (1e300, "100000000"),
            (f64::NAN, "0"),
            (f64::NEG_INFINITY, "0"),
            (1234567.89, "1234567.9"),
        ] {
            assert_eq!(tenth(value), wanted, "{value}");
        }
    }

    #[test]
    fn words_are_safe_in_a_picture() {
        let text =
            Shape::text((1.0, 2.0), "<a&b>".into(), 10.0, Face::Bold, (Anchor::End, Colour(0)));
        let scene = Scene {
            width: 10.0,
            height: 10.0,
            title: "<script>".into(),
            description: "\"".into(),
            ground: Colour(0xff_ff_ff),
            shapes: vec![text.moved(1.0, 1.0, 2.0)],
        };
        let svg = scene.svg();
        assert!(svg.contains("&lt;a&amp;b&gt;") && svg.contains("&lt;script&gt;"), "{svg}");
        assert!(
            svg.contains(
                "x=\"3\" y=\"5\" font-size=\"20\" font-weight=\"600\" text-anchor=\"end\""
            )
        );
        assert!(scene.png().is_ok());
    }
}
