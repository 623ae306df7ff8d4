//! Functions of one number, with Go's results at the edges.

/// Go's `math.Max`: infinity before NaN, +0 above −0.
pub(crate) fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    if a > b { a } else { b }
}

/// Go's `math.Min`: minus infinity before NaN, −0 below +0.
pub(crate) fn go_min(a: f64, b: f64) -> f64 {
    -go_max(-a, -b)
}

/// 1, 0 or −1; NaN stays.
pub(super) fn sgn(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if v > 0.0 {
        1.0
    } else {
        v
    }
}

/// Above this the square of a number swallows a 1 that is added to it.
const LARGE: f64 = (1 << 28) as f64;

/// The inverse hyperbolic sine; no step overflows before the result does.
pub(super) fn asinh(v: f64) -> f64 {
    if v.abs() > LARGE { of_large(v.abs()).copysign(v) } else { v.asinh() }
}

/// The inverse hyperbolic cosine; no step overflows before the result does.
pub(super) fn acosh(v: f64) -> f64 {
    if v > LARGE { of_large(v) } else { v.acosh() }
}

fn of_large(v: f64) -> f64 {
    v.ln() + std::f64::consts::LN_2
}

/// The natural logarithm of 2 in two parts; whole multiples of the first are exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// The natural logarithm. Prometheus' answers on amd64 take the significand of a subnormal number as
/// if it were a normal one of the least exponent; so do these.
pub(super) fn ln(v: f64) -> f64 {
    if !v.is_subnormal() || v < 0.0 {
        return v.ln();
    }
    let significand = f64::from_bits(v.to_bits() | 0.5f64.to_bits());
    -1022.0 * LN_2_HIGH + (significand.ln() - 1022.0 * LN_2_LOW)
}

/// The logarithm to the base 10, of subnormal numbers as [`ln`].
pub(super) fn log10(v: f64) -> f64 {
    if v.is_subnormal() { ln(v) / std::f64::consts::LN_10 } else { v.log10() }
}

/// Radians as degrees.
pub(super) fn deg(v: f64) -> f64 {
    v * 180.0 / std::f64::consts::PI
}

/// Degrees as radians.
pub(super) fn rad(v: f64) -> f64 {
    v * std::f64::consts::PI / 180.0
}

/// The nearest multiple of `to`, halves upwards, computed with the inverse.
pub(super) fn round(v: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (v * inverse + 0.5).floor() / inverse
}

/// The value limited to a range; the caller has checked that `min` is not above `max`.
pub(super) fn clamp(v: f64, min: f64, max: f64) -> f64 {
    go_max(min, go_min(max, v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_hyperbolics_do_not_overflow() {
        for v in [1.7e308, f64::MAX] {
            let expected = v.ln() + std::f64::consts::LN_2;
            assert_eq!((asinh(v), acosh(v), asinh(-v)), (expected, expected, -expected));
        }
        assert_eq!((asinh(f64::INFINITY), acosh(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert!(asinh(f64::NAN).is_nan() && acosh(f64::NAN).is_nan() && acosh(0.5).is_nan());
        assert!(asinh(-0.0).is_sign_negative());
        let (below, above) = (LARGE, LARGE * (1.0 + f64::EPSILON));
        assert!((asinh(above) - asinh(below)).abs() < 1e-14);
        assert!((acosh(above) - acosh(below)).abs() < 1e-14);
    }

    #[test]
    fn logarithms_of_subnormal_numbers_are_those_of_amd64() {
        assert_eq!(ln(1e-320), -709.089_565_712_823_6);
        assert_eq!(log10(1e-320), -307.953_685_564_252_57);
        assert!(ln(-5e-324).is_nan() && log10(-5e-324).is_nan());
        assert_eq!((ln(0.0), ln(1.0), log10(1000.0)), (f64::NEG_INFINITY, 0.0, 3.0));
    }

    #[test]
    fn edges_are_gos() {
        assert_eq!(go_max(f64::NAN, f64::INFINITY), f64::INFINITY);
        assert!(go_max(f64::NAN, 1.0).is_nan());
        assert_eq!(go_min(f64::NEG_INFINITY, f64::NAN), f64::NEG_INFINITY);
        assert!(go_min(0.0, -0.0).is_sign_negative());
        assert!(go_max(-0.0, 0.0).is_sign_positive());
        assert!(clamp(f64::NAN, 0.0, 1.0).is_nan());
        assert_eq!(round(-2.5, 1.0), -2.0);
        assert!(round(-0.2, 1.0) == 0.0);
    }
}
