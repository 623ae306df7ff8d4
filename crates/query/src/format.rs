//! Numbers and times as Prometheus writes them.
//!
//! All float forms are the shortest that read back to the same bits, as Go's `strconv` makes them.

use std::fmt::Write as _;

/// A number as it stands in a JSON answer: plain digits for 1e-6 ≤ |v| < 1e21, else with an exponent
/// of at least two digits; `NaN`, `+Inf`, `-Inf`, `-0`.
pub fn format_value(value: f64) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// As [`format_value`], behind what stands in `out` already.
pub fn write_value(out: &mut String, value: f64) {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-6..1e21).contains(&size) {
        out.push_str(&exponent(value));
    } else {
        write_plain(out, value);
    }
}

/// A number in plain digits whatever its size, as `count_values` writes it.
pub fn format_plain(value: f64) -> String {
    let mut out = String::new();
    write_plain(&mut out, value);
    out
}

/// Whole numbers below this have no shorter text than their digits.
const WHOLE_MAX: f64 = (1u64 << 53) as f64;

fn write_plain(out: &mut String, value: f64) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    if value.abs() < WHOLE_MAX && value.trunc() == value {
        if value.is_sign_negative() {
            out.push('-');
        }
        return out.push_str(itoa::Buffer::new().format(value.abs() as u64));
    }
    let start = out.len();
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    if PLAIN.contains(&value.abs()) {
        out.push_str(shortest);
    } else {
        write_digits(out, shortest);
    }
    if shortest.len() > TIE_DIGITS && binary_decimals(value) <= TIE_DECIMALS_MAX {
        even_at_tie(value, out, start);
    }
}

/// Numbers whose shortest text has no exponent; those with a fraction do not end in `.0` either.
const PLAIN: std::ops::Range<f64> = 1e-4..1e15;

/// Digits with an exponent, if they have one, as plain digits.
fn write_digits(out: &mut String, shortest: &str) {
    let Some((mantissa, e)) = shortest.split_once('e') else {
        return out.push_str(shortest.strip_suffix(".0").unwrap_or(shortest));
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = if fraction == "0" { "" } else { fraction };
    let e: i32 = e.trim_start_matches('+').parse().unwrap_or(0);
    out.push_str(sign);
    let zeroes = |out: &mut String, n: i32| (0..n).for_each(|_| out.push('0'));
    if e < 0 {
        out.push_str("0.");
        zeroes(out, -e - 1);
        out.push_str(whole);
        out.push_str(fraction);
        return;
    }
    let behind = e - fraction.len() as i32;
    out.push_str(whole);
    if behind >= 0 {
        out.push_str(fraction);
        zeroes(out, behind);
    } else {
        let (a, b) = fraction.split_at(e as usize);
        out.push_str(a);
        out.push('.');
        out.push_str(b);
    }
}

/// Shorter numbers are never half way between two texts that both read back to them.
const TIE_DIGITS: usize = 15;
/// A number half way between two texts of 17 digits, the longest there are, has 18 digits at most.
/// An odd number over 2^k has those of its product with 5^k: k is at most 25.
const TIE_DECIMALS_MAX: usize = 25;

/// Where a number lies half way between two shortest texts, the one with the even last digit, as Go
/// chooses it.
fn even_at_tie(value: f64, out: &mut String, start: usize) {
    let text = &out[start..];
    let Some(point) = text.find('.') else { return };
    let decimals = text.len() - point - 1;
    let odd = text.as_bytes().last().is_some_and(|d| d % 2 == 1);
    // A number with so many binary digits behind the point has as many decimal ones, and the last of
    // them is a 5: a tie is where that is one more than the text has.
    if !odd || binary_decimals(value) != decimals + 1 {
        return;
    }
    let exact = format!("{value:.*}", decimals + 1);
    let even = &exact[..exact.len() - 1];
    if even.parse::<f64>() == Ok(value) {
        out.truncate(start);
        out.push_str(even);
    }
}

/// How many binary digits a number has behind the point.
const fn binary_decimals(value: f64) -> usize {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let scale = if exponent == 0 { -1074 } else { exponent - 1075 };
    let lowest = scale + mantissa.trailing_zeros() as i32;
    if lowest < 0 { lowest.unsigned_abs() as usize } else { 0 }
}

/// A time as it stands in a JSON answer: seconds with at most three decimals.
pub fn format_time(ms: i64) -> String {
    let mut out = String::new();
    write_time(&mut out, ms);
    out
}

/// As [`format_time`], behind what stands in `out` already.
pub fn write_time(out: &mut String, ms: i64) {
    if ms < 0 {
        out.push('-');
    }
    let (s, rest) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    out.push_str(itoa::Buffer::new().format(s));
    if rest > 0 {
        // Three digits, the zeroes at their end left out.
        let digits =
            [b'0' + (rest / 100) as u8, b'0' + (rest / 10 % 10) as u8, b'0' + (rest % 10) as u8];
        let n = 3 - digits.iter().rev().take_while(|d| **d == b'0').count();
        out.push('.');
        digits[..n].iter().for_each(|d| out.push(char::from(*d)));
    }
}

/// A number in Go's `%g`: with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn go_g(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return format_plain(value);
    }
    let text = format!("{value:e}");
    let exponent_of = text.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if (-4..6).contains(&exponent_of) { format_plain(value) } else { exponent(value) }
}

