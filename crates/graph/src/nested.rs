//! Text whose readers would take too long.

/// Brackets within brackets.
const DEEPEST: usize = 1000;

/// Refuses YAML with brackets nested deeper than anyone writes them: the time that its parser takes grows with
/// their depth times the length of the text, and texts come from files that anyone may have written. Brackets in
/// quoted text count, too, unless they are closed there.
///
/// # Errors
/// Tells the line.
pub fn check_nesting(text: &str) -> Result<(), String> {
    let (mut depth, mut line) = (0usize, 1usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => line += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("line {line}: more than {DEEPEST} brackets within brackets"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_nesting;

    #[test]
    fn brackets_nest_to_a_depth() {
        let nested = |n: usize| format!("x: 1\ny: {}{}\n", "[".repeat(n), "]".repeat(n));
        assert_eq!(check_nesting(&nested(1000)), Ok(()));
        assert_eq!(check_nesting(&"x: [{a: 1}]\n".repeat(5000)), Ok(()));
        let said = check_nesting(&nested(1001));
        assert_eq!(said, Err("line 2: more than 1000 brackets within brackets".to_owned()));
    }
}
