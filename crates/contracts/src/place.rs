//! Places on the earth.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A degree has this many cells of the grid that places are shown on to those who may not know them exactly: 556 metres
/// from north to south, 440 from east to west in Seoul.
const CELLS_PER_DEGREE: f64 = 200.0;
/// What Korean addresses begin with where it does not end in one of [`DISTRICTS`]: the provinces and metropolitan
/// cities by their short names (지방자치법 2조, 통계청 행정구역분류).
const PROVINCES: [&str; 17] = [
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충북", "충남", "전북", "전남",
    "경북", "경남", "제주",
];
/// What the names of provinces, cities, counties and wards end in (도로명주소법 시행령 6조).
const DISTRICTS: [char; 4] = ['도', '시', '군', '구'];
/// What the names of neighbourhoods and roads end in.
const NEIGHBOURHOODS: [char; 6] = ['읍', '면', '동', '가', '로', '길'];

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

    /// About there: the middle of the cell of a coarse grid that it is in, which is the same for all who live in it.
    #[must_use]
    pub fn roughly(self) -> Self {
        let round = |degrees: f64| (degrees * CELLS_PER_DEGREE).round() / CELLS_PER_DEGREE;
        // Rounding stays on the globe, whose edges are round numbers.
        Self { lat: round(self.lat), lng: round(self.lng) }
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

impl Place {
    /// About there, for those who may not know it exactly: the neighbourhood for an address, or where the address does
    /// not tell one the coarse cell's degrees; and the coarse cell for a location.
    #[must_use]
    pub fn roughly(&self) -> Self {
        let location = self.location.roughly();
        let address = neighbourhood(&self.address);
        Self { address: address.unwrap_or_else(|| format!("{:.3}, {:.3}", location.lat(), location.lng())), location }
    }
}

/// The neighbourhood of a Korean address: its province, city and ward, and the first name of a quarter, a village or a
/// road behind them. Nothing where there are none, or anything else stands between, which might be a person's or a
/// house's name.
#[must_use]
pub fn neighbourhood(address: &str) -> Option<String> {
    let mut words = Vec::new();
    for word in address.split_whitespace() {
        let word = word.trim_end_matches(',');
        // Of `테헤란로12길` the road is told, and not the lane.
        let name: String = word.chars().take_while(|letter| letter.is_alphabetic()).collect();
        let is_whole = name == word;
        let is_district = is_whole && (PROVINCES.contains(&word) || name.ends_with(DISTRICTS));
        if is_district {
            words.push(name);
        } else if !words.is_empty() && name.chars().count() > 1 && name.ends_with(NEIGHBOURHOODS) {
            words.push(name);
            return Some(words.join(" "));
        } else {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Location, Place, neighbourhood};

    #[test]
    fn a_neighbourhood_ends_before_every_number_and_every_name_that_may_be_a_persons() {
        for (address, shown) in [
            ("서울 강남구 역삼동 736-1 래미안 101동 1202호", Some("서울 강남구 역삼동")),
            ("서울 강남구 테헤란로 231, 301호", Some("서울 강남구 테헤란로")),
            ("서울특별시 강남구 테헤란로12길 5", Some("서울특별시 강남구 테헤란로")),
            ("경기도 양평군 서종면 문호리 12", Some("경기도 양평군 서종면")),
            ("서울 동작구 상도1동 래미안 101동", None),
            ("서울 중구 101동 3호", None),
            ("서울 강남구 홍길동네 역삼동", None),
            ("홍길동 010-1234-5678", None),
            ("홍길동 서울 강남구 역삼동", None),
            ("래미안 101동 1202호", None),
            ("231 Teheran-ro, Gangnam-gu", None),
            ("", None),
            ("서울 강남구", None),
        ] {
            assert_eq!(neighbourhood(address).as_deref(), shown, "{address}");
        }
    }

    #[test]
    fn about_there_is_the_same_for_neighbours_and_says_nothing_of_the_house() {
        let at = |lat, lng| Location::new(lat, lng).expect("a point");
        let place = |address: &str, location| Place { address: address.to_owned(), location };
        let one = place("뒷집 3층", at(37.49791, 127.02761)).roughly();
        assert_eq!(one, place("37.500, 127.030", at(37.5, 127.03)));
        assert_eq!(one, place("앞집", at(37.4985, 127.0299)).roughly());
        assert_eq!(at(90.0, -180.0).roughly(), at(90.0, -180.0));
    }

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
