//! Pages as PDF 1.7: vector pictures, real text in the embedded typeface (of which only the glyphs that are
//! used are in the file), bookmarks, title, language.
//!
//! Deterministic: dates are those of the document. A character that the typeface lacks is shown as `?`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use jiff::tz::TimeZone;
use pdf_writer::types::{
    CidFontType, FontFlags, LineCapStyle, LineJoinStyle, PageMode, SystemInfo, UnicodeCmap,
};
use pdf_writer::{Content, Date, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use skrifa::MetadataProvider as _;
use skrifa::instance::{LocationRef, Size};
use subsetter::GlyphRemapper;

use super::blocks::Document;
use super::flow::Pages;
use super::output::RenderError;
use crate::figure::{Anchor, Colour, Scene, Shape};
use crate::text::{Face, letter};

/// Pages of a file.
pub const PAGES_MAX: usize = 100;
/// How much of the ground is seen comes in so many steps.
const OPACITIES: f64 = 20.0;
/// How far the handles of a quarter of a circle are from its ends.
const BEND: f64 = 0.552_284_75;
/// What stands for a character that the typeface lacks.
const UNKNOWN: char = '?';
const FACES: [Face; 2] = [Face::Regular, Face::Bold];
const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The glyphs of a typeface that are used.
struct Used {
    face: Face,
    mapper: GlyphRemapper,
    /// Character and width of each glyph by its new number.
    glyphs: BTreeMap<u16, (char, f64)>,
}

impl Used {
    fn new(face: Face) -> Self {
        Self { face, mapper: GlyphRemapper::new(), glyphs: BTreeMap::new() }
    }

    /// The bytes by which a text is shown, and how wide it is in units of its size.
    fn encoded(&mut self, text: &str) -> (Vec<u8>, f64) {
        let mut bytes = Vec::with_capacity(text.len() * 2);
        let mut sum = 0.0;
        for c in text.chars() {
            let found = letter(c, self.face).map(|g| (c, g));
            let Some((c, (glyph, wide))) =
                found.or_else(|| letter(UNKNOWN, self.face).map(|g| (UNKNOWN, g)))
            else {
                continue;
            };
            let id = self.mapper.remap(u16::try_from(glyph).unwrap_or(0));
            self.glyphs.entry(id).or_insert((c, wide));
            bytes.extend(id.to_be_bytes());
            sum += wide;
        }
        (bytes, sum)
    }
}

/// Hands out numbers of objects.
struct Refs(i32);

impl Refs {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// The file.
///
/// # Errors
/// The typeface cannot be cut to what is used.
pub fn write(pages: &Pages, document: &Document) -> Result<Vec<u8>, RenderError> {
    let mut refs = Refs(0);
    let (catalog, tree, info) = (refs.next(), refs.next(), refs.next());
    let fonts = FACES.map(|_| refs.next());
    let mut faces = FACES.map(Used::new);
    let mut opacities = BTreeSet::new();
    let drawn: Vec<Vec<u8>> = pages
        .scenes
        .iter()
        .map(|scene| Painter { scene, faces: &mut faces, opacities: &mut opacities }.paint())
        .collect();
    let states: Vec<(u8, Ref)> = opacities.into_iter().map(|o| (o, refs.next())).collect();
    let mut pdf = Pdf::new();
    pdf.set_version(1, 7);
    let ids: Vec<(Ref, Ref)> = drawn.iter().map(|_| (refs.next(), refs.next())).collect();
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(ids.len() as i32);
    for ((scene, bytes), (page_id, content_id)) in pages.scenes.iter().zip(&drawn).zip(&ids) {
        let mut page = pdf.page(*page_id);
        page.media_box(Rect::new(0.0, 0.0, scene.width as f32, scene.height as f32));
        page.parent(tree).contents(*content_id);
        let mut resources = page.resources();
        let mut named = resources.fonts();
        for (i, font) in fonts.iter().enumerate() {
            named.pair(Name(font_name(i)), *font);
        }
        named.finish();
        let mut named = resources.ext_g_states();
        for (opacity, state) in &states {
            named.pair(Name(state_name(*opacity).as_bytes()), *state);
        }
        named.finish();
        resources.finish();
        page.finish();
        let packed = packed(bytes);
        pdf.stream(*content_id, &packed).filter(Filter::FlateDecode);
    }
    for (opacity, state) in &states {
        let part = (f64::from(*opacity) / OPACITIES) as f32;
        pdf.ext_graphics(*state).non_stroking_alpha(part);
    }
    for (face, font) in faces.iter().zip(fonts) {
        write_face(&mut pdf, face, font, &mut refs)?;
    }
    let outline = bookmarks(&mut pdf, pages, &ids, &mut refs);
    write_info(&mut pdf, info, document);
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("en"));
    if let Some(outline) = outline {
        root.outlines(outline).page_mode(PageMode::UseOutlines);
    }
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    Ok(pdf.finish())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(6));
    // Writing to memory cannot fail.
    let _always = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

const fn font_name(place: usize) -> &'static [u8] {
    if place == 0 { b"F0" } else { b"F1" }
}

