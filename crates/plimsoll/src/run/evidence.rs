//! Evidence for messages: `show` draws, the data directory keeps.

use std::sync::Arc;

use plimsoll_alert::Alerting;
use plimsoll_alert::evidence::{Drawing, Evidence, Gallery, Illustrate, Studio, StudioParts};
use plimsoll_model::Chart;
use plimsoll_world::World;

use crate::config::Config;

/// Draws by `show`.
struct Artist;

impl Illustrate for Artist {
    fn draw(&self, chart: &Chart) -> Option<Drawing> {
        let svg = plimsoll_show::svg(chart);
        let png = plimsoll_show::png(&svg);
        let png = png.inspect_err(|e| tracing::warn!(error = %e, "a chart is not drawn")).ok()?;
        Some(Drawing { svg, png })
    }
}

/// Lets messages have evidence; the pictures that are kept. Where the store is encrypted none are: a
/// picture is a plain file, and shows samples.
pub fn start(
    world: &World,
    alerting: &Alerting,
    why: Arc<dyn Evidence>,
    config: &Config,
) -> Option<Arc<Gallery>> {
    let gallery = config.store.encryption.is_none().then(|| {
        let (disk, chance) = (Arc::clone(&world.disk), Arc::clone(&world.chance));
        let dir = config.data_dir.join("evidence");
        Arc::new(Gallery::open(disk, chance, dir, world.clock.wall_ms()))
    });
    alerting.show_evidence(Studio::new(StudioParts {
        illustrate: Some(Arc::new(Artist)),
        evidence: Some(why),
        gallery: gallery.clone(),
    }));
    gallery
}
