//! Matrix products by Strassen's seven products of halves.

use hawkeye_graph::{Derivation, ValueId};

use crate::edit::Edit;
use crate::rule::{Family, Promise, Rule, Site};

pub(super) const RULE: Rule = Rule {
    name: "matmul-strassen",
    family: Family::Spatial,
    what: "MatMul -> seven MatMuls of half the size, sums before and after",
    when: "two dimensions, even sizes, a product of the model itself",
    why: "seven products in place of eight, where products are paid; operands are opened more often",
    source: "Strassen, Numerische Mathematik 13, 1969",
    promise: Promise::Exact,
    anchors: &["MatMul"],
    rewrite: &rewrite,
};

fn rewrite(site: &Site<'_>, edit: &mut Edit) -> Option<()> {
    // Products that a rule made stay: halves of halves grow without end.
    if site.node.provenance.is_by(Derivation::Rewrite) {
        return None;
    }
    let (x, y) = (site.input(0)?, site.input(1)?);
    let [rows, inner]: [i64; 2] = site.shape(x)?.try_into().ok()?;
    let [_, columns]: [i64; 2] = site.shape(y)?.try_into().ok()?;
    if [rows, inner, columns].iter().any(|size| size % 2 == 1 || *size < 16) {
        return None;
    }
    let [a, b] = [x, y].map(|matrix| quarters(site, edit, matrix));
    let ([a11, a12, a21, a22], [b11, b12, b21, b22]) = (a?, b?);
    let mut sum = |op: &str, x: ValueId, y: ValueId| edit.op(op, &[x, y]);
    let left = [
        sum("Add", a11, a22),
        sum("Add", a21, a22),
        a11,
        a22,
        sum("Add", a11, a12),
        sum("Sub", a21, a11),
        sum("Sub", a12, a22),
    ];
    let right = [
        sum("Add", b11, b22),
        b11,
        sum("Sub", b12, b22),
        sum("Sub", b21, b11),
        b22,
        sum("Add", b11, b12),
        sum("Add", b21, b22),
    ];
    let mut products =
        left.into_iter().zip(right).map(|(a, b)| edit.op("MatMul", &[a, b])).collect::<Vec<_>>().into_iter();
    let mut next = || products.next();
    let (m1, m2, m3, m4, m5, m6, m7) = (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    let mut quarter = |plus: [ValueId; 3], minus: ValueId| {
        let sum = edit.op("Add", &[plus[0], plus[1]]);
        let sum = edit.op("Sub", &[sum, minus]);
        edit.op("Add", &[sum, plus[2]])
    };
    let (c11, c22) = (quarter([m1, m4, m7], m5), quarter([m1, m3, m6], m2));
    let (c12, c21) = (edit.op("Add", &[m3, m5]), edit.op("Add", &[m2, m4]));
    let (above, below) = (edit.concat(&[c11, c12], 1), edit.concat(&[c21, c22], 1));
    let value = edit.concat(&[above, below], 0);
    edit.replace(site.output()?, value);
    Some(())
}

/// The four quarters of a matrix, row by row.
fn quarters(site: &Site<'_>, edit: &mut Edit, matrix: ValueId) -> Option<[ValueId; 4]> {
    let [rows, columns]: [i64; 2] = site.shape(matrix)?.try_into().ok()?;
    let mut quarters = Vec::new();
    for half in edit.parts(matrix, 0, &[rows / 2, rows / 2]) {
        quarters.extend(edit.parts(half, 1, &[columns / 2, columns / 2]));
    }
    quarters.try_into().ok()
}