fn state_name(opacity: u8) -> String {
    format!("G{opacity}")
}

fn write_info(pdf: &mut Pdf, info: Ref, document: &Document) {
    let mut doc = pdf.document_info(info);
    doc.title(TextStr(&document.title));
    doc.subject(TextStr(&document.period));
    doc.creator(TextStr("Plimsoll"));
    doc.producer(TextStr(&format!("Plimsoll {}", document.version)));
    let at = jiff::Timestamp::from_millisecond(document.made_at).unwrap_or_default();
    let at = at.to_zoned(TimeZone::UTC);
    let part = |n: i8| n.unsigned_abs();
    let date = Date::new(at.year().unsigned_abs())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    doc.creation_date(date);
}

/// The headings, to be gone to.
fn bookmarks(pdf: &mut Pdf, pages: &Pages, ids: &[(Ref, Ref)], refs: &mut Refs) -> Option<Ref> {
    if pages.bookmarks.is_empty() {
        return None;
    }
    let outline = refs.next();
    let items: Vec<Ref> = pages.bookmarks.iter().map(|_| refs.next()).collect();
    for (i, (bookmark, item)) in pages.bookmarks.iter().zip(&items).enumerate() {
        let Some((page, _)) = ids.get(bookmark.page) else { continue };
        let high = pages.scenes.get(bookmark.page).map_or(0.0, |s| s.height);
        let mut entry = pdf.outline_item(*item);
        entry.title(TextStr(&bookmark.title)).parent(outline);
        if i > 0 {
            entry.prev(items[i - 1]);
        }
        if let Some(next) = items.get(i + 1) {
            entry.next(*next);
        }
        entry.dest().page(*page).xyz(0.0, (high - bookmark.y) as f32, None);
    }
    let mut root = pdf.outline(outline);
    if let (Some(first), Some(last)) = (items.first(), items.last()) {
        root.first(*first).last(*last).count(items.len() as i32);
    }
    root.finish();
    Some(outline)
}

/// A typeface with the glyphs that are used.
fn write_face(pdf: &mut Pdf, used: &Used, font: Ref, refs: &mut Refs) -> Result<(), RenderError> {
    let wrong = |e: String| RenderError::Typeface(e);
    let bytes = used.face.bytes();
    let cut = subsetter::subset(bytes, 0, &used.mapper).map_err(|e| wrong(e.to_string()))?;
    let program = skrifa::FontRef::new(&cut).map_err(|e| wrong(e.to_string()))?;
    let program = program.table_data(skrifa::Tag::new(b"CFF "));
    let program = packed(program.ok_or_else(|| wrong("no outlines".to_owned()))?.as_bytes());
    let whole = skrifa::FontRef::new(bytes).map_err(|e| wrong(e.to_string()))?;
    let metrics = whole.metrics(Size::new(1000.0), LocationRef::default());
    let name = match used.face {
        Face::Regular => "PLMSOL+Inter-Regular",
        Face::Bold => "PLMSOL+Inter-SemiBold",
    };
    let (cid, descriptor, data, map) = (refs.next(), refs.next(), refs.next(), refs.next());
    pdf.type0_font(font)
        .base_font(Name(format!("{name}-Identity-H").as_bytes()))
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(map);
    let mut cid_font = pdf.cid_font(cid);
    cid_font.subtype(CidFontType::Type0).base_font(Name(name.as_bytes()));
    cid_font.system_info(IDENTITY).font_descriptor(descriptor).default_width(0.0);
    let mut widths = cid_font.widths();
    for (id, (_, wide)) in &used.glyphs {
        widths.consecutive(*id, [(wide * 1000.0) as f32]);
    }
    widths.finish();
    cid_font.finish();
    let bounds = metrics.bounds.unwrap_or_default();
    let bold = used.face == Face::Bold;
    pdf.font_descriptor(descriptor)
        .name(Name(name.as_bytes()))
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max))
        .italic_angle(0.0)
        .ascent(metrics.ascent)
        .descent(metrics.descent)
        .cap_height(metrics.cap_height.unwrap_or(metrics.ascent))
        .stem_v(if bold { 120.0 } else { 80.0 })
        .font_file3(data);
    let mut stream = pdf.stream(data, &program);
    stream.filter(Filter::FlateDecode);
    stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    stream.finish();
    let mut cmap = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
    used.glyphs.iter().for_each(|(id, (c, _))| cmap.pair(*id, *c));
    let cmap = packed(&cmap.finish());
    pdf.cmap(map, &cmap).filter(Filter::FlateDecode);
    Ok(())
}

/// Draws a scene as the content of a page, whose zero is at the lower left.
struct Painter<'p> {
    scene: &'p Scene,
    faces: &'p mut [Used; 2],
    opacities: &'p mut BTreeSet<u8>,
}

