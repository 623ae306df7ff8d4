//! Random data and random expressions; the same seed gives the same.

use plimsoll_model::stale_nan;

use super::plain::Tags;

/// A generator of numbers (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Series of three metrics: quarters, so that sums are exact in any order; gaps, markers, resets.
pub fn data(dice: &mut Dice) -> Vec<(Tags, Vec<(i64, f64)>)> {
    let mut all = Vec::new();
    for metric in ["a", "b", "c_total"] {
        for job in ["x", "y"] {
            for inst in ["1", "2", "3"] {
                if dice.one_in(4) {
                    continue;
                }
                let mut tags: Tags = [("__name__", metric), ("job", job), ("inst", inst)]
                    .map(|(n, v)| (n.to_owned(), v.to_owned()))
                    .into();
                if dice.one_in(3) {
                    tags.insert("zone".to_owned(), dice.of(&["p", "q"]).to_owned());
                }
                all.push((tags, series(dice, metric == "c_total")));
            }
        }
    }
    all
}

fn series(dice: &mut Dice, counter: bool) -> Vec<(i64, f64)> {
    let (mut t, mut total) = (dice.below(200_000) as i64, 0.0);
    let mut out = Vec::new();
    while t < 1_800_000 {
        let quarter = dice.below(400) as f64 / 4.0;
        total = if counter && !dice.one_in(15) { total + quarter } else { quarter - 20.0 };
        let v = match dice.below(60) {
            0 => stale_nan(),
            1 => f64::NAN,
            _ if counter => total.max(0.0),
            _ => total,
        };
        out.push((t, v));
        t += match dice.below(20) {
            0 => 400_000,
            1 => 90_000,
            2..=8 => 15_000 + dice.below(1_000) as i64,
            _ => 15_000,
        };
    }
    out
}

const RANGES: [&str; 4] = ["1m", "45s", "5m", "10m"];

/// An instant vector, at most so deep.
pub fn vector(dice: &mut Dice, depth: u32) -> String {
    if depth == 0 {
        return selector(dice);
    }
    let inner = depth - 1;
    if depth > 1 && dice.one_in(8) {
        return repeated(dice, inner);
    }
    match dice.below(12) {
        0 => selector(dice),
        1..=3 => over_range(dice, inner),
        4..=5 => aggregation(dice, inner),
        6..=7 => binary(dice, inner),
        8 => set(dice, inner),
        9 => function(dice, inner),
        10 => format!("-({})", vector(dice, inner)),
        _ => {
            let op = dice.of(&["+", "-", "*", "/", "%", ">", "<=", "== bool", "!="]);
            let (v, n) = (operand(dice, op, inner), scalar(dice, inner));
            if dice.one_in(2) { format!("({v}) {op} {n}") } else { format!("{n} {op} ({v})") }
        }
    }
}

/// An expression with a part that stands in it more than once.
fn repeated(dice: &mut Dice, depth: u32) -> String {
    let v = vector(dice, depth - 1);
    let by = grouping(dice);
    match dice.below(7) {
        0 => format!("({v}) / ({v})"),
        1 => format!("sum{by} ({v}) / count{by} ({v})"),
        2 => format!("(max{by} ({v}) - min{by} ({v})) / max{by} ({v})"),
        3 => format!("({v}) - on (job, inst) group_left () avg by (job, inst) ({v})"),
        4 => format!("({v}) > scalar(avg({v}))"),
        5 => format!("max_over_time(({v})[5m:1m]) - min_over_time(({v})[5m:1m])"),
        _ => format!("({v}) or -({v}) or max_over_time(({v})[5m:1m])"),
    }
}

fn scalar(dice: &mut Dice, depth: u32) -> String {
    match dice.below(6) {
        0 if depth > 0 => format!("scalar({})", vector(dice, depth - 1)),
        1 => "time()".to_owned(),
        2 => format!("({} * 2)", dice.below(9)),
        _ => dice.of(&["0", "1", "2.5", "10", "NaN", "7"]).to_owned(),
    }
}

fn selector(dice: &mut Dice) -> String {
    let metric = dice.of(&["a", "b", "c_total", "{__name__=~\"a|b\"}"]);
    let labels = match dice.below(8) {
        0 => "{job=\"x\"}",
        1 => "{inst!=\"2\"}",
        2 => "{inst=~\"1|3\"}",
        3 => "{zone=\"\"}",
        4 => "{zone!~\"p|q\"}",
        _ => "",
    };
    let labels = if metric.starts_with('{') { "" } else { labels };
    format!("{metric}{labels}{}", modifiers(dice))
}

fn modifiers(dice: &mut Dice) -> &'static str {
    match dice.below(16) {
        0 => " offset 1m",
        1 => " offset -90s",
        2 => " @ 900",
        3 => " @ end() offset 2m",
        4 => " @ start()",
        _ => "",
    }
}

