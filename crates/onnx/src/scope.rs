//! Module paths that exporters leave in the model.

use crate::wire::NodeProto;

/// Module path of a node, outermost first; empty if the exporter left none.
///
/// PyTorch's TorchScript exporter names nodes `/layer1/layer1.0/conv1/Conv`; its newer exporter
/// keeps `namespace` in the node's metadata, `name: class` segments joined by `/`, of which the
/// last is the operator itself.
pub(crate) fn scope(node: &NodeProto) -> Vec<String> {
    if let Some(entry) = node.metadata_props.iter().find(|e| e.key() == "namespace") {
        return from_namespace(entry.value());
    }
    match node.name().strip_prefix('/') {
        Some(path) => from_name(path),
        None => Vec::new(),
    }
}

fn from_name(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split('/').collect();
    let modules = &segments[..segments.len() - 1];
    let mut scope: Vec<String> = Vec::with_capacity(modules.len());
    let mut parent = "";
    for module in modules {
        // `layer1/layer1.0` is module `0` of `layer1`; `encoder/layer.0` is `layer.0` of `encoder`.
        let own =
            module.strip_prefix(parent).and_then(|m| m.strip_prefix('.')).filter(|_| !parent.is_empty());
        scope.extend(own.unwrap_or(module).split('.').map(str::to_owned));
        parent = module;
    }
    scope
}

fn from_namespace(namespace: &str) -> Vec<String> {
    let names: Vec<&str> = namespace
        .split('/')
        .map(|segment| segment.split_once(": ").map_or(segment, |(name, _)| name))
        .collect();
    let modules = &names[..names.len() - 1];
    match modules.iter().rev().find(|m| !m.is_empty()) {
        Some(path) => path.split('.').map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torchscript_names() {
        assert_eq!(from_name("layer1/layer1.0/conv1/Conv"), ["layer1", "0", "conv1"]);
        assert_eq!(from_name("layer1/0/conv1/Conv"), ["layer1", "0", "conv1"]);
        assert_eq!(from_name("encoder/layer.0/attention/MatMul"), ["encoder", "layer", "0", "attention"]);
        assert_eq!(from_name("Flatten"), [""; 0]);
    }

    #[test]
    fn namespaces() {
        let path = ": torchvision.ResNet/layer1: Sequential/layer1.0: Block/layer1.0.conv1: Conv2d/conv2d_1: aten.conv2d";
        assert_eq!(from_namespace(path), ["layer1", "0", "conv1"]);
        assert_eq!(from_namespace(": Net/add: aten.add"), [""; 0]);
    }
}
