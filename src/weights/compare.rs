//! How far apart two sets of weights are: sums over all numbers of two tensors, streaming and the same on any machine.
//!
//! Both tensors are read from front to back in blocks of a fixed number of elements. Each block is summed by itself in
//! fixed lanes, on whatever core is free, and the blocks' sums are added in the order of the blocks: threads change the
//! time and never the result. Memory is a few blocks, whatever the tensors' size.

use std::io::{self, Read};

use rayon::prelude::*;

use super::values::{decode, width};
use crate::artifact::dtype::Dtype;
use crate::artifact::tensors::TensorInfo;

/// Numbers in one block: 512 KiB of 64-bit floats, which the second-level cache holds.
const BLOCK: usize = 1 << 16;

/// Blocks in memory at one time. Two or three tensors of at most 8 bytes a number: at most 12 MiB, and 3 more a core.
const BATCH: usize = 8;

/// Independent sums in one block: as many as the widest vectors hold, twice.
const LANES: usize = 16;

/// What two tensors have in common, number by number. Each sum is over all numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Numbers compared.
    pub numbers: u64,
    /// How many are not the same number.
    pub differing: u64,
    /// Pairs of which one is no finite number; they are in no sum.
    pub non_finite: u64,
    /// Σ a².
    pub aa: f64,
    /// Σ b².
    pub bb: f64,
    /// Σ ab.
    pub ab: f64,
    /// Σ (a−b)².
    pub dd: f64,
}

impl Sums {
    /// Adds the sums of another tensor.
    pub fn add(&mut self, other: &Self) {
        self.numbers += other.numbers;
        self.differing += other.differing;
        self.non_finite += other.non_finite;
        self.aa += other.aa;
        self.bb += other.bb;
        self.ab += other.ab;
        self.dd += other.dd;
    }

    /// The cosine between the two; none where one of them is zero, infinite or not a number throughout.
    pub fn cosine(&self) -> Option<f64> {
        // The root of each apart: the product of two large sums may be infinite.
        let cosine = self.ab / (self.aa.sqrt() * self.bb.sqrt());
        cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0))
    }

    /// ‖a−b‖ / ‖a‖; none where a is zero.
    pub fn relative(&self) -> Option<f64> {
        let relative = self.dd.sqrt() / self.aa.sqrt();
        relative.is_finite().then_some(relative)
    }
}

/// What came out of comparing two tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// True where the bytes are the same.
    pub same_bytes: bool,
    /// The sums; none where a type is not decoded to numbers.
    pub sums: Option<Sums>,
}

/// One tensor to be read from front to back.
pub struct Side<'a> {
    /// Its type.
    pub dtype: Dtype,
    /// Its bytes.
    pub bytes: Box<dyn Read + 'a>,
}

/// Compares two tensors of one shape; with a base, what each has beyond it.
pub fn compare(info: &TensorInfo, a: Side<'_>, b: Side<'_>, base: Option<Side<'_>>) -> io::Result<Compared> {
    let widths = [Some(a.dtype), Some(b.dtype), base.as_ref().map(|base| base.dtype)].map(|dtype| dtype.map(width));
    if widths.iter().flatten().any(Option::is_none) {
        let same_bytes = a.dtype == b.dtype && same(a.bytes, b.bytes, info.length)?;
        return Ok(Compared { same_bytes, sums: None });
    }
    let parts = if matches!(info.dtype, Dtype::C64 | Dtype::C128) { 2 } else { 1 };
    let mut left = info.elements().saturating_mul(parts);
    let mut sides: Vec<Side<'_>> = [Some(a), Some(b), base].into_iter().flatten().collect();
    let (mut sums, mut same_bytes) = (Sums::default(), sides[0].dtype == sides[1].dtype);
    while left > 0 {
        let mut batch = Vec::with_capacity(BATCH);
        while left > 0 && batch.len() < BATCH {
            let numbers = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            left -= numbers as u64;
            let block = sides.iter_mut().map(|side| {
                let mut bytes = vec![0; numbers * width(side.dtype).expect("looked up above")];
                side.bytes.read_exact(&mut bytes).map(|()| (side.dtype, bytes))
            });
            batch.push(block.collect::<io::Result<Vec<_>>>()?);
        }
        let blocks: Vec<(Sums, bool)> = batch.par_iter().map(|block| one_block(block)).collect();
        for (block, is_same) in blocks {
            sums.add(&block);
            same_bytes &= is_same;
        }
    }
    Ok(Compared { same_bytes, sums: Some(sums) })
}

/// Bytes alone, for types that are not decoded.
fn same(mut a: Box<dyn Read + '_>, mut b: Box<dyn Read + '_>, length: u64) -> io::Result<bool> {
    let (mut first, mut second, mut left) = (vec![0; BLOCK], vec![0; BLOCK], length);
    while left > 0 {
        let len = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        a.read_exact(&mut first[..len])?;
        b.read_exact(&mut second[..len])?;
        if first[..len] != second[..len] {
            return Ok(false);
        }
        left -= len as u64;
    }
    Ok(true)
}

