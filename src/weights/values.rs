//! Elements as numbers, for comparing what two checkpoints hold; digests never go through here.
//!
//! Every type becomes a 64-bit float: exactly, but for 64-bit integers beyond 2^53. Types that pack several elements
//! into a block are not decoded.
//!
//! 8-bit floats: <https://www.opencompute.org/documents/ocp-8-bit-floating-point-specification-ofp8-revision-1-0-2023-12-01-pdf-1>

use crate::artifact::dtype::Dtype;

/// Bytes of one number, where the type's elements are numbers by themselves. A complex element is two numbers.
pub(crate) fn width(dtype: Dtype) -> Option<usize> {
    match dtype {
        Dtype::Bool
        | Dtype::U8
        | Dtype::I8
        | Dtype::F8E4M3
        | Dtype::F8E5M2
        | Dtype::F8E8M0
        | Dtype::F8E4M3Fnuz
        | Dtype::F8E5M2Fnuz => Some(1),
        Dtype::U16 | Dtype::I16 | Dtype::F16 | Dtype::Bf16 => Some(2),
        Dtype::U32 | Dtype::I32 | Dtype::F32 | Dtype::C64 => Some(4),
        Dtype::U64 | Dtype::I64 | Dtype::F64 | Dtype::C128 => Some(8),
        _ => None,
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut Vec<f64>, decode: impl Fn([u8; N]) -> f64) {
    out.extend(bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)));
}

/// Decodes whole elements into `out`, which is cleared before. False where the type is not decoded.
pub(crate) fn decode(dtype: Dtype, bytes: &[u8], out: &mut Vec<f64>) -> bool {
    out.clear();
    match dtype {
        Dtype::Bool | Dtype::U8 => each(bytes, out, |[byte]: [u8; 1]| byte.into()),
        Dtype::I8 => each(bytes, out, |b: [u8; 1]| i8::from_le_bytes(b).into()),
        Dtype::U16 => each(bytes, out, |b: [u8; 2]| u16::from_le_bytes(b).into()),
        Dtype::I16 => each(bytes, out, |b: [u8; 2]| i16::from_le_bytes(b).into()),
        Dtype::U32 => each(bytes, out, |b: [u8; 4]| u32::from_le_bytes(b).into()),
        Dtype::I32 => each(bytes, out, |b: [u8; 4]| i32::from_le_bytes(b).into()),
        #[allow(clippy::cast_precision_loss, reason = "said above: beyond 2^53 the nearest float is compared")]
        Dtype::U64 => each(bytes, out, |b: [u8; 8]| u64::from_le_bytes(b) as f64),
        #[allow(clippy::cast_precision_loss, reason = "said above: beyond 2^53 the nearest float is compared")]
        Dtype::I64 => each(bytes, out, |b: [u8; 8]| i64::from_le_bytes(b) as f64),
        Dtype::F16 => each(bytes, out, |b: [u8; 2]| half(u16::from_le_bytes(b))),
        Dtype::Bf16 => each(bytes, out, |b: [u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16).into()),
        Dtype::F32 | Dtype::C64 => each(bytes, out, |b: [u8; 4]| f32::from_le_bytes(b).into()),
        Dtype::F64 | Dtype::C128 => each(bytes, out, f64::from_le_bytes),
        Dtype::F8E4M3 => each(bytes, out, |[byte]: [u8; 1]| small(byte, E4M3)),
        Dtype::F8E5M2 => each(bytes, out, |[byte]: [u8; 1]| small(byte, E5M2)),
        Dtype::F8E4M3Fnuz => each(bytes, out, |[byte]: [u8; 1]| small(byte, E4M3_FNUZ)),
        Dtype::F8E5M2Fnuz => each(bytes, out, |[byte]: [u8; 1]| small(byte, E5M2_FNUZ)),
        Dtype::F8E8M0 => each(bytes, out, |[byte]: [u8; 1]| match byte {
            0xff => f64::NAN,
            exponent => 2_f64.powi(i32::from(exponent) - 127),
        }),
        _ => return false,
    }
    true
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => mantissa * 2_f64.powi(-24),
        0x1f if mantissa == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    }
}

