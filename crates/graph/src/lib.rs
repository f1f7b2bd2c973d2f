//! The typed computation graph that every pass reads.
//!
//! A [`Graph`] is immutable once built; what passes find out about it lives in side tables indexed
//! by [`ValueId`] or [`NodeId`]. Nodes stand in execution order.

mod attribute;
mod diagnostic;
mod dtype;
mod facts;
mod graph;
mod id;
mod nearest;
mod order;
mod tensor;

pub use attribute::{Attribute, Attributes};
pub use diagnostic::{Diagnostic, Failure, Place, Severity};
pub use dtype::DType;
pub use facts::{Fact, Shapes};
pub use graph::{DeclaredType, Dim, Graph, Kind, Node, Origin, Value};
pub use id::{NodeId, Table, ValueId};
pub use nearest::nearest;
pub use order::{Cycle, execution_order};
pub use tensor::{Elements, SMALL, Tensor};
