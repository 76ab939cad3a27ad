//! Where a store delivers, as H3 cells: a store is tagged with every cell that it reaches into, so that a
//! search looks at one cell, its own.
//!
//! A store's reach changes seldom and is searched often. At resolution 6 a cell is about 36 km², so a
//! radius of 3 km touches about five, and 20 km about fifty.

use baedal_contracts::Location;
use h3o::{CellIndex, LatLng, Resolution};

const RESOLUTION: Resolution = Resolution::Six;
/// No edge of a cell at this resolution is shorter, in metres: their mean is 3,725 m, and the smallest
/// cells have half the area of the largest (<https://h3geo.org/docs/core-library/restable>).
const SHORTEST_EDGE_M: f64 = 2_400.0;
/// Nobody delivers further, in metres; what a store claims beyond it is not looked for.
const FURTHEST_M: f64 = 50_000.0;
/// A cell's edges bend a little between its vertices.
const BEND: f64 = 1.02;

/// The tag of the stores that deliver somewhere into the cell of this place.
pub(crate) fn tag(place: Location) -> Option<String> {
    Some(tag_of(point(place)?.to_cell(RESOLUTION)))
}

/// The tags of a store that delivers this far.
pub(crate) fn tags(place: Location, radius_m: u32) -> Vec<String> {
    let Some(center) = point(place) else { return Vec::new() };
    let radius_m = f64::from(radius_m).min(FURTHEST_M);
    cells_around(center, radius_m).into_iter().filter(|cell| reaches(center, radius_m, *cell)).map(tag_of).collect()
}

/// At least all the cells that the circle touches. In a grid of hexagons with edges `e`, `k` rings around
/// a cell reach `(1.5 k − 0.5) e` beyond any point of it.
fn cells_around(center: LatLng, radius_m: f64) -> Vec<CellIndex> {
    let rings = ((radius_m / SHORTEST_EDGE_M + 0.5) / 1.5).ceil() as u32;
    center.to_cell(RESOLUTION).grid_disk(rings)
}

/// Whether the circle touches the cell, or nearly does.
fn reaches(center: LatLng, radius_m: f64, cell: CellIndex) -> bool {
    let middle = LatLng::from(cell);
    let size_m = cell.boundary().iter().map(|vertex| middle.distance_m(*vertex)).fold(0.0, f64::max);
    center.distance_m(middle) <= radius_m + size_m * BEND
}

fn point(place: Location) -> Option<LatLng> {
    // A location that exists is finite, which is all that is asked.
    LatLng::new(place.lat(), place.lng()).ok()
}

fn tag_of(cell: CellIndex) -> String {
    format!("cell:{cell}")
}