fn range(dice: &mut Dice, depth: u32) -> String {
    if depth > 0 && dice.one_in(4) {
        let step = dice.of(&["30s", "1m", ""]);
        let (v, r, m) = (vector(dice, depth - 1), dice.of(&RANGES), modifiers(dice));
        return format!("({v})[{r}:{step}]{m}");
    }
    let metric = dice.of(&["a", "b", "c_total", "c_total{job=\"x\"}"]);
    format!("{metric}[{}]{}", dice.of(&RANGES), modifiers(dice))
}

fn over_range(dice: &mut Dice, depth: u32) -> String {
    let name = dice.of(&[
        "rate",
        "increase",
        "delta",
        "idelta",
        "irate",
        "resets",
        "changes",
        "deriv",
        "sum_over_time",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "first_over_time",
        "present_over_time",
        "stdvar_over_time",
        "stddev_over_time",
        "absent_over_time",
        "quantile_over_time",
        "predict_linear",
    ]);
    let r = range(dice, depth);
    match name {
        "quantile_over_time" => {
            format!("{name}({}, {r})", dice.of(&["0.5", "0.9", "0", "1", "-1", "2"]))
        }
        "predict_linear" => format!("{name}({r}, {})", dice.of(&["60", "3600"])),
        _ => format!("{name}({r})"),
    }
}

fn grouping(dice: &mut Dice) -> &'static str {
    dice.of(&[
        "",
        " by (job)",
        " by (inst, zone)",
        " without (inst)",
        " without (job, zone)",
        " by (gone)",
    ])
}

fn aggregation(dice: &mut Dice, depth: u32) -> String {
    let by = grouping(dice);
    let v = vector(dice, depth);
    match dice.below(9) {
        0 => format!("quantile{by} ({}, {v})", dice.of(&["0.5", "0.99", "1.5", "scalar(a)"])),
        // Of what was computed the last bits are free, and with them the label.
        1 => format!("count_values{by} (\"val\", {})", selector(dice)),
        _ => {
            let op = dice.of(&["sum", "avg", "count", "group", "min", "max", "stdvar", "stddev"]);
            format!("{op}{by} ({v})")
        }
    }
}

fn matching(dice: &mut Dice) -> &'static str {
    dice.of(&[
        "",
        "",
        " on (job, inst)",
        " ignoring (zone)",
        " on (inst)",
        " ignoring (inst, zone)",
    ])
}

fn binary(dice: &mut Dice, depth: u32) -> String {
    let op = dice.of(&["+", "-", "*", "/", "%", ">", "<", ">=", "==", "!= bool", "< bool"]);
    let mut clause = matching(dice).to_owned();
    if !clause.is_empty() {
        clause += dice.of(&[
            "",
            "",
            " group_left ()",
            " group_right ()",
            " group_left (zone)",
            " group_right (kind)",
        ]);
    }
    let (a, b) = (operand(dice, op, depth), operand(dice, op, depth));
    format!("({a}) {op}{clause} ({b})")
}

/// A side of an operator. A remainder leaps where the last bit of a computed value differs: it gets
/// stored ones, which are exact.
fn operand(dice: &mut Dice, op: &str, depth: u32) -> String {
    if op == "%" { selector(dice) } else { vector(dice, depth) }
}

fn set(dice: &mut Dice, depth: u32) -> String {
    let (op, clause) = (dice.of(&["and", "or", "unless"]), matching(dice));
    format!("({}) {op}{clause} ({})", vector(dice, depth), vector(dice, depth))
}

fn function(dice: &mut Dice, depth: u32) -> String {
    let v = vector(dice, depth);
    match dice.below(13) {
        0 => format!("abs({v})"),
        1 => format!("ceil({v})"),
        2 => format!("floor({v})"),
        3 => format!("sqrt({v})"),
        4 => format!("sgn({v})"),
        5 => format!("round({v}, {})", dice.of(&["1", "5", "0.5"])),
        6 => format!("clamp_min({v}, {})", scalar(dice, 0)),
        7 => format!("clamp_max({v}, {})", scalar(dice, 0)),
        8 => format!("timestamp({v})"),
        9 => format!("absent({v})"),
        10 => format!("vector({})", scalar(dice, depth)),
        11 => format!(
            "label_replace({v}, \"{}\", \"{}\", \"{}\", \"(.*)\")",
            dice.of(&["new", "zone", "__name__"]),
            dice.of(&["$1", "v-$1", "q", ""]),
            dice.of(&["job", "inst", "gone"])
        ),
        _ => {
            format!("label_join({v}, \"{}\", \"-\", \"job\", \"zone\")", dice.of(&["new", "inst"]))
        }
    }
}

/// An expression whose elements are compared by value only: which of equal ones are taken is free.
pub fn chosen(dice: &mut Dice) -> String {
    let op = dice.of(&["topk", "bottomk"]);
    format!("{op}{} ({}, {})", grouping(dice), 1 + dice.below(3), vector(dice, 2))
}