/// How an 8-bit float is laid out.
#[derive(Clone, Copy)]
struct Small {
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

/// Which codes are no finite numbers.
#[derive(Clone, Copy)]
enum Special {
    /// The largest exponent, as in IEEE 754.
    Exponent,
    /// All ones below the sign.
    Ones,
    /// Minus zero.
    MinusZero,
}

const E4M3: Small = Small { mantissa_bits: 3, bias: 7, special: Special::Ones };
const E5M2: Small = Small { mantissa_bits: 2, bias: 15, special: Special::Exponent };
const E4M3_FNUZ: Small = Small { mantissa_bits: 3, bias: 8, special: Special::MinusZero };
const E5M2_FNUZ: Small = Small { mantissa_bits: 2, bias: 16, special: Special::MinusZero };

fn small(byte: u8, format: Small) -> f64 {
    let sign = if byte & 0x80 == 0 { 1.0 } else { -1.0 };
    let below = byte & 0x7f;
    let exponent = i32::from(below >> format.mantissa_bits);
    let mantissa = f64::from(below & ((1 << format.mantissa_bits) - 1));
    let one = f64::from(1_u8 << format.mantissa_bits);
    match format.special {
        Special::Ones if below == 0x7f => return f64::NAN,
        Special::MinusZero if byte == 0x80 => return f64::NAN,
        Special::Exponent if exponent == (0x7f >> format.mantissa_bits) => {
            return if mantissa == 0.0 { sign * f64::INFINITY } else { f64::NAN };
        }
        _ => {}
    }
    let (whole, exponent) = if exponent == 0 { (mantissa, 1) } else { (one + mantissa, exponent) };
    sign * whole / one * 2_f64.powi(exponent - format.bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(dtype: Dtype, bytes: &[u8]) -> f64 {
        let mut out = Vec::new();
        assert!(decode(dtype, bytes, &mut out));
        out[0]
    }

    #[test]
    fn each_type_is_decoded_to_the_number_that_it_is() {
        let cases: &[(Dtype, &[u8], f64)] = &[
            (Dtype::Bool, &[1], 1.0),
            (Dtype::I8, &[0xff], -1.0),
            (Dtype::U16, &[0, 1], 256.0),
            (Dtype::I16, &[0xfe, 0xff], -2.0),
            (Dtype::I64, &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -3.0),
            (Dtype::F16, &0x3c00_u16.to_le_bytes(), 1.0),
            (Dtype::F16, &0xc000_u16.to_le_bytes(), -2.0),
            (Dtype::F16, &0x7bff_u16.to_le_bytes(), 65504.0),
            (Dtype::F16, &0x0001_u16.to_le_bytes(), 5.960_464_477_539_063e-8),
            (Dtype::F16, &0xfc00_u16.to_le_bytes(), f64::NEG_INFINITY),
            (Dtype::Bf16, &0x3fc0_u16.to_le_bytes(), 1.5),
            (Dtype::F32, &0.1_f32.to_le_bytes(), 0.100_000_001_490_116_12),
            (Dtype::F64, &(-0.5_f64).to_le_bytes(), -0.5),
            (Dtype::F8E4M3, &[0x7e], 448.0),
            (Dtype::F8E4M3, &[0x01], 0.001_953_125),
            (Dtype::F8E5M2, &[0xfb], -57344.0),
            (Dtype::F8E5M2, &[0x7c], f64::INFINITY),
            (Dtype::F8E4M3Fnuz, &[0x7f], 240.0),
            (Dtype::F8E5M2Fnuz, &[0x7f], 57344.0),
            (Dtype::F8E8M0, &[127], 1.0),
        ];
        for (dtype, bytes, expected) in cases {
            let found = one(*dtype, bytes);
            assert!(found.to_bits() == expected.to_bits(), "{} {bytes:x?}: {found} is not {expected}", dtype.name());
        }
        let nans: &[(Dtype, &[u8])] = &[
            (Dtype::F16, &[0x01, 0x7c]),
            (Dtype::F8E4M3, &[0xff]),
            (Dtype::F8E5M2, &[0x7d]),
            (Dtype::F8E4M3Fnuz, &[0x80]),
            (Dtype::F8E5M2Fnuz, &[0x80]),
            (Dtype::F8E8M0, &[0xff]),
        ];
        assert!(nans.iter().all(|(dtype, bytes)| one(*dtype, bytes).is_nan()));
        assert!(!decode(Dtype::Q4K, &[0; 144], &mut Vec::new()));
    }

    #[test]
    fn what_is_decoded_has_a_width_and_what_is_not_has_none() {
        for dtype in Dtype::ALL {
            assert_eq!(width(*dtype).is_some(), decode(*dtype, &[0; 16], &mut Vec::new()), "{}", dtype.name());
        }
    }
}