impl Painter<'_> {
    fn paint(mut self) -> Vec<u8> {
        let mut out = Content::new();
        out.set_line_join(LineJoinStyle::RoundJoin);
        out.set_line_cap(LineCapStyle::RoundCap);
        let scene = self.scene;
        scene.shapes.iter().for_each(|shape| self.shape(&mut out, shape));
        out.finish().to_vec()
    }

    fn place(&self, (x, y): (f64, f64)) -> (f32, f32) {
        (hundredth(x), hundredth(self.scene.height - y))
    }

    fn shape(&mut self, out: &mut Content, shape: &Shape) {
        match shape {
            Shape::Rect { at: [x, y, w, h], round, fill, opacity } => {
                self.filled(out, *fill, *opacity, |p, out| {
                    let r = round.min(w / 2.0).min(h / 2.0).max(0.0);
                    if r > 0.0 {
                        p.rounded(out, [*x, *y, *w, *h], r);
                    } else {
                        let (left, low) = p.place((*x, y + h));
                        out.rect(left, low, hundredth(*w), hundredth(*h));
                    }
                });
            }
            Shape::Area { points, fill, opacity } => self.filled(out, *fill, *opacity, |p, out| {
                p.path(out, points);
                out.close_path();
            }),
            Shape::Dot { at: (x, y), radius, fill } => self.filled(out, *fill, 1.0, |p, out| {
                let d = radius * 2.0;
                p.rounded(out, [x - radius, y - radius, d, d], *radius);
            }),
            Shape::Lines { runs, stroke, width, dash } => {
                let [r, g, b] = parts(*stroke);
                out.set_stroke_rgb(r, g, b).set_line_width(hundredth(*width));
                let dashes = dash.map(|(on, off)| [hundredth(on), hundredth(off)]);
                out.set_dash_pattern(dashes.into_iter().flatten(), 0.0);
                runs.iter().for_each(|run| self.path(out, run));
                out.stroke();
            }
            Shape::Text { at, text, size, is_bold, anchor, fill } => {
                let face = usize::from(*is_bold);
                let (bytes, wide) = self.faces[face].encoded(text);
                let wide = wide * size;
                let left = match anchor {
                    Anchor::Start => at.0,
                    Anchor::Middle => at.0 - wide / 2.0,
                    Anchor::End => at.0 - wide,
                };
                let (x, y) = self.place((left, at.1));
                let [r, g, b] = parts(*fill);
                out.begin_text().set_font(Name(font_name(face)), hundredth(*size));
                out.set_fill_rgb(r, g, b).set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
                out.show(Str(&bytes)).end_text();
            }
        }
    }

    fn filled(
        &mut self,
        out: &mut Content,
        fill: Colour,
        opacity: f64,
        path: impl FnOnce(&Self, &mut Content),
    ) {
        let step = (opacity.clamp(0.0, 1.0) * OPACITIES).round() as u8;
        let is_clear = f64::from(step) < OPACITIES;
        let [r, g, b] = parts(fill);
        if is_clear {
            self.opacities.insert(step);
            out.save_state().set_parameters(Name(state_name(step).as_bytes()));
        }
        out.set_fill_rgb(r, g, b);
        path(self, out);
        out.fill_nonzero();
        if is_clear {
            out.restore_state();
        }
    }

    fn path(&self, out: &mut Content, points: &[(f64, f64)]) {
        for (i, point) in points.iter().enumerate() {
            let (x, y) = self.place(*point);
            if i == 0 {
                out.move_to(x, y)
            } else {
                out.line_to(x, y)
            };
        }
    }

    fn rounded(&self, out: &mut Content, [x, y, w, h]: [f64; 4], r: f64) {
        let k = r * (1.0 - BEND);
        let (right, low) = (x + w, y + h);
        let to = |p| self.place(p);
        let (ax, ay) = to((x + r, y));
        out.move_to(ax, ay);
        // Each side and the corner at its end: end of the side, two handles, end of the corner.
        let corners = [
            [(right - r, y), (right - k, y), (right, y + k), (right, y + r)],
            [(right, low - r), (right, low - k), (right - k, low), (right - r, low)],
            [(x + r, low), (x + k, low), (x, low - k), (x, low - r)],
            [(x, y + r), (x, y + k), (x + k, y), (x + r, y)],
        ];
        for corner in corners {
            let [(ax, ay), (bx, by), (cx, cy), (dx, dy)] = corner.map(to);
            out.line_to(ax, ay).cubic_to(bx, by, cx, cy, dx, dy);
        }
        out.close_path();
    }
}

fn hundredth(value: f64) -> f32 {
    ((value * 100.0).round() / 100.0) as f32
}

fn parts(colour: Colour) -> [f32; 3] {
    let (r, g, b) = colour.parts();
    [r, g, b].map(|c| ((f32::from(c) / 255.0) * 1000.0).round() / 1000.0)
}
