//! Where cards stand: rows by how far they are from the end, order by their neighbours, places by least squares.
//!
//! The layered drawing of Sugiyama, Tagawa and Toda (1981): long ties pass through places of their own in every row between,
//! a few sweeps order each row by the middle of its neighbours, and then each row is moved as near to its neighbours as
//! the order and the widths allow (isotonic regression by pooling). Only sums, products and quotients are used, so that the
//! places are the same on every platform.

use std::collections::BTreeMap;

use crate::report::picture::{Picture, PictureError};

/// A picture of more cards would not be looked at; `--dot` and `--json` have no bound.
pub const MAX_CARDS: usize = 2000;

/// Places for long ties, all rows together; it bounds the time.
const MAX_PLACES: usize = 50_000;

/// Sizes in pixels.
pub(super) const CARD_WIDTH: f64 = 184.0;
pub(super) const CARD_HEIGHT: f64 = 58.0;
const GAP: f64 = 26.0;
const ROW: f64 = CARD_HEIGHT + 46.0;
const PASSAGE: f64 = 14.0;
pub(super) const MARGIN: f64 = 20.0;

/// Times that rows are ordered, and then moved, down and up.
const SWEEPS: usize = 12;

/// Where everything stands.
#[derive(Debug)]
pub(super) struct Layout {
    /// Middle of each card's upper edge.
    pub(super) cards: Vec<(f64, f64)>,
    /// For each tie, the points it passes on the way from card to card.
    pub(super) ties: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A card, or the place of a tie in a row that it crosses.
struct Spot {
    row: usize,
    width: f64,
    x: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

pub(super) fn lay_out(picture: &Picture) -> Result<Layout, PictureError> {
    if picture.cards.len() > MAX_CARDS {
        return Err(PictureError::TooLarge);
    }
    let deepest = picture.cards.iter().map(|card| card.depth).max().unwrap_or_default();
    let mut spots: Vec<Spot> = picture.cards.iter().map(|card| spot(deepest - card.depth, CARD_WIDTH)).collect();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    let mut seen: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for tie in &picture.ties {
        // Several relations between the same two cards share one way.
        if let Some(way) = seen.get(&(tie.from, tie.to)) {
            ways.push(ways[*way].clone());
            continue;
        }
        seen.insert((tie.from, tie.to), ways.len());
        let mut way = vec![tie.from];
        for row in spots[tie.from].row + 1..spots[tie.to].row {
            way.push(spots.len());
            spots.push(spot(row, PASSAGE));
        }
        way.push(tie.to);
        if spots.len() > picture.cards.len() + MAX_PLACES {
            return Err(PictureError::TooLarge);
        }
        for pair in way.windows(2) {
            spots[pair[0]].below.push(pair[1]);
            spots[pair[1]].above.push(pair[0]);
        }
        ways.push(way);
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); deepest + 1];
    for (at, spot) in spots.iter().enumerate() {
        rows[spot.row].push(at);
    }
    order(&mut rows, &mut spots);
    place(&rows, &mut spots);
    let least = spots.iter().map(|spot| spot.x - spot.width / 2.0).fold(f64::INFINITY, f64::min).min(f64::MAX);
    let most = spots.iter().map(|spot| spot.x + spot.width / 2.0).fold(0.0, f64::max);
    let point = |at: usize| {
        let spot = &spots[at];
        ((spot.x - least + MARGIN).round(), MARGIN + index(spot.row) * ROW)
    };
    Ok(Layout {
        cards: (0..picture.cards.len()).map(point).collect(),
        ties: ways.iter().map(|way| way.iter().map(|at| point(*at)).collect()).collect(),
        width: (most - least + 2.0 * MARGIN).round(),
        height: index(deepest) * ROW + CARD_HEIGHT + 2.0 * MARGIN,
    })
}

fn spot(row: usize, width: f64) -> Spot {
    Spot { row, width, x: 0.0, above: Vec::new(), below: Vec::new() }
}

/// Numbers here are below [`MAX_PLACES`].
fn index(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Orders rows so that ties cross less: by the middle of the neighbours, down and up.
fn order(rows: &mut [Vec<usize>], spots: &mut [Spot]) {
    let rank = |rows: &[Vec<usize>], spots: &mut [Spot]| {
        for row in rows {
            row.iter().enumerate().for_each(|(rank, at)| spots[*at].x = index(rank));
        }
    };
    rank(rows, spots);
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let numbers: Vec<usize> = if down { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for number in numbers {
            let key = |at: &usize| middle(spots, *at, down).unwrap_or(spots[*at].x);
            let mut keyed: Vec<(f64, usize)> = rows[number].iter().map(|at| (key(at), *at)).collect();
            // Stable: what is not told apart keeps its order.
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            rows[number] = keyed.into_iter().map(|(_, at)| at).collect();
            rank(&rows[number..=number], spots);
        }
    }
}

fn middle(spots: &[Spot], at: usize, of_above: bool) -> Option<f64> {
    let neighbours = if of_above { &spots[at].above } else { &spots[at].below };
    let sum: f64 = neighbours.iter().map(|other| spots[*other].x).sum();
    (!neighbours.is_empty()).then(|| sum / index(neighbours.len()))
}

/// Moves rows as near to their neighbours as order and widths allow.
fn place(rows: &[Vec<usize>], spots: &mut [Spot]) {
    for row in rows {
        let offsets = offsets(row, spots);
        let middle = offsets.last().copied().unwrap_or_default() / 2.0;
        row.iter().zip(&offsets).for_each(|(at, offset)| spots[*at].x = offset - middle);
    }
    for sweep in 0..2 * SWEEPS {
        let down = sweep % 2 == 0;
        let numbers: Vec<usize> = if down { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for number in numbers {
            let row = &rows[number];
            let wanted: Vec<f64> = row
                .iter()
                .map(|at| {
                    // The last sweeps look both ways.
                    let both = [middle(spots, *at, down), middle(spots, *at, !down).filter(|_| sweep >= SWEEPS)];
                    let known: Vec<f64> = both.into_iter().flatten().collect();
                    if known.is_empty() { spots[*at].x } else { known.iter().sum::<f64>() / index(known.len()) }
                })
                .collect();
            let offsets = offsets(row, spots);
            let free: Vec<f64> = wanted.iter().zip(&offsets).map(|(wanted, offset)| wanted - offset).collect();
            let fitted = rising(&free);
            row.iter().zip(fitted.iter().zip(&offsets)).for_each(|(at, (x, offset))| spots[*at].x = x + offset);
        }
    }
}

/// Distance of each spot's middle from the first's, packed as closely as may be.
fn offsets(row: &[usize], spots: &[Spot]) -> Vec<f64> {
    let mut offsets = Vec::with_capacity(row.len());
    let mut at = 0.0;
    for (number, spot) in row.iter().enumerate() {
        if number > 0 {
            at += spots[row[number - 1]].width / 2.0 + GAP + spots[*spot].width / 2.0;
        }
        offsets.push(at);
    }
    offsets
}

/// The rising sequence that is nearest by squares: neighbours that would fall are pooled at their mean.
fn rising(wanted: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for value in wanted {
        pools.push((*value, 1));
        while let [.., (left, left_count), (right, right_count)] = pools.as_slice()
            && left > right
        {
            let count = left_count + right_count;
            let mean = (left * index(*left_count) + right * index(*right_count)) / index(count);
            pools.truncate(pools.len() - 2);
            pools.push((mean, count));
        }
    }
    pools.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::rising;

    #[test]
    fn what_would_fall_is_pooled_at_its_mean() {
        assert_eq!(rising(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(rising(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[]), [0.0; 0]);
    }
}
