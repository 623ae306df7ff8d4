//! Texts in a picture: how wide they are, cut to their room, safe in XML.

use std::collections::HashMap;
use std::sync::OnceLock;

use skrifa::MetadataProvider as _;
use skrifa::instance::{LocationRef, Size};

/// Widths of the characters from space to tilde in thousandths of the size, of the regular face.
const REGULAR: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357, 625, 464, 605,
    636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507, 936, 676, 651, 727, 719, 598,
    587, 743, 740, 264, 543, 652, 562, 889, 753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642,
    665, 625, 362, 357, 362, 469, 452, 497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544,
    237, 869, 585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
];
/// The same of the bolder face.
const BOLD: [u16; 95] = [
    248, 309, 396, 643, 649, 844, 663, 213, 393, 393, 543, 673, 295, 466, 290, 379, 667, 481, 621,
    652, 666, 632, 648, 587, 646, 648, 290, 295, 673, 673, 673, 544, 999, 724, 657, 744, 724, 608,
    586, 755, 744, 275, 561, 677, 566, 906, 741, 775, 643, 776, 651, 649, 660, 734, 724, 1007, 690,
    705, 653, 393, 379, 393, 481, 468, 497, 575, 630, 577, 630, 593, 377, 625, 613, 261, 261, 569,
    261, 898, 610, 608, 625, 625, 397, 549, 380, 608, 576, 837, 562, 576, 562, 393, 358, 393, 673,
];
/// Of a character that the typeface does not have.
const OTHER: u16 = 680;
/// Lines of one text.
const LINES_MAX: usize = 200;

/// How heavy a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Regular,
    Bold,
}

/// The glyph of a character and how wide it is in units of the size; `None` when the typeface has none.
pub fn letter(c: char, face: Face) -> Option<(u32, f64)> {
    static REGULAR: OnceLock<Letters> = OnceLock::new();
    static BOLD: OnceLock<Letters> = OnceLock::new();
    let letters = match face {
        Face::Regular => REGULAR.get_or_init(|| read(face)),
        Face::Bold => BOLD.get_or_init(|| read(face)),
    };
    letters.get(&c).copied()
}

/// The glyph of each character with its width.
type Letters = HashMap<char, (u32, f64)>;

fn read(face: Face) -> Letters {
    let Ok(font) = skrifa::FontRef::new(face.bytes()) else { return Letters::new() };
    let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
    let all = font.charmap().mappings().filter_map(|(c, glyph)| {
        Some((char::from_u32(c)?, (glyph.to_u32(), f64::from(metrics.advance_width(glyph)?))))
    });
    all.collect()
}

impl Face {
    /// The typeface, as OpenType.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("../fonts/Inter-Regular.otf"),
            Self::Bold => include_bytes!("../fonts/Inter-SemiBold.otf"),
        }
    }
}

/// How wide a text is, about, in the unit of `size`.
pub fn width(text: &str, size: f64, face: Face) -> f64 {
    let table = match face {
        Face::Regular => &REGULAR,
        Face::Bold => &BOLD,
    };
    let of = |c: char| {
        let place = (c as usize).checked_sub(0x20);
        match place.and_then(|i| table.get(i)) {
            Some(wide) => f64::from(*wide),
            None => letter(c, face).map_or(f64::from(OTHER), |(_, wide)| wide * 1000.0),
        }
    };
    text.chars().map(of).sum::<f64>() * size / 1000.0
}

/// A text in one line that fits into `room`; what is cut ends with `…`.
pub fn fitted(text: &str, size: f64, face: Face, room: f64) -> String {
    // Wider than any picture: there is no point in measuring more.
    let line: String =
        text.chars().take(400).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if width(line, size, face) <= room {
        return line.to_owned();
    }
    let room = room - width("…", size, face);
    let mut out = String::new();
    let mut used = 0.0;
    for c in line.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size, face);
        if used > room {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out + "…"
}

/// A text in lines that fit into `room`; words that are longer are broken. At most [`LINES_MAX`] lines.
pub fn wrapped(text: &str, size: f64, face: Face, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for part in text.lines() {
        let mut line = String::new();
        let mut used = 0.0;
        let space = width(" ", size, face);
        for word in part.split_whitespace() {
            let wide = width(word, size, face);
            if used > 0.0 && used + space + wide <= room {
                line.push(' ');
                line.push_str(word);
                used += space + wide;
                continue;
            }
            if used > 0.0 {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            if wide <= room {
                line.push_str(word);
                used = wide;
                continue;
            }
            for c in word.chars() {
                let wide = width(c.encode_utf8(&mut [0; 4]), size, face);
                if used > 0.0 && used + wide > room {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                    if lines.len() >= LINES_MAX {
                        return lines;
                    }
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line);
        if lines.len() >= LINES_MAX {
            lines.truncate(LINES_MAX);
            break;
        }
    }
    lines
}

/// A text as it stands in XML; characters that XML does not have are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_its_room() {
        let text = "instance:cpu:ratio";
        assert_eq!(fitted(text, 12.0, Face::Regular, 500.0), text);
        let cut = fitted(text, 12.0, Face::Regular, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0, Face::Regular) <= 60.0, "{cut}");
        assert_eq!(fitted(text, 12.0, Face::Bold, 0.0), "…");
        assert_eq!(fitted("a\nb", 12.0, Face::Bold, 100.0), "a b");
    }

    #[test]
    fn xml_has_no_control_characters() {
        assert_eq!(escaped("a<b & \"c\"\u{0}\u{8}\u{ffff}ü"), "a&lt;b &amp; &quot;c&quot;ü");
    }
}
