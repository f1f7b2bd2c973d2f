//! Starlark sheets as a lowering.

mod plan;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use hawkeye_cost::{CallId, Calls, Data};
use hawkeye_grad::Pass;
use hawkeye_lower::{
    Ability, Compiled, Demand, Lowered, Lowering, LoweringError, ModelSource, NodeView, Note, Reading,
};
use starlark::codemap::FileSpan;
use starlark::environment::Module;
use starlark::eval::Evaluator;

use crate::convert::{to_data, to_value};
use crate::definitions::Definitions;
use crate::entry::{entry_name, operator_name};
use crate::fault::misuse;
use crate::library::{Found, Library};
use crate::limits::limit;
use crate::models::Models;
use crate::protocol::OVERLAY;
use crate::recorder::{PartyCounts, Recorder};
use crate::remedy::Author;
use crate::returned::{Returned, lowered, missing, readings, refusal};

/// Loaded sheets; see [`Lowering`].
pub struct Sheets {
    library: Arc<Library>,
    recorder: Recorder,
    /// Operators of ONNX that send nothing and hand on the state of their first input, unless a function says
    /// otherwise; `None` for all.
    free: Option<Arc<[String]>>,
    author: Author,
    nodes: HashMap<(Pass, bool, Data), Result<Lowered, LoweringError>>,
    drawn: HashMap<(String, Data, Data), (Data, Option<CallId>)>,
    readings: HashMap<(String, Data), Result<Vec<Reading>, LoweringError>>,
    models: Models,
    /// The operators that the sheets plan all together, for one function to lower; `None` if they have a
    /// function for each.
    planned: OnceLock<Result<Option<BTreeSet<String>>, String>>,
}

/// The function that lowers what the sheets planned as a whole.
pub const PLANNED_PART: &str = "lower_part";

/// What sheets call the list of the operators that it plans all together.
const PLANNED: &str = "OPERATORS";

impl std::fmt::Debug for Sheets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheets").finish_non_exhaustive()
    }
}

impl Sheets {
    pub(crate) fn new(
        library: Arc<Library>,
        parties: PartyCounts,
        free: Option<Arc<[String]>>,
        author: Author,
    ) -> Self {
        Self {
            recorder: recorder(&library, parties),
            library,
            free,
            author,
            nodes: HashMap::new(),
            drawn: HashMap::new(),
            readings: HashMap::new(),
            models: Models::default(),
            planned: OnceLock::new(),
        }
    }

    /// Makes others of the same sheets, which are not run again, for other threads.
    pub fn factory(&self) -> impl Fn() -> Self + Send + Sync + use<> {
        let (library, parties) = (self.library.clone(), self.recorder.parties());
        let (free, author) = (self.free.clone(), self.author.clone());
        move || Self::new(library.clone(), parties, free.clone(), author.clone())
    }

    /// Operators that the sheets lower, as they are named in ONNX, sorted. All sheets are run.
    ///
    /// # Errors
    /// If a sheet can't be run.
    pub fn operators(&self) -> Result<Vec<String>, LoweringError> {
        if let Some(planned) = self.planned()? {
            return Ok(planned.iter().cloned().collect());
        }
        let mut names = self.library.names("lower_").map_err(LoweringError::Broken)?;
        names.retain(|name| name != PLANNED_PART);
        names.iter_mut().for_each(|name| *name = name["lower_".len()..].to_owned());
        names.sort();
        Ok(names)
    }

    /// The operators that the sheet plans all together.
    fn planned(&self) -> Result<Option<&BTreeSet<String>>, LoweringError> {
        let planned = self.planned.get_or_init(|| {
            let Some(names) = self.library.get(PLANNED)? else { return Ok(None) };
            let name = |data| if let Data::Text(name) = data { Some(name) } else { None };
            let names = match to_data(names.value.value()) {
                Some(Data::List(names) | Data::Tuple(names)) => names.into_iter().map(name).collect(),
                _ => None,
            };
            names.map(Some).ok_or_else(|| format!("{PLANNED} is not a list of names"))
        });
        match planned {
            Ok(planned) => Ok(planned.as_ref()),
            Err(problem) => Err(LoweringError::Broken(problem.clone())),
        }
    }

    /// Where the functions are defined that were called so far.
    #[must_use]
    pub fn definitions(&self) -> Definitions {
        Definitions::new(self.library.definitions(), &self.recorder.edges())
    }

    /// Runs any public function of the sheets, for tests of what the sheets are built from: the
    /// calls that it makes, if any.
    ///
    /// # Errors
    /// If there is no such function, or it fails.
    pub fn call(
        &mut self,
        calls: &mut Calls,
        function: &str,
        arguments: &[Data],
    ) -> Result<Option<CallId>, LoweringError> {
        let arguments: Vec<&Data> = arguments.iter().collect();
        let outcome = self.run(calls, function, function, &arguments)?;
        Ok(outcome.ok_or_else(|| missing(function))?.call)
    }