/// A number in Go's `%f`: six decimals.
pub(crate) fn go_f(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { format_plain(value) }
}

/// Mantissa, `e`, sign and at least two digits of the exponent.
fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let (mantissa, e) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = e.strip_prefix('-').map_or(('+', e), |digits| ('-', digits));
    let mut out = String::with_capacity(text.len() + 2);
    // Writing into a string cannot fail.
    let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
    out
}

/// A time as `2026-01-31T23:59:59Z`.
pub(crate) fn rfc3339_seconds(ms: i64) -> String {
    let s = ms.div_euclid(1000);
    let day = crate::eval::Civil::of_day(s.div_euclid(86_400));
    let of_day = s.rem_euclid(86_400);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        day.year,
        day.month,
        day.day,
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

/// Whether two numbers differ by rounding only: relatively by less than `tolerance`.
pub(crate) fn almost_equal(a: f64, b: f64, tolerance: f64) -> bool {
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < tolerance * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_gos_shortest_form() {
        let cases: [(f64, &str); 14] = [
            (0.0, "0"),
            (-0.0, "-0"),
            (9_007_199_254_741_576.0, "9007199254741576"),
            (-123_456_789_012_345_680.0, "-123456789012345680"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1e-7, "1e-07"),
            (1e-6, "0.000001"),
            (-1.5e-9, "-1.5e-09"),
            (1.0 / 3.0, "0.3333333333333333"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
        ];
        for (value, text) in cases {
            assert_eq!(format_value(value), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn plain_digits_are_the_shortest_that_read_back(
            bits in proptest::prelude::any::<u64>(),
            small in -1_000_000i64..1_000_000,
            decimals in -20i32..8,
        ) {
            let near_one = f64::from_bits(bits >> 12 | 1023 << 52);
            for value in [f64::from_bits(bits), small as f64 / 10f64.powi(decimals), near_one * 10f64.powi(decimals)] {
                if !value.is_finite() {
                    continue;
                }
                let (ours, plain) = (format_plain(value), format!("{value}"));
                proptest::prop_assert_eq!(ours.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
                proptest::prop_assert_eq!(ours.len(), plain.len(), "{} {}", ours, plain);
            }
        }
    }

    #[test]
    fn the_even_digit_is_taken_half_way() {
        let whole = 77_804_606_068_503.0;
        assert_eq!(format_value(whole + 0.125), "77804606068503.12");
        assert_eq!(format_value(whole + 0.375), "77804606068503.38");
        let whole = 1_607_829_590_069_593.0;
        assert_eq!(format_value(whole + 0.25), "1607829590069593.2");
        assert_eq!(format_value(whole + 0.75), "1607829590069593.8");
    }

    #[test]
    fn times_are_seconds() {
        for (ms, text) in
            [(0, "0"), (1500, "1.5"), (-1, "-0.001"), (1_700_000_000_120, "1700000000.12")]
        {
            assert_eq!(format_time(ms), text);
        }
        assert_eq!(rfc3339_seconds(1_767_225_600_000), "2026-01-01T00:00:00Z");
        assert_eq!(go_g(0.00001), "1e-05");
        assert_eq!(go_g(2_500_000.0), "2.5e+06");
    }
}
