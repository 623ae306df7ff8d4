//! The members against statsmodels; `fixtures/predict/make.py` makes the answers.

use super::members::{line, smoothing, theta};
use super::ridge::factors;

const ANSWERS: &str = include_str!("../../../../fixtures/predict/members.csv");

#[test]
fn members_agree_with_statsmodels() {
    let numbers = |text: &str| -> Vec<f64> {
        text.split_whitespace().map(|v| v.parse().expect("a number")).collect()
    };
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for row in ANSWERS.lines() {
        let fields: Vec<&str> = row.split(',').collect();
        let [kind, parameters, values, wanted] = fields[..] else { panic!("four fields: {row}") };
        let (parameters, values, wanted) = (numbers(parameters), numbers(values), numbers(wanted));
        let found = match kind {
            "ses" => vec![smoothing(&values, parameters[0]).1],
            "line" => {
                let (start, slope) = line(&values);
                vec![start, slope]
            }
            "theta" => theta(&values, parameters[0] as usize, &[]).expect("enough values"),
            "ridge" => {
                let lags: Vec<usize> = parameters.iter().map(|lag| *lag as usize).collect();
                factors(&values, &lags).expect("enough rows")
            }
            _ => panic!("unknown kind {kind}"),
        };
        *seen.entry(kind).or_default() += 1;
        assert_eq!(found.len(), wanted.len(), "{kind}");
        for (found, wanted) in found.iter().zip(&wanted) {
            let off = (found - wanted).abs() / wanted.abs().max(1.0);
            assert!(off < 1e-8, "{kind} {parameters:?}: {found} is not {wanted}");
        }
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count >= 4), "{seen:?}");
}