fn one_block(block: &[(Dtype, Vec<u8>)]) -> (Sums, bool) {
    let same_bytes = block[0].1 == block[1].1;
    let mut sides: Vec<Vec<f64>> = block
        .iter()
        .map(|(dtype, bytes)| {
            let mut numbers = Vec::new();
            decode(*dtype, bytes, &mut numbers);
            numbers
        })
        .collect();
    if let Some(base) = if sides.len() == 3 { sides.pop() } else { None } {
        for side in &mut sides {
            side.iter_mut().zip(&base).for_each(|(number, base)| *number -= base);
        }
    }
    (sum(&sides[0], &sides[1]), same_bytes)
}

/// The sums of one block, in lanes and then over the lanes.
fn sum(a: &[f64], b: &[f64]) -> Sums {
    let mut sums = Sums { numbers: a.len() as u64, ..Sums::default() };
    let mut lanes = [[0.0_f64; LANES]; 4];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        for (lane, (a, b)) in a.iter().zip(b).enumerate() {
            let (mut a, mut b) = (*a, *b);
            if !(a.is_finite() && b.is_finite()) {
                sums.non_finite += 1;
                sums.differing += u64::from(a.to_bits() != b.to_bits());
                (a, b) = (0.0, 0.0);
            }
            let d = a - b;
            sums.differing += u64::from(d != 0.0);
            lanes[0][lane] += a * a;
            lanes[1][lane] += b * b;
            lanes[2][lane] += a * b;
            lanes[3][lane] += d * d;
        }
    }
    [sums.aa, sums.bb, sums.ab, sums.dd] = lanes.map(|lanes| lanes.iter().sum());
    sums
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn floats(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn compared(dtypes: [Dtype; 2], a: &[u8], b: &[u8], elements: usize) -> Compared {
        let info = TensorInfo::new("t", dtypes[0], vec![elements as u64]).unwrap();
        let side = |dtype, bytes| Side { dtype, bytes: Box::new(bytes) };
        compare(&info, side(dtypes[0], a), side(dtypes[1], b), None).unwrap()
    }

    #[test]
    fn the_sums_are_those_of_the_numbers_whatever_their_types() {
        let (a, b) = (floats(&[3.0, 4.0, 0.0]), floats(&[3.0, 0.0, 4.0]));
        let found = compared([Dtype::F32, Dtype::F32], &a, &b, 3);
        let expected = Sums { numbers: 3, differing: 2, non_finite: 0, aa: 25.0, bb: 25.0, ab: 9.0, dd: 32.0 };
        assert_eq!(found, Compared { same_bytes: false, sums: Some(expected) });
        assert_eq!(expected.cosine(), Some(0.36));
        assert_eq!(expected.relative(), Some(32_f64.sqrt() / 5.0));
        let halves: Vec<u8> = [0x4200_u16, 0x4400, 0].iter().flat_map(|half| half.to_le_bytes()).collect();
        let found = compared([Dtype::F32, Dtype::F16], &a, &halves, 3);
        assert!(!found.same_bytes);
        assert_eq!(found.sums.unwrap().dd, 0.0);
    }

    #[test]
    fn what_is_no_number_is_counted_and_kept_out_of_the_sums() {
        let (a, b) = (floats(&[f32::NAN, 1.0, f32::INFINITY]), floats(&[f32::NAN, 1.0, 2.0]));
        let sums = compared([Dtype::F32, Dtype::F32], &a, &b, 3).sums.unwrap();
        assert_eq!((sums.non_finite, sums.differing, sums.cosine()), (2, 1, Some(1.0)));
        let zero = compared([Dtype::F32, Dtype::F32], &floats(&[0.0]), &floats(&[1.0]), 1).sums.unwrap();
        assert_eq!((zero.cosine(), zero.relative()), (None, None));
        let blocks = compared([Dtype::Q4_0, Dtype::Q4_0], &[7; 18], &[7; 18], 32);
        assert_eq!(blocks, Compared { same_bytes: true, sums: None });
    }

    #[test]
    fn with_a_base_only_what_was_added_to_it_is_compared() {
        let info = TensorInfo::new("t", Dtype::F32, vec![2]).unwrap();
        let side = |numbers: &[f32]| Side { dtype: Dtype::F32, bytes: Box::new(io::Cursor::new(floats(numbers))) };
        let base = Some(side(&[100.0, 100.0]));
        let sums = compare(&info, side(&[101.0, 100.0]), side(&[100.0, 101.0]), base).unwrap().sums.unwrap();
        assert_eq!((sums.cosine(), sums.dd), (Some(0.0), 2.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn any_number_of_threads_gives_the_same_bits(len in BLOCK..10 * BLOCK, threads in 1..6_usize) {
            let numbers = |seed: usize| {
                let number = |at: usize| f32::from(u16::try_from((at * seed + at / 7) % 65_521).unwrap()) / 977.0;
                floats(&(0..len).map(number).collect::<Vec<_>>())
            };
            let (a, b) = (numbers(7919), numbers(104_729));
            let own = || compared([Dtype::F32, Dtype::F32], &a, &b, len);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            prop_assert_eq!(own(), pool.install(own));
        }
    }
}
