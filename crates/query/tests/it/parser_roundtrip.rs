//! Printing a tree and reading the text again gives the same tree.

use plimsoll_query::{Expr, Features, parse};
use proptest::prelude::*;

/// Whether two trees are the same but for their spans.
pub fn same_tree(a: &Expr, b: &Expr) -> bool {
    without_spans(a) == without_spans(b)
}

fn without_spans(expr: &Expr) -> String {
    let shown = format!("{expr:?}");
    let mut kept = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some((before, after)) = rest.split_once("Span {") {
        kept.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn duration() -> impl Strategy<Value = String> {
    let leaf = pick(&["5m", "1h30m", "90", "0.5", "step()", "range()", "1d", "-30s"]);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), pick(&["+", "-", "*", "/", "%", "^"]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("min_of({a}, {b})")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.prop_map(|a| format!("-{a}")),
        ]
    })
}

fn modifiers() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => pick(&[" @ 10.5", " @ start()", " @ -3 offset 5m", " offset -1h @ end()", " offset 0"]),
        1 => duration().prop_map(|d| format!(" offset ({d})")),
    ]
}

fn selector() -> impl Strategy<Value = String> {
    let name = pick(&["up", "a:b", "sum", "by", "offset", "start", "fill", "anchored", "and"]);
    let matchers = pick(&[
        "",
        "{}",
        "{a=\"b\"}",
        "{a!=\"\\n\\xc3\\xa4\",b=~\"x.*|y\",}",
        "{\"my label\"!~`\\d+`}",
        "{or='\"'}",
    ]);
    prop_oneof![
        4 => (name, matchers).prop_map(|(name, matchers)| name + &matchers),
        1 => pick(&["{\"my.metric\"}", "{__name__=\"x\"}", "{a=\"b\",\"m m\"}", "{a=~\".+\"}"]),
    ]
}

fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => (selector(), pick(&["", "", "", " smoothed"]), modifiers())
            .prop_map(|(a, b, c)| a + &b + &c),
        1 => pick(&["1", "-0x1F", "1e9", "NaN", "-Inf", "5m", "0.1", "time()"])
            .prop_map(|number| format!("vector({number})")),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let range = (selector(), duration(), pick(&["", " anchored"]), modifiers())
            .prop_map(|(name, range, word, more)| format!("{name}[{range}]{word}{more}"));
        let subquery = (inner.clone(), duration(), prop::option::of(duration()), modifiers())
            .prop_map(|(a, range, step, more)| {
                format!("({a})[{range}:{}]{more}", step.unwrap_or_default())
            });
        let operator = pick(&[
            "+", "-", "*", "/ on() group_left", "% on (a, \"b c\")", "^", "atan2", "== bool",
            "!= ignoring(by)", "< ", ">= on(a) group_right(b, c)", "</", ">/", "and", "or on(a)",
            "unless", "+ fill(1)", "- on(x) fill_right(-Inf) fill_left(NaN)", "* fill_left(5m)",
        ]);
        prop_oneof![
            3 => (inner.clone(), operator, inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => inner.clone().prop_map(|a| format!("({a})")),
            1 => (pick(&["-", "+"]), inner.clone()).prop_map(|(sign, a)| sign + &a),
            1 => (pick(&["sum", "max by (a, on)", "avg without ()", "topk by (x) (3,", "quantile (1,"]), inner.clone())
                .prop_map(|(op, a)| if op.ends_with(',') { format!("{op} {a})") } else { format!("{op} ({a})") }),
            1 => (inner.clone(), pick(&["by (le)", "without (\"x y\", bool)"]))
                .prop_map(|(a, clause)| format!("count({a}) {clause}")),
            1 => inner.clone().prop_map(|a| format!("label_replace({a}, \"a\", '$1', `b\\`, \"\\u00e4\")")),
            1 => prop_oneof![range, subquery].prop_map(|range| format!("rate({range})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn printing_and_reading_gives_the_same_tree(text in vector()) {
        let Ok(tree) = parse(&text, &Features::PROMQLTEST) else { return Ok(()) };
        let printed = tree.to_string();
        match parse(&printed, &Features::PROMQLTEST) {
            Ok(again) => {
                prop_assert!(same_tree(&tree, &again), "{} became {}", text, printed);
                prop_assert_eq!(again.to_string(), printed);
            }
            Err(error) => prop_assert!(false, "{} became {}: {}", text, printed, error),
        }
    }
}

#[test]
fn canonical_texts() {
    for (text, canonical) in [
        ("sum(a)by(b)", "sum by (b) (a)"),
        ("sum by()(a)", "sum(a)"),
        ("sum without()(a)", "sum without () (a)"),
        ("topk by(x)(3,a)", "topk by (x) (3, a)"),
        ("count_values(\"v\",a)", "count_values(\"v\", a)"),
        ("a+ on(x)group_left(y)b", "a + on (x) group_left (y) b"),
        ("a and ignoring()b", "a and b"),
        ("a and on()b", "a and on () b"),
        ("a ==bool 1", "a == bool 1"),
        ("a[90s]offset-1h@5", "a[1m30s] @ 5.000 offset -1h"),
        ("a[3600]", "a[1h]"),
        ("a[1h:]", "a[1h:]"),
        ("rate(a[5m])[1h:30]@end()", "rate(a[5m])[1h:30s] @ end()"),
        ("{__name__='a',b!='c'}", "{__name__=\"a\",b!=\"c\"}"),
        ("{'a.b'}", "{__name__=\"a.b\"}"),
        ("{'a b'='c'}", "{\"a b\"=\"c\"}"),
        ("a{}", "a"),
        ("-1", "-1"),
        ("- a", "-a"),
        ("-1^2", "-1 ^ 2"),
        ("0x10", "16"),
        ("1e21", "1000000000000000000000"),
        ("inf", "+Inf"),
        ("-5m", "-5m"),
        ("1w2d", "9d"),
        ("a[5m+step()*2]", "a[5m + step() * 2]"),
        ("a[5m]smoothed", "a[5m] smoothed"),
        ("a+fill(0)b", "a + fill (0) b"),
        ("a+fill_right(1)fill_left(2)b", "a + fill_left (2) fill_right (1) b"),
        ("`a\\d`", "\"a\\\\d\""),
        ("'\\xc5'", "\"\\xc5\""),
    ] {
        match parse(text, &Features::PROMQLTEST) {
            Ok(tree) => assert_eq!(tree.to_string(), canonical),

            Err(error) => panic!("{text}: {error}"),
        }
    }
}
