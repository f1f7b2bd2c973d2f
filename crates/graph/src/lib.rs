//! The typed computation graph that every pass reads.
//!
//! A [`Graph`] is immutable once built; what passes find out about it lives in side tables indexed
//! by [`ValueId`] or [`NodeId`]. Nodes stand in execution order. A pass that makes nodes does so with a
//! [`GraphBuilder`], and [`verify`] says what holds of every graph.

mod attribute;
mod builder;
mod diagnostic;
mod dtype;
mod facts;
mod finish;
mod graph;
mod id;
mod nearest;
mod nested;
mod order;
mod printable;
mod provenance;
mod tensor;
mod verify;

pub use attribute::{Attribute, Attributes};
pub use builder::{GraphBuilder, Mark, Owner};
pub use diagnostic::{Diagnostic, Failure, Place, Severity};
pub use dtype::DType;
pub use facts::{Fact, Shapes};
pub use graph::{DeclaredType, Dim, FileNode, Graph, Kind, Node, Origin, Value};
pub use id::{NodeId, Table, ValueId};
pub use nearest::nearest;
pub use nested::check_nesting;
pub use order::{Cycle, execution_order};
pub use printable::{counted, printable};
pub use provenance::{Derivation, Provenance, ProvenanceStep};
pub use tensor::{Elements, SMALL, Tensor, element_count};
pub use verify::verify;
