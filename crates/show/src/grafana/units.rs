//! Units: Grafana's names and ours.

/// Grafana's name, ours. The first of ours is the one that goes back.
const UNITS: &[(&str, &str)] = &[
    ("short", "short"),
    ("none", "none"),
    ("string", "none"),
    ("locale", "none"),
    ("sishort", "short"),
    ("percent", "percent"),
    ("percentunit", "ratio"),
    ("hex", "hex"),
    ("hex0x", "hex"),
    ("sci", "scientific"),
    ("bool", "bool"),
    ("bool_yes_no", "yes_no"),
    ("bool_on_off", "on_off"),
    ("bytes", "bytes"),
    ("decbytes", "bytes_si"),
    ("bits", "bits"),
    ("decbits", "bits_si"),
    ("binBps", "bytes/s"),
    ("Bps", "bytes_si/s"),
    ("binbps", "bits/s"),
    ("bps", "bits_si/s"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("\u{b5}s", "microseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("m", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    ("dtdurations", "seconds"),
    ("dtdurationms", "milliseconds"),
    ("clocks", "seconds"),
    ("clockms", "milliseconds"),
    ("timeticks", "seconds"),
    ("dthms", "seconds"),
    ("dtdhms", "seconds"),
    ("ops", "ops/s"),
    ("reqps", "ops/s"),
    ("cps", "ops/s"),
    ("rps", "ops/s"),
    ("wps", "ops/s"),
    ("iops", "ops/s"),
    ("eps", "ops/s"),
    ("mps", "ops/s"),
    ("recps", "ops/s"),
    ("rowsps", "ops/s"),
    ("pps", "ops/s"),
    ("opm", "ops/min"),
    ("cpm", "ops/min"),
    ("rpm", "ops/min"),
    ("reqpm", "ops/min"),
    ("mpm", "ops/min"),
    ("wpm", "ops/min"),
    ("epm", "ops/min"),
    ("hertz", "hertz"),
    ("rotrpm", "rpm"),
    ("rothz", "hertz"),
    ("celsius", "celsius"),
    ("fahrenheit", "fahrenheit"),
    ("farenheit", "fahrenheit"),
    ("kelvin", "kelvin"),
    ("volt", "volts"),
    ("amp", "amperes"),
    ("watt", "watts"),
    ("joule", "joules"),
    ("watth", "watt_hours"),
    ("dB", "decibels"),
    ("humidity", "percent"),
    ("dateTimeAsIso", "datetime"),
    ("dateTimeAsUS", "datetime"),
    ("dateTimeAsLocal", "datetime"),
    ("dateTimeAsSystem", "datetime"),
    ("dateTimeFromNow", "datetime"),
    ("dateTimeAsIsoNoDateIfToday", "datetime"),
];

/// Larger units of the same kind, as people see them behind a number.
const SUFFIXES: &[(&str, &str)] = &[
    ("kbytes", "KiB"),
    ("mbytes", "MiB"),
    ("gbytes", "GiB"),
    ("tbytes", "TiB"),
    ("pbytes", "PiB"),
    ("deckbytes", "kB"),
    ("decmbytes", "MB"),
    ("decgbytes", "GB"),
    ("dectbytes", "TB"),
    ("KiBs", "KiB/s"),
    ("MiBs", "MiB/s"),
    ("GiBs", "GiB/s"),
    ("TiBs", "TiB/s"),
    ("PiBs", "PiB/s"),
    ("TBs", "TB/s"),
    ("PBs", "PB/s"),
    ("decpbytes", "PB"),
    ("KBs", "kB/s"),
    ("MBs", "MB/s"),
    ("GBs", "GB/s"),
    ("Kibits", "Kibit/s"),
    ("Mibits", "Mibit/s"),
    ("Gibits", "Gibit/s"),
    ("Kbits", "kbit/s"),
    ("Mbits", "Mbit/s"),
    ("Gbits", "Gbit/s"),
    ("kwatt", "kW"),
    ("mwatt", "mW"),
    ("Wm2", "W/m\u{b2}"),
    ("kwatth", "kWh"),
    ("voltamp", "VA"),
    ("kvoltamp", "kVA"),
    ("mvolt", "mV"),
    ("kvolt", "kV"),
    ("mamp", "mA"),
    ("kamp", "kA"),
    ("dBm", "dBm"),
    ("lux", "lx"),
    ("ohm", "\u{3a9}"),
    ("farad", "F"),
    ("lumens", "lm"),
    ("ppm", "ppm"),
    ("conppm", "ppm"),
    ("pressurembar", "mbar"),
    ("pressurebar", "bar"),
    ("pressurehpa", "hPa"),
    ("pressurekpa", "kPa"),
    ("pressurepsi", "psi"),
    ("degree", "\u{b0}"),
    ("lengthm", "m"),
    ("lengthmm", "mm"),
    ("lengthkm", "km"),
    ("velocityms", "m/s"),
    ("velocitykmh", "km/h"),
    ("mlitre", "mL"),
    ("flowlpm", "L/min"),
    ("flowcms", "m\u{b3}/s"),
    ("concentrations", "\u{b5}g/m\u{b3}"),
    ("conmgm3", "mg/m\u{b3}"),
    ("conngm3", "ng/m\u{b3}"),
    ("radsvh", "Sv/h"),
    ("radmsvh", "mSv/h"),
    ("litre", "L"),
    ("m3", "m\u{b3}"),
    ("massmg", "mg"),
    ("masst", "t"),
    ("accMS2", "m/s\u{b2}"),
    ("gwatt", "GW"),
    ("kvar", "kvar"),
    ("Ah", "Ah"),
    ("kAh", "kAh"),
    ("mohm", "m\u{3a9}"),
    ("massg", "g"),
    ("masskg", "kg"),
    ("flops", "FLOP/s"),
    ("pixel", "px"),
];

const CURRENCIES: &[(&str, &str)] = &[
    ("currencyUSD", "$"),
    ("currencyGBP", "\u{a3}"),
    ("currencyEUR", "\u{20ac}"),
    ("currencyJPY", "\u{a5}"),
    ("currencyCHF", "CHF "),
    ("currencyCNY", "\u{a5}"),
];

/// Our name of a unit of Grafana's. What is none there stands behind the number as it is written, as it does there.
pub fn ours(theirs: &str) -> String {
    let known = |table: &[(&str, &str)], key: &str| {
        table.iter().find(|(t, _)| *t == key).map(|(_, o)| (*o).to_owned())
    };
    if theirs.is_empty() {
        return String::new();
    }
    if let Some(unit) = known(UNITS, theirs) {
        return unit;
    }
    if let Some(suffix) = known(SUFFIXES, theirs) {
        return format!("suffix:{suffix}");
    }
    if let Some(sign) = known(CURRENCIES, theirs) {
        return format!("prefix:{sign}");
    }
    match theirs.split_once(':') {
        Some(("suffix" | "prefix", _)) => theirs.to_owned(),
        Some(("currency", sign)) => format!("prefix:{sign}"),
        Some(("count" | "si" | "dateunit", rest)) => format!("suffix:{rest}"),
        Some(("time", _)) => "datetime".to_owned(),
        Some(("bool", _)) => "bool".to_owned(),
        _ => format!("suffix: {}", theirs.chars().take(100).collect::<String>()),
    }
}

/// Grafana's name of a unit of ours.
pub fn theirs(ours: &str) -> String {
    let back = |table: &[(&str, &str)], mark: &str| {
        let is = |(_, o): &&(&str, &str)| ours.strip_prefix(mark) == Some(*o);
        table.iter().find(is).map(|(t, _)| (*t).to_owned())
    };
    back(UNITS, "")
        .or_else(|| back(SUFFIXES, "suffix:"))
        .or_else(|| back(CURRENCIES, "prefix:"))
        .unwrap_or_else(|| ours.strip_prefix("suffix: ").unwrap_or(ours).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_go_there_and_back() {
        for (their, our) in UNITS.iter().chain(SUFFIXES).chain(CURRENCIES) {
            let there = ours(their);
            assert!(there.ends_with(our), "{their}");
            assert_eq!(ours(&theirs(&there)), there, "{their}");
        }
        assert_eq!(ours("percentunit"), "ratio");
        assert_eq!(theirs("ratio"), "percentunit");
        assert_eq!(ours("suffix:req"), "suffix:req");
        let odd = ours("furlongs");
        assert_eq!(odd, "suffix: furlongs");
        assert_eq!(theirs(&odd), "furlongs");
    }
}
