//! The load line of CPUs: up to where waiting is short.
//!
//! Work that finds all CPUs busy waits. For `c` servers at utilisation `u` the wait in units of service is close to
//! `u^(sqrt(2(c+1)) - 1) / (c (1 - u))` (Sakasegawa 1977, exact for one server with random arrivals). Where it is 1 the
//! answer takes twice as long as on an idle machine: that is the safe load. Where it is 9 it takes ten times as long: that
//! is critical.

/// Wait, in units of service, at the safe load.
pub(super) const TWICE: f64 = 1.0;
/// Wait at the critical mark.
pub(super) const TEN_TIMES: f64 = 9.0;

/// The utilisation, 0..1, at which work waits so long.
pub(super) fn load_of_servers(servers: f64, wait: f64) -> f64 {
    let servers = if servers.is_finite() { servers.max(1.0) } else { 1.0 };
    let power = (2.0 * (servers + 1.0)).sqrt() - 1.0;
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        let waits = middle.powf(power) / (servers * (1.0 - middle));
        if waits < wait { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_doubles_at_half_and_many_carry_more() {
        assert!((load_of_servers(1.0, TWICE) - 0.5).abs() < 1e-9);
        assert!((load_of_servers(1.0, TEN_TIMES) - 0.9).abs() < 1e-9);
        let safe: Vec<f64> =
            [1.0, 2.0, 4.0, 16.0, 64.0].map(|c| load_of_servers(c, TWICE)).to_vec();
        assert!(safe.is_sorted() && safe[1] > 0.65 && safe[4] < 1.0, "{safe:?}");
        assert!(load_of_servers(f64::NAN, TWICE) > 0.0);
    }
}
