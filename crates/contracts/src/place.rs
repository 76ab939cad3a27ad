//! Places on the earth.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Metres from the earth's centre to its mean surface (IUGG mean radius R1).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// A point in WGS 84 degrees. One that exists is finite and on the globe.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Degrees", into = "Degrees", deny_unknown_fields)]
pub struct Location {
    /// Latitude, −90 to 90.
    #[schema(minimum = -90, maximum = 90)]
    lat: f64,
    /// Longitude, −180 to 180.
    #[schema(minimum = -180, maximum = 180)]
    lng: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Degrees {
    lat: f64,
    lng: f64,
}

/// The numbers name no point on the globe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have lat between -90 and 90 and lng between -180 and 180")]
pub struct InvalidLocation;

impl Location {
    /// A point, if it is one.
    ///
    /// # Errors
    /// [`InvalidLocation`] where a number is not finite or out of range.
    pub fn new(lat: f64, lng: f64) -> Result<Self, InvalidLocation> {
        if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng) {
            Ok(Self { lat, lng })
        } else {
            Err(InvalidLocation)
        }
    }

    /// Latitude in degrees.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat
    }

    /// Longitude in degrees.
    #[must_use]
    pub fn lng(self) -> f64 {
        self.lng
    }

    /// Metres along the great circle (haversine; off by less than 0.6 %, as the earth is no sphere).
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        let (from, to) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((to - from) / 2.0).sin();
        let half_lng = ((other.lng - self.lng).to_radians() / 2.0).sin();
        let chord = half_lat * half_lat + from.cos() * to.cos() * half_lng * half_lng;
        2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
    }
}

impl TryFrom<Degrees> for Location {
    type Error = InvalidLocation;
    fn try_from(degrees: Degrees) -> Result<Self, Self::Error> {
        Self::new(degrees.lat, degrees.lng)
    }
}

impl From<Location> for Degrees {
    fn from(location: Location) -> Self {
        Self { lat: location.lat, lng: location.lng }
    }
}

/// Somewhere with a postal address: where to fetch, where to bring.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// As written on a parcel.
    #[schema(min_length = 1, max_length = 200)]
    pub address: String,
    /// Where that is.
    pub location: Location,
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn seoul_city_hall_to_hongdae_is_five_kilometres() {
        let city_hall = Location::new(37.5663, 126.9779).expect("a point");
        let hongdae = Location::new(37.5572, 126.9254).expect("a point");
        let metres = city_hall.distance_m(hongdae);
        assert!((4_700.0..4_800.0).contains(&metres), "{metres}");
    }

    #[test]
    fn numbers_off_the_globe_are_no_location() {
        for (lat, lng) in [(f64::NAN, 0.0), (90.1, 0.0), (0.0, -180.1), (f64::INFINITY, 0.0)] {
            assert!(Location::new(lat, lng).is_err());
        }
    }
}
