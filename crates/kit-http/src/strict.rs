//! Reads a struct from an object only. Serde's derived structs take an array too, field by field in the
//! order in which they stand in the code; nobody was promised that order.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

/// What serde hands around while it reads, made strict: whatever is reached through it is strict as well,
/// so that it holds at every depth.
///
/// ```text
///   Strict(deserializer) ── hands out ──▶ Strict(visitor) ── is given ──▶ Strict(access)
///            ▲                                                                  │
///            └─────────────────── Strict(seed) ◀── hands out ───────────────────┘
/// ```
///
/// Everything else goes through as it is, errors included. What serde puts aside before it reads it (the
/// insides of `#[serde(flatten)]`, of untagged enums and of those with a `tag`) is out of its reach.
pub(super) struct Strict<T>(pub(super) T);

/// Methods of a deserializer that only make the visitor strict.
macro_rules! read {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($name,)* Strict(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    /// As a map: the one place where it is strict.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Strict(visitor))
    }

    read! {
        deserialize_any() deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_bytes() deserialize_byte_buf()
        deserialize_option() deserialize_unit() deserialize_seq() deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Methods of a visitor that take a plain value.
macro_rules! visit {
    ($($method:ident($($type:ty)?))*) => {$(
        visit! { @one $method $($type)? }
    )*};
    (@one $method:ident $type:ty) => {
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    };
    (@one $method:ident) => {
        fn $method<E: de::Error>(self) -> Result<V::Value, E> {
            self.0.$method()
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_char(char) visit_unit() visit_none()
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_f32(f32) visit_f64(f64)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Strict(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Strict(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Strict(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(Strict(seed))?;
        Ok((value, Strict(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Strict(visitor))
    }

    /// As a variant that holds one map: strict as a struct is.
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.newtype_variant_seed(FromMap(Strict(visitor)))
    }
}

/// What a visitor makes of a map.
struct FromMap<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for FromMap<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use baedal_contracts::Location;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    #[derive(PartialEq, Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: u32,
        y: u32,
    }

    #[derive(PartialEq, Debug, Deserialize)]
    struct Wrapped(Point);

    #[derive(PartialEq, Debug, Deserialize)]
    struct Pair(u32, Point);

    #[derive(PartialEq, Debug, Deserialize)]
    enum Shape {
        Nothing,
        Dot(Point),
        Line(Point, Point),
        Circle { at: Point, radius: u32 },
    }

    fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
        let text = value.to_string();
        T::deserialize(Strict(&mut serde_json::Deserializer::from_str(&text))).map_err(|error| error.to_string())
    }

    /// It is read with objects, and not where one of them is an array of the same values.
    fn is_strict<T: DeserializeOwned>(good: &Value, bad: &Value) {
        read::<T>(good).unwrap_or_else(|error| panic!("{good}: {error}"));
        let error = read::<T>(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
        assert!(error.starts_with("invalid type: sequence, expected struct"), "{bad}: {error}");
    }

    #[test]
    fn an_array_is_no_struct_at_any_depth() {
        let (good, bad) = (json!({"x": 1, "y": 2}), json!([1, 2]));
        is_strict::<Point>(&good, &bad);
        is_strict::<Option<Point>>(&good, &bad);
        is_strict::<Wrapped>(&good, &bad);
        is_strict::<Vec<Point>>(&json!([good]), &json!([good, bad]));
        is_strict::<Vec<Option<Wrapped>>>(&json!([null, good]), &json!([null, bad]));
        is_strict::<(u32, Point)>(&json!([1, good]), &json!([1, bad]));
        is_strict::<Pair>(&json!([1, good]), &json!([1, bad]));
        is_strict::<BTreeMap<String, Point>>(&json!({"a": good}), &json!({"a": bad}));
        is_strict::<Location>(&json!({"lat": 37.5, "lng": 127}), &json!([37.5, 127]));
        is_strict::<Shape>(&json!("Nothing"), &json!({"Dot": bad}));
        is_strict::<Shape>(&json!({"Dot": good}), &json!({"Dot": bad}));
        is_strict::<Shape>(&json!({"Line": [good, good]}), &json!({"Line": [good, bad]}));
        let circle = json!({"Circle": {"at": good, "radius": 1}});
        is_strict::<Shape>(&circle, &json!({"Circle": [good, 1]}));
        is_strict::<Shape>(&circle, &json!({"Circle": {"at": bad, "radius": 1}}));
    }

    #[test]
    fn all_else_is_as_serde_says() {
        for text in [
            r#"{"x": 1, "y": 2}"#,
            r#"{"x": 1}"#,
            r#"{"x": 1, "x": 1, "y": 2}"#,
            r#"{"x": 1, "y": 2, "z": 3}"#,
            r#"{"x": -1, "y": 2}"#,
            r#"{"x": "1", "y": 2}"#,
            r#"{"x": 1, "y": 2"#,
            "null",
        ] {
            let strict = Point::deserialize(Strict(&mut serde_json::Deserializer::from_str(text)));
            let plain = serde_json::from_str::<Point>(text);
            assert_eq!(strict.map_err(|error| error.to_string()), plain.map_err(|error| error.to_string()), "{text}");
        }
    }
}
