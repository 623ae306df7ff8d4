//! A few scenes of the fault bed of `cargo xtask bench faults`.

#[path = "../../examples/bench/faults/chance.rs"]
mod chance;
#[path = "../../examples/bench/faults/estate.rs"]
#[allow(dead_code)]
mod estate;
#[path = "../../examples/bench/faults/events.rs"]
mod events;
#[path = "../../examples/bench/faults/graded.rs"]
#[allow(dead_code)]
mod graded;
#[path = "../../examples/bench/faults/scene.rs"]
mod scene;

#[test]
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn causes_of_faults_are_told_among_the_first() {
    if std::env::var_os("PLIMSOLL_SLOW").is_none() {
        println!("skipped: set PLIMSOLL_SLOW=1 to look for the causes of faults");
        return;
    }
    // A slow query and a clock that stepped: the cause is on a host that shares no label with the alert,
    // and on one of the service's own.
    for seed in [8, 9] {
        let scene = scene::scene(seed);
        assert!(scene.series >= 2_000 && scene.bystanders.len() >= 3);
        assert!(scene.fault_at < scene.alert_at && !scene.causes.is_empty());
        let graded = graded::grade(&scene);
        let told: Vec<&str> = graded.told.iter().take(8).map(|r| r.text.as_str()).collect();
        assert!(graded.ours.is_some_and(|p| p <= 5), "seed {seed}: {:?}: {told:#?}", scene.kind);
        assert!(graded.onset >= scene.fault_at - 60_000 && graded.onset <= scene.alert_at);
    }
}
