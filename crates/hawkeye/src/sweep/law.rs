//! Polynomial laws through exact numbers, in exact arithmetic.
//!
//! A law is stated only if it gives every number it is stated for, and more of them than any
//! polynomial of its degree would fit.

use std::fmt::Write;

/// Highest degree of a law.
pub const HIGHEST_DEGREE: usize = 3;

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ratio(i128, i128);

impl Ratio {
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        let sign = if denominator < 0 { -1 } else { 1 };
        let whole = |n: i128| n.checked_div(divisor)?.checked_mul(sign);
        Some(Self(whole(numerator)?, whole(denominator)?))
    }

    fn minus(self, other: Self) -> Option<Self> {
        let (a, b) = (self.0.checked_mul(other.1)?, other.0.checked_mul(self.1)?);
        Self::new(a.checked_sub(b)?, self.1.checked_mul(other.1)?)
    }

    fn plus(self, other: Self) -> Option<Self> {
        self.minus(Self(other.0.checked_neg()?, other.1))
    }

    fn times(self, n: i128) -> Option<Self> {
        Self::new(self.0.checked_mul(n)?, self.1)
    }

    fn over(self, n: i128) -> Option<Self> {
        Self::new(self.0, self.1.checked_mul(n)?)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1).max(1)
}

/// A polynomial in one variable: the coefficients of its powers, over one denominator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polynomial {
    /// Coefficients, that of the constant first.
    pub coefficients: Vec<i128>,
    /// What their sum is divided by.
    pub denominator: i128,
}

impl Polynomial {
    /// The polynomial through some points by Newton's divided differences; `None` if numbers grow
    /// beyond 128 bits or two points share an x.
    fn through(points: &[(i128, i128)]) -> Option<Self> {
        let mut differences: Vec<Ratio> = points.iter().map(|(_, y)| Ratio(*y, 1)).collect();
        for order in 1..points.len() {
            for i in (order..points.len()).rev() {
                let run = points[i].0.checked_sub(points[i - order].0).filter(|run| *run != 0)?;
                differences[i] = differences[i].minus(differences[i - 1])?.over(run)?;
            }
        }
        // Horner's scheme over (x - x_i).
        let mut powers: Vec<Ratio> = Vec::new();
        for (difference, (x, _)) in differences.iter().zip(points).rev() {
            let mut next = vec![Ratio(0, 1); powers.len() + 1];
            for (i, coefficient) in powers.iter().enumerate() {
                next[i + 1] = next[i + 1].plus(*coefficient)?;
                next[i] = next[i].minus(coefficient.times(*x)?)?;
            }
            next[0] = next[0].plus(*difference)?;
            powers = next;
        }
        let mut denominator: i128 = 1;
        for power in &powers {
            denominator = (denominator / gcd(denominator, power.1)).checked_mul(power.1)?;
        }
        let whole = |power: &Ratio| power.0.checked_mul(denominator / power.1);
        let mut coefficients = powers.iter().map(whole).collect::<Option<Vec<_>>>()?;
        while coefficients.len() > 1 && coefficients.last() == Some(&0) {
            coefficients.pop();
        }
        Some(Self { coefficients, denominator })
    }

    /// Its value; `None` if that is no whole number, or one beyond 128 bits.
    #[must_use]
    pub fn at(&self, x: i128) -> Option<i128> {
        let mut sum: i128 = 0;
        for coefficient in self.coefficients.iter().rev() {
            sum = sum.checked_mul(x)?.checked_add(*coefficient)?;
        }
        (sum % self.denominator == 0).then_some(sum / self.denominator)
    }

    /// Highest power.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    /// It in terms of a variable: `4718592*batch + 96`.
    #[must_use]
    pub fn text(&self, variable: &str) -> String {
        let mut text = String::new();
        for (power, coefficient) in self.coefficients.iter().enumerate().rev() {
            if *coefficient == 0 && self.coefficients.len() > 1 {
                continue;
            }
            let amount = coefficient.unsigned_abs();
            let sign = match (text.is_empty(), *coefficient < 0) {
                (true, false) => "",
                (true, true) => "-",
                (false, false) => " + ",
                (false, true) => " - ",
            };
            let factor = match power {
                0 => String::new(),
                1 => variable.to_owned(),
                power => format!("{variable}^{power}"),
            };
            // Writing to a string never fails.
            let _ = match (factor.is_empty(), amount) {
                (true, amount) => write!(text, "{sign}{amount}"),
                (false, 1) => write!(text, "{sign}{factor}"),
                (false, amount) => write!(text, "{sign}{amount}*{factor}"),
            };
        }
        if self.denominator == 1 { text } else { format!("({text})/{}", self.denominator) }
    }
}

