//! What an evaluation of sheets may use: bounds on any input, checked where sheets do something.

use std::cell::RefCell;
use std::rc::Rc;

use starlark::codemap::{FileSpan, FileSpanRef};
use starlark::eval::{BeforeStmtFunc, BeforeStmtFuncDyn, Evaluator};

use crate::fault::misuse;

/// Nested calls of sheet functions, counting two for each protocol call.
pub(crate) const DEEPEST_CALLS: usize = 300;
/// Loop turns and calls that one evaluation may run.
const MOST_TICKS: u64 = 20_000_000;
/// Bytes of values that one evaluation may hold between two statements, beyond what it was given. One statement
/// may double them.
const LARGEST_HEAP: usize = 1 << 26;
/// Bytes of values that it may hold for each byte that it was given.
const HEAP_RATIO: usize = 16;
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
pub(crate) type Statement = Rc<RefCell<Option<FileSpan>>>;

/// Looks at each statement before it runs.
struct Guard {
    statement: Statement,
    largest_heap: usize,
}

impl<'e> BeforeStmtFuncDyn<'e> for Guard {
    fn call<'v>(
        &mut self,
        span: FileSpanRef<'_>,
        _continued: bool,
        eval: &mut Evaluator<'v, '_, 'e>,
    ) -> starlark::Result<()> {
        *self.statement.borrow_mut() = Some(span.to_file_span());
        if eval.heap().allocated_bytes() > self.largest_heap {
            return Err(misuse(format!(
                "the values here take more than {} bytes of memory",
                self.largest_heap
            )));
        }
        if eval.get_total_tick_count() > MOST_TICKS {
            return Err(misuse(format!("runs more than {MOST_TICKS} loop turns and calls")));
        }
        Ok(())
    }
}

/// Bounds what an evaluation may use beyond the values that it has by now; gives the statement that runs, for errors that come without a place.
pub(crate) fn limit(eval: &mut Evaluator<'_, '_, '_>) -> Statement {
    // Values are held by host functions while sheets run.
    eval.disable_gc();
    // The interpreter itself checks its limits every thousand ticks, in which a text can double a thousand
    // times; it has no other hook that runs between statements than that of debuggers.
    let statement = Statement::default();
    let largest_heap = eval.heap().allocated_bytes().saturating_mul(HEAP_RATIO).saturating_add(LARGEST_HEAP);
    let guard = Guard { statement: statement.clone(), largest_heap };
    eval.before_stmt_for_dap(BeforeStmtFunc::from_dyn(Box::new(guard)));
    let limits = eval
        .set_max_callstack_size(DEEPEST_CALLS)
        .and(eval.set_max_tick_count(MOST_TICKS + 1000))
        .and(eval.set_max_heap_size(largest_heap.saturating_mul(2)));
    limits.expect("a new evaluator has no limits yet");
    statement
}
