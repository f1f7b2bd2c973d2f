//! Plans of whole models, and faults and refusals of whole functions.

use hawkeye_grad::Pass;
use hawkeye_lower::{LoweringError, ModelSource, Plan};

use super::Sheets;
use crate::entry::entry_name;
use crate::returned::{nodes_plan, step_plan};

impl Sheets {
    /// Whether the function of an operator is there to say why there is none.
    pub(crate) fn only_refuses(&self, pass: Pass, domain: &str, op: &str) -> bool {
        self.library.only_refuses(&entry_name(pass, domain, op))
    }

    /// A fault of a function as a whole, with the place of its definition.
    pub(super) fn placed(&self, function: &str, error: LoweringError) -> LoweringError {
        self.author.blame(match (error, self.library.place(function)) {
            (LoweringError::Broken(message), Some((place, line))) => {
                let (said, calls) = message.split_at(message.find('\n').unwrap_or(message.len()));
                LoweringError::Broken(format!("{place}: {said}{line}{calls}"))
            }
            (error, _) => error,
        })
    }

    /// What the sheets plan: a training step as a whole, if they have a function for that.
    pub(super) fn plan(&mut self, trained: bool, model: ModelSource<'_>) -> Result<Plan, LoweringError> {
        let function = match trained {
            true if self.defines("plan_step") => "plan_step",
            true if self.defines("plan_training") => "plan_training",
            _ => "plan",
        };
        let plan = self.about(function, None, model)?.map(|o| o.result).unwrap_or_default();
        let plan = match function {
            "plan_step" => step_plan(plan).map(Plan::Step),
            _ => nodes_plan(function, plan).map(Plan::Nodes),
        };
        plan.map_err(|error| self.placed(function, error))
    }

    /// Where the function is defined that a call is named after: itself, or the one for an operator.
    pub(super) fn defined_at(&self, call: &str) -> Option<String> {
        let function = if self.defines(call) { call.to_owned() } else { entry_name(Pass::Forward, "", call) };
        self.library.place(&function).map(|(place, line)| format!("{place}{line}"))
    }
}
