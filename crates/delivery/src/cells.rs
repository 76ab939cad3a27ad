//! Finding by place: H3 cells as tags.
//!
//! The globe is cut into hexagons, in several sizes. Whoever is *at* a place carries the cells he is in, one
//! of each size; whatever is seen *from around* a place is looked for, or found, by the cells that cover the
//! circle around it, in the size that covers it with about a dozen:
//!
//! ```text
//!    ⬡ ⬡ ⬡        a delivery waits at ●, seen for 3 km: its document carries the tags of all the ⬡;
//!   ⬡ ⬡ ● ⬡       a rider asks with the cells he is in: one of them is a ⬡ if he is within 3 km,
//!    ⬡ ⬡ ⬡        and perhaps if he is a little farther, so the exact distance is checked after
//! ```
//!
//! A rider asks often and a delivery seldom grows, so the work is where it is rare.

use baedal_contracts::Location;
use h3o::{CellIndex, LatLng, Resolution};

/// Sizes of cells, the smallest first, and the largest radius in metres that each is used to cover.
pub(crate) struct Grid(&'static [(Resolution, f64)]);

/// Where riders are. Small cells, as many riders may be in one: edges of 1.4, 3.7 and 9.9 km on average, and
/// a circle of the radius touches about two dozen at the most.
pub(crate) const POSTS: Grid =
    Grid(&[(Resolution::Seven, 3_500.0), (Resolution::Six, 10_000.0), (Resolution::Five, f64::INFINITY)]);
/// From where deliveries are seen. Larger cells, as each is a tag to be written and soon taken away again.
pub(crate) const SIGHTS: Grid = Grid(&[(Resolution::Six, 5_000.0), (Resolution::Five, f64::INFINITY)]);

/// Cells are a little rounder and larger than their corners say.
const SLACK: f64 = 1.02;

impl Grid {
    /// The cells that a place is in, one of each size.
    pub(crate) fn around(&self, place: Location) -> impl Iterator<Item = CellIndex> + use<> {
        self.0.iter().map(move |(size, _)| point(place).to_cell(*size))
    }

    /// Cells of one size that cover the circles around both places, each once.
    pub(crate) fn cover_both(&self, one: Location, other: Location, radius_m: u32) -> Vec<CellIndex> {
        let mut covering = self.cover(one, radius_m);
        covering.extend(self.cover(other, radius_m));
        covering.sort_unstable();
        covering.dedup();
        covering
    }

    /// Cells of one size that cover a circle; a few may lie just outside.
    fn cover(&self, centre: Location, radius_m: u32) -> Vec<CellIndex> {
        let radius_m = f64::from(radius_m);
        let size = self.0.iter().find(|(_, most)| radius_m <= *most).map_or(Resolution::Five, |(size, _)| *size);
        let centre = point(centre);
        let touches = |cell: CellIndex| {
            let middle = LatLng::from(cell);
            let reach = cell.boundary().iter().map(|corner| middle.distance_m(*corner)).fold(0.0, f64::max);
            centre.distance_m(middle) <= (radius_m + reach) * SLACK
        };
        // From the cell in the middle outwards, from neighbour to neighbour, while they touch the circle.
        let mut covering = vec![centre.to_cell(size)];
        let mut looked_at = 0;
        while let Some(cell) = covering.get(looked_at).copied() {
            looked_at += 1;
            for neighbour in cell.grid_disk::<Vec<_>>(1) {
                if !covering.contains(&neighbour) && touches(neighbour) {
                    covering.push(neighbour);
                }
            }
        }
        covering
    }
}

fn point(place: Location) -> LatLng {
    #[expect(clippy::expect_used, reason = "a location that exists is finite, which is all that H3 asks")]
    LatLng::new(place.lat(), place.lng()).expect("finite")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whoever_is_within_the_radius_is_in_a_covering_cell(
            lat in -85.0..85.0_f64, lng in -180.0..180.0_f64,
            bearing in 0.0..std::f64::consts::TAU, share in 0.0..1.0_f64,
            radius_m in prop_oneof![Just(3_000_u32), Just(6_000), Just(12_000), 100_u32..50_000],
        ) {
            let centre = Location::new(lat, lng).expect("a point");
            let metres = f64::from(radius_m) * share;
            let north = metres * bearing.cos() / 111_195.0;
            let east = metres * bearing.sin() / (111_195.0 * lat.to_radians().cos());
            let wrapped = (lng + east + 540.0).rem_euclid(360.0) - 180.0;
            let somebody = Location::new(lat + north, wrapped).expect("a point");
            prop_assume!(centre.distance_m(somebody) <= f64::from(radius_m));
            for grid in [POSTS, SIGHTS] {
                let covering = grid.cover(centre, radius_m);
                prop_assert!(grid.around(somebody).any(|cell| covering.contains(&cell)));
            }
        }
    }

    #[test]
    fn a_few_cells_are_enough() {
        let gangnam = Location::new(37.4979, 127.0276).expect("a point");
        for radius_m in [500, 3_000, 3_500, 6_000, 10_000, 12_000, 24_000] {
            let (posts, sights) = (POSTS.cover(gangnam, radius_m).len(), SIGHTS.cover(gangnam, radius_m).len());
            assert!((1..=25).contains(&posts), "{radius_m} m: {posts} cells");
            assert!((1..=20).contains(&sights), "{radius_m} m: {sights} cells");
        }
    }
}
