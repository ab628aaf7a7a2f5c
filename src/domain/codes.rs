//! Values with a code: one word in command line, database, letters and evidence.

/// Gives an enum its codes, in both directions, and the list of its values.
macro_rules! codes {
    ($type:ident { $($variant:ident = $code:literal,)* }) => {
        impl $type {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code used in the command line, the database, letters and evidence.
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code,)* } }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(code: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.code() == code).ok_or_else(|| {
                    let all: Vec<_> = Self::ALL.iter().map(|value| value.code()).collect();
                    format!("`{code}` is none of {}", all.join(", "))
                })
            }
        }
    };
}

pub(crate) use codes;
