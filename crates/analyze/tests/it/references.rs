//! Every statistic beside SciPy and statsmodels: `fixtures/analyze/reference.json`, made by `tests/reference/make.py`.

use plimsoll_analyze::*;
use serde_json::Value;

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/analyze/reference.json");
    let text = std::fs::read_to_string(path).expect("the fixture is part of the repository");
    serde_json::from_str(&text).expect("it is JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

/// Relative, or below 1e-12 of what counts.
#[track_caller]
fn close(what: &str, found: f64, wanted: f64) {
    let apart = (found - wanted).abs();
    assert!(apart <= 1e-9 * wanted.abs() + 1e-300, "{what}: {found:e} instead of {wanted:e}");
}

/// For what may be 0 by cancelling.
#[track_caller]
fn near(what: &str, found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{what}: {found} {wanted}");
}

#[test]
fn comparisons() {
    for case in fixture()["compared"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let tests = [
            ("ks", kolmogorov_smirnov(&a, &b)),
            ("mann_whitney", mann_whitney(&a, &b)),
            ("welch", welch(&a, &b)),
            ("brown_forsythe", brown_forsythe(&a, &b)),
        ];
        for (test, found) in tests {
            let (found, wanted) = (found.expect("values"), numbers(&case[test]));
            close(&format!("{name} {test}"), found.statistic, wanted[0]);
            close(&format!("{name} {test} p"), found.p_value, wanted[1]);
        }
        near(name, cliffs_delta(&a, &b).expect("values"), number(&case["cliffs_delta"]));
        close(name, mean(&a).expect("values"), number(&case["mean"]));
        close(name, median(&a).expect("values"), number(&case["median"]));
        close(name, robust_deviation(&a).expect("values"), number(&case["robust_deviation"]));
        for pair in case["quantiles"].as_array().expect("pairs") {
            let pair = numbers(pair);
            close(name, quantile(&a, pair[0]).expect("values"), pair[1]);
        }
        let whole = compare(&a, &b).expect("values");
        close(name, whole.a.mean, number(&case["mean"]));
        near(name, whole.delta, number(&case["cliffs_delta"]));
        close(name, whole.distribution.statistic, numbers(&case["ks"])[0]);
    }
}

#[test]
fn correlations() {
    for case in fixture()["correlated"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        near(name, pearson(&a, &b).expect("varies"), number(&case["pearson"]));
        near(name, spearman(&a, &b).expect("varies"), number(&case["spearman"]));
        let pairs = [
            (cross_correlation(&a, &b, 8).expect("varies"), numbers(&case["cross_correlation"])),
            (autocorrelation(&a, 8).expect("varies"), numbers(&case["autocorrelation"])),
        ];
        for (found, wanted) in pairs {
            assert_eq!(found.len(), wanted.len());
            for (lag, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                near(&format!("{name} lag {lag}"), *found, wanted);
            }
        }
    }
}

#[test]
fn trends() {
    for case in fixture()["trends"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let times: Vec<i64> =
            numbers(&case["seconds"]).iter().map(|s| (s * 1000.0) as i64).collect();
        let found = trend(&times, &numbers(&case["values"]), None).expect("enough points");
        near(name, found.slope_per_s, number(&case["slope"]));
        let start = times[0] as f64 / 1e3;
        near(name, found.intercept - found.slope_per_s * start, number(&case["intercept"]));
        near(name, found.tau, number(&case["tau"]));
        close(name, found.p_value, number(&case["mann_kendall_dependent"]));
        if number(&case["inflation"]) == 1.0 {
            close(name, found.p_value, number(&case["mann_kendall"]));
            let wanted = numbers(&case["interval"]);
            near(name, found.slope_low, wanted[0]);
            near(name, found.slope_high, wanted[1]);
        }
    }
}

#[test]
fn spectra() {
    for case in fixture()["spectra"].as_array().expect("cases") {
        let values = numbers(&case["values"]);
        let power = periodogram(&values);
        // SciPy's is one-sided: twice ours.
        for (at, wanted) in numbers(&case["power"]).into_iter().enumerate() {
            close("power", 2.0 * power[1 + 20 * at], wanted);
        }
        let peak = (1..power.len()).max_by(|&i, &j| power[i].total_cmp(&power[j]));
        assert_eq!(peak, case["peak"].as_u64().map(|k| k as usize));
        let found = find_seasons(&values, &[]);
        let period = case["period"].as_u64().expect("samples") as usize;
        assert_eq!(found.iter().map(|s| s.period).collect::<Vec<_>>(), [period], "{found:?}");
    }
}

#[test]
fn distributions() {
    let all = &fixture()["distributions"];
    let rows = |name: &str| -> Vec<Vec<f64>> {
        all[name].as_array().expect("rows").iter().map(numbers).collect()
    };
    for row in rows("normal_tail") {
        close("normal tail", normal_tail(row[0]), row[1]);
    }
    for row in rows("normal_quantile") {
        near("normal quantile", normal_quantile(row[0]), row[1]);
    }
    for row in rows("student_tail") {
        close("student tail", student_tail(row[0], row[1]), row[2]);
    }
    for row in rows("fisher_tail") {
        close("fisher tail", fisher_tail(row[0], row[1], row[2]), row[3]);
    }
    for row in rows("kolmogorov_tail") {
        close("kolmogorov tail", kolmogorov_tail(row[0]), row[1]);
    }
}

#[test]
fn discoveries() {
    for case in fixture()["discoveries"].as_array().expect("cases") {
        let p = numbers(&case["p"]);
        for (found, wanted) in q_values(&p).into_iter().zip(numbers(&case["q"])) {
            close("q", found, wanted);
        }
        let found = false_discovery(&p, 0.1);
        assert!(found.iter().zip(numbers(&case["q"])).all(|(&f, q)| f == (q <= 0.1)));
    }
}