    fn defines(&self, function: &str) -> bool {
        // A sheet that can't be run says so when the function is called.
        !matches!(self.library.get(function), Ok(None))
    }

    /// Whether an operator is free because no sheet says otherwise.
    #[must_use]
    pub fn is_free(&self, domain: &str, op: &str) -> bool {
        domain.is_empty()
            && self.free.as_ref().is_none_or(|free| free.iter().any(|free| free == op))
            && matches!(self.planned(), Ok(None))
            && !self.defines(&entry_name(Pass::Forward, domain, op))
    }

    /// Runs a function of the sheets; `None` if there is none of that name.
    fn run(
        &self,
        calls: &mut Calls,
        function: &str,
        name: &str,
        arguments: &[&Data],
    ) -> Result<Option<Returned>, LoweringError> {
        self.record(&self.recorder, calls, function, name, arguments)
    }

    /// Asks a function of the sheets that makes no calls; `None` if there is none of that name.
    fn ask(&self, function: &str, arguments: &[&Data]) -> Result<Option<Returned>, LoweringError> {
        // What the recorder knows belongs to the program's arena.
        let scratch = recorder(&self.library, self.recorder.parties());
        self.record(&scratch, &mut Calls::default(), function, function, arguments)
    }

    /// What a function says of the model. One that makes calls does so in the arena, under a name.
    fn about(
        &mut self,
        function: &str,
        calls: Option<(&mut Calls, &str)>,
        model: ModelSource<'_>,
    ) -> Result<Option<Returned>, LoweringError> {
        let shown = self.shown(function, model);
        let key = (function.to_owned(), shown);
        if let Some(known) = self.models.known(&key) {
            return known;
        }
        let arguments = key.1.as_ref();
        let answer = match calls {
            Some((calls, name)) => self.run(calls, function, name, arguments.as_slice()),
            None => self.ask(function, arguments.as_slice()),
        };
        self.models.remember(key, answer.clone());
        answer
    }

    /// What a function is shown of the model; one without parameters needs none of it.
    fn shown(&self, function: &str, model: ModelSource<'_>) -> Option<Data> {
        let function = self.library.get(function).ok().flatten();
        let blind = |function: &Found| {
            let specification = function.value.value().parameters_spec();
            specification.is_some_and(|specification| specification.can_fill_with_args(0, &[]))
        };
        function.filter(|function| !blind(function)).map(|_| model().data())
    }

    fn record(
        &self,
        recorder: &Recorder,
        calls: &mut Calls,
        function: &str,
        name: &str,
        arguments: &[&Data],
    ) -> Result<Option<Returned>, LoweringError> {
        let entry = function;
        let Some(function) = self.library.get(function).map_err(LoweringError::Broken)? else {
            return Ok(None);
        };
        recorder.with_calls(calls, || {
            Module::with_temp_heap(|module| {
                let mut eval = Evaluator::new(&module);
                eval.extra = Some(recorder);
                let heap = module.heap();
                let arguments: Vec<_> = arguments.iter().map(|data| to_value(data, heap)).collect();
                let bounds = limit(&mut eval, self.library.has_users);
                recorder.begin(name, Some(function.definition));
                let replaced = function.replaced.then(|| Note::Evidence(OVERLAY.to_owned()));
                let noted = replaced.map_or(Ok(()), |note| recorder.note(note));
                let value = heap.access_owned_frozen_value(&function.value);
                let result =
                    noted.and_then(|()| eval.eval_function(value, &arguments, &[])).and_then(|result| {
                        let no_data =
                            || format!("{name} returns {}, which is no plain data", result.get_type());
                        to_data(result).ok_or_else(|| misuse(no_data()))
                    });
                let closed = recorder.end();
                let written = |span: &FileSpan| self.library.written(span);
                let result = result.map_err(|error| {
                    let last = bounds.statement();
                    let placed = error.span().is_some() || last.is_some();
                    let refusal = refusal(&error, last.as_ref(), &written);
                    if placed { self.author.blame(refusal) } else { self.placed(entry, refusal) }
                })?;
                Ok(Some(Returned { result, call: recorder.store(closed.call), notes: closed.notes }))
            })
        })
    }

    fn model(
        &mut self,
        calls: &mut Calls,
        function: &str,
        name: &str,
        model: ModelSource<'_>,
    ) -> Result<Lowered, LoweringError> {
        let outcome = self.about(function, Some((calls, name)), model)?;
        Ok(outcome
            .map(|o| Lowered { call: o.call, notes: o.notes, ..Lowered::default() })
            .unwrap_or_default())
    }

    /// Draws that were made before are remembered.
    fn draw(
        &mut self,
        calls: &mut Calls,
        resource: &str,
        state: &Data,
        request: &Data,
    ) -> Result<(Data, Option<CallId>), LoweringError> {
        let key = (resource.to_owned(), state.clone(), request.clone());
        if let Some(known) = self.drawn.get(&key) {
            return Ok(known.clone());
        }
        let function = format!("draw_{resource}");
        let outcome = self.run(calls, &function, &function, &[state, request])?;
        let outcome = outcome.ok_or_else(|| missing(&function))?;
        let drawn = (outcome.result, outcome.call);
        self.drawn.insert(key, drawn.clone());
        Ok(drawn)
    }

