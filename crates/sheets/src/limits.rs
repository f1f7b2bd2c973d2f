//! What an evaluation of sheets may use: bounds on any input, checked where sheets do something.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;

use starlark::PrintHandler;
use starlark::codemap::{FileSpan, FileSpanRef};
use starlark::eval::{BeforeStmtFunc, BeforeStmtFuncDyn, Evaluator};
use starlark::values::Heap;

use crate::fault::{DEEPEST_CALLS, MOST_TICKS, RUNS_LONG, misuse, runs_long};
use hawkeye_graph::printable;

/// How the interpreter begins to say that values take too much memory.
const HEAP_FULL: &str = "Heap memory limit";
/// What is said of values that would.
const TAKES_MORE: &str = "the values here take more than";
/// What is said of a range of too many elements, and of one whose ends are no small integers.
pub(crate) const LONG_RANGE: &str = "a range has more than";
/// See [`LONG_RANGE`].
pub(crate) const WIDE_RANGE: &str = "is too large for a range";
/// What is said of more calls than are recorded.
pub(crate) const ONE_BY_ONE: &str = "calls are recorded one by one";
/// Elements and characters that one evaluation may look through, comparing, hashing, searching and writing out: what is
/// done by functions of the host takes no loop turns.
const MOST_LOOKED: usize = 50_000_000;
/// Bytes of values that one evaluation may hold, beyond what it was given. In sheets of users they are looked at before
/// every statement and before whatever may make much (`bounded.rs`).
const LARGEST_HEAP: usize = 1 << 26;
/// The same of sheets that come with the tool, of which compilers hold a whole program.
const LARGEST_PROGRAM: usize = 1 << 27;
/// Bytes of values that it may hold for each byte that it was given.
const HEAP_RATIO: usize = 4;
/// Warnings, and kinds of evidence, of one call.
pub(crate) const MOST_NOTES: usize = 1000;
/// Items that one call may have, counting messages.
pub(crate) const MOST_ITEMS: usize = 200_000;
/// Calls that one evaluation may record.
pub(crate) const MOST_CALLS: usize = 150_000;
/// Elements of a repeated list, tuple or text, and of a range.
pub(crate) const LONGEST: i64 = 1_000_000;
/// Bytes of a channel's name, which every message on it holds.
pub(crate) const LONGEST_NAME: usize = 200;
/// How deep plain data may nest.
pub(crate) const DEEPEST_DATA: usize = 64;
/// Values that plain data may hold.
pub(crate) const LARGEST_DATA: usize = 1 << 20;

/// The statement that runs.
type LastStatement = Rc<RefCell<Option<FileSpan>>>;

thread_local! {
    /// Bytes that the values of the evaluation may take that runs on this thread.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Elements that it has looked through.
    static LOOKED: Cell<usize> = const { Cell::new(0) };
}

/// Counts elements that are looked through.
///
/// # Errors
/// If that makes more than an evaluation may.
pub(crate) fn look(elements: usize) -> starlark::Result<()> {
    LOOKED.set(LOOKED.get().saturating_add(elements));
    match LOOKED.get() > MOST_LOOKED {
        true => Err(misuse(format!("{RUNS_LONG} {MOST_LOOKED} looks at elements of values"))),
        false => Ok(()),
    }
}

/// Looks whether values of so many bytes more may be made.
///
/// # Errors
/// If they would take more memory than an evaluation may.
pub(crate) fn room(heap: Heap<'_>, more: usize) -> starlark::Result<()> {
    let largest = LARGEST.get();
    match heap.allocated_bytes().saturating_add(more) > largest {
        true => Err(misuse(format!("{TAKES_MORE} {largest} bytes of memory"))),
        false => Ok(()),
    }
}

/// Whether that is what is said of an evaluation that came to a bound, so that a smaller model might not.
pub(crate) fn came_to_a_bound(said: &str) -> bool {
    [HEAP_FULL, TAKES_MORE, RUNS_LONG, ONE_BY_ONE, LONG_RANGE, WIDE_RANGE]
        .iter()
        .any(|bound| said.contains(bound))
}

/// Looks at each statement before it runs.
struct StatementWatch {
    statement: LastStatement,
}

impl<'e> BeforeStmtFuncDyn<'e> for StatementWatch {
    fn call<'v>(
        &mut self,
        span: FileSpanRef<'_>,
        _continued: bool,
        eval: &mut Evaluator<'v, '_, 'e>,
    ) -> starlark::Result<()> {
        *self.statement.borrow_mut() = Some(span.to_file_span());
        room(eval.heap(), 0)?;
        if eval.get_total_tick_count() > MOST_TICKS {
            return Err(misuse(runs_long()));
        }
        Ok(())
    }
}

