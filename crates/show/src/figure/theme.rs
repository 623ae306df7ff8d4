//! Colours, light and dark: those of the browser application.

use super::Severity;

/// A colour: red, green and blue in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour(pub u32);

impl Colour {
    /// Reads `#rgb` or `#rrggbb`.
    pub fn read(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let number = u32::from_str_radix(hex, 16).ok()?;
        match hex.len() {
            6 => Some(Self(number)),
            3 => {
                let part = |shift: u32| ((number >> shift) & 15) * 17;
                Some(Self(part(8) << 16 | part(4) << 8 | part(0)))
            }
            _ => None,
        }
    }

    /// Red, green, blue.
    pub const fn parts(self) -> (u8, u8, u8) {
        ((self.0 >> 16) as u8, (self.0 >> 8) as u8, self.0 as u8)
    }

    /// A colour between this one and another; `part` 0 to 1.
    pub fn toward(self, other: Self, part: f64) -> Self {
        let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        let mix =
            |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u32;
        let ((r, g, b), (x, y, z)) = (self.parts(), other.parts());
        Self(mix(r, x) << 16 | mix(g, y) << 8 | mix(b, z))
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:06x}", self.0 & 0xff_ff_ff)
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// On white.
    #[default]
    Light,
    /// On black.
    Dark,
}

/// Colours of traces in turn: those of the browser (`ui/src/charts/palette.ts`), lighter on black.
const LIGHT: [u32; 12] = [
    0x26_80_c2, 0xd9_62_2b, 0x2a_93_60, 0x9b_6f_d3, 0xb8_86_0b, 0xd6_4f_87, 0x1a_97_a6, 0x8a_7a_66,
    0x6b_8e_23, 0xe0_52_52, 0x6a_7f_db, 0xa8_67_8f,
];
const DARK: [u32; 12] = [
    0x5a_b0_f0, 0xf0_8a_55, 0x4f_c0_88, 0xb9_97_ec, 0xd9_ad_3c, 0xf0_7f_ad, 0x48_c3_d2, 0xb5_a5_90,
    0x9c_c0_48, 0xff_8a_8a, 0x8c_9c_ff, 0xd2_98_bc,
];

impl Theme {
    const fn pick(self, light: u32, dark: u32) -> Colour {
        match self {
            Self::Light => Colour(light),
            Self::Dark => Colour(dark),
        }
    }

    /// Behind everything.
    pub const fn ground(self) -> Colour {
        self.pick(0xff_ff_ff, 0x12_1a_21)
    }

    /// Texts.
    pub const fn ink(self) -> Colour {
        self.pick(0x14_20_2a, 0xe8_ee_f2)
    }

    /// Texts of less importance.
    pub const fn soft(self) -> Colour {
        self.pick(0x53_62_6d, 0xa3_b2_bd)
    }

    /// Lines of a grid, empty parts of bars.
    pub const fn grid(self) -> Colour {
        self.pick(0xe6_eb_ee, 0x2a_36_40)
    }

    /// Of a trace.
    pub const fn trace(self, place: usize) -> Colour {
        match self {
            Self::Light => Colour(LIGHT[place % LIGHT.len()]),
            Self::Dark => Colour(DARK[place % DARK.len()]),
        }
    }

    /// Of a severity, on [`Theme::ground`].
    pub const fn severity(self, severity: Severity) -> Colour {
        match severity {
            Severity::Ok => self.pick(0x1d_7a_4c, 0x4f_c0_88),
            Severity::Info => self.pick(0x26_80_c2, 0x5a_b0_f0),
            Severity::Warning => self.pick(0x9a_67_00, 0xe3_b3_41),
            Severity::Critical => self.pick(0xb3_26_1e, 0xff_8a_80),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_and_written() {
        assert_eq!(Colour::read("#2680c2").map(|c| c.to_string()).as_deref(), Some("#2680c2"));
        assert_eq!(Colour::read("#f80"), Some(Colour(0xff_88_00)));
        for wrong in ["", "#", "red", "#12345", "#gggggg", "#+12345"] {
            assert_eq!(Colour::read(wrong), None, "{wrong}");
        }
        assert_eq!(Colour(0).toward(Colour(0xff_ff_ff), f64::NAN), Colour(0));
        assert_eq!(Colour(0).toward(Colour(0xff_ff_ff), 2.0), Colour(0xff_ff_ff));
    }
}
