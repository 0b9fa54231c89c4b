//! Closed sets of values, each with its number on the wire and its name in text.

/// A closed set of values: declared once, in one line each.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident, $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $id:literal $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            pub const fn id(self) -> i64 {
                match self { $(Self::$variant => $id,)+ }
            }

            /// The name in text.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a number on the wire.
            pub fn from_id(id: i64) -> Result<Self, $crate::codec::DecodeError> {
                match id {
                    $($id => Ok(Self::$variant),)+
                    _ => Err($crate::codec::DecodeError::UnknownValue { what: $what, value: id }),
                }
            }

            /// The value of a name, exactly as [`Self::name`] gives it.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|value| value.name()).collect();
                    let shown: String = name.chars().take(80).flat_map(char::escape_default).collect();
                    serde::de::Error::custom(format_args!(
                        concat!($what, " is one of {}, not `{}`"), names.join(", "), shown
                    ))
                })
            }
        }
    };
}
pub(crate) use wire_enum;