/// Writes what sheets `print` to standard error, whether or not anybody reads it.
struct Printer;

impl PrintHandler for Printer {
    fn println(&self, text: &str) -> starlark::Result<()> {
        // Nobody misses what nobody reads.
        let _ = writeln!(std::io::stderr(), "{}", printable(text));
        Ok(())
    }
}

/// The bounds of the evaluation that runs. A function that is needed late has its file run within the evaluation that
/// calls it: what bounded that one does so again afterwards.
pub(crate) struct Bounds {
    statement: LastStatement,
    outer_largest: usize,
    outer_looked: usize,
}

impl Bounds {
    /// The statement that runs, for errors that come without a place.
    pub(crate) fn statement(&self) -> Option<FileSpan> {
        self.statement.borrow().clone()
    }
}

impl Drop for Bounds {
    fn drop(&mut self) {
        LARGEST.set(self.outer_largest);
        LOOKED.set(self.outer_looked);
    }
}

/// Bounds what an evaluation may use beyond the values that it has by now, while what is returned lives. Before every
/// statement that is looked at only if sheets of users have a part in it: those that come with the tool make nothing
/// that doubles, so that every thousand loop turns is enough.
#[must_use]
pub(crate) fn limit(eval: &mut Evaluator<'_, '_, '_>, by_statement: bool) -> Bounds {
    // Values are held by host functions while sheets run.
    eval.disable_gc();
    eval.set_print_handler(&Printer);
    // The interpreter itself checks its limits every thousand ticks, in which a text can double a thousand
    // times; it has no other hook that runs between statements than that of debuggers.
    let statement = LastStatement::default();
    let own = if by_statement { LARGEST_HEAP } else { LARGEST_PROGRAM };
    let largest = eval.heap().allocated_bytes().saturating_mul(HEAP_RATIO).saturating_add(own);
    if by_statement {
        let guard = StatementWatch { statement: statement.clone() };
        eval.before_stmt_for_dap(BeforeStmtFunc::from_dyn(Box::new(guard)));
    }
    let limits = eval
        .set_max_callstack_size(DEEPEST_CALLS)
        .and(eval.set_max_tick_count(MOST_TICKS + 1000))
        // Before every statement it is looked at with a better message.
        .and(eval.set_max_heap_size(if by_statement { largest.saturating_mul(2) } else { largest }));
    limits.expect("a new evaluator has no limits yet");
    Bounds { statement, outer_largest: LARGEST.replace(largest), outer_looked: LOOKED.replace(0) }
}

#[cfg(test)]
mod tests {
    use starlark::environment::{Globals, Module};
    use starlark::syntax::{AstModule, Dialect};

    use super::*;
    use crate::fault::too_long;

    #[test]
    fn what_the_interpreter_says_of_its_bounds_is_known() {
        let said = Module::with_temp_heap(|module| {
            let mut eval = Evaluator::new(&module);
            eval.set_max_tick_count(1000).expect("a new evaluator has no limits yet");
            let ast = AstModule::parse("s.star", "[0 for i in range(9000)]".to_owned(), &Dialect::Standard);
            let result = eval.eval_module(ast.expect("it is Starlark"), &Globals::standard());
            result.expect_err("it runs long").without_diagnostic().to_string()
        });
        assert!(too_long(&said).is_some_and(|said| came_to_a_bound(&said)), "{said}");
        assert_eq!(too_long("x"), None);
    }

    #[test]
    fn an_evaluation_within_another_leaves_that_ones_bounds() {
        Module::with_temp_heap(|module| {
            module.heap().alloc("x".repeat(1 << 20));
            let mut eval = Evaluator::new(&module);
            let _outer = limit(&mut eval, false);
            let held = LARGEST.get();
            assert!(held > LARGEST_PROGRAM + (1 << 20));
            look(10).expect("few are looked at");
            Module::with_temp_heap(|module| {
                let mut eval = Evaluator::new(&module);
                let _inner = limit(&mut eval, false);
                assert_eq!((LARGEST.get(), LOOKED.get()), (LARGEST_PROGRAM, 0));
            });
            assert_eq!((LARGEST.get(), LOOKED.get()), (held, 10));
        });
    }
}
