//! The files beside a model in which its weights lie.

use std::path::{Path, PathBuf};

use prost::Message;

use crate::foreign::decode;
use crate::function::DEEPEST;
use crate::map::read;
use crate::wire::{GraphProto, NodeProto, SparseTensorProto, TensorProto};

/// The files that the initializers and constants of a model say their data lie in, those of bodies and functions
/// among them; none if the path leads to no model.
pub fn external_files(model: &Path) -> Vec<PathBuf> {
    let Some(proto) = read(model).ok().and_then(|bytes| decode(&bytes).ok()) else { return Vec::new() };
    let mut locations = Locations { folder: model.parent().unwrap_or(Path::new("")), files: Vec::new() };
    proto.graph.iter().for_each(|graph| locations.graph(graph, 0));
    proto.functions.iter().for_each(|function| locations.nodes(&function.node, 0));
    locations.files.sort();
    locations.files.dedup();
    locations.files
}

struct Locations<'a> {
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl Locations<'_> {
    fn graph(&mut self, graph: &GraphProto, depth: usize) {
        graph.initializer.iter().for_each(|tensor| self.tensor(tensor));
        graph.sparse_initializer.iter().for_each(|sparse| self.sparse(sparse));
        self.nodes(&graph.node, depth);
    }

    fn nodes(&mut self, nodes: &[NodeProto], depth: usize) {
        for attribute in nodes.iter().flat_map(|node| &node.attribute) {
            attribute.t.iter().for_each(|tensor| self.tensor(tensor));
            attribute.sparse_tensor.iter().for_each(|sparse| self.sparse(sparse));
            let body = attribute.g.as_ref().filter(|_| depth < DEEPEST);
            if let Some(body) = body.and_then(|body| GraphProto::decode(body.clone()).ok()) {
                self.graph(&body, depth + 1);
            }
        }
    }

    fn sparse(&mut self, sparse: &SparseTensorProto) {
        sparse.values.iter().chain(&sparse.indices).for_each(|tensor| self.tensor(tensor));
    }

    fn tensor(&mut self, tensor: &TensorProto) {
        let locations = tensor.external_data.iter().filter(|entry| entry.key() == "location");
        self.files.extend(locations.map(|entry| self.folder.join(entry.value())));
    }
}
