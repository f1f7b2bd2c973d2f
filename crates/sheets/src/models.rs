//! What sheets answered about whole models.

use hashbrown::HashMap;
use hawkeye_cost::Data;
use hawkeye_lower::LoweringError;

use crate::returned::Returned;

/// Nodes of models after which what was answered about them is forgotten: of all that a session remembers, it takes
/// most memory.
const MOST_NODES: usize = 20_000;

/// A function, and the model that it was shown, if it takes one.
pub(crate) type Question = (String, Option<Data>);

type Answer = Result<Option<Returned>, LoweringError>;

/// Answers by their questions, which they depend on alone.
#[derive(Default)]
pub(crate) struct Models {
    answers: HashMap<Question, Answer>,
    /// Nodes of the models that were shown.
    nodes: usize,
}

impl Models {
    pub(crate) fn known(&self, question: &Question) -> Option<Answer> {
        self.answers.get(question).cloned()
    }

    pub(crate) fn remember(&mut self, question: Question, answer: Answer) {
        let nodes = question.1.as_ref().and_then(|model| model.field("nodes"));
        let nodes = if let Some(Data::List(nodes)) = nodes { nodes.len() } else { 1 };
        if nodes > MOST_NODES {
            return;
        }
        if self.nodes.saturating_add(nodes) > MOST_NODES {
            *self = Self::default();
        }
        self.nodes = self.nodes.saturating_add(nodes);
        self.answers.insert(question, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(function: &str, nodes: usize) -> Question {
        let nodes = Data::List(vec![Data::None; nodes]);
        (function.to_owned(), Some(Data::Struct(vec![("nodes".into(), nodes)].into())))
    }

    fn answer(number: i64) -> Answer {
        Ok(Some(Returned { result: Data::Int(number), call: None, notes: Vec::new() }))
    }

    #[test]
    fn answers_are_remembered_by_function_and_model() {
        let mut models = Models::default();
        models.remember(question("plan", 2), answer(1));
        models.remember(question("plan", 3), answer(2));
        let known = |models: &Models, function, nodes| {
            models.known(&question(function, nodes)).map(|answer| answer.map(|o| o.map(|o| o.result)))
        };
        assert_eq!(known(&models, "plan", 2), Some(Ok(Some(Data::Int(1)))));
        assert_eq!(known(&models, "plan", 3), Some(Ok(Some(Data::Int(2)))));
        assert_eq!(known(&models, "end", 2), None);
    }

    #[test]
    fn large_models_are_forgotten() {
        let mut models = Models::default();
        models.remember(question("plan", MOST_NODES + 1), answer(1));
        assert!(models.known(&question("plan", MOST_NODES + 1)).is_none());
    }

    #[test]
    fn many_models_are_forgotten() {
        let mut models = Models::default();
        models.remember(question("plan", MOST_NODES / 2), answer(1));
        models.remember(question("end", MOST_NODES), answer(2));
        assert!(models.known(&question("plan", MOST_NODES / 2)).is_none());
        assert!(models.known(&question("end", MOST_NODES)).is_some());
    }
}