    fn call_sheet(&self, calls: &mut Calls, node: &NodeView, data: &Data) -> Result<Lowered, LoweringError> {
        let function = if node.planned || self.planned()?.is_some() {
            PLANNED_PART.to_owned()
        } else {
            entry_name(node.pass, &node.domain, &node.op)
        };
        match self.run(calls, &function, &node.op, &[data])? {
            Some(outcome) => lowered(outcome, &function, node).map_err(|error| self.placed(&function, error)),
            None if node.pass == Pass::Forward && self.is_free(&node.domain, &node.op) => {
                let state = node.inputs.first().and_then(Option::as_ref).map(|input| input.state.clone());
                Ok(Lowered { outputs: state.into_iter().collect(), ..Lowered::default() })
            }
            None => Err(missing(&function)),
        }
    }
}

/// A recorder of what functions of a library do.
fn recorder(library: &Arc<Library>, parties: PartyCounts) -> Recorder {
    let library = library.clone();
    Recorder::new(parties, Arc::new(move |position| library.late(position)))
}

impl Lowering for Sheets {
    fn supports(&self, ability: Ability, domain: &str, op: &str) -> Result<(), LoweringError> {
        let function = match ability {
            Ability::Lower(pass) => entry_name(pass, domain, op),
            Ability::Train => entry_name(Pass::Backward, domain, op),
            Ability::Read => format!("read_{}", operator_name(domain, op)),
        };
        let found = match (ability, self.planned()?) {
            (Ability::Lower(Pass::Forward), Some(planned)) => planned.contains(&operator_name(domain, op)),
            (Ability::Train, _) if self.defines("plan_step") => true,
            (Ability::Lower(Pass::Forward), None) => self.defines(&function) || self.is_free(domain, op),
            _ => self.defines(&function),
        };
        if found { Ok(()) } else { Err(LoweringError::Unsupported) }
    }

    fn remedy(&self, pass: Pass, domain: &str, op: &str) -> String {
        self.author.remedy(pass, domain, op)
    }

    fn selection_remedy(&self, domain: &str, op: &str) -> Option<String> {
        self.author.selection_remedy(domain, op)
    }

    fn definition(&self, call: &str) -> Option<String> {
        self.defined_at(call)
    }

    fn readings(&mut self, node: &NodeView) -> Result<Vec<Reading>, LoweringError> {
        let key = (format!("read_{}", operator_name(&node.domain, &node.op)), node.data());
        if let Some(known) = self.readings.get(&key) {
            return known.clone();
        }
        let read = match self.ask(&key.0, &[&key.1]) {
            Ok(Some(outcome)) => readings(outcome.result, &key.0).map_err(|error| self.placed(&key.0, error)),
            Ok(None) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        self.readings.insert(key, read.clone());
        read
    }

    fn compile(
        &mut self,
        calls: &mut Calls,
        trained: bool,
        model: ModelSource<'_>,
    ) -> Result<Compiled, Vec<LoweringError>> {
        let plan = self.plan(trained, model);
        let notes = self.about("check", None, model).map(|o| o.map(|o| o.notes).unwrap_or_default());
        let begin = self.model(calls, "begin", "Setup", model);
        match (plan, notes, begin) {
            (Ok(plan), Ok(notes), Ok(begin)) => Ok(Compiled { plan, notes, begin }),
            (plan, notes, begin) => {
                Err([plan.err(), notes.err(), begin.err()].into_iter().flatten().collect())
            }
        }
    }

    fn node(&mut self, calls: &mut Calls, node: &NodeView) -> Result<Lowered, LoweringError> {
        // Failures are remembered, too: a model may have the same node a thousand times.
        let key = (node.pass, node.planned, node.data());
        if let Some(known) = self.nodes.get(&key) {
            return known.clone();
        }
        let lowered = self.call_sheet(calls, node, &key.2);
        self.nodes.insert(key, lowered.clone());
        lowered
    }

    fn end(&mut self, calls: &mut Calls, model: ModelSource<'_>) -> Result<Lowered, LoweringError> {
        self.model(calls, "end", "Output", model)
    }

    fn meet(
        &mut self,
        calls: &mut Calls,
        demand: Demand<'_>,
    ) -> Result<(Data, Option<CallId>), LoweringError> {
        match demand {
            Demand::Draw { resource, state, request } => self.draw(calls, resource, state, request),
            Demand::Group { group, weight } => {
                let function = format!("group_{group}");
                let weight = i64::try_from(weight).map_err(|_| {
                    LoweringError::Broken(format!("the weights that are deferred to \"{group}\" exceed 2^63"))
                })?;
                let weight = Data::Int(weight);
                let outcome = self.run(calls, &function, &function, &[&weight])?;
                Ok((Data::None, outcome.ok_or_else(|| missing(&function))?.call))
            }
        }
    }
}
