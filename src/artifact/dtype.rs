//! Element types of tensors: their names on the wire, and how many bytes a shape of them takes.
//!
//! Names are those of safetensors, and ggml's own for its block-quantised types. A type that is not here cannot be
//! measured, so whoever meets one records bytes and says so.
//!
//! Types: <https://docs.rs/safetensors/latest/safetensors/tensor/enum.Dtype.html>,
//! <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

/// How elements lie in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Elements in one block; 1 where every element has bytes of its own.
    pub elements: u64,
    /// Bytes of one block.
    pub bytes: u64,
    /// True where a block never crosses the end of the innermost dimension (ggml); false where elements are packed
    /// through the whole tensor.
    pub by_row: bool,
}

macro_rules! dtypes {
    ($($name:ident = $text:literal $elements:literal $bytes:literal $by_row:literal,)+) => {
        /// An element type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each variant is its name on the wire")]
        pub enum Dtype {
            $($name,)+
        }

        impl Dtype {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The type of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// How its elements lie in bytes.
            pub const fn layout(self) -> Layout {
                match self {
                    $(Self::$name => Layout { elements: $elements, bytes: $bytes, by_row: $by_row },)+
                }
            }
        }
    };
}

dtypes! {
    Bool = "BOOL" 1 1 false,
    U8 = "U8" 1 1 false,
    I8 = "I8" 1 1 false,
    U16 = "U16" 1 2 false,
    I16 = "I16" 1 2 false,
    U32 = "U32" 1 4 false,
    I32 = "I32" 1 4 false,
    U64 = "U64" 1 8 false,
    I64 = "I64" 1 8 false,
    F16 = "F16" 1 2 false,
    Bf16 = "BF16" 1 2 false,
    F32 = "F32" 1 4 false,
    F64 = "F64" 1 8 false,
    C64 = "C64" 1 8 false,
    C128 = "C128" 1 16 false,
    F8E4M3 = "F8_E4M3" 1 1 false,
    F8E5M2 = "F8_E5M2" 1 1 false,
    F8E8M0 = "F8_E8M0" 1 1 false,
    F8E4M3Fnuz = "F8_E4M3FNUZ" 1 1 false,
    F8E5M2Fnuz = "F8_E5M2FNUZ" 1 1 false,
    F4 = "F4" 2 1 false,
    F6E2M3 = "F6_E2M3" 4 3 false,
    F6E3M2 = "F6_E3M2" 4 3 false,
    Q4_0 = "Q4_0" 32 18 true,
    Q4_1 = "Q4_1" 32 20 true,
    Q5_0 = "Q5_0" 32 22 true,
    Q5_1 = "Q5_1" 32 24 true,
    Q8_0 = "Q8_0" 32 34 true,
    Q2K = "Q2_K" 256 84 true,
    Q3K = "Q3_K" 256 110 true,
    Q4K = "Q4_K" 256 144 true,
    Q5K = "Q5_K" 256 176 true,
    Q6K = "Q6_K" 256 210 true,
    Q8K = "Q8_K" 256 292 true,
    Iq2Xxs = "IQ2_XXS" 256 66 true,
    Iq2Xs = "IQ2_XS" 256 74 true,
    Iq2S = "IQ2_S" 256 82 true,
    Iq3Xxs = "IQ3_XXS" 256 98 true,
    Iq3S = "IQ3_S" 256 110 true,
    Iq1S = "IQ1_S" 256 50 true,
    Iq1M = "IQ1_M" 256 56 true,
    Iq4Nl = "IQ4_NL" 32 18 true,
    Iq4Xs = "IQ4_XS" 256 136 true,
    Tq1_0 = "TQ1_0" 256 54 true,
    Tq2_0 = "TQ2_0" 256 66 true,
    Mxfp4 = "MXFP4" 32 17 true,
    Nvfp4 = "NVFP4" 64 36 true,
    Q1_0 = "Q1_0" 128 18 true,
}

/// Why a shape of a type has no length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum ShapeError {
    #[error("its dimensions multiply to more than 64 bits hold")]
    Overflow,
    #[error("{dtype} packs {elements} elements into a block, and its shape is no multiple of that", dtype = .dtype.name())]
    PartBlock { dtype: Dtype, elements: u64 },
}

/// Elements in a tensor of that shape; a tensor without dimensions is one number.
pub fn elements(shape: &[u64]) -> Result<u64, ShapeError> {
    shape.iter().try_fold(1_u64, |product, dim| product.checked_mul(*dim)).ok_or(ShapeError::Overflow)
}

impl Dtype {
    /// Bytes that a tensor of that shape takes.
    pub fn bytes(self, shape: &[u64]) -> Result<u64, ShapeError> {
        let layout = self.layout();
        let elements = elements(shape)?;
        let blocked = if layout.by_row { shape.last().copied().unwrap_or(1) } else { elements };
        if !blocked.is_multiple_of(layout.elements) {
            return Err(ShapeError::PartBlock { dtype: self, elements: layout.elements });
        }
        (elements / layout.elements).checked_mul(layout.bytes).ok_or(ShapeError::Overflow)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_type() {
        for dtype in Dtype::ALL {
            assert_eq!(Dtype::from_name(dtype.name()), Some(*dtype));
        }
        assert_eq!(Dtype::from_name("f32"), None);
    }

    #[test]
    fn a_shape_has_the_bytes_that_its_blocks_take() {
        assert_eq!(Dtype::F32.bytes(&[]), Ok(4));
        assert_eq!(Dtype::F32.bytes(&[3, 0, 7]), Ok(0));
        assert_eq!(Dtype::Bf16.bytes(&[3, 5]), Ok(30));
        assert_eq!(Dtype::F4.bytes(&[3, 2]), Ok(3));
        assert_eq!(Dtype::F6E2M3.bytes(&[2, 4]), Ok(6));
        assert_eq!(Dtype::Q4K.bytes(&[2, 512]), Ok(4 * 144));
        assert_eq!(Dtype::Nvfp4.bytes(&[64]), Ok(36));
    }

    #[test]
    fn shapes_that_overflow_or_cut_a_block_have_none() {
        assert_eq!(Dtype::U8.bytes(&[1 << 32, 1 << 32]), Err(ShapeError::Overflow));
        assert_eq!(Dtype::F64.bytes(&[1 << 61]), Err(ShapeError::Overflow));
        assert_eq!(Dtype::F4.bytes(&[3]), Err(ShapeError::PartBlock { dtype: Dtype::F4, elements: 2 }));
        // A block never runs from one row into the next, so 8 rows of 32 are no block of 256.
        let error = Dtype::Q6K.bytes(&[8, 32]).unwrap_err();
        assert_eq!(error.to_string(), "Q6_K packs 256 elements into a block, and its shape is no multiple of that");
    }
}
