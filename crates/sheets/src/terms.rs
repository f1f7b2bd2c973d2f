//! What rules of users are written with: operators over operands, as patterns and as what takes their place.

use hawkeye_cost::Data;

/// Operators that one pattern or replacement may have.
pub(crate) const MOST_OPERATORS: usize = 1000;

/// A value of a pattern or replacement.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// No operand, where one may be left out.
    Absent,
    /// The value of that name. In a pattern, one that ends with `?` may be left out.
    Name(String),
    /// A constant of one element.
    Number(f64),
    /// A constant vector of integers.
    Ints(Vec<i64>),
    /// What a node makes.
    Applied(Application),
}

/// A node of a pattern or replacement.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// ONNX operator.
    pub op: String,
    /// Its inputs.
    pub operands: Vec<Term>,
    /// Attributes by name: numbers, texts and lists of them.
    pub attributes: Vec<(String, Data)>,
    /// Name that a pattern gives its output.
    pub bind: Option<String>,
    /// Whether others may read the output, too.
    pub shared: bool,
}

impl Term {
    /// Reads what `op()` gave, or an operand.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn read(data: &Data) -> Result<Self, String> {
        let mut left = MOST_OPERATORS;
        term(data, &mut left)
    }

    /// Names of values in it.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Absent | Self::Number(_) | Self::Ints(_) => Vec::new(),
            Self::Name(name) => vec![name.trim_end_matches('?')],
            Self::Applied(applied) => {
                let operands = applied.operands.iter().flat_map(Self::names);
                operands.chain(applied.bind.as_deref()).collect()
            }
        }
    }
}

fn term(data: &Data, left: &mut usize) -> Result<Term, String> {
    Ok(match data {
        Data::None => Term::Absent,
        Data::Int(i) => Term::Number(*i as f64),
        Data::Float(bits) => Term::Number(f64::from_bits(*bits)),
        Data::Text(name) => Term::Name(name.clone()),
        Data::List(items) | Data::Tuple(items) => Term::Ints(ints(items)?),
        Data::Struct(_) => Term::Applied(application(data, left)?),
        Data::Bool(_) | Data::Dict(_) => {
            return Err(
                "an operand is the name of a value, op(...), a number, a list of integers or None".to_owned()
            );
        }
    })
}

fn ints(items: &[Data]) -> Result<Vec<i64>, String> {
    let int = |item: &Data| if let Data::Int(i) = item { Some(*i) } else { None };
    items
        .iter()
        .map(int)
        .collect::<Option<_>>()
        .ok_or_else(|| "a list among operands holds integers alone".to_owned())
}

fn application(data: &Data, left: &mut usize) -> Result<Application, String> {
    let fields = (data.field("op"), data.field("operands"), data.field("attributes"));
    let (Some(Data::Text(op)), Some(Data::List(operands)), Some(Data::Dict(attributes))) = fields else {
        return Err("a record among operands is no op(...)".to_owned());
    };
    *left = left.checked_sub(1).ok_or_else(|| format!("it has more than {MOST_OPERATORS} operators"))?;
    let attribute = |(name, value): &(Data, Data)| {
        let Data::Text(name) = name else { return Err("attributes have names".to_owned()) };
        let plain =
            |data: &Data| matches!(data, Data::Bool(_) | Data::Int(_) | Data::Float(_) | Data::Text(_));
        match value {
            Data::List(items) if items.iter().all(plain) => Ok((name.clone(), value.clone())),
            value if plain(value) => Ok((name.clone(), value.clone())),
            _ => Err(format!("attribute {name} is a number, a text or a list of them")),
        }
    };
    Ok(Application {
        op: op.clone(),
        operands: operands.iter().map(|operand| term(operand, left)).collect::<Result<_, _>>()?,
        attributes: attributes.iter().map(attribute).collect::<Result<_, _>>()?,
        bind: if let Some(Data::Text(name)) = data.field("bind") { Some(name.clone()) } else { None },
        shared: matches!(data.field("shared"), Some(Data::Bool(true))),
    })
}
