//! How deep a sheet's text nests, which its parser would follow without bound.

/// Brackets within brackets, and columns of indentation.
const DEEPEST: usize = 100;
/// Digits of a number: the parser's time grows with their square.
const LONGEST_NUMBER: usize = 1000;
/// Parameters of a function: what the interpreter keeps of them grows with their square.
const MOST_PARAMETERS: usize = 1000;
/// Operators of one expression, and branches of one statement, which nest in its syntax tree.
const LONGEST_CHAIN: usize = 1000;

/// The first line that nests too deep, from 1, and what is wrong there.
pub(crate) fn too_deep(text: &str) -> Option<(usize, String)> {
    // Operators since the last comma or line, of the text itself and of each bracket that is open: the parser nests an
    // expression by as many levels.
    let mut chains = vec![0];
    let mut branches = 0;
    let mut line = 1;
    let mut at_start = true;
    let (mut defining, mut parameters) = (false, 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if at_start {
            let indentation = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            if indentation > 4 * DEEPEST {
                return Some((line, format!("is indented by more than {} columns", 4 * DEEPEST)));
            }
            // Only what begins at the margin surely ends a chain of `elif`.
            if indentation == 0 && !rest.starts_with('\n') {
                branches = 0;
            }
            at_start = false;
        }
        let length = token(rest);
        let (token, after) = rest.split_at(length);
        match c {
            '\n' => {
                at_start = true;
                // A line ends an expression unless a bracket is open.
                if chains.len() == 1 {
                    chains[0] = 0;
                }
            }
            '(' | '[' | '{' => {
                grow(&mut chains);
                chains.push(0);
            }
            ')' | ']' | '}' if chains.len() > 1 => {
                chains.pop();
            }
            ',' => {
                if let Some(chain) = chains.last_mut() {
                    *chain = 0;
                }
                // A comma within the brackets of `def`, and no deeper.
                if chains.len() == 2 && defining {
                    parameters += 1;
                }
            }
            _ if token == "def" => (defining, parameters) = (true, 0),
            ':' if chains.len() == 1 => defining = false,
            _ if c.is_ascii_digit() && token.len() > LONGEST_NUMBER => {
                return Some((line, format!("a number of more than {LONGEST_NUMBER} digits")));
            }
            _ if matches!(token, "and" | "or" | "not" | "else" | "lambda") => grow(&mut chains),
            _ if token == "elif" => branches += 1,
            _ if token.len() == 1 && "+-*/%|&^<>~.=".contains(c) => grow(&mut chains),
            _ => {}
        }
        if chains.len() > DEEPEST {
            return Some((line, format!("more than {DEEPEST} brackets within brackets")));
        }
        if parameters > MOST_PARAMETERS {
            return Some((line, format!("a function of more than {MOST_PARAMETERS} parameters")));
        }
        if branches > LONGEST_CHAIN || chains.last().is_some_and(|chain| *chain > LONGEST_CHAIN) {
            return Some((line, format!("more than {LONGEST_CHAIN} operators or branches in a row")));
        }
        line += token.matches('\n').count();
        rest = after;
    }
    None
}

fn grow(chains: &mut [usize]) {
    if let Some(chain) = chains.last_mut() {
        *chain += 1;
    }
}

/// Bytes of the token, comment or single character that a text begins with.
fn token(text: &str) -> usize {
    let quoted = |quote: &str| {
        let mut escaped = false;
        for (position, c) in text.char_indices().skip_while(|(position, _)| *position < quote.len()) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if text[position..].starts_with(quote) {
                return position + quote.len();
            } else if c == '\n' && quote.len() == 1 {
                return position;
            }
        }
        text.len()
    };
    let word = |c: char| c.is_alphanumeric() || c == '_';
    match text.chars().next() {
        Some('#') => text.find('\n').unwrap_or(text.len()),
        Some('"') if text.starts_with("\"\"\"") => quoted("\"\"\""),
        Some('"') => quoted("\""),
        Some('\'') if text.starts_with("'''") => quoted("'''"),
        Some('\'') => quoted("'"),
        Some(c) if word(c) => text.find(|c| !word(c)).unwrap_or(text.len()),
        Some(c) => c.len_utf8(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_without_bound_is_found_where_it_is() {
        let sum = |n: usize| format!("X = {}1\n", "1 + ".repeat(n));
        let brackets = |n: usize| format!("Y = 1\nX = {}1{}\n", "(".repeat(n), ")".repeat(n));
        let branches = |n: usize| {
            format!("def f(x):\n    if x:\n        pass\n{}", "    elif x:\n        pass\n".repeat(n))
        };
        for deep in [sum(2000), brackets(200), branches(2000), format!("X = f{}\n", "()".repeat(2000))] {
            assert!(too_deep(&deep).is_some());
        }
        assert_eq!(too_deep(&brackets(200)).map(|(line, _)| line), Some(2));
        let list = format!("X = [{}]\n", "f(1 + 2), ".repeat(5000));
        let text = format!("X = \"{}\" # {}\n", "(+".repeat(2000), "(".repeat(2000));
        let number = format!("X = {}\n", "9".repeat(2000));
        let parameters = |n: usize| {
            format!("def f({}):\n    pass\n", (0..n).map(|i| format!("a{i}, ")).collect::<String>())
        };
        assert_eq!(too_deep(&number), Some((1, "a number of more than 1000 digits".to_owned())));
        assert!(too_deep(&parameters(2000)).is_some());
        for flat in [parameters(500), sum(500), brackets(50), branches(500), list, text] {
            assert_eq!(too_deep(&flat), None);
        }
    }
}
