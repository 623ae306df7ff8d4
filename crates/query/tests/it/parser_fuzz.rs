//! The parser survives any bytes: it answers or refuses, and what it accepts it can print.

use plimsoll_query::{Features, parse, parse_selector};

/// A fuzz target: must return for every input.
fn parser_target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for features in [Features::default(), Features::PROMQLTEST] {
        match parse(&text, &features) {
            Ok(tree) => {
                assert!(tree.span().end as usize <= text.len());
                assert!(!tree.to_string().is_empty());
            }
            Err(error) => {
                assert!(error.span().start <= error.span().end);
                assert!(error.span().end as usize <= text.len());
                assert!(!error.to_string().is_empty());
            }
        }
    }
    let _ = parse_selector(&text);
}

const SEEDS: &[&str] = &[
    "sum by (job) (rate(http_requests_total{code=~\"5..\",job!=\"api\"}[5m])) > 0.1",
    "histogram_quantile(0.9, sum without (instance) (rate(x_bucket[5m] offset 1h))) @ end()",
    "a{\"my.label\"=`x`} / on(a, b) group_left(c) fill(0) {__name__=\"y\"} or -b ^ 2",
    "m[step() * 2 + 1m:range()] offset -(min_of(5m, 3))",
    "topk(3, x) and unless limitk(2, 'a\\x41\\u00e4') # note\n * 0x1f_ff",
    "x[5m] anchored offset 1h30m + 1_000e-3 </ Inf",
    "count_values(\"\\xc5\", info(up, {data=~\".*\"}))",
];

const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "`",
    "\\",
    "@",
    "=~",
    "!~",
    "==",
    "^",
    "-",
    " by ",
    " offset ",
    "5m",
    "1e",
    "0x",
    "_",
    "sum(",
    "a",
    "start()",
    "step()",
    "\n",
    "#",
    "\u{e4}",
    "bool ",
    " on(",
    "group_left",
    "fill(",
    "\u{fffd}",
    "inf",
    "</",
    "anchored",
];

/// Small and the same on every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn mutate(random: &mut Xorshift, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(5) {
        0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        1 if at < bytes.len() => {
            bytes.remove(at);
        }
        2 => bytes.truncate(at.max(1)),
        3 => {
            let seed = SEEDS[random.below(SEEDS.len())].as_bytes();
            let tail = seed[random.below(seed.len())..].to_vec();
            bytes.splice(at.., tail);
        }
        _ => {
            let piece = PIECES[random.below(PIECES.len())].bytes();
            bytes.splice(at..at, piece);
        }
    }
}

#[test]
fn mutated_queries_are_survived() {
    let rounds = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 200_000 } else { 40_000 };
    let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
    let mut bytes = SEEDS[0].as_bytes().to_vec();
    for round in 0..rounds {
        if round % 16 == 0 {
            bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        }
        mutate(&mut random, &mut bytes);
        parser_target(&bytes);
    }
}

#[test]
fn deep_and_long_texts_are_refused_not_followed() {
    for piece in
        ["(", "-", "sum(", "a[", "a offset -", "a offset (", "abs(", "1+", "a[5m:", "{", "a^"]
    {
        for count in [190, 210, 600, 100_000] {
            parser_target(piece.repeat(count).as_bytes());
            parser_target(format!("{}1", piece.repeat(count)).as_bytes());
        }
    }
    let closed = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(parse(&closed(190), &Features::default()).is_ok());
    let error = parse(&closed(210), &Features::default()).unwrap_err();
    assert!(error.message().contains("deeper than the limit of 200"), "{error}");
    let chain = |count: usize| format!("a{}", " or a".repeat(count));
    assert!(parse(&chain(400), &Features::default()).is_ok());
    assert!(parse(&chain(600), &Features::default()).is_err());
    let long = parse(&" ".repeat((1 << 20) + 1), &Features::default()).unwrap_err();
    assert!(long.message().contains("longer than the limit of 1048576 bytes"), "{long}");
}
