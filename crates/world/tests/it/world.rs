//! A world is a value that is handed around.

use plimsoll_world::{Clock, CrashKind, Open, World};
use std::path::Path;
use std::time::Duration;

#[test]
fn a_simulated_world_follows_its_handles() {
    let (world, mut sim) = World::simulated(7, 1_000);
    sim.clock.advance(Duration::from_secs(2));
    assert_eq!(world.clock.wall_ms(), 3_000);
    sim.clock.set_wall_ms(-5);
    assert_eq!((world.clock.wall_ms(), sim.clock.mono()), (-5, Duration::from_secs(2)));
    world.disk.open(Path::new("/f"), Open::CreateNew).unwrap();
    let next = sim.reboot(CrashKind::ProcessKill);
    assert!(next.disk.exists(Path::new("/f")) && !world.disk.exists(Path::new("/f")));
}

#[test]
fn the_same_seed_gives_the_same_identifiers() {
    let (one, _) = World::simulated(1, 0);
    let (two, _) = World::simulated(1, 0);
    assert_eq!(one.id(), two.id());
    assert_ne!(one.id(), World::real().id());
}

#[test]
fn the_real_clock_moves_on() {
    let world = World::real();
    let before = world.clock.mono();
    assert!(world.clock.mono() >= before);
    assert!(world.clock.wall_ms() > 1_600_000_000_000);
}
