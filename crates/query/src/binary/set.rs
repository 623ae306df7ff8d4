//! `and`, `or`, `unless`.

use plimsoll_model::Grid;

use super::matching::MatchGroups;
use crate::ast::{Binary, BinaryOp, Cardinality, VectorMatching};
use crate::engine::QueryResult as Result;
use crate::eval::{Series, merge_same};

/// The elements that a set operator keeps.
pub(super) fn eval(
    node: &Binary,
    mut lhs: Vec<Series>,
    mut rhs: Vec<Series>,
    grid: Grid,
) -> Result<Vec<Series>> {
    let plain = VectorMatching::new(Cardinality::ManyToMany);
    let matching = node.matching.as_ref().unwrap_or(&plain);
    let mut groups = MatchGroups::default();
    let left = groups.number(matching, &lhs);
    let right = groups.number(matching, &rhs);
    match node.op {
        BinaryOp::And => {
            let there = presence(groups.len(), &right, &rhs, grid);
            keep_where(&mut lhs, &left, &there, true);
        }
        BinaryOp::Unless => {
            let there = presence(groups.len(), &right, &rhs, grid);
            keep_where(&mut lhs, &left, &there, false);
        }
        _ => {
            let there = presence(groups.len(), &left, &lhs, grid);
            keep_where(&mut rhs, &right, &there, false);
            lhs.append(&mut rhs);
            lhs = merge_same(lhs)?;
        }
    }
    lhs.retain(Series::any_present);
    Ok(lhs)
}

/// At which times each group has an element.
fn presence(groups: usize, of: &[usize], series: &[Series], grid: Grid) -> Vec<Vec<bool>> {
    let mut there: Vec<Vec<bool>> = vec![Vec::new(); groups];
    for (s, group) in series.iter().zip(of) {
        let there = &mut there[*group];
        there.resize(grid.len(), false);
        (0..grid.len()).filter(|i| s.is_present(*i)).for_each(|i| there[i] = true);
    }
    there
}

fn keep_where(series: &mut [Series], of: &[usize], there: &[Vec<bool>], wanted: bool) {
    for (s, group) in series.iter_mut().zip(of) {
        let there = &there[*group];
        for i in 0..s.values.len() {
            if there.get(i).copied().unwrap_or(false) != wanted {
                s.clear(i);
            }
        }
    }
}