/// A law over neighbouring points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Position of its first point.
    pub first: usize,
    /// Position of its last point.
    pub last: usize,
    /// The law; `None` where there is none, or too few points to tell.
    pub law: Option<Polynomial>,
}

/// The pieces of a sequence of points with growing x: each as long as a law of low degree holds.
#[must_use]
pub fn pieces(points: &[(i128, i128)]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut first = 0;
    while first < points.len() {
        let found = piece(&points[first..]);
        let (length, law) = found.map_or((1, None), |(length, law)| (length, Some(law)));
        match pieces.last_mut() {
            // Points without a law are one piece.
            Some(last) if law.is_none() && last.law.is_none() => last.last += 1,
            _ => pieces.push(Piece { first, last: first + length - 1, law }),
        }
        first += length;
    }
    pieces
}

/// How many of the first points a law holds for, and which: the lowest degree that has two points to
/// spare, or at least one.
fn piece(points: &[(i128, i128)]) -> Option<(usize, Polynomial)> {
    let runs: Vec<(usize, usize, Polynomial)> = (0..=HIGHEST_DEGREE)
        .filter_map(|degree| {
            let law = Polynomial::through(points.get(..=degree)?)?;
            let holds = points.iter().take_while(|(x, y)| law.at(*x) == Some(*y)).count();
            Some((degree, holds, law))
        })
        .collect();
    for spare in [2, 1] {
        if let Some((_, holds, law)) = runs.iter().find(|(degree, holds, _)| *holds > degree + spare) {
            return Some((*holds, law.clone()));
        }
    }
    None
}

/// The law of a sequence, if one holds from its first point to its last.
#[must_use]
pub fn law(points: &[(i128, i128)]) -> Option<Polynomial> {
    match pieces(points).as_slice() {
        [Piece { law, .. }] => law.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(f: impl Fn(i128) -> i128, range: std::ops::RangeInclusive<i128>) -> Vec<(i128, i128)> {
        range.map(|x| (x, f(x))).collect()
    }

    #[test]
    fn polynomials_are_found_exactly() {
        for (f, text) in [
            ((|_| 7) as fn(i128) -> i128, "7"),
            (|x| 4_718_592 * x + 96, "4718592*batch + 96"),
            (|x| 3 * x * x - x - 5, "3*batch^2 - batch - 5"),
            (|x| x * (x + 1) / 2, "(batch^2 + batch)/2"),
            (|x| -(x * x * x), "-batch^3"),
        ] {
            assert_eq!(law(&sequence(f, 1..=64)).map(|law| law.text("batch")).as_deref(), Some(text));
        }
    }

    #[test]
    fn breaks_are_where_they_are() {
        let points = sequence(|x| if x < 37 { 10 * x } else { 12 * x + 5 }, 1..=64);
        let pieces = pieces(&points);
        assert_eq!(pieces.len(), 2);
        assert_eq!((pieces[0].last, pieces[1].first), (35, 36));
        assert_eq!(pieces[1].law.as_ref().map(|law| law.text("n")).as_deref(), Some("12*n + 5"));
    }

    #[test]
    fn nothing_is_claimed_of_too_few_points_or_of_what_has_no_law() {
        assert_eq!(law(&[(1, 5)]), None);
        assert_eq!(law(&[(1, 5), (2, 7)]), None, "two points lie on some line");
        assert!(law(&[(1, 5), (2, 7), (3, 9)]).is_some());
        assert_eq!(law(&sequence(|x| 1 << x, 1..=12)), None);
    }

    #[test]
    fn every_law_gives_every_number_of_its_piece() {
        let points = sequence(|x| (x * 13 + 4) / 8 * 16 + (x / 20) * x, 1..=100);
        for piece in pieces(&points) {
            if let Some(law) = piece.law {
                assert!(piece.last - piece.first > law.degree());
                assert!(points[piece.first..=piece.last].iter().all(|(x, y)| law.at(*x) == Some(*y)));
            }
        }
    }

    #[test]
    fn gaps_between_points_do_not_matter() {
        let points: Vec<(i128, i128)> = [1, 2, 4, 8, 16, 32].map(|x| (x, 5 * x * x + 3)).to_vec();
        assert_eq!(law(&points).map(|law| law.text("n")).as_deref(), Some("5*n^2 + 3"));
    }
}
